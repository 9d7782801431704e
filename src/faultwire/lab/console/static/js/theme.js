// Light, dark, or as the system is.

import { byId, say } from "./dom.js";
import { tell } from "./store.js";

const CHOICES = ["auto", "light", "dark"];
const KEY = "faultwire-theme";

function use(choice) {
  if (choice === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = choice;
  say(byId("theme"), `Theme: ${choice}`);
  try {
    localStorage.setItem(KEY, choice);
  } catch {
    // Without storage it lasts as long as the page.
  }
  tell("theme");
}

function kept() {
  try {
    return localStorage.getItem(KEY) ?? "auto";
  } catch {
    return "auto";
  }
}

export function start() {
  let choice = CHOICES.includes(kept()) ? kept() : "auto";
  use(choice);
  byId("theme").addEventListener("click", () => {
    choice = CHOICES[(CHOICES.indexOf(choice) + 1) % CHOICES.length];
    use(choice);
  });
}
