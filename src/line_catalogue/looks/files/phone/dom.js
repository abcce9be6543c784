// Elements by DOM methods only: every text is a stranger's and becomes a text node.

const SVG = "http://www.w3.org/2000/svg";

/** An element. `props`: `class`, `on` (listeners by event), and attributes; false, null and undefined are left out. */
export function h(tag, props = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "class") made.className = value;
    else if (name === "on")
      for (const [event, act] of Object.entries(value)) made.addEventListener(event, act);
    else made.setAttribute(name, value === true ? "" : String(value));
  }
  made.append(
    ...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false),
  );
  return made;
}

/** A button; `act` may be asynchronous: meanwhile the button shows that it waits and can't be pressed again. */
export function button(className, content, act, props = {}) {
  const made = h("button", { type: "button", class: className, ...props }, content);
  made.addEventListener("click", () => busy(made, act));
  return made;
}

/** Runs `act` with the button waiting. */
export async function busy(pressed, act) {
  if (pressed.getAttribute("aria-busy") === "true") return;
  const result = act();
  if (!(result instanceof Promise)) return;
  pressed.setAttribute("aria-busy", "true");
  try {
    await result;
  } finally {
    pressed.removeAttribute("aria-busy");
  }
}

/** An SVG of one or more paths in a box of 24 by 24. `filled`: drawn as a shape, else as a line. */
export function svg(paths, { className = "icon", filled = false, label = "" } = {}) {
  const made = document.createElementNS(SVG, "svg");
  made.setAttribute("viewBox", "0 0 24 24");
  made.setAttribute("class", filled ? `${className} filled` : className);
  if (label) {
    made.setAttribute("role", "img");
    made.setAttribute("aria-label", label);
  } else made.setAttribute("aria-hidden", "true");
  for (const entry of [paths].flat()) {
    const path = document.createElementNS(SVG, "path");
    const [d, className] = Array.isArray(entry) ? entry : [entry, ""];
    path.setAttribute("d", d);
    if (className) path.setAttribute("class", className);
    made.append(path);
  }
  return made;
}

const kept = new WeakMap();

/** Makes the children of `holder` those of `items`, in order. Whoever has the same key as before stays untouched. */
export function reconcile(holder, items, make) {
  const before = kept.get(holder) ?? new Map();
  const after = new Map();
  let place = holder.firstChild;
  for (const item of items) {
    let key = item.key;
    while (after.has(key)) key += "'";
    const element = before.get(key) ?? make(item);
    after.set(key, element);
    if (element === place) place = place.nextSibling;
    else holder.insertBefore(element, place);
  }
  for (const [key, element] of before) if (after.get(key) !== element) element.remove();
  kept.set(holder, after);
}

/** Replaces all children, unless the key says that nothing is new. */
export function redraw(holder, key, make) {
  if (kept.get(holder) === key) return;
  kept.set(holder, key);
  holder.replaceChildren(...[make()].flat(Infinity).filter(Boolean));
}
