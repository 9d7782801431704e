// The ten lessons of the tour: what is done, what to predict, and what it means.
// `setup` brings the lab into a known state, `act` breaks it; then requests are counted.

import { post } from "./api.js";
import { service, store } from "./store.js";

const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const act = (name, action, more = {}) => post("/service", { name, action, ...more });
const traffic = (rate, forS) => post("/traffic", { rate, for_s: forS });

/** Wait for a state of a service; whatever happens, not for ever. */
async function until(name, state, withinMs = 8000) {
  for (let waited = 0; waited < withinMs && service(name)?.state !== state; waited += 100) await pause(100);
}

async function restartA(work) {
  await act("A", "restart", { work });
  await pause(150);
  await until("A", "up");
}

async function restartB(more) {
  await act("B", "restart", more);
  await pause(150);
  await until("B", "up");
}

/** As it was at the beginning: nothing broken, all up, B as it was started. */
export async function asNew() {
  await post("/traffic", { stop: true });
  for (const name of ["A", "wire", "B"]) {
    if (service(name)?.state === "paused") await act(name, "resume");
    if (service(name)?.state === "down") await act(name, "start");
    if (service(name)) await until(name, "up");
  }
  if (store.state.wire) await post("/mend");
  const { upstream, policy, work } = store.state.options;
  if (work !== "") await restartA("");
  if (upstream !== "right" || policy !== "") await restartB({ upstream: "right", policy: "" });
}

const breaking = (made) => post("/break", made);

export const LESSONS = [
  {
    title: "Start", ms: 4000,
    text: "Two processes: B calls A over HTTP, and the wire lies between them. B knows of A only what arrives.",
    ask: "All is well. How long will an answer take?", answers: ["a few milliseconds", "about a second", "it depends on A's mood"], right: 0,
    button: "Send requests", act: () => traffic(5, 4),
    means: "Two hops on one machine cost a few milliseconds. Remember how this looks: it is the last time that all is well.",
  },
  {
    title: "A is down", ms: 4000,
    text: "We kill A, as a crash would. B still runs.",
    ask: "What does B's client get?", answers: ["nothing, for ever", "503, at once", "503, after a second"], right: 1,
    button: "Kill A, send requests",
    act: async () => { await act("A", "kill"); await until("A", "down"); await traffic(5, 4); },
    means: "Nobody listens on A's port, and the system says so within a millisecond: connection_refused. A dead upstream is the kindest failure there is. B is not dead: its /health is still 200.",
  },
  {
    title: "The wrong port", ms: 4000,
    text: "A runs, but B is started with a wrong port in its settings.",
    ask: "Can B's answer tell this from the lesson before?", answers: ["yes, it is another error", "no, it looks the same", "B would not start"], right: 1,
    button: "Start B with a wrong port, send requests",
    act: async () => { await restartB({ upstream: "nobody" }); await traffic(5, 4); },
    means: "connection_refused again. From B's side, \"A is down\" and \"I look in the wrong place\" are one thing. Only A's own log settles it: A is up, and has never heard of these requests.",
  },
  {
    title: "Slow A", ms: 6500, wire: true,
    text: "The wire holds back every answer for two seconds. B waits one second at most.",
    ask: "Did A do its work for these requests?", answers: ["no, they failed", "yes, and nobody knows", "only for some"], right: 1,
    button: "Delay the answers, send requests",
    act: async () => { await breaking({ fault: "latency", delay_ms: 2000 }); await traffic(4, 5); },
    means: "response_timeout after one second. A did all of it: look at its log. A timeout does not say \"it failed\", it says \"nobody knows\". Had this been a payment, would you send it again?",
  },
  {
    title: "Drip", ms: 6500, wire: true,
    text: "Now bytes do arrive, one at a time, for a long while.",
    ask: "A byte comes in time, again and again. When does B give up?", answers: ["never: it keeps reading", "after one second in all", "when the answer is whole"], right: 1,
    button: "Let it drip, send requests",
    act: async () => { await breaking({ fault: "slow_body" }); await traffic(4, 5); },
    means: "One second, as before: B's deadline is for the whole call. Most HTTP clients count anew with every byte, and would hang here until the last one.",
  },
  {
    title: "500", ms: 4000, wire: true,
    text: "Now A's side answers quickly and properly, and the answer is HTTP 500.",
    ask: "What is different for B?", answers: ["nothing: an error is an error", "B knows that A saw the request", "B must crash, too"], right: 1,
    button: "Answer 500, send requests",
    act: async () => { await breaking({ fault: "status", code: 500 }); await traffic(5, 4); },
    means: "upstream_status: the connection works, somebody is there and says no. B passes that on as an error of its own, named, and quickly.",
  },
  {
    title: "Reset", ms: 4000, wire: true,
    text: "The connection is torn down in the middle of the answer, for every third request or so.",
    ask: "How many of the requests will fail?", answers: ["all of them", "about a third", "none: B tries again"], right: 1,
    button: "Reset a third, send requests",
    act: async () => { await breaking({ fault: "reset", rate: 0.33 }); await traffic(10, 4); },
    means: "Partial failure: most requests are fine, some are not, and nothing is \"down\". No dashboard turns red for this; the outcomes chart shows it.",
  },
  {
    title: "Retry storm", ms: 6500, wire: true, policy: "retry",
    text: "Trying again helps against bad luck. We start B with retries, and break every answer.",
    ask: "What does A feel of ten requests a second?", answers: ["ten a second", "more than ten a second", "none at all"], right: 1,
    button: "Start B with retries, answer 503",
    act: async () => { await restartB({ policy: "retry" }); await breaking({ fault: "status", code: 503 }); await traffic(10, 5); },
    means: "Each request cost A several attempts: look at the attempts chart. When a service is ill, its callers hit it hardest. That is why retries need a budget.",
  },
  {
    title: "Breaker", ms: 8500, wire: true, policy: "production",
    text: "The same with the production policy: retries with a budget, and a breaker that opens when nearly all fails.",
    ask: "What happens once the breaker is open?", answers: ["requests wait for it to close", "B answers 503 without asking A", "A is restarted"], right: 1,
    button: "Start B with the breaker, answer 503",
    act: async () => { await restartB({ policy: "production" }); await breaking({ fault: "status", code: 503 }); await traffic(20, 7); },
    means: "circuit_open: B stops asking, answers at once, and A has peace to recover. Now and then one request is let through, to see.",
  },
  {
    title: "Recovery", ms: 4500,
    text: "A dies and comes back while requests go on. This is what all the rest was for.",
    ask: "How long after A's return does B serve again?", answers: ["it must be restarted", "with the next request", "after a minute"], right: 1,
    button: "Kill A, then bring it back",
    act: async () => {
      await traffic(5, 8);
      await pause(1500);
      await act("A", "kill");
      await until("A", "down");
      await pause(2000);
      await act("A", "start");
    },
    means: "Red while A was away, green with the next request after its return. B never stopped, nobody restarted it, and every failed answer said why. That is what \"useful whatever A does\" means.",
  },
];

/** Why a lesson cannot be given here; empty if it can. */
export function missing(lesson) {
  if (lesson.wire && !store.state.wire) return "This lesson needs the wire: start `faultwire up` without --direct.";
  if (lesson.policy && !store.state.options.policies.includes(lesson.policy)) return `B has no policy "${lesson.policy}" in this version.`;
  return "";
}
