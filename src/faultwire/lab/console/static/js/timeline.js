// The time-line of one request: client, B, the wire and A, each with what it did when.

import { svg } from "./dom.js";
import { duration, family, outcomeOf } from "./words.js";

const WIDTH = 640;
const MARGIN = 64;
const RIGHT = 16;
const LANE = 46;
const TOP = 26;
const LEAST = 3;
const GONE = 499; // logged, never sent: whoever asked has left
const LANES = ["Client", "B", "Wire", "A"];

const start = (seen) => seen.ended - seen.ms;

function clientBar({ client }) {
  if (!client) return [];
  const said = client.ended ? (client.status ? `got HTTP ${client.status}` : `got no answer: ${client.said}`) : "is waiting";
  return [{ lane: 0, from: client.started, to: client.ended || client.started, look: "client", said: `asked B and ${said}` }];
}

function bBar({ b, client }, wires) {
  if (!b) return [];
  // The log says when to the millisecond: what is known better keeps the bar in its place.
  const asked = client?.ended ? client : { started: -Infinity, ended: Infinity };
  const from = Math.max(Math.min(start(b), ...wires.map((one) => one.from)), asked.started);
  const answered = b.kind === "ok" ? Math.max(b.ended, ...wires.map((one) => one.to)) : b.ended;
  const look = family(b.kind);
  const attempts = b.attempts > 1 ? `, after ${b.attempts} attempts` : "";
  const why = b.kind === "ok" ? "answered" : `answered HTTP ${b.status}: ${b.kind}`;
  const said = `${why} after ${duration(b.ms)}${attempts}${b.details ? ` (${b.details})` : ""}`;
  return [{ lane: 1, from, to: Math.max(Math.min(answered, asked.ended), from), look, text: b.kind, said }];
}

/** The ledger is exact to the microsecond; where it has forgotten, the wire's log lines do. */
function wireBars(request) {
  if (request.records.length) return request.records.map(fromRecord);
  return request.wire.map((one) => ({ lane: 2, from: start(one), to: one.ended, ...wireLook(one), said: wireSaid(one, one.ms) }));
}

function fromRecord(record) {
  const from = record.started * 1000;
  const to = (record.ended || record.started) * 1000;
  return { lane: 2, from, to, ...wireLook(record), said: wireSaid(record, to - from), forwarded: record.forwarded * 1000 };
}

const wireLook = (one) => ({ look: one.fault ? "fault" : one.error ? "error" : "ok", text: one.fault ? `⚡ ${one.fault}` : errorWords(one.error) });

/** The wire's words, said of those whom they mean here: its client is B, its upstream A. */
const WHO = { client: "B", upstream: "A", wire: "the wire" };
const errorWords = (error) => error.replace(/^(client|upstream)/, (who) => WHO[who]).replaceAll("_", " ");

function wireSaid(one, ms) {
  const did = one.fault ? `played ${one.fault}` : one.error ? `saw: ${errorWords(one.error)}` : "passed it on";
  const end = one.closed_by ? `; ${WHO[one.closed_by] ?? one.closed_by} ended the connection (${one.closed_how})` : "";
  return `${did}, ${one.status ? `answered HTTP ${one.status}` : "no answer"}, ${duration(ms)}${end}`;
}

function aBars(request, wires) {
  const gaveUp = request.b && request.b.kind !== "ok" ? request.b.ended : Infinity;
  const forwarded = wires.map((one) => one.forwarded).filter(Boolean);
  return request.a.map((one, n) => {
    const vain = one.ended > gaveUp + 1;
    // A counts from when it read the request; what waited for it in its socket, it does not know.
    const from = forwarded[n] && (vain || start(one) < forwarded[n]) ? forwarded[n] : start(one);
    if (one.status === GONE) return { lane: 3, from, to: Math.max(one.ended, from), look: "client", text: "stopped", said: `noticed after ${duration(one.ms)} that nobody waited, and stopped` };
    const said = vain
      ? `finished ${duration(one.ended - gaveUp)} after B had given up: work in vain`
      : `answered HTTP ${one.status} in ${duration(one.ms)}`;
    return { lane: 3, from, to: Math.max(one.ended, from), look: vain ? "vain" : one.said === "ok" ? "ok" : "error", text: vain ? "in vain" : "", said };
  });
}

function bars(request) {
  const wires = wireBars(request);
  return [...clientBar(request), ...bBar(request, wires), ...wires, ...aBars(request, wires)];
}

function rowsOf(request, all) {
  const rows = all.map(({ lane, said }) => ({ who: LANES[lane], said }));
  if (!request.a.length) rows.push({ who: "A", said: "never said anything of this request" });
  return rows;
}

/** Round numbers for the axis: about five of them. */
function ticks(span) {
  const rough = span / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= rough);
  return Array.from({ length: Math.floor(span / step) + 1 }, (_, n) => n * step);
}

function axis(x, begin, span, bottom) {
  return ticks(span).map((at) => svg("g", {},
    svg("line", { x1: x(begin + at), x2: x(begin + at), y1: TOP - 6, y2: bottom, class: "tick" }),
    svg("text", { x: x(begin + at), y: 14, class: "tick-text", "text-anchor": "middle" }, duration(at))));
}

function drawn(bar, x) {
  const from = x(bar.from);
  const wide = Math.max(x(bar.to) - from, LEAST);
  const y = TOP + bar.lane * LANE;
  const inside = wide > 90;
  const after = from + wide + 6;
  const label = bar.text
    ? svg("text", { x: inside ? from + 8 : Math.min(after, WIDTH - RIGHT), y: y + 21, class: inside ? "bar-text inside" : "bar-text",
        "text-anchor": !inside && after > WIDTH - 120 ? "end" : "start" }, bar.text)
    : null;
  return svg("g", { class: `bar is-${bar.look}` }, svg("rect", { x: from, y: y + 4, width: wide, height: 24, rx: 5 }), label);
}

/** The moment after which nobody waits. */
function gaveUp(request, x, bottom) {
  if (!request.b || family(request.b.kind) !== "timeout") return null;
  const at = x(request.b.ended);
  const late = at > WIDTH - 120;
  return svg("g", { class: "gave-up" }, svg("line", { x1: at, x2: at, y1: TOP - 2, y2: bottom }),
    svg("text", { x: late ? at - 5 : at + 5, y: bottom - 4, "text-anchor": late ? "end" : "start" }, "B gave up"));
}

/** The picture, and the same in words. */
export function timeline(request) {
  const all = bars(request);
  const begin = Math.min(...all.map((bar) => bar.from));
  const span = Math.max(Math.max(...all.map((bar) => bar.to)) - begin, 1);
  const bottom = TOP + LANES.length * LANE;
  const x = (ms) => MARGIN + 6 + ((ms - begin) / span) * (WIDTH - MARGIN - RIGHT - 12);
  const lanes = LANES.map((name, n) => svg("g", {},
    svg("line", { x1: MARGIN, x2: WIDTH - RIGHT, y1: TOP + n * LANE + 38, y2: TOP + n * LANE + 38, class: "lane" }),
    svg("text", { x: 0, y: TOP + n * LANE + 21, class: "lane-text" }, name)));
  const label = `Time-line of the request: ${outcomeOf(request)}, ${duration(span)} in all. The list below says the same.`;
  const picture = svg("svg", { viewBox: `0 0 ${WIDTH} ${bottom + 4}`, class: "timeline", role: "img", "aria-label": label },
    ...axis(x, begin, span, bottom), ...lanes, ...all.map((bar) => drawn(bar, x)), gaveUp(request, x, bottom) ?? "");
  return { picture, rows: rowsOf(request, all) };
}
