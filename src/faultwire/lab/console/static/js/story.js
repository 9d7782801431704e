// One request told in full: a sentence, the time-line of all four, and its log lines.

import { get } from "./api.js";
import { byId, h, marked } from "./dom.js";
import { on, store } from "./store.js";
import { timeline } from "./timeline.js";
import { clock, outcomeOf, what } from "./words.js";

const EVERY_MS = 400;

let asked = null;
let told = 0;
let timer = 0;
let shown = "";

/** Why it went so; where all went well, that is enough. */
function sentences(request) {
  const found = request.explained;
  const first = h("p", { className: "sentence" }, ...marked(found?.sentence || what(outcomeOf(request))));
  if (!found || found.outcome === "ok") return [first];
  return [first, h("p", { className: "why" }, ...marked(found.why)), found.act ? h("p", { className: "why" }, h("strong", {}, "What to do: "), ...marked(found.act)) : null].filter(Boolean);
}

/** What each of the four saw, in words: the time-line for those who do not see it. */
function steps(rows) {
  return rows.map((row) => h("li", {}, h("strong", {}, row.who), ` ${row.said}`));
}

function show(request) {
  const key = JSON.stringify(request);
  if (key === shown) return;
  shown = key;
  const { picture, rows } = timeline(request);
  byId("story").replaceChildren(
    ...sentences(request),
    h("p", { className: "help" }, `${request.path ?? ""} at ${clock(request.at)}, id ${request.id}`),
    picture,
    h("ol", { className: "steps" }, ...steps(rows)),
    h("details", {}, h("summary", {}, "Its log lines"),
      h("ul", { className: "lines" }, ...request.lines.map(({ service, text }) => h("li", {}, h("strong", {}, service), ` ${text}`)))),
  );
}

async function ask() {
  timer = 0;
  if (!store.selected) return;
  asked = store.selected;
  told = performance.now();
  try {
    const request = await get(`/request?id=${encodeURIComponent(asked)}`);
    if (request.id === store.selected) show(request);
  } catch (error) {
    if (asked === store.selected) {
      shown = "";
      byId("story").replaceChildren(h("p", { className: "help" }, error.message));
    }
  }
}

/** Ask soon, but not more often than anybody could read. */
function soon() {
  if (timer) return;
  timer = setTimeout(ask, Math.max(0, EVERY_MS - (performance.now() - told)));
}

function empty() {
  shown = "";
  byId("story").replaceChildren(h("p", { className: "help" }, "Choose a request from the list to see its time-line."));
}

export function start() {
  empty();
  on("selected", ({ id }) => (id ? soon() : empty()));
  on("changed", (requests) => {
    if (requests.some((one) => one.id === store.selected)) soon();
  });
}

