// The form of one fault, made from the wire's own description of it.

import { field, h, select } from "./dom.js";

const SCHEDULES = [
  ["", "every request"],
  ["first", "the first N"],
  ["every", "every Nth"],
  ["sequence", "a sequence"],
  ["window", "a window of time"],
  ["ramp", "a ramp"],
];
const EXAMPLES = { first: "3", every: "2", sequence: "503,503,200", window: "0s-10s", ramp: "0-1/30s" };
const SUGGESTED = { latency: { delay_ms: "2s" } }; // more than B's deadline: there is something to see
const LASTS = [["", "until mended (an hour)"], ["10s", "10 s"], ["30s", "30 s"], ["1m", "1 min"]];

const plain = (text) => text.replaceAll("`", "");

/** A number, or a text with its unit such as 2s: as the wire takes it. */
const value = (text) => (text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : text.trim());

function attribute(one, fault) {
  const given = one.default ?? "";
  const control = one.choices?.length
    ? select(one.choices.map((choice) => [choice, String(choice)]), { name: one.name })
    : h("input", { type: "text", name: one.name, placeholder: String(given), spellcheck: false, autocomplete: "off" });
  if (one.choices?.length && given !== "") control.value = given;
  if (SUGGESTED[fault.name]?.[one.name]) control.value = SUGGESTED[fault.name][one.name];
  const unit = one.unit ? ` (${one.unit})` : "";
  return field(`${one.name.replace(/_(ms|s|bytes)$/, "").replaceAll("_", " ")}${unit}`, control, plain(one.description));
}

function when(fault) {
  const whole = fault.place === "listener";
  const rate = h("input", { type: "range", name: "rate", min: 0, max: 100, value: 100, disabled: whole });
  const shown = h("output", { className: "rate" }, "100 %");
  rate.addEventListener("input", () => (shown.textContent = `${rate.value} %`));
  const text = h("input", { type: "text", name: "schedule-text", hidden: true, "aria-label": "Schedule", spellcheck: false });
  const kinds = whole ? SCHEDULES.filter(([name]) => !name || name === "window") : SCHEDULES;
  const schedule = select(kinds, { name: "schedule" });
  schedule.addEventListener("change", () => {
    text.hidden = !schedule.value;
    text.value = EXAMPLES[schedule.value] ?? "";
  });
  const rateField = field("Of the requests, how many", rate);
  rateField.append(shown);
  const parts = [rateField, field("Which of them", schedule), text, field("For how long", select(LASTS, { name: "for" }))];
  if (fault.phases.length > 1) parts.push(field("Phase", select(fault.phases.map((phase) => [phase, `${phase} A`]), { name: "phase" })));
  if (fault.place === "request") {
    parts.push(field("Only the path", h("input", { type: "text", name: "path", placeholder: "/echo*", spellcheck: false })));
    parts.push(field("Called", h("input", { type: "text", name: "name", placeholder: fault.name, spellcheck: false })));
  }
  return parts;
}

/** Attributes that have a value anyway, and those that only some need. */
function split({ attributes }) {
  const usual = (one, n) => n === 0 || (one.default !== null && one.default !== undefined && n < 4);
  return [attributes.filter(usual), attributes.filter((one, n) => !usual(one, n))];
}

/** The form: calls `submit` with the break as the wire's API takes it. */
export function faultForm(fault, submit) {
  const [few, more] = split(fault);
  const form = h(
    "form", { className: "fault-form", "aria-label": `Settings of ${fault.name}` },
    ...plain(fault.doc).split("\n\n").map((text) => h("p", { className: "doc" }, text.replaceAll("\n", " "))),
    few.length ? h("div", { className: "fields" }, ...few.map((one) => attribute(one, fault))) : null,
    more.length ? h("details", {}, h("summary", {}, "More settings"), h("div", { className: "fields" }, ...more.map((one) => attribute(one, fault)))) : null,
    h("details", {}, h("summary", {}, "Which requests, and for how long"), h("div", { className: "fields" }, ...when(fault))),
    h("button", { type: "submit", className: "primary danger" }, `Break: ${fault.name}`),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit(read(form, fault));
  });
  return form;
}

function read(form, fault) {
  const data = new FormData(form);
  const made = { fault: fault.name };
  for (const { name } of fault.attributes) {
    const given = data.get(name);
    if (given !== null && given.trim() !== "") made[name] = value(given);
  }
  const rate = Number(data.get("rate") ?? 100);
  if (rate !== 100) made.rate = rate / 100;
  const schedule = data.get("schedule");
  if (schedule) made[schedule] = value(data.get("schedule-text"));
  for (const name of ["for", "phase", "name"]) if (data.get(name)?.trim()) made[name] = data.get(name).trim();
  if (data.get("path")?.trim()) made.match = { path: data.get("path").trim() };
  return made;
}
