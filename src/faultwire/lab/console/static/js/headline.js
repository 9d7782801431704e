// One sentence that says what is going on, for somebody who has just sat down.

import { byId, say } from "./dom.js";
import { nowMs, on, service, store } from "./store.js";
import { FAMILIES, family, plural, what } from "./words.js";

const WINDOW_S = 5;
const JUST_NOW_S = 1;
const EVERY_MS = 1000;

/** The counts of the last few seconds. */
function recentKinds(seconds = WINDOW_S) {
  const from = nowMs() / 1000 - seconds - 1;
  const kinds = {};
  for (const second of store.seconds) {
    if (second.t < from) continue;
    for (const [kind, count] of Object.entries(second.kinds)) kinds[kind] = (kinds[kind] ?? 0) + count;
  }
  return kinds;
}

/** The last second or two where they say something, else the last few. */
function latest() {
  const justNow = recentKinds(JUST_NOW_S);
  return Object.keys(justNow).length ? justNow : recentKinds();
}

function situation() {
  const state = (name) => service(name)?.state;
  if (state("B") === "down") return "Service B is down: nobody answers the client.";
  if (state("B") === "paused") return "Service B is paused: it takes connections and says nothing.";
  if (state("wire") === "down") return "The wire is down: B reaches nobody.";
  if (state("A") === "down") return "Service A is down. B lives on, and says so at once.";
  if (state("A") === "paused") return "Service A is paused: its port still accepts, but nobody reads. B waits, until its deadline.";
  if (store.state.options.upstream === "nobody") return "B calls a wrong port: A is well, and B cannot know.";
  const faults = store.state.wire?.faults ?? [];
  if (faults.length) return `The wire is broken on purpose: ${faults.map((one) => one.name).join(", ")}.`;
  for (const name of ["A", "wire", "B"]) if (state(name) && state(name) !== "up") return `${name === "wire" ? "The wire" : `Service ${name}`} is ${state(name)}.`;
  if (service("B")?.breaker === "open") return "B's breaker is open: B answers at once, and A is not asked.";
  if (store.state.options.work) return `A is made slow: each echo takes it ${store.state.options.work}.`;
  return Object.keys(latest()).some((kind) => kind !== "ok") ? "The wire passes everything on." : "All is well: the wire passes everything on.";
}

function consequence() {
  const kinds = latest();
  const total = Object.values(kinds).reduce((sum, count) => sum + count, 0);
  if (!total) return "Send a request, and watch it go.";
  const bad = Object.entries(kinds).filter(([kind]) => kind !== "ok").sort((a, b) => b[1] - a[1]);
  if (!bad.length) return `${total === 1 ? "The last request was answered" : `The last ${plural(total, "request")} were all answered`}.`;
  const [kind, count] = bad[0];
  const share = total === 1 ? "The last request" : `${count.toLocaleString("en")} of the last ${plural(total, "request")}`;
  return `${share}: ${kind}. ${what(kind)}`;
}

const GONE = "The console does not answer: what is shown here is how it was.";

function show() {
  if (!store.state) return;
  if (store.connection === "lost") {
    say(byId("headline"), GONE);
    byId("headline").dataset.mood = "unavailable";
    return;
  }
  say(byId("headline"), `${situation()} ${consequence()}`);
  byId("headline").dataset.mood = mood();
  say(byId("announced"), `${situation()} ${announced()}`); // without counts: it is read aloud
}

function announced() {
  const bad = Object.keys(latest()).filter((kind) => kind !== "ok").sort();
  return bad.length ? `Requests fail: ${bad.join(", ")}.` : "";
}

function mood() {
  const kinds = latest();
  const bad = Object.keys(kinds).find((kind) => kind !== "ok");
  return bad ? family(bad) : "ok";
}

function legend() {
  const rate = store.seconds.at(-2) ?? store.seconds.at(-1);
  const count = rate && nowMs() / 1000 - rate.t < 3 ? Object.values(rate.kinds).reduce((sum, one) => sum + one, 0) : 0;
  const words = count > 60
    ? `${count.toLocaleString("en")} requests a second; a random sample of them is drawn, in slow motion. The counts are exact.`
    : "Each dot is one request, in slow motion.";
  const place = byId("legend");
  if (!place.children.length) {
    for (const [name, text] of Object.entries({ ask: "on its way", ...FAMILIES, vain: "work in vain" })) {
      const key = document.createElement("span");
      key.className = `key key-${name}`;
      key.textContent = text;
      place.append(key);
    }
    place.append(document.createElement("span"));
  }
  say(place.lastElementChild, words);
}

export function start() {
  on("state", show);
  on("connection", show);
  setInterval(() => {
    show();
    legend();
  }, EVERY_MS);
  legend();
}
