// Three charts over the last two minutes: outcomes, latencies, attempts.

import uPlot from "/vendor/uplot.js";
import { byId, h, say } from "./dom.js";
import { nowMs, on, store } from "./store.js";
import { FAMILIES, family } from "./words.js";

const WINDOW_S = 120;
const HEIGHT = 190;
const EVERY_MS = 500;
const FAMILY_NAMES = Object.keys(FAMILIES);
const PERCENTILES = ["p50", "p90", "p99", "longest"];
const PERCENTILE_COLOURS = ["ok", "ask", "timeout", "unavailable"];

const charts = [];
let due = 0;

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/** One column for each second of the window, empty ones included. */
function window120() {
  const now = Math.floor(nowMs() / 1000);
  const found = new Map(store.seconds.map((second) => [second.t, second]));
  return Array.from({ length: WINDOW_S }, (_, n) => now - WINDOW_S + 1 + n).map((t) => [t, found.get(t)]);
}

function outcomes(seconds) {
  const sums = FAMILY_NAMES.map(() => []);
  for (const [, second] of seconds) {
    const counts = Object.fromEntries(FAMILY_NAMES.map((name) => [name, 0]));
    for (const [kind, count] of Object.entries(second?.kinds ?? {})) counts[family(kind)] += count;
    let sum = 0; // stacked: each line is the sum of those below it
    FAMILY_NAMES.forEach((name, n) => sums[n].push((sum += counts[name])));
  }
  return sums.reverse(); // the highest is drawn first, and the lower ones over it
}

const latencies = (seconds) => PERCENTILES.map((_, n) => seconds.map(([, second]) => second?.ms[n] ?? null)).reverse();

function attempts(seconds) {
  const mean = ({ attempts: counts }) => {
    const all = Object.entries(counts);
    const total = all.reduce((sum, [, count]) => sum + count, 0);
    return total ? all.reduce((sum, [tries, count]) => sum + tries * count, 0) / total : null;
  };
  const most = ({ attempts: counts }) => Math.max(...Object.keys(counts).map(Number));
  return [most, mean].map((of) => seconds.map(([, second]) => (second ? of(second) : null)));
}

const KINDS = [
  {
    title: "Answers per second, by outcome", data: outcomes,
    series: () => FAMILY_NAMES.map((name) => ({ label: FAMILIES[name], stroke: colour(name), fill: colour(name), width: 0, points: { show: false }, paths: uPlot.paths.bars({ size: [0.9], align: 0 }) })).reverse(),
    keys: () => Object.entries(FAMILIES),
    least: 4,
  },
  {
    title: "Latency of B's answers, ms", data: latencies,
    series: () => PERCENTILES.map((label, n) => ({ label, stroke: colour(PERCENTILE_COLOURS[n]), width: 2, points: { size: 4 } })).reverse(),
    keys: () => PERCENTILES.map((label, n) => [PERCENTILE_COLOURS[n], label]),
    least: 10,
  },
  {
    title: "Attempts per request", data: attempts,
    series: () => [["most", "error"], ["mean", "ask"]].map(([label, name]) => ({ label, stroke: colour(name), width: 2, points: { size: 4 } })),
    keys: () => [["ask", "mean"], ["error", "most"]],
    least: 3,
  },
];

function options(kind, width) {
  const axis = { stroke: colour("muted"), grid: { stroke: colour("line"), width: 1 }, ticks: { stroke: colour("line"), width: 1 }, font: "12px system-ui, sans-serif" };
  return {
    width, height: HEIGHT, legend: { show: false }, cursor: { show: false }, pxAlign: false,
    scales: { x: { time: true }, y: { range: (_, __, most) => [0, Math.max(most * 1.1, kind.least)] } },
    axes: [{ ...axis, splits: () => marks(), values: (_, ticks) => ticks.map(ago) }, { ...axis, size: 48 }],
    series: [{}, ...kind.series()],
  };
}

/** Every half minute of the window. */
const marks = () => [120, 90, 60, 30, 0].map((seconds) => Math.floor(nowMs() / 1000) - seconds);

const ago = (t, n) => ["−2 min", "−90 s", "−1 min", "−30 s", "now"][n];

function make(place, kind) {
  const seconds = window120();
  const data = [seconds.map(([t]) => t), ...kind.data(seconds)];
  return new uPlot(options(kind, place.clientWidth || 300), data, place);
}

function add(kind) {
  const place = h("div", { className: "chart", "aria-hidden": "true" });
  const now = h("p", { className: "chart-now" });
  const keys = kind.keys().map(([name, label]) => h("span", { className: `key key-${name}` }, label));
  byId("charts").append(h("figure", {}, h("figcaption", {}, h("h3", {}, kind.title)), place, h("p", { className: "legend" }, ...keys), now));
  const chart = { kind, place, now, plot: null };
  charts.push(chart);
  new ResizeObserver(() => chart.plot?.setSize({ width: place.clientWidth, height: HEIGHT })).observe(place);
}

/** The same in words, for the last whole second in which something was answered. */
function inWords(kind) {
  const now = Math.floor(nowMs() / 1000);
  const last = store.seconds.findLast(({ t }) => t < now) ?? store.seconds.at(-1);
  if (!last) return "Nothing has been answered yet.";
  if (kind.data === outcomes) return Object.entries(store.totals).map(([name, count]) => `${name} ${count.toLocaleString("en")}`).join(", ");
  if (kind.data === latencies) return PERCENTILES.map((name, n) => `${name} ${last.ms[n]} ms`).join(", ");
  return Object.entries(last.attempts).map(([tries, count]) => `${count.toLocaleString("en")} with ${tries}`).join(", ");
}

function show() {
  due = 0;
  if (document.hidden) return;
  const seconds = window120();
  const times = seconds.map(([t]) => t);
  for (const chart of charts) {
    chart.plot ??= make(chart.place, chart.kind);
    chart.plot.setData([times, ...chart.kind.data(seconds)]);
    say(chart.now, inWords(chart.kind));
  }
}

function again() {
  for (const chart of charts) {
    chart.plot?.destroy();
    chart.plot = null;
  }
  show();
}

export function start() {
  KINDS.forEach(add);
  on("seconds", () => (due ||= setTimeout(show, EVERY_MS)));
  on("theme", again);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  setInterval(() => store.connection === "live" && store.seconds.length && (due ||= setTimeout(show, EVERY_MS)), 1000);
}
