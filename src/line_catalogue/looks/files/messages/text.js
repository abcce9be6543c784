// Text messages: addresses become taps, LINE emojis and mentions stand in their places.
// Source: Messaging API reference, "Text message" and "Text message (v2)".

import { cut, el, glyph, list, own, tap, words } from "./dom.js";
import { word } from "./words.js";

const ADDRESS = /https?:\/\/[A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=%]+/g;
const TRAILING = new Set([..."'.,;:!?)]"]);
const PLACEHOLDER = /\{\{|\}\}|\{([A-Za-z0-9_]{1,20})\}/g;
const MOST_EMOJIS = 20;
const MOST_PARTS = 500;

/** `text` and `textV2`. */
export function textMessage(message, ctx) {
  const parts = own(message, "type") === "textV2" ? substituted(message, ctx) : withEmojis(message, ctx);
  const bubble = el("div", "m-text", ...parts);
  const only = parts.length === 1 && parts[0] instanceof Element && parts[0].classList.contains("m-emoji");
  if (only) bubble.classList.add("m-text-emoji");
  return bubble;
}

/** A text as nodes, its web addresses as taps with an action of type `uri`. */
export function linked(text, ctx) {
  const found = [];
  let from = 0;
  for (const hit of text.matchAll(ADDRESS)) {
    if (found.length > MOST_PARTS) break;
    let end = hit[0].length;
    while (end > 8 && TRAILING.has(hit[0][end - 1])) end -= 1;
    const uri = hit[0].slice(0, end);
    if (hit.index > from) found.push(text.slice(from, hit.index));
    found.push(tap(el("span", "m-link", uri), { type: "uri", label: uri, uri }, ctx));
    from = hit.index + end;
  }
  if (from < text.length) found.push(text.slice(from));
  return found;
}

/** LINE's own emojis are pictures of LINE's servers, which nothing here asks: each is drawn the same. */
function emoji(holder, ctx) {
  const made = el("span", "m-emoji", glyph("face"));
  made.setAttribute("role", "img");
  made.setAttribute("aria-label", word(ctx.language, "emoji"));
  made.title = `${words(holder, "productId")} ${words(holder, "emojiId")}`.trim();
  return made;
}

function withEmojis(message, ctx) {
  const text = words(message, "text");
  const places = list(message, "emojis", MOST_EMOJIS)
    .filter((entry) => Number.isInteger(own(entry, "index")) && text[entry.index] === "$")
    .sort((one, other) => one.index - other.index);
  const found = [];
  let from = 0;
  for (const entry of places) {
    if (entry.index < from) continue;
    found.push(...linked(text.slice(from, entry.index), ctx), emoji(entry, ctx));
    from = entry.index + 1;
  }
  return [...found, ...linked(text.slice(from), ctx)];
}

function substituted(message, ctx) {
  const text = words(message, "text");
  const found = [];
  let plain = "";
  let from = 0;
  for (const hit of text.matchAll(PLACEHOLDER)) {
    const part = hit[1] === undefined ? hit[0][0] : substitute(own(own(message, "substitution"), hit[1]), ctx);
    plain += text.slice(from, hit.index);
    from = hit.index + hit[0].length;
    if (typeof part === "string") {
      plain += part;
    } else if (part === null || found.length > MOST_PARTS) {
      plain += hit[0];
    } else {
      found.push(...linked(plain, ctx), part);
      plain = "";
    }
  }
  return [...found, ...linked(cut(plain + text.slice(from)), ctx)];
}

function substitute(entry, ctx) {
  const kind = own(entry, "type");
  if (kind === "emoji") return emoji(entry, ctx);
  if (kind !== "mention") return null;
  const everybody = own(own(entry, "mentionee"), "type") === "all";
  return el("span", "m-mention", `@${word(ctx.language, everybody ? "all" : "user")}`);
}
