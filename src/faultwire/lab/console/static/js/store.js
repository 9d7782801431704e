// What the page knows: bounded, and told to whoever listens.

const MOST_REQUESTS = 200;
const MOST_SECONDS = 300;
const MOST_LINES = 200;
const MOST_COUNTS = 600;

const listeners = new Map();

export const store = {
  boot: "",
  version: "",
  groups: [], // of the check's scenarios
  skewMs: 0, // the console's clock less ours
  connection: "connecting",
  state: null,
  requests: [], // newest last
  unlisted: [], // how many ended beside those, and when: there are more than anybody reads
  seconds: [],
  totals: {},
  logs: {},
  selected: null,
};

/** Call `listener` whenever `event` is told. */
export function on(event, listener) {
  if (!listeners.has(event)) listeners.set(event, []);
  listeners.get(event).push(listener);
}

/** Tell everybody who listens to `event`. */
export function tell(event, detail) {
  for (const listener of listeners.get(event) ?? []) listener(detail);
}

export const service = (name) => store.state?.services.find((one) => one.name === name) ?? null;

export const nowMs = () => Date.now() + store.skewMs;

/** Choose the request that is told in full; null for none. */
export function choose(id, byHand = true) {
  store.selected = id;
  tell("selected", { id, byHand });
}

function addRequests(requests) {
  for (const request of requests) {
    const at = store.requests.findIndex((one) => one.id === request.id);
    if (at >= 0) store.requests[at] = request;
    else store.requests.push(request);
  }
  if (store.requests.length > MOST_REQUESTS) store.requests.splice(0, store.requests.length - MOST_REQUESTS);
}

function addSeconds(seconds) {
  for (const second of seconds) {
    const at = store.seconds.findLastIndex((one) => one.t === second.t);
    if (at >= 0) store.seconds[at] = second;
    else store.seconds.push(second);
  }
  if (store.seconds.length > MOST_SECONDS) store.seconds.splice(0, store.seconds.length - MOST_SECONDS);
}

function addLogs(logs) {
  for (const [name, { lines, missed }] of Object.entries(logs)) {
    const held = (store.logs[name] ??= []);
    if (missed) held.push([`… ${missed} lines more, not shown here …`, ""]);
    held.push(...lines);
    if (held.length > MOST_LINES) held.splice(0, held.length - MOST_LINES);
  }
}

/** All there is to know, at the beginning and after a break. */
export function takeSnapshot(data) {
  const restarted = store.boot !== "" && store.boot !== data.boot;
  Object.assign(store, { boot: data.boot, groups: data.groups, version: data.version, state: data.state, totals: data.totals });
  store.skewMs = data.now - Date.now();
  store.requests = [];
  store.unlisted = [];
  store.seconds = [];
  store.logs = {};
  addRequests(data.requests);
  addSeconds(data.seconds);
  addLogs(data.logs);
  if (restarted) choose(null, false);
  for (const event of ["state", "requests", "seconds", "logs"]) tell(event, { fresh: false });
}

/** What is new. */
export function takeTick(data) {
  store.skewMs = data.now - Date.now();
  if (data.state) {
    store.state = data.state;
    tell("state");
  }
  if (data.begun) tell("begun", data.begun);
  if (data.sample || data.beside) {
    addRequests([...(data.sample ?? []), ...(data.beside ?? [])]);
    tell("sample", data.sample ?? []);
    tell("changed", data.beside ?? []);
    if (data.unlisted) store.unlisted.push({ at: data.now, count: data.unlisted });
    if (store.unlisted.length > MOST_COUNTS) store.unlisted.shift();
    tell("requests");
  }
  if (data.seconds) {
    addSeconds(data.seconds);
    store.totals = data.totals;
    tell("seconds");
  }
  if (data.logs) {
    addLogs(data.logs);
    tell("logs");
  }
}
