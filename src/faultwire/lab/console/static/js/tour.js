// The guided tour: predict, press, see.

import { button, byId, h, toast } from "./dom.js";
import { LESSONS, asNew, missing } from "./lessons.js";
import { on, store } from "./store.js";
import { duration, plural } from "./words.js";

const SETTLE_MS = 700;

let at = 0;
let running = false;
let run = 0;

const place = () => byId("tour");
const later = (ms) => new Promise((done) => setTimeout(done, ms));

/** Counts from now on, until it is asked what they were. */
function counting() {
  const before = { ...store.totals };
  const from = store.seconds.at(-1)?.t ?? 0;
  return () => {
    const kinds = Object.entries(store.totals).map(([kind, count]) => [kind, count - (before[kind] ?? 0)]).filter(([, count]) => count > 0);
    const since = store.seconds.filter((second) => second.t > from);
    const longest = Math.max(0, ...since.map((second) => second.ms.at(-1) ?? 0));
    const tried = since.flatMap((second) => Object.entries(second.attempts)).reduce((sum, [tries, count]) => sum + tries * count, 0);
    const total = kinds.reduce((sum, [, count]) => sum + count, 0);
    return { kinds, longest, tried, total };
  };
}

function inWords({ kinds, longest, tried, total }) {
  if (!total) return "No request was answered: is B up?";
  const each = kinds.sort((a, b) => b[1] - a[1]).map(([kind, count]) => `${count} × ${kind}`).join(", ");
  return `${plural(total, "request")}: ${each}. The slowest answer took ${duration(longest)}; B asked A ${plural(tried, "time")}.`;
}

function guess(lesson) {
  const options = lesson.answers.map((text, n) => {
    const radio = h("input", { type: "radio", name: "guess", value: n });
    return h("label", { className: "check" }, radio, ` ${text}`);
  });
  return h("fieldset", {}, h("legend", {}, `Predict: ${lesson.ask}`), ...options);
}

function judged(lesson, chosen) {
  if (chosen === null) return `It is: ${lesson.answers[lesson.right]}.`;
  return Number(chosen) === lesson.right ? "You predicted it." : `You said "${lesson.answers[chosen]}"; it is: ${lesson.answers[lesson.right]}.`;
}

async function play(lesson, form, seen, go) {
  const mine = (run += 1);
  running = go.disabled = true;
  seen.replaceChildren(h("p", { className: "help" }, "Watch the picture …"));
  try {
    await asNew();
    const count = counting();
    await lesson.act();
    await later(lesson.ms + SETTLE_MS);
    if (mine !== run) return;
    const chosen = new FormData(form).get("guess");
    seen.replaceChildren(
      h("p", {}, h("strong", {}, "Seen: "), inWords(count())),
      h("p", {}, h("strong", {}, judged(lesson, chosen)), ` ${lesson.means}`),
    );
  } catch (error) {
    toast(error.message);
    seen.replaceChildren();
  } finally {
    if (mine === run) running = go.disabled = false;
  }
}

function show(focus = true) {
  const lesson = LESSONS[at];
  const lacks = missing(lesson);
  const seen = h("div", { className: "seen", role: "status", "aria-live": "polite" });
  const form = h("form", { onsubmit: (event) => event.preventDefault() }, guess(lesson));
  const go = button(lesson.button, () => play(lesson, form, seen, go), { className: "primary", disabled: Boolean(lacks), id: "lesson-go" });
  const title = h("h2", { id: "tour-title", tabIndex: -1 }, `Lesson ${at + 1} of ${LESSONS.length}: ${lesson.title}`);
  const steps = LESSONS.map((one, n) => button(String(n + 1), () => turn(n), { className: "step", "aria-label": `Lesson ${n + 1}: ${one.title}`, "aria-current": n === at ? "step" : null }));
  place().replaceChildren(...[
    h("div", { className: "tour-head" }, title, h("div", { className: "steps-row" }, ...steps), button("Leave the tour", close, { className: "quiet" })),
    h("p", {}, lesson.text),
    form,
    lacks ? h("p", { className: "notice" }, lacks) : null,
    h("div", { className: "row" }, go,
      button("Back", () => turn(at - 1), { disabled: at === 0 }),
      button("Next", () => turn(at + 1), { disabled: at === LESSONS.length - 1 })),
    seen,
  ].filter(Boolean));
  if (focus) title.focus();
}

function turn(to) {
  run += 1;
  running = false;
  at = to;
  show();
}

function open() {
  place().hidden = false;
  byId("tour-open").setAttribute("aria-expanded", "true");
  show();
}

function close() {
  run += 1;
  place().hidden = true;
  byId("tour-open").setAttribute("aria-expanded", "false");
  byId("tour-open").focus();
}

export function start() {
  byId("tour-open").addEventListener("click", () => (place().hidden ? open() : close()));
  on("connection", () => {
    if (!running && !place().hidden && store.connection === "live" && store.state) show(false);
  });
}
