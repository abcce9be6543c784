// Template messages: buttons, confirm, carousel, image carousel.
// Source: Messaging API reference, "Template messages".

import { button, el, list, own, picture, tap, words } from "./dom.js";
import { color } from "./flex/values.js";

const MOST_ACTIONS = 4;
const MOST_COLUMNS = 10;

const KINDS = new Map([
  ["buttons", (template, ctx) => column(template, template, ctx)],
  ["confirm", confirm],
  ["carousel", carousel],
  ["image_carousel", imageCarousel],
]);

/** The element of a template message; null where its kind is unknown. */
export function templateMessage(message, ctx) {
  const template = own(message, "template");
  const draw = KINDS.get(own(template, "type"));
  return draw ? draw(template, ctx) : null;
}

/** One card: picture, title, text, actions. The look of the picture is said once for all cards (`look`). */
function column(holder, look, ctx) {
  const card = el("div", "m-card");
  const top = el("div", "m-card-top");
  if (own(holder, "thumbnailImageUrl") !== undefined) top.append(thumbnail(holder, look));
  const title = words(holder, "title");
  const told = el("div", "m-card-text", title ? el("p", "m-card-title", title) : null, el("p", "", words(holder, "text")));
  top.append(told);
  card.append(tap(top, own(holder, "defaultAction"), ctx), actions(holder, "m-card-actions", ctx));
  return card;
}

function thumbnail(holder, look) {
  const fit = own(look, "imageSize") === "contain" ? "contain" : "cover";
  const shown = el("div", "m-card-image", picture(own(holder, "thumbnailImageUrl"), { fit }));
  if (own(look, "imageAspectRatio") === "square") shown.classList.add("m-square");
  const ground = color(own(holder, "imageBackgroundColor"));
  if (ground) shown.style.setProperty("--m-ground", ground);
  return shown;
}

function actions(holder, className, ctx) {
  const row = el("div", className);
  for (const action of list(holder, "actions", MOST_ACTIONS)) row.append(button(action, "m-card-action", ctx));
  return row;
}

function confirm(template, ctx) {
  const told = el("div", "m-card-text", el("p", "", words(template, "text")));
  return el("div", "m-card m-confirm", told, actions(template, "m-card-actions m-side-by-side", ctx));
}

function carousel(template, ctx) {
  const cards = list(template, "columns", MOST_COLUMNS).map((entry) => column(entry, template, ctx));
  return el("div", "m-carousel m-wide", ...cards);
}

function imageCarousel(template, ctx) {
  const cards = list(template, "columns", MOST_COLUMNS).map((entry) => {
    const action = own(entry, "action");
    const label = words(action, "label");
    const card = el("div", "m-photo", picture(own(entry, "imageUrl"), { alt: label }));
    if (label) card.append(el("span", "m-photo-label", label));
    return tap(card, action, ctx);
  });
  return el("div", "m-carousel m-wide", ...cards);
}
