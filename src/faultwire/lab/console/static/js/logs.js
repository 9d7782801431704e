// The services' log lines side by side; those of the chosen request stand out in all of them.

import { byId, h } from "./dom.js";
import { choose, on, store } from "./store.js";

const SHOWN = 60;
const EVERY_MS = 250;
const TITLES = { B: "Service B", wire: "The wire", A: "Service A" };

const columns = {};
let due = 0;

const level = (text) => (/ ERROR |"level":"ERROR"/.test(text) ? "bad" : / WARN(ING)? |"level":"WARN/.test(text) ? "warn" : "");

function line([text, id]) {
  const one = h("li", { className: `line ${level(text)}${id && id === store.selected ? " chosen" : ""}` }, text);
  if (id) one.dataset.id = id;
  return one;
}

function column(name) {
  const list = h("ul", { className: "log-lines" });
  const frame = h("div", { className: "lines", tabIndex: 0, role: "region", "aria-label": `Log of ${TITLES[name] ?? name}` }, list);
  list.addEventListener("click", (event) => event.target.dataset?.id && choose(event.target.dataset.id));
  byId("logs").append(h("div", { className: "log" }, h("h3", {}, TITLES[name] ?? name), frame));
  const shown = { frame, list, follows: true }; // until somebody scrolls back to read
  let top = 0;
  frame.addEventListener("scroll", () => {
    if (frame.scrollTop + frame.clientHeight >= frame.scrollHeight - 30) shown.follows = true;
    else if (frame.scrollTop < top) shown.follows = false;
    top = frame.scrollTop;
  });
  // A column that becomes narrower, by another beside it or with the window, breaks its lines anew.
  new ResizeObserver(() => shown.follows && toTheEnd(shown)).observe(frame);
  return shown;
}

const toTheEnd = ({ frame }) => (frame.scrollTop = frame.scrollHeight);

function show() {
  due = 0;
  for (const name of ["B", "wire", "A"]) {
    const lines = store.logs[name];
    if (!lines) continue;
    const shown = (columns[name] ??= column(name));
    if (!shown.follows) continue;
    shown.list.replaceChildren(...lines.slice(-SHOWN).map(line));
    toTheEnd(shown);
  }
}

function mark({ id }) {
  for (const { list } of Object.values(columns)) {
    for (const one of list.children) one.classList.toggle("chosen", Boolean(id) && one.dataset.id === id);
  }
}

export function start() {
  on("logs", () => (due ||= setTimeout(show, EVERY_MS)));
  on("selected", mark);
}
