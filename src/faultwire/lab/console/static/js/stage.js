// The picture: four nodes on a line, the state of each, and the buttons that change it.

import { acting, post } from "./api.js";
import { button, byId, h, say, select, svg } from "./dom.js";
import { on, service, store } from "./store.js";
import { plural } from "./words.js";

const NODES = [
  { name: "client", title: "Client", about: "asks B" },
  { name: "B", title: "Service B", about: "calls A, must stay useful" },
  { name: "wire", title: "The wire", about: "all that is between them" },
  { name: "A", title: "Service A", about: "echoes" },
];
const STATES = { up: "up", paused: "paused", down: "down", draining: "draining", starting: "starting" };

const BREAKER = { closed: "breaker closed", open: "breaker open", half_open: "breaker half open", unknown: "breaker unknown" };

const parts = {};

const act = (name, action, more = {}) => acting(() => post("/service", { name, action, ...more }));

function icon(name) {
  const shapes = {
    client: [svg("circle", { cx: 32, cy: 25, r: 8 }), svg("path", { d: "M18 47c2-9 7-13 14-13s12 4 14 13" })],
    wire: [svg("path", { d: "M12 34h9l4-12 7 23 5-17 3 6h12" })],
  };
  const letter = svg("text", { x: 32, y: 41, "text-anchor": "middle", class: "letter" }, name);
  return svg("svg", { viewBox: "0 0 64 64", "aria-hidden": "true", class: "icon" }, ...(shapes[name] ?? [letter]));
}

function node({ name, title, about }) {
  const part = (parts[name] = { buttons: {} });
  part.disc = h("div", { className: "disc" }, icon(name));
  part.state = h("span", { className: "badge" });
  part.facts = h("p", { className: "facts" });
  part.breaker = name === "B" ? h("span", { className: "breaker", hidden: true }) : null;
  part.root = h(
    "div", { className: `node node-${name}`, id: `node-${name}` },
    part.disc,
    h("div", { className: "node-head" }, h("h3", {}, title), name === "client" ? null : part.state, part.breaker),
    h("p", { className: "about" }, about),
    part.facts,
  );
  if (name !== "client") part.root.append(controls(name));
  return part.root;
}

function controls(name) {
  const part = parts[name];
  const words = { start: "Start", stop: "Stop", kill: "Kill", pause: "Pause", resume: "Resume", restart: "Restart" };
  const whose = name === "wire" ? "the wire" : name;
  for (const [action, word] of Object.entries(words)) {
    const label = `${word} ${whose}`;
    part.buttons[action] = button(word, act(name, action), { "aria-label": label, className: `small act-${action}` });
  }
  const row = h("div", { className: "controls", role: "group", "aria-label": `Control ${whose}` }, ...Object.values(part.buttons));
  if (name === "B") row.append(...optionsOfB());
  if (name === "A") row.append(optionOfA());
  return row;
}

function optionsOfB() {
  const part = parts.B;
  part.upstream = select([["right", "B calls the right port"], ["nobody", "B calls a wrong port"]], {
    "aria-label": "Which port B calls", onchange: (event) => act("B", "restart", { upstream: event.target.value })(),
  });
  part.policy = select([["", "B's policy: as started"]], {
    "aria-label": "B's policy", onchange: (event) => act("B", "restart", { policy: event.target.value })(),
  });
  return [part.upstream, part.policy];
}

function optionOfA() {
  parts.A.work = select([["", "A's echo takes: as started"]], {
    "aria-label": "How long A's work takes", onchange: (event) => act("A", "restart", { work: event.target.value })(),
  });
  return parts.A.work;
}

/** Show a select's choices and which one it is; not while somebody is choosing. */
function showChoice(field, names, label, value) {
  if (field.options.length === 1) field.append(...names.map((name) => h("option", { value: name }, `${label}: ${name}`)));
  if (document.activeElement === field) return;
  if (field.options.length > 1 && ![...field.options].some((one) => one.value === value)) field.append(h("option", { value }, `${label}: ${value}`));
  field.value = value;
}

function shownActions(state) {
  if (state === "down") return ["start"];
  if (state === "up") return ["stop", "kill", "pause", "restart"];
  if (state === "paused") return ["resume", "kill"];
  return ["kill"];
}

function showService(name) {
  const one = service(name);
  const part = parts[name];
  if (!part || !one) return;
  part.root.dataset.state = one.state;
  say(part.state, STATES[one.state] ?? one.state);
  const actions = shownActions(one.state);
  for (const [action, shown] of Object.entries(part.buttons)) {
    const hide = !actions.includes(action) || (action === "pause" && !one.can_pause);
    const focused = hide && document.activeElement === shown;
    shown.hidden = hide;
    if (focused) Object.values(part.buttons).find((other) => !other.hidden)?.focus();
  }
}

const inFlight = (count) => `${count.toLocaleString("en")}\u00a0in\u00a0flight`; // on one line

function factsOf(name) {
  const one = service(name);
  const port = one ? `:${new URL(one.url).port}` : "";
  if (one?.state === "down") return one.wanted ? `${port} stopped` : `${port} ${one.said || "not running"}`;
  if (name === "client") {
    const { drive } = store.state;
    return drive.running ? `${drive.rate}/s, ${drive.open} waiting` : `${plural(drive.sent, "request")} sent`;
  }
  if (name === "wire") {
    const { faults, open, answers } = store.state.wire;
    if (!answers) return `${port} does not answer`;
    return `${port} · ${inFlight(open)} · ${faults.length ? plural(faults.length, "fault") : "transparent"}`;
  }
  if (one.state === "starting") return port;
  const load = one.in_flight === null ? "in\u00a0flight: unknown" : inFlight(one.in_flight);
  if (name === "B") return `${port} · ${load}${store.state.options.upstream === "nobody" ? " · calls a wrong port" : ""}`;
  return `${port} · ${load}${store.state.in_vain ? ` · ${plural(store.state.in_vain, "answer")} in vain` : ""}`;
}

/** How B's breaker stands, as B itself says; nothing where it has none. */
function showBreaker() {
  const { breaker } = service("B");
  const place = parts.B.breaker;
  place.hidden = !breaker;
  place.dataset.state = breaker;
  say(place, BREAKER[breaker] ?? breaker);
}

function show() {
  if (!store.state) return;
  for (const { name } of NODES) {
    if (name !== "client") showService(name);
    say(parts[name].facts, name === "client" || service(name) ? factsOf(name) : "");
  }
  showBreaker();
  parts.wire.root.hidden = !store.state.wire;
  parts.wire.root.classList.toggle("broken", Boolean(store.state.wire?.faults.length));
  const { upstream, policy, policies, work, works } = store.state.options;
  const { upstream: upstreamField } = parts.B;
  parts.B.root.classList.toggle("lost", upstream === "nobody");
  if (document.activeElement !== upstreamField) upstreamField.value = upstream;
  showChoice(parts.B.policy, policies, "B's policy", policy);
  showChoice(parts.A.work, works, "A's echo takes", work);
}

/** The discs, for whoever draws between them; hidden ones are left out. */
export const discs = () => NODES.filter(({ name }) => !parts[name].root.hidden).map(({ name }) => [name, parts[name].disc]);

export function start() {
  const canvas = h("canvas", { id: "dots", "aria-hidden": "true" });
  byId("stage").append(canvas, ...NODES.map(node));
  on("state", show);
}
