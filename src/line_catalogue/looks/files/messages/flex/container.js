// Flex messages: bubbles and carousels.

import { el, isObject, list, own, spend, tap } from "../dom.js";
import { word } from "../words.js";
import { component } from "./box.js";
import { color } from "./values.js";

const SIZES = new Set(["nano", "micro", "deca", "hecto", "kilo", "mega", "giga"]);
const BLOCKS = ["header", "hero", "body", "footer"];
const MOST_BUBBLES = 12;

/** The element of a Flex message; null where its container is unknown. */
export function flexMessage(message, ctx) {
  const container = own(message, "contents");
  const kind = own(container, "type");
  if (kind === "bubble") {
    const drawn = bubble(container, ctx);
    const shown = el("div", drawn.classList.contains("m-giga") ? "m-flex m-wide" : "m-flex", drawn);
    return finished(shown, ctx);
  }
  if (kind !== "carousel") return null;
  const drawn = list(container, "contents", MOST_BUBBLES).filter(isObject).map((entry) => bubble(entry, ctx));
  return finished(el("div", "m-flex m-carousel m-wide", ...drawn), ctx);
}

/** Says so when a part was left out because the message asks for too much. */
function finished(shown, ctx) {
  if (ctx.left < 0 || ctx.cut) shown.append(el("p", "m-cut", word(ctx.language, "shortened")));
  return shown;
}

function bubble(container, ctx) {
  const size = own(container, "size");
  const shown = el("div", `m-bubble m-${SIZES.has(size) ? size : "mega"}`);
  shown.dir = own(container, "direction") === "rtl" ? "rtl" : "ltr";
  const styles = own(container, "styles");
  for (const name of BLOCKS) {
    const content = own(container, name);
    if (!isObject(content) || !spend(ctx)) continue;
    const block = el("div", `m-block m-${name}`);
    dress(block, own(styles, name), shown.childNodes.length === 0);
    const drawn = component(content, "block", ctx);
    if (drawn) block.append(drawn);
    shown.append(block);
  }
  if (isObject(own(container, "footer"))) shown.classList.add("m-has-footer");
  return tap(shown, own(container, "action"), ctx);
}

/** A block's ground and the line above it; the first block has none. */
function dress(block, style, first) {
  const ground = color(own(style, "backgroundColor"));
  if (ground) block.style.backgroundColor = ground;
  if (own(style, "separator") !== true || first) return;
  block.classList.add("m-ruled");
  const line = color(own(style, "separatorColor"));
  if (line) block.style.borderTopColor = line;
}
