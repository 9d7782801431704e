// Requests moving over the picture: each dot is one request, in slow motion.

import { byId } from "./dom.js";
import { routeOf, routeOfBegun } from "./route.js";
import { discs } from "./stage.js";
import { on, service, store } from "./store.js";

const MOST = 120;
const CROWD = 40;
const LANE = 7;
const FADE_MS = 700;
const calm = matchMedia("(prefers-reduced-motion: reduce)");

const dots = new Map();
let canvas = null;
let pen = null;
let frame = null; // where the canvas is: asked again when that changes, not for every drawing
let places = [];
let colours = {};
let drawing = 0;
let last = 0;
let measured = 0; // how many discs there were

function measure() {
  frame = canvas.getBoundingClientRect();
  const ratio = Math.min(devicePixelRatio || 1, 2);
  canvas.width = Math.round(frame.width * ratio);
  canvas.height = Math.round(frame.height * ratio);
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  measured = discs().length;
  const found = new Map(discs().map(([name, disc]) => {
    const box = disc.getBoundingClientRect();
    return [name, { x: box.left - frame.left + box.width / 2, y: box.top - frame.top + box.height / 2, r: box.width / 2 }];
  }));
  const wire = found.get("wire") ?? { ...found.get("B"), x: (found.get("B").x + found.get("A").x) / 2 };
  places = [found.get("client"), found.get("B"), wire, found.get("A")];
  const style = getComputedStyle(document.documentElement);
  for (const name of ["ask", "ok", "unavailable", "timeout", "error", "shed", "client", "wait", "vain", "rail", "text"]) {
    colours[name] = style.getPropertyValue(`--${name}`).trim();
  }
  draw(performance.now());
}

function point(place) {
  const from = places[Math.floor(place)];
  const to = places[Math.ceil(place)];
  const share = place - Math.floor(place);
  return { x: from.x + (to.x - from.x) * share, y: from.y + (to.y - from.y) * share };
}

const eased = (share) => share * share * (3 - 2 * share);

function rail(from, to, { broken = false, dead = false } = {}) {
  const a = places[from];
  const b = places[to];
  pen.beginPath();
  pen.strokeStyle = broken ? colours.unavailable : colours.rail;
  pen.lineWidth = broken ? 3 : 4;
  pen.setLineDash(dead ? [3, 9] : broken ? [10, 8] : []);
  pen.moveTo(a.x + a.r, a.y);
  pen.lineTo(b.x - b.r, b.y);
  pen.stroke();
  pen.setLineDash([]);
}

function rails() {
  const broken = Boolean(store.state?.wire?.faults.length);
  const down = (name) => ["down", "starting"].includes(service(name)?.state);
  const direct = !store.state?.wire;
  rail(0, 1, { dead: down("B") });
  const spared = service("B")?.breaker === "open" || store.state?.options.upstream === "nobody";
  if (direct) return rail(1, 3, { dead: spared || down("A") });
  rail(1, 2, { broken, dead: spared || down("wire") });
  return rail(2, 3, { broken, dead: down("A") || down("wire") });
}

function disc(x, y, look, size = 6) {
  pen.beginPath();
  pen.arc(x, y, size, 0, 2 * Math.PI);
  pen.fillStyle = colours[look] || colours.ask;
  pen.fill();
}

function mark(x, y, step, now) {
  if (step.mark === "wait") {
    pen.beginPath();
    pen.strokeStyle = colours.wait;
    pen.lineWidth = 3;
    pen.arc(x, y, 11, now / 250, now / 250 + 4.2);
    pen.stroke();
  } else if (step.mark) {
    pen.fillStyle = colours[step.look];
    pen.font = "bold 22px system-ui, sans-serif";
    pen.textAlign = "center";
    pen.fillText(step.mark, x, y - 12);
  }
}

function drawDot(dot, now) {
  const step = dot.steps[dot.at];
  if (dot.ghost) {
    const { x, y } = point(dot.ghost.place);
    pen.globalAlpha = Math.max(1 - dot.ghost.age / FADE_MS / 2, 0);
    disc(x, y, "vain");
    pen.globalAlpha = 1;
  }
  if (!step) return;
  const share = step.open ? 1 : eased(Math.min(dot.spent / step.ms, 1));
  const { x, y } = point(step.from + (step.to - step.from) * share);
  const lane = step.from === step.to ? 0 : step.to > step.from ? -LANE : LANE;
  disc(x, y + lane, step.look === "ask" && lane > 0 ? "ok" : step.look);
  if (step.mark) mark(x, y, step, now);
}

function advance(dot, ms) {
  if (dot.ghost) dot.ghost.age += ms;
  dot.spent += ms;
  let step = dot.steps[dot.at];
  while (step && dot.spent >= step.ms) {
    dot.spent -= step.ms;
    dot.at += 1;
    step = dot.steps[dot.at];
    if (step?.leaves) dot.ghost = { place: step.leaves, age: 0 };
  }
  return Boolean(step) || (dot.ghost && dot.ghost.age < FADE_MS * 2);
}

function draw(now) {
  if (!places.length) return;
  pen.clearRect(0, 0, frame.width, frame.height);
  rails();
  for (const dot of dots.values()) drawDot(dot, now);
}

function next(now) {
  const ms = Math.min(now - last, 100);
  last = now;
  for (const [id, dot] of dots) if (!advance(dot, ms)) dots.delete(id);
  draw(now);
  drawing = dots.size ? requestAnimationFrame(next) : 0;
}

function run() {
  if (drawing || document.hidden) return;
  last = performance.now();
  drawing = requestAnimationFrame(next);
}

function add(id, steps) {
  if (calm.matches || document.hidden || (dots.size >= MOST && !dots.has(id))) return;
  const known = dots.get(id);
  if (known) {
    // It is on its way already: the same steps so far, with what is known now ahead of it.
    const ahead = steps.findIndex((step) => step.to < step.from || step.mark);
    if (known.at >= ahead && ahead >= 0) Object.assign(known, { at: ahead, spent: 0 });
    known.steps = steps;
  } else dots.set(id, { steps, at: 0, spent: 0, ghost: null });
  run();
}

/** How many dots move now: for the tests, and for those who wonder. */
export const moving = () => dots.size;

export function start() {
  canvas = byId("dots");
  pen = canvas.getContext("2d");
  new ResizeObserver(measure).observe(canvas.parentElement);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", measure);
  on("theme", measure);
  on("state", () => {
    if (places.length !== 0 && measured === discs().length) draw(performance.now());
    else measure();
  });
  on("begun", (ids) => ids.forEach((id) => add(id, routeOfBegun())));
  on("sample", (requests) => {
    // Under load fewer than are told: a steady stream, not a crowd that comes in waves.
    const drawn = dots.size > CROWD ? requests.slice(0, 2) : requests;
    drawn.forEach((request, n) => setTimeout(() => add(request.id, routeOf(request)), n * (drawn.length > 1 ? 90 / drawn.length : 0)));
  });
  document.addEventListener("visibilitychange", () => (document.hidden ? dots.clear() : run()));
}
