// The stream of events: opened again after a restart, a broken connection or a sleep.

import { byId, say } from "./dom.js";
import { store, takeSnapshot, takeTick, tell } from "./store.js";

const SILENT_MS = 4000; // the console says something every second
const LOOK_MS = 1000;
const ASLEEP_MS = 8000;
const WORDS = {
  connecting: "Connecting …",
  live: "Live",
  lost: "Connection lost: is faultwire up still running? Trying again …",
  asleep: "This page was asleep. Reconnecting …",
};

const pages = new BroadcastChannel("pages"); // of this console, in this browser

let source = null; // while the page rests
let heard = 0;
let looked = 0;

function become(state) {
  if (store.connection === state) return;
  store.connection = state;
  document.documentElement.dataset.connection = state;
  say(byId("link"), WORDS[state]);
  tell("connection");
}

function hear(take) {
  return (event) => {
    heard = performance.now();
    become("live");
    take(JSON.parse(event.data));
  };
}

function open() {
  source?.close();
  heard = performance.now();
  source = new EventSource("/events");
  source.addEventListener("snapshot", hear(takeSnapshot));
  source.addEventListener("tick", hear(takeTick));
  source.addEventListener("error", () => become("lost"));
}

/** A browser opens six connections to a host: a hidden page leaves its own to those that are seen. */
function rest() {
  if (!document.hidden) return;
  source?.close();
  source = null;
}

function seen() {
  if (document.hidden) return;
  pages.postMessage("seen");
  look();
}

/** A stream that says nothing is as bad as none; a timer that was late was asleep. */
function look() {
  if (source === null && document.hidden) return;
  const now = performance.now();
  const asleep = source === null || now - looked > ASLEEP_MS;
  looked = now;
  if (asleep) become("asleep");
  else if (now - heard > SILENT_MS) become("lost");
  if (asleep || now - heard > SILENT_MS) open();
}

export function start() {
  say(byId("link"), WORDS.connecting);
  document.documentElement.dataset.connection = "connecting";
  looked = performance.now();
  if (!document.hidden) open();
  setInterval(look, LOOK_MS);
  pages.addEventListener("message", rest);
  document.addEventListener("visibilitychange", seen);
  seen();
}
