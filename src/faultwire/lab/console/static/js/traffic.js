// Sending requests to B: one, a burst, or a steady stream.

import { acting, post } from "./api.js";
import { button, byId, field, h, say, select } from "./dom.js";
import { on, store } from "./store.js";
import { plural } from "./words.js";

const RATES = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000];
const ROUTES = [["call-echo", "/call-echo: B asks A to echo"], ["call-foo", "/call-foo: B asks what always fails"], ["health", "/health: B alone"]];

const parts = {};

const what = () => ({ route: parts.route.value, msg: parts.msg.value });
const send = (count) => acting(() => post("/traffic", { count, ...what() }));
const steady = acting(() => post("/traffic", { rate: Number(parts.rate.value), for_s: Number(parts.span.value), ...what() }));
const stop = acting(() => post("/traffic", { stop: true }));

function show() {
  const { drive } = store.state;
  parts.steady.hidden = drive.running;
  parts.stop.hidden = !drive.running;
  const held = drive.held_back ? ` ${plural(drive.held_back, "request")} not sent: too many were waiting.` : "";
  const steadily = drive.running ? `Sending ${drive.rate}/s, ${drive.left_s} s to go. ` : "";
  say(parts.said, `${steadily}${plural(drive.sent, "request")} sent, ${drive.failed.toLocaleString("en")} failed, ${drive.open} waiting.${held}`);
}

export function start() {
  parts.route = select(ROUTES);
  parts.msg = h("input", { type: "text", value: "hello", maxLength: 200, spellcheck: false });
  parts.rate = select(RATES.map((rate) => [rate, `${rate} a second`]));
  parts.rate.value = "5";
  parts.span = select([[10, "10 s"], [60, "1 min"], [600, "10 min"]]);
  parts.span.value = "60";
  parts.steady = button("Send steadily", steady, { className: "primary" });
  parts.stop = button("Stop sending", stop, { className: "primary", hidden: true });
  parts.said = h("p", { className: "help" });
  byId("traffic").append(
    h("div", { className: "row" }, button("Send one", send(1), { className: "primary", id: "send-one" }), button("Burst of 50", send(50))),
    h("div", { className: "row" }, field("Rate", parts.rate), field("For", parts.span), parts.steady, parts.stop),
    h("div", { className: "row" }, field("Route", parts.route), field("Message", parts.msg)),
    parts.said,
  );
  on("state", show);
}
