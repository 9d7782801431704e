// The list of recent requests: choose one, and it is told in full.

import { byId, h, say } from "./dom.js";
import { choose, on, store } from "./store.js";
import { clock, duration, family, outcomeOf, plural } from "./words.js";

const SHOWN = 40;
const EVERY_MS = 250;
const STAYS_MS = 2500;

const parts = {};
let due = 0;
let followed = -STAYS_MS;
let later = 0;
let onlyFailed = false;

/** The request's way in a few words: who saw it, and what the wire did. */
function about(request) {
  const faults = request.wire.map((one) => one.fault).filter(Boolean);
  const attempts = request.b?.attempts > 1 ? `${request.b.attempts} attempts` : "";
  const path = request.path === "/call-echo" ? "" : request.path;
  return [path, attempts, faults.length ? `fault: ${faults.join(", ")}` : "", request.vain ? "in vain" : ""].filter(Boolean).join(" · ");
}

const took = (request) => request.b?.ms ?? (request.client?.ended ? request.client.ended - request.client.started : request.wire[0]?.ms ?? request.a[0]?.ms ?? 0);

function row(request) {
  const kind = outcomeOf(request);
  const open = h(
    "button", { type: "button", className: "request", onclick: () => choose(request.id), "aria-pressed": String(store.selected === request.id) },
    h("span", { className: "time" }, clock(request.at)),
    h("span", { className: `outcome is-${family(kind)}` }, kind === "no_answer" ? "no answer" : kind),
    h("span", { className: "took" }, duration(took(request))),
    h("span", { className: "note" }, about(request)),
  );
  open.dataset.id = request.id;
  return h("li", {}, open);
}

function show() {
  due = 0;
  const wanted = store.requests.filter((one) => !onlyFailed || one.failed);
  const rows = wanted.slice(-SHOWN).reverse();
  if (parts.hold.checked) return;
  const focused = parts.list.contains(document.activeElement) ? document.activeElement.dataset.id : null;
  parts.list.replaceChildren(...rows.map(row));
  if (focused) parts.list.querySelector(`[data-id="${CSS.escape(focused)}"]`)?.focus();
  say(parts.none, rows.length ? [unlisted(rows), nameless(rows)].filter(Boolean).join(" ") : "No request yet: send one.");
  if (parts.follow.checked && rows.length && !tooSoon()) choose(rows[0].id, false);
}

/** Where many come, the list is a sample of them. */
function unlisted(rows) {
  const since = rows.at(-1).at;
  const count = store.unlisted.reduce((sum, one) => (one.at >= since ? sum + one.count : sum), 0);
  return count ? `A random sample: ${plural(count, "more request")} of this time ${count === 1 ? "is" : "are"} not listed.` : "";
}

/** Some contracts' log lines do not say which request they are about. */
const nameless = (rows) => (rows.some(({ id }) => id.startsWith("line-"))
  ? "This contract's log lines do not name their request: they are put together by time, where that is clear." : "");

/** While many come, one stays for long enough to be read; the newest is shown then. */
function tooSoon() {
  const last = store.seconds.at(-1);
  const many = Object.values(last?.kinds ?? {}).reduce((sum, count) => sum + count, 0) > 2;
  const stays = followed + STAYS_MS - performance.now();
  if (many && stays > 0) {
    later ||= setTimeout(() => {
      later = 0;
      soon();
    }, stays);
    return true;
  }
  followed = performance.now();
  return false;
}

function soon() {
  if (!due) due = setTimeout(show, EVERY_MS);
}

function check(text, props) {
  const box = h("input", { type: "checkbox", ...props });
  return [box, h("label", { className: "check" }, box, ` ${text}`)];
}

export function start() {
  const [follow, followLabel] = check("follow the newest", { checked: true, onchange: show });
  const [failed, failedLabel] = check("failed only", { onchange: (event) => { onlyFailed = event.target.checked; show(); } });
  const [hold, holdLabel] = check("hold the list", { onchange: show });
  Object.assign(parts, { follow, failed, hold });
  parts.list = h("ul", { className: "request-list" });
  parts.none = h("p", { className: "help" });
  byId("requests").append(h("div", { className: "row" }, followLabel, failedLabel, holdLabel), parts.none, parts.list);
  on("requests", soon);
  on("selected", ({ id, byHand }) => {
    if (byHand) parts.follow.checked = false;
    for (const one of parts.list.querySelectorAll(".request")) one.setAttribute("aria-pressed", String(one.dataset.id === id));
  });
}
