// Breaking the wire: every fault of its catalogue, the active ones, and mending.

import { acting, get, post } from "./api.js";
import { button, byId, h, say } from "./dom.js";
import { faultForm } from "./faultform.js";
import { on, store } from "./store.js";
import { duration, plural } from "./words.js";

const FIRST = "latency";
const HIDDEN = new Set(["fault", "name", "seen", "injected", "left_s", "for_s", "seed", "phase"]);

const parts = {};
let catalogue = [];
let shownChips = "";

const mend = (name) => acting(() => post("/mend", name ? { name } : {}));

function pick(fault) {
  for (const [name, one] of Object.entries(parts.names)) one.setAttribute("aria-pressed", String(name === fault.name));
  parts.form.replaceChildren(faultForm(fault, acting((made) => post("/break", made))));
}

function list() {
  const families = Map.groupBy ? Map.groupBy(catalogue, (one) => one.family) : grouped();
  parts.names = {};
  const groups = [...families].map(([family, faults]) => {
    const names = faults.map((fault) => (parts.names[fault.name] = button(fault.name.replaceAll("_", " "), () => pick(fault), { className: "fault", "aria-pressed": "false" })));
    return h("div", { className: "family", role: "group", "aria-label": family }, h("h3", {}, family), h("div", { className: "names" }, ...names));
  });
  parts.list.replaceChildren(...groups);
  pick(catalogue.find((one) => one.name === FIRST) ?? catalogue[0]);
}

function grouped() {
  const families = new Map();
  for (const one of catalogue) families.set(one.family, [...(families.get(one.family) ?? []), one]);
  return families;
}

async function load() {
  try {
    catalogue = (await get("/catalogue")).faults;
    list();
  } catch (error) {
    parts.list.replaceChildren(h("p", { className: "help" }, error.message), button("Try again", load));
  }
}

const word = (key) => key.replace(/_(ms|bytes)$/, "").replaceAll("_", " ");

/** A value with its unit. */
function text(key, value) {
  if (key.endsWith("_ms")) return duration(value);
  if (key.endsWith("_bytes")) return plural(value, "byte");
  if (Array.isArray(value)) return value.join(", ");
  return typeof value === "object" ? Object.entries(value).map((pair) => pair.join(" ")).join(", ") : String(value);
}

function details(made) {
  const said = Object.entries(made).filter(([key, value]) => !HIDDEN.has(key) && !(key === "rate" && value === 1));
  return said.map(([key, value]) => (key === "rate" ? `${Math.round(value * 100)} %` : `${word(key)} ${text(key, value)}`)).join(", ");
}

function chip(made) {
  const count = h("span", { className: "count" });
  const text = made.name === made.fault ? made.name : `${made.name} (${made.fault})`;
  const one = h("li", { className: "chip" }, h("strong", {}, text.replaceAll("_", " ")), ` ${details(made)} `, count,
    button("Mend", mend(made.name), { className: "small", "aria-label": `Mend ${made.name}` }));
  return { one, count };
}

function show() {
  const wire = store.state.wire;
  byId("break").closest(".panel").hidden = !wire;
  if (!wire) return;
  if (!catalogue.length && !parts.asked && wire.answers) {
    parts.asked = true;
    load();
  }
  const key = JSON.stringify(wire.faults.map((made) => [made.name, details(made)]));
  if (key !== shownChips) {
    shownChips = key;
    parts.chips = wire.faults.map(chip);
    const none = h("li", { className: "help" }, "Nothing is broken.");
    parts.active.replaceChildren(...(parts.chips.length ? parts.chips.map(({ one }) => one) : [none]));
    parts.all.disabled = !parts.chips.length;
  }
  wire.faults.forEach((made, n) => say(parts.chips[n].count, `${made.injected} of ${made.seen} requests`));
}

export function start() {
  parts.active = h("ul", { className: "chips", "aria-label": "Active faults" });
  parts.all = button("Mend all", mend(null), { disabled: true, id: "mend-all" });
  parts.list = h("div", { className: "catalogue" });
  parts.form = h("div", { id: "fault-form" });
  byId("break").append(h("div", { className: "active" }, parts.active, parts.all), parts.list, parts.form);
  on("state", show);
}
