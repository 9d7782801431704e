// Elements without a framework. Texts are set as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";

function fill(element, props, children) {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element && !(element instanceof SVGElement) && name !== "list") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** An HTML element: h("button", {type: "button", onclick: act}, "Go"). */
export const h = (tag, props, ...children) => fill(document.createElement(tag), props, children);

/** An SVG element. */
export const svg = (tag, props, ...children) => fill(document.createElementNS(SVG, tag), props, children);

export const byId = (id) => document.getElementById(id);

/** Set a text only where it has changed: a screen reader is not told the same twice. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** A text in which `words` stand in a typewriter's letters. */
export const marked = (text) => text.split("`").map((part, n) => (n % 2 ? h("code", {}, part) : part));

/** A button. */
export const button = (text, onclick, props = {}) => h("button", { type: "button", onclick, ...props }, text);

/** A label above its field. */
export function field(label, control, help) {
  const id = `f-${(field.count = (field.count ?? 0) + 1)}`;
  control.id = id;
  const parts = [h("label", { htmlFor: id }, label), control];
  if (help) {
    const helpId = `${id}-help`;
    control.setAttribute("aria-describedby", helpId);
    parts.push(h("p", { className: "help", id: helpId }, help));
  }
  return h("div", { className: "field" }, ...parts);
}

/** A select of [value, text] pairs. */
export const select = (options, props = {}) =>
  h("select", props, ...options.map(([value, text]) => h("option", { value }, text)));

let toastTimer = 0;

/** Say what went wrong, for a while. */
export function toast(text) {
  const place = byId("toasts");
  place.replaceChildren(h("p", {}, text, button("Close", () => place.replaceChildren(), { className: "quiet" })));
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => place.replaceChildren(), 8000);
}
