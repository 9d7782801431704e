// The way of one request through the picture, from what its log lines say.
// A step goes from one place to another (0 client, 1 B, 2 wire, 3 A) or stays at one for a while.

import { service, store } from "./store.js";
import { family, outcomeOf } from "./words.js";

const LEG = 420;
const STAY = 260;
const WAIT = 900;

const go = (from, to, look) => ({ from, to, look, ms: LEG * Math.max(Math.abs(to - from), 0.5) });
const stay = (at, look, ms = STAY, mark = "") => ({ from: at, to: at, look, ms, mark });
const there = (...places) => places.slice(1).map((to, n) => go(places[n], to, "ask"));
const back = (look, ...places) => places.slice(1).map((to, n) => go(places[n], to, look));

/** Where a connection is refused: at the wire, at A behind it, or where nobody is. */
function refusedAt() {
  if (store.state?.options.upstream === "nobody") return 1.5;
  if (store.state?.wire?.faults.some((one) => one.fault === "refuse")) return 1.72;
  return service("A")?.state === "down" ? 2.72 : 1.72;
}

const HELD_BACK = new Set(["bad_request", "circuit_open", "bulkhead_full", "overloaded", "deadline_exceeded", "client_left"]);

function failed(request, kind, look) {
  const sawA = request.a.length > 0 || request.wire.some((one) => one.status > 0);
  const faulty = request.wire.some((one) => one.fault);
  if (kind === "no_answer") return [...there(0, 0.72), stay(0.72, look, STAY, "×"), ...back(look, 0.72, 0)];
  if (HELD_BACK.has(kind)) return [...there(0, 1), stay(1, look, STAY, "×"), ...back(look, 1, 0)];
  if (kind === "connection_refused" || kind === "dns_error" || kind === "connect_timeout") {
    const at = refusedAt();
    return [...there(0, 1, ...(at > 2 ? [2, at] : [at])), stay(at, look, STAY, "×"), ...back(look, ...(at > 2 ? [at, 2, 1] : [at, 1]), 0)];
  }
  if (family(kind) === "timeout") {
    const paused = service("A")?.state === "paused" || request.vain;
    if (paused && !faulty) return [...there(0, 1, 2, 3), stay(3, "wait", WAIT, "wait"), { ...go(1, 0, look), leaves: 3 }];
    const way = sawA ? [...there(0, 1, 2, 3), ...back("ask", 3, 2)] : there(0, 1, 2);
    return [...way, stay(2, "wait", WAIT, "wait"), { ...go(1, 0, look), leaves: 2 }];
  }
  if (kind === "upstream_status" && !faulty) return [...there(0, 1, 2, 3), stay(3, look, STAY, "!"), ...back(look, 3, 2, 1, 0)];
  const way = sawA ? [...there(0, 1, 2, 3), ...back("ask", 3, 2)] : there(0, 1, 2);
  return [...way, stay(2, look, STAY, faulty ? "!" : "×"), ...back(look, 2, 1, 0)];
}

/** The whole way of a request that has ended. */
export function routeOf(request) {
  const kind = outcomeOf(request);
  const look = family(kind);
  if (!request.b && !request.client) return [...there(0, 2, 3), ...back(look, 3, 2, 0)];
  if (kind !== "ok") return failed(request, kind, look);
  const again = Math.max((request.b?.attempts ?? 1) - 1, 0);
  const retries = Array.from({ length: Math.min(again, 3) }, () => [go(1, 2, "ask"), stay(2, "unavailable", 120, "×"), go(2, 1, "unavailable")]).flat();
  const faulty = request.wire.some((one) => one.fault);
  const late = faulty ? [stay(2, "wait", STAY * 2, "wait")] : [];
  return [go(0, 1, "ask"), ...retries, ...there(1, 2, 3), go(3, 2, "ok"), ...late, ...back("ok", 2, 1, 0)];
}

/** The way of a request of which no more is known than that it has begun. */
export function routeOfBegun() {
  const upTo = service("A")?.state === "paused" ? [0, 1, 2, 3] : [0, 1, 2];
  return [...there(...upTo), { ...stay(upTo.at(-1), "wait", 12_000, "wait"), open: true }];
}
