// The few things that every part of the renderer needs: elements made by DOM methods only, own properties,
// addresses that may be shown, and taps. Whatever comes from a message is a stranger's text.

const SVG = "http://www.w3.org/2000/svg";
// Above what the emulator's own check takes: 5,000 letters, 50 boxes in each other.
const LONGEST_TEXT = 10000;
const MOST_NODES = 2000;
const DEEPEST = 60;
const SCHEMES = /^(?:https?|line|tel):/i;
// Devanagari to Myanmar, Thai among them; Khmer.
const STACKING = /[\u0900-\u109f\u1780-\u17ff]/;
const LOOPBACK = new Set(["127.0.0.1", "localhost"]);

// Drawn in a box of 24 by 24.
const GLYPHS = new Map([
  ["picture", "M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15.5 9.5h.01"],
  ["play", "M8 5.5v13l11-6.5z"],
  ["pin", "M12 21s-7-6.4-7-11.5a7 7 0 0 1 14 0C19 14.6 12 21 12 21zM12 12a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5z"],
  ["bell", "M6 16.5V11a6 6 0 0 1 12 0v5.5l1.5 1.5h-15zM10 20.5h4"],
  ["ticket", "M3 7h18v3.5a1.5 1.5 0 0 0 0 3V17H3v-3.5a1.5 1.5 0 0 0 0-3zM14 7.5v1.5M14 11.2v1.6M14 15v1.5"],
  ["camera", "M4 8h3.5L9 5.5h6L16.5 8H20v11H4zM12 16.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7z"],
  ["face", "M8.7 9v2M15.3 9v2M7 14.2c1.1 2 2.8 3 5 3s3.9-1 5-3"],
]);

/** What one message may use up: components and depth. Never shared between two messages. */
export function context(options = {}) {
  return {
    language: typeof options.language === "string" ? options.language : "en",
    onAction: typeof options.onAction === "function" ? options.onAction : null,
    left: MOST_NODES,
    depth: 0,
  };
}

/** Takes one component out of the budget; false when a message has too many, or nests them too deeply. */
export function spend(ctx) {
  ctx.left -= 1;
  return ctx.left >= 0 && ctx.depth <= DEEPEST;
}

/** An own property of a JSON object; never one of the prototype. */
export function own(holder, name) {
  return isObject(holder) && Object.hasOwn(holder, name) ? holder[name] : undefined;
}

export function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** An own property that is a text, cut where no real message is that long; else "". */
export function words(holder, name) {
  const value = own(holder, name);
  return typeof value === "string" ? cut(value) : "";
}

export function cut(text) {
  return text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}…` : text;
}

/** An own property that is a list: its first entries; else an empty one. */
export function list(holder, name, most) {
  const value = own(holder, name);
  return Array.isArray(value) ? value.slice(0, most) : [];
}

/** An element with a class and children; texts become text nodes, null is left out. */
export function el(tag, className, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  for (const child of children) if (child !== null && child !== "") made.append(child);
  return made;
}

/** A small drawing in the colour of the text around it. */
export function glyph(name, className = "") {
  const drawing = document.createElementNS(SVG, "svg");
  drawing.setAttribute("viewBox", "0 0 24 24");
  drawing.setAttribute("class", `m-glyph ${className}`.trim());
  drawing.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(SVG, "path");
  line.setAttribute("d", GLYPHS.get(name));
  drawing.append(line);
  return drawing;
}

/** The address of a picture, if it may be asked for: https, or http on this machine; else null. */
export function pictureUrl(value) {
  if (typeof value !== "string" || value.length > 4000) return null;
  let url;
  try {
    url = new URL(value);
  } catch {
    return null;
  }
  const loopback = url.protocol === "http:" && LOOPBACK.has(url.hostname);
  return url.protocol === "https:" || loopback ? url : null;
}

let fetching = true;

/** From now on no picture is asked for; each place shows where its picture would come from. */
export function fetchNoPictures() {
  fetching = false;
}

/** A picture that fills its box; where it can't be had, a quiet drawing with the name of its host.
 *  `fit`: "cover" or "contain". `trusted`: an address of the page itself (blob: or a path), not of a message.
 */
export function picture(value, { fit = "cover", alt = "", trusted = false } = {}) {
  const box = el("div", "m-pic");
  const url = trusted && typeof value === "string" ? { href: value, host: "" } : pictureUrl(value);
  if (url === null) return missing(box, "");
  if (!fetching) return missing(box, url.host);
  const image = el("img", "m-pic-image");
  image.alt = alt;
  image.referrerPolicy = "no-referrer";
  image.loading = "lazy";
  image.decoding = "async";
  image.draggable = false;
  image.style.objectFit = fit;
  image.addEventListener("error", () => {
    image.remove();
    missing(box, url.host);
  });
  image.src = url.href;
  box.append(image);
  return box;
}

function missing(box, host) {
  box.classList.add("m-pic-missing");
  box.append(el("span", "m-pic-note", glyph("picture"), host ? el("span", "m-pic-host", host.slice(0, 80)) : null));
  return box;
}

/** The action, if a tap may pass it on: addresses only with the schemes that LINE allows. */
export function usable(action) {
  const kind = own(action, "type");
  if (typeof kind !== "string") return null;
  if (kind !== "uri") return action;
  const uri = own(action, "uri");
  return typeof uri === "string" && SCHEMES.test(uri) ? action : null;
}

/** Makes an element tappable. Without a usable action it stays as it is. An inner action goes before an outer one. */
export function tap(element, action, ctx) {
  const passed = usable(action);
  if (passed === null) return element;
  const fire = (event) => {
    event.stopPropagation();
    event.preventDefault();
    if (ctx.onAction) ctx.onAction(passed);
  };
  element.classList.add("m-tap");
  element.addEventListener("click", fire);
  if (element instanceof HTMLButtonElement) return element;
  element.tabIndex = 0;
  if (!element.querySelector(".m-tap")) element.setAttribute("role", "button");
  const label = words(action, "label");
  if (label && !element.textContent) element.setAttribute("aria-label", label);
  element.addEventListener("keydown", (event) => {
    if (event.target === element && (event.key === "Enter" || event.key === " ")) fire(event);
  });
  return element;
}

/** Makes room above and below a line where its script sets signs over signs, as fonts of phones do by themselves. */
export function roomy(line) {
  if (STACKING.test(line.textContent)) line.classList.add("m-tall");
  return line;
}

/** A button with an action's label. */
export function button(action, className, ctx, label = words(action, "label")) {
  const made = el("button", className, roomy(el("span", "m-label", label)));
  made.type = "button";
  return tap(made, action, ctx);
}
