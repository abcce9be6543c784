// The box of Flex, and the way from a component's type to its element. LINE's layout is that of a CSS flexbox.

import { el, isObject, own, spend, tap } from "../dom.js";
import { button, filler, icon, image, separator, text, video } from "./components.js";
import * as values from "./values.js";

const LAYOUTS = new Set(["horizontal", "vertical", "baseline"]);
const KINDS = new Map([
  ["box", box],
  ["button", button],
  ["filler", filler],
  ["icon", icon],
  ["image", image],
  ["separator", separator],
  ["text", text],
  ["video", (holder, ctx) => video(holder, ctx, component)],
]);
const RIGID = new Set(["icon", "separator"]);
const JUSTIFY = ["center", "flex-start", "flex-end", "space-between", "space-around", "space-evenly"];
const ALIGN = ["center", "flex-start", "flex-end"];
const OFFSETS = [
  ["offsetTop", "top"], ["offsetBottom", "bottom"], ["offsetStart", "insetInlineStart"], ["offsetEnd", "insetInlineEnd"],
];
const PADDINGS = [
  ["paddingAll", "padding"], ["paddingTop", "paddingTop"], ["paddingBottom", "paddingBottom"],
  ["paddingStart", "paddingInlineStart"], ["paddingEnd", "paddingInlineEnd"],
];

/** A component inside a box of this layout, or at the root of a block (`block`); null where it is none of LINE's. */
export function component(holder, layout, ctx) {
  const draw = KINDS.get(own(holder, "type"));
  if (!draw) return null;
  ctx.depth += 1;
  const allowed = spend(ctx);
  const drawn = allowed ? draw(holder, ctx) : null;
  ctx.depth -= 1;
  if (!allowed) ctx.cut = true;
  if (drawn === null) return null;
  share(drawn, holder, layout);
  move(drawn, holder);
  return tap(drawn, own(holder, "type") === "button" ? null : own(holder, "action"), ctx);
}

/** How much of the box a component takes. In a horizontal box the default is 1, in a vertical one 0. */
function share(drawn, holder, layout) {
  if (layout === "block") return;
  const kind = own(holder, "type");
  const vertical = layout === "vertical";
  const fixed = kind === "box" && values.measure(own(holder, vertical ? "height" : "width")) !== "";
  const asked = values.whole(own(holder, "flex"));
  const part = RIGID.has(kind) || fixed ? 0 : (asked ?? (vertical && kind !== "filler" ? 0 : 1));
  if (part === 0) drawn.style.flex = "none";
  else drawn.style.flex = vertical ? `${part} 0 auto` : `${part} 1 0px`;
}

function move(drawn, holder) {
  const absolute = own(holder, "position") === "absolute";
  if (absolute) drawn.classList.add("m-absolute");
  for (const [name, property] of OFFSETS) {
    const value = values.offset(own(holder, name));
    if (value) drawn.style[property] = value;
  }
  if (!absolute) return;
  if (!drawn.style.top && !drawn.style.bottom) drawn.style.top = "0";
  if (!drawn.style.insetInlineStart && !drawn.style.insetInlineEnd) drawn.style.insetInlineStart = "0";
}

function box(holder, ctx) {
  const asked = own(holder, "layout");
  const layout = LAYOUTS.has(asked) ? asked : "vertical";
  const shown = el("div", `m-box m-${layout}`);
  dress(shown, holder);
  const contents = own(holder, "contents");
  fill(shown, Array.isArray(contents) ? contents : [], layout, values.space(own(holder, "spacing")), ctx);
  return shown;
}

/** A component's own margin goes before the box's spacing; the spacing never comes before the first one. */
function fill(shown, contents, layout, spacing, ctx) {
  const side = layout === "vertical" ? "marginTop" : "marginInlineStart";
  let first = true;
  for (const entry of contents) {
    if (ctx.left < 0) break;
    const drawn = isObject(entry) ? component(entry, layout, ctx) : null;
    if (drawn === null) continue;
    shown.append(drawn);
    if (drawn.classList.contains("m-absolute")) continue;
    const margin = values.space(own(entry, "margin")) || (first ? "" : spacing);
    if (margin && own(entry, "type") !== "filler") drawn.style[side] = margin;
    first = false;
  }
}

function dress(shown, holder) {
  const style = shown.style;
  for (const [name, property] of PADDINGS) {
    const value = values.padding(own(holder, name));
    if (value) style[property] = value;
  }
  for (const name of ["width", "height", "maxWidth", "maxHeight"]) {
    const value = values.measure(own(holder, name));
    if (value) style[name] = value;
  }
  style.backgroundColor = values.color(own(holder, "backgroundColor"));
  style.backgroundImage = values.gradient(own(holder, "background"));
  const width = values.border(own(holder, "borderWidth"));
  if (width) style.border = `${width} solid ${values.color(own(holder, "borderColor")) || "#000000"}`;
  style.borderRadius = values.radius(own(holder, "cornerRadius"));
  style.justifyContent = values.choice(own(holder, "justifyContent"), ...JUSTIFY);
  style.alignItems = values.choice(own(holder, "alignItems"), ...ALIGN);
}
