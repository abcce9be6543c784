// The picture of an account.

import { h } from "./dom.js";
import { icon } from "./icons.js";

const COLOURS = 8;

function colourOf(id) {
  let sum = 7;
  for (const sign of id) sum = (sum * 31 + sign.codePointAt(0)) % 9973;
  return sum % COLOURS;
}

/** The first letter as a person sees it, so that no emoji or Thai syllable is cut. */
function initial(name) {
  const [first] = new Intl.Segmenter(undefined, { granularity: "grapheme" }).segment(name.trim());
  return first ? first.segment.toLocaleUpperCase().slice(0, 12) : "?";
}

/** An account's picture: its initial on its own colour; the system account's is green. */
export function avatar(id, name, size = "") {
  if (id === "line") {
    return h("span", { class: `avatar system ${size}`, "aria-hidden": "true" }, icon("bell"));
  }
  return h("span", { class: `avatar colour${colourOf(id)} ${size}`, "aria-hidden": "true" }, initial(name));
}
