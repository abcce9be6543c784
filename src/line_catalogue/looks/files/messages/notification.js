// LINE's notification message of the template kind: header and footer are LINE's, items and buttons the sender's.
// Source: LINE notification messages, "template"; which item stands where follows LINE's sample, the wording is our own.

import { button, context, el, glyph, isObject, list, own, words } from "./dom.js";
import { word } from "./words.js";

const MOST_ITEMS = 15;
const MOST_BUTTONS = 2;
const COUNTRY = /_(?:ja|th|tw|jp)$/;
const MARK = /^example_/;

/** The card of `{template_key, title, made_up, body, labels}`; `labels` has the words for item and button keys. */
export function renderNotification(notice, options) {
  const ctx = context(options);
  const body = own(notice, "body");
  const labels = own(notice, "labels");
  const card = el("div", "m-message m-notice");
  card.dataset.type = "notification";
  card.append(header(notice, ctx));
  const middle = el("div", "m-notice-body");
  const emphasised = own(body, "emphasizedItem");
  if (isObject(emphasised)) middle.append(large(emphasised, labels));
  const items = list(body, "items", MOST_ITEMS).filter(isObject);
  if (items.length) middle.append(el("dl", "m-notice-items", ...items.map((item) => row(item, labels))));
  if (middle.childNodes.length) card.append(middle);
  const buttons = list(body, "buttons", MOST_BUTTONS).filter(isObject);
  if (buttons.length) {
    card.append(el("div", "m-notice-buttons", ...buttons.map((entry) => link(entry, labels, ctx))));
  }
  card.append(el("p", "m-notice-footer", word(ctx.language, "footer")));
  return card;
}

function header(notice, ctx) {
  const kind = el("p", "m-notice-kind", glyph("bell"), word(ctx.language, "notification"));
  const title = words(notice, "title") || pretty(words(notice, "template_key"));
  const top = el("div", "m-notice-header", kind, el("p", "m-notice-title", title));
  if (own(notice, "made_up") === true) top.append(el("span", "m-notice-tag", word(ctx.language, "madeUp")));
  return top;
}

function large(item, labels) {
  return el(
    "div",
    "m-notice-large",
    named(item, "itemKey", labels, "p", "m-notice-name"),
    el("p", "m-notice-value", words(item, "content")),
  );
}

function row(item, labels) {
  return el(
    "div",
    "m-notice-item",
    named(item, "itemKey", labels, "dt", "m-notice-name"),
    el("dd", "", words(item, "content")),
  );
}

function link(entry, labels, ctx) {
  const key = words(entry, "buttonKey");
  const label = words(labels, key) || pretty(key);
  return button({ type: "uri", label, uri: words(entry, "url") }, "m-notice-button", ctx, label);
}

/** The label of a key in an element; a key without a label, made readable, looks softer. */
function named(item, name, labels, tag, className) {
  const key = words(item, name);
  const label = words(labels, key);
  const made = el(tag, className, label || pretty(key));
  if (!label) made.classList.add("m-soft");
  return made;
}

/** `example_delivery_date_tw` → "Delivery date". */
export function pretty(key) {
  const text = key.replace(MARK, "").replace(COUNTRY, "").replaceAll("_", " ").trim() || key;
  return text.charAt(0).toUpperCase() + text.slice(1);
}
