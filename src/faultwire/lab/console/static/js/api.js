// What the page asks of the console. Every failure becomes an Error with one sentence.

import { toast } from "./dom.js";

async function answer(response) {
  const body = await response.json().catch(() => ({ error: `HTTP ${response.status}` }));
  if (!response.ok) throw new Error(body.error ?? `HTTP ${response.status}`);
  return body;
}

async function ask(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Error("The console does not answer: is `faultwire up` still running?");
  }
  return answer(response);
}

/** Change something. */
export const post = (path, body = {}) =>
  ask(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

/** Read something. */
export const get = (path) => ask(path);

/** An action of a button: what goes wrong is shown. */
export const acting = (act) => async (event) => {
  try {
    return await act(event);
  } catch (error) {
    toast(error.message);
    return null;
  }
};
