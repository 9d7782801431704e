// Running the check from the page: verdicts as they fall, the report to keep.

import { acting, post } from "./api.js";
import { button, byId, field, h, say, select } from "./dom.js";
import { on, store } from "./store.js";
import { plural } from "./words.js";

const SAID = {
  idle: "Every failure, played against a pair of its own; this lab is not disturbed.",
  running: "Running",
  passed: "All that was required holds.",
  failed: "Something that was required does not hold.",
  stopped: "Stopped.",
  broken: "The check could not run:",
};
const FORMS = { html: "HTML", json: "JSON" };
const MARKS = { pass: "✓", fail: "✗", warn: "!", flaky: "≈", skip: "–" };

const parts = {};
let shown = 0;

function verdict(one) {
  const text = `${MARKS[one.verdict] ?? "?"} ${one.verdict}`;
  return h("li", { className: `verdict is-${one.verdict}` }, h("span", { className: "mark" }, text), ` ${one.title ?? one.id}`,
    h("span", { className: "took" }, one.seconds === null ? "" : ` ${one.seconds.toFixed(2)} s`));
}

function groupFor(name) {
  return (parts.groups[name] ??= (() => {
    const list = h("ul", {});
    const count = h("span", { className: "took" });
    parts.verdicts.append(h("div", { className: "verdict-group" }, h("h3", {}, name, " ", count), list));
    return { list, count, passed: 0, all: 0 };
  })());
}

function show() {
  const { check } = store.state;
  const running = check.state === "running";
  if (parts.group.options.length === 1) parts.group.append(...store.groups.map((name) => h("option", { value: name }, name)));
  parts.go.hidden = running;
  parts.stop.hidden = !running;
  for (const link of parts.reports) link.hidden = !check.report;
  parts.bar.hidden = !running && !check.done;
  parts.bar.max = check.total || 1;
  parts.bar.value = check.done;
  parts.said.setAttribute("aria-busy", String(running));
  const count = check.total ? ` ${check.done} of ${check.total}.` : "";
  const failed = check.verdicts.filter((one) => one.verdict === "fail").length;
  const bad = failed ? ` ${plural(failed, "scenario")} failed.` : "";
  say(parts.said, `${SAID[check.state] ?? check.state}${check.state === "idle" ? "" : `${count}${bad}`} ${check.said}`.trim());
  if (check.verdicts.length < shown) {
    parts.verdicts.replaceChildren();
    parts.groups = {};
    shown = 0;
  }
  for (const one of check.verdicts.slice(shown)) {
    const group = groupFor(one.group ?? "scenarios");
    group.list.append(verdict(one));
    group.all += 1;
    group.passed += one.verdict === "pass" ? 1 : 0;
    say(group.count, `${group.passed} of ${group.all}`);
  }
  shown = check.verdicts.length;
}

export function start() {
  parts.groups = {};
  parts.go = button("Run the check", acting(() => post("/check", { group: parts.group.value })), { className: "primary", id: "check-start" });
  parts.stop = button("Stop it", acting(() => post("/check", { stop: true })), { hidden: true });
  parts.reports = Object.entries(FORMS).map(([form, name]) =>
    h("a", { href: `/check/report?format=${form}`, download: `faultwire-check.${form}`, className: "button", hidden: true }, `Download the report (${name})`));
  parts.said = h("p", { className: "help", role: "status" });
  parts.bar = h("progress", { "aria-label": "Scenarios that are done", hidden: true, value: 0, max: 1 });
  parts.verdicts = h("div", { className: "verdicts" });
  parts.group = select([["", "everything"]]);
  byId("check").append(h("div", { className: "row" }, field("What to check", parts.group), parts.go, parts.stop, ...parts.reports), parts.said, parts.bar, parts.verdicts);
  on("state", show);
}
