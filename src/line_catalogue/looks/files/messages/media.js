// Stickers, pictures, video, audio, locations, image maps and coupons.
// Source: Messaging API reference, "Message objects".

import { el, glyph, list, own, picture, tap, words } from "./dom.js";
import { word } from "./words.js";

const MOST_AREAS = 50;
const IMAGEMAP_PICTURE = "/700";
const BARS = [5, 9, 14, 8, 16, 11, 6, 13, 17, 9, 5, 12, 15, 7, 10, 14, 6, 9];

/** A sticker is a picture on LINE's servers, which nothing here asks: a drawn face with its two numbers. */
export function sticker(message, ctx) {
  const name = `${words(message, "packageId").slice(0, 20)} / ${words(message, "stickerId").slice(0, 20)}`;
  const drawn = el("div", "m-sticker", glyph("face"), el("span", "m-sticker-name", name));
  drawn.setAttribute("role", "img");
  drawn.setAttribute("aria-label", `${word(ctx.language, "sticker")} ${name}`);
  return drawn;
}

export function image(message, ctx) {
  const shown = own(message, "previewImageUrl") ?? own(message, "originalContentUrl");
  return el("div", "m-image", picture(shown, { alt: word(ctx.language, "picture") }));
}

export function video(message, ctx) {
  const shown = picture(own(message, "previewImageUrl"), { alt: word(ctx.language, "video") });
  return el("div", "m-image m-video", shown, playSign());
}

/** The round sign over a video's picture. */
export function playSign() {
  return el("span", "m-play", glyph("play"));
}

export function audio(message, ctx) {
  const wave = el("span", "m-audio-wave");
  for (const height of BARS) {
    const bar = el("i", "");
    bar.style.height = `${height}px`;
    wave.append(bar);
  }
  const made = el("div", "m-audio", playSign(), wave, el("span", "m-audio-time", duration(own(message, "duration"))));
  made.setAttribute("role", "img");
  made.setAttribute("aria-label", word(ctx.language, "audio"));
  return made;
}

function duration(value) {
  if (typeof value !== "number" || !(value >= 0 && value < 1e9)) return "0:00";
  const seconds = Math.round(value / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

export function location(message) {
  const title = el("p", "m-location-title", words(message, "title"));
  const address = el("p", "m-location-address", words(message, "address"));
  const latitude = own(message, "latitude");
  const longitude = own(message, "longitude");
  if (typeof latitude === "number" && typeof longitude === "number") {
    address.title = `${latitude}, ${longitude}`;
  }
  return el("div", "m-location", el("div", "m-map", glyph("pin")), el("div", "m-location-text", title, address));
}

export function coupon(message, ctx) {
  return el(
    "div",
    "m-coupon",
    el("span", "m-coupon-sign", glyph("ticket")),
    el("div", "m-coupon-text",
      el("p", "m-coupon-title", word(ctx.language, "coupon")),
      el("p", "m-coupon-id", words(message, "couponId").slice(0, 80))),
  );
}

/** A picture with areas; their measures count in a picture 1,040 wide. */
export function imagemap(message, ctx) {
  const size = own(message, "baseSize");
  const width = measure(size, "width") || 1040;
  const height = measure(size, "height") || 1040;
  const base = words(message, "baseUrl");
  const map = el("div", "m-imagemap", picture(base && base + IMAGEMAP_PICTURE, { alt: words(message, "altText") }));
  map.style.aspectRatio = `${width} / ${Math.min(height, width * 4)}`;
  const film = own(message, "video");
  if (own(film, "area")) {
    const screen = el("div", "m-area m-area-video", picture(own(film, "previewImageUrl")), playSign());
    map.append(placed(screen, own(film, "area"), width, height));
  }
  for (const entry of list(message, "actions", MOST_AREAS)) {
    const area = el("div", "m-area");
    const label = words(entry, "label");
    if (label) area.setAttribute("aria-label", label);
    map.append(tap(placed(area, own(entry, "area"), width, height), mapped(entry), ctx));
  }
  return map;
}

/** An image map's action in the words of the other actions. */
function mapped(entry) {
  const kind = own(entry, "type");
  const label = words(entry, "label");
  if (kind === "uri") return { type: "uri", label, uri: words(entry, "linkUri") };
  if (kind === "message") return { type: "message", label, text: words(entry, "text") };
  return kind === "clipboard" ? { type: "clipboard", label, clipboardText: words(entry, "clipboardText") } : null;
}

/** Sets an element over its part of a picture of `width` by `height`. */
export function placed(element, area, width, height) {
  const part = (name, whole) => `${Math.min(100, (measure(area, name) / whole) * 100)}%`;
  element.style.left = part("x", width);
  element.style.top = part("y", height);
  element.style.width = part("width", width);
  element.style.height = part("height", height);
  return element;
}

/** A measure in pixels from 0 to 10,000; anything else is 0. */
export function measure(holder, name) {
  const value = own(holder, name);
  return typeof value === "number" && value >= 0 && value <= 10000 ? value : 0;
}
