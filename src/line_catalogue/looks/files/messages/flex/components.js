// The components of Flex beside the box: text, button, image, icon, video, separator, filler.

import { button as makeButton, cut, el, isObject, own, picture, pictureUrl, roomy, spend, tap, words } from "../dom.js";
import { playSign } from "../media.js";
import { word } from "../words.js";
import * as values from "./values.js";

const EDGES = new Map([["start", "flex-start"], ["center", "center"], ["end", "flex-end"]]);
const HEIGHTS = new Map([["top", "flex-start"], ["center", "center"], ["bottom", "flex-end"]]);
const SMALLEST_FONT = 6;
const FLATTEST = 3;

// Sizes are known only once the element stands in a page.
const shrinking = new ResizeObserver((entries) => {
  // Within the observer's own turn a change of size would be reported as an error of the page.
  requestAnimationFrame(() => entries.forEach((entry) => shrink(entry.target)));
});

function shrink(line) {
  if (line.clientWidth === 0) return;
  line.style.fontSize = "";
  const size = parseFloat(getComputedStyle(line).fontSize);
  const over = line.scrollWidth / line.clientWidth;
  if (over > 1) line.style.fontSize = `${Math.max(SMALLEST_FONT, Math.floor((size / over) * 10) / 10)}px`;
}

function fitted(line, holder) {
  if (own(holder, "adjustMode") === "shrink-to-fit") shrinking.observe(line);
}

function gravity(shown, holder) {
  shown.style.justifyContent = HEIGHTS.get(own(holder, "gravity")) ?? "";
}

export function text(holder, ctx) {
  const line = el("p", "m-line");
  const spans = own(holder, "contents");
  if (Array.isArray(spans) && spans.length) {
    for (const span of spans) {
      if (!spend(ctx)) break;
      if (own(span, "type") === "span") line.append(dressText(el("span", "", words(span, "text")), span));
    }
  } else {
    line.append(cut(words(holder, "text")));
  }
  const shown = el("div", "m-flextext", roomy(line));
  dressText(shown, holder);
  shown.style.textAlign = values.choice(own(holder, "align"), "start", "center", "end");
  gravity(shown, holder);
  if (own(holder, "wrap") === true) wrap(shown, line, holder);
  else fitted(line, holder);
  return shown;
}

function wrap(shown, line, holder) {
  shown.classList.add("m-wrap");
  const most = values.whole(own(holder, "maxLines"));
  if (most) {
    line.classList.add("m-clamp");
    line.style.webkitLineClamp = String(most);
  }
  const extra = values.lineSpacing(own(holder, "lineSpacing"));
  if (extra) shown.style.setProperty("--m-leading", extra);
}

function dressText(shown, holder) {
  const style = shown.style;
  const size = values.fontSize(own(holder, "size"));
  if (size) style.fontSize = size;
  style.color = values.color(own(holder, "color"));
  const weight = values.choice(own(holder, "weight"), "regular", "bold");
  if (weight) style.fontWeight = weight === "bold" ? "700" : "400";
  style.fontStyle = values.choice(own(holder, "style"), "normal", "italic");
  style.textDecoration = values.choice(own(holder, "decoration"), "none", "underline", "line-through");
  return shown;
}

export function button(holder, ctx) {
  const style = values.choice(own(holder, "style"), "primary", "secondary") || "link";
  const small = own(holder, "height") === "sm" ? " m-sm" : "";
  const made = makeButton(own(holder, "action"), `m-button m-${style}${small}`, ctx);
  const hue = values.color(own(holder, "color"));
  if (hue) made.style[style === "link" ? "color" : "backgroundColor"] = hue;
  fitted(made.firstElementChild, holder);
  const shown = el("div", "m-flexbutton", made);
  gravity(shown, holder);
  return shown;
}

export function image(holder) {
  const fit = own(holder, "aspectMode") === "cover" ? "cover" : "contain";
  const frame = el("div", "m-frame", picture(own(holder, "url"), { fit }));
  const size = values.imageSize(own(holder, "size"));
  frame.style.width = size;
  frame.style.aspectRatio = String(values.ratio(own(holder, "aspectRatio")));
  const ground = values.color(own(holder, "backgroundColor"));
  if (ground) frame.style.setProperty("--m-ground", ground);
  const shown = el("div", "m-fleximage", frame);
  if (size.endsWith("%")) shown.classList.add("m-spread");
  shown.style.alignItems = EDGES.get(own(holder, "align")) ?? "";
  gravity(shown, holder);
  return shown;
}

export function icon(holder) {
  const shown = el("div", "m-flexicon", picture(own(holder, "url"), { fit: "contain" }));
  const size = values.fontSize(own(holder, "size"));
  if (size) shown.style.fontSize = size;
  const share = Math.min(FLATTEST, values.ratio(own(holder, "aspectRatio"), 1));
  shown.style.width = `${Math.round(share * 1000) / 1000}em`;
  return shown;
}

/** A video shows its picture; without one that can be had, what the sender wrote for older apps. */
export function video(holder, ctx, component) {
  const preview = own(holder, "previewUrl");
  const instead = own(holder, "altContent");
  if (pictureUrl(preview) === null && isObject(instead)) return component(instead, "block", ctx);
  const frame = el("div", "m-frame m-video", picture(preview, { alt: word(ctx.language, "video") }), playSign());
  frame.style.width = "100%";
  frame.style.aspectRatio = String(values.ratio(own(holder, "aspectRatio")));
  const action = own(holder, "action");
  const label = words(action, "label");
  if (label) frame.append(tap(el("span", "m-video-action", label), action, ctx));
  return el("div", "m-fleximage m-spread", frame);
}

export function separator(holder) {
  const line = el("div", "m-separator");
  line.style.backgroundColor = values.color(own(holder, "color"));
  return line;
}

export function filler() {
  return el("div", "m-filler");
}
