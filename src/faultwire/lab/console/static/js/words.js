// Every outcome in words a person can use. The kinds are those of the services' log lines.

const KINDS = {
  ok: { family: "ok", what: "B had A's answer in time." },
  dns_error: { family: "unavailable", what: "The name of A did not resolve." },
  connection_refused: { family: "unavailable", what: "Nobody listens where B looks for A. B knows within a millisecond." },
  connect_timeout: { family: "timeout", what: "The connection to A never came about." },
  connection_reset: { family: "unavailable", what: "The connection to A was torn down." },
  empty_response: { family: "unavailable", what: "The connection was closed without a byte of an answer." },
  response_timeout: { family: "timeout", what: "A did not answer in full before B's deadline. B stopped waiting; nobody knows what A did." },
  response_truncated: { family: "unavailable", what: "A's answer broke off before its promised end." },
  response_malformed: { family: "error", what: "What came back was not HTTP." },
  response_too_large: { family: "error", what: "The answer was larger than B is willing to hold." },
  response_invalid: { family: "error", what: "The answer was HTTP, but not the JSON that A promises." },
  upstream_status: { family: "error", what: "A answered, with an error of its own." },
  deadline_exceeded: { family: "timeout", what: "No time was left to start another attempt." },
  circuit_open: { family: "shed", what: "B's breaker is open: it did not even ask A." },
  bulkhead_full: { family: "shed", what: "Too many calls to A were under way already." },
  overloaded: { family: "shed", what: "B itself had no resources left." },
  bad_request: { family: "client", what: "The client's request was not acceptable to B." },
  client_left: { family: "client", what: "The client left before B could answer." },
  unavailable: { family: "unavailable", what: "A could not be reached." },
  timeout: { family: "timeout", what: "A was too slow." },
  error: { family: "error", what: "A answered with an error." },
  no_answer: { family: "unavailable", what: "B itself did not answer: it is down, or paused." },
};

export const FAMILIES = {
  ok: "answered",
  unavailable: "connection failed",
  timeout: "too slow",
  error: "wrong answer",
  shed: "B held back",
  client: "client's own",
};

export const family = (kind) => KINDS[kind]?.family ?? "error";
export const what = (kind) => KINDS[kind]?.what ?? "";

/** What became of a request, in one word. */
export function outcomeOf(request) {
  if (request.b) return request.b.kind;
  if (request.client?.ended && !request.client.status) return "no_answer";
  const last = request.a.at(-1) ?? request.wire.at(-1);
  return last && last.said === "ok" ? "ok" : "error";
}

export const plural = (count, one, many = `${one}s`) => `${count.toLocaleString("en")} ${count === 1 ? one : many}`;

/** Milliseconds as people say them. */
export function duration(ms) {
  if (ms >= 10_000) return `${(ms / 1000).toFixed(0)} s`;
  if (ms >= 1000) return `${Number((ms / 1000).toFixed(2))} s`;
  return `${ms < 10 ? Number(ms.toFixed(1)) : Math.round(ms)} ms`;
}

/** 12:03:44.120, in the reader's own time. */
export function clock(ms) {
  const at = new Date(ms);
  const two = (number) => String(number).padStart(2, "0");
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${String(at.getMilliseconds()).padStart(3, "0")}`;
}
