// LINE's message objects as elements of a page. Every function takes what a stranger wrote and gives an element;
// `onAction(action)` gets LINE's action object when the user taps. An element with the class `m-wide` takes the
// whole width of the chat (carousels, giga bubbles); all others stand beside the account's icon.

import { context, el, isObject, own, words } from "./dom.js";
import { flexMessage } from "./flex/container.js";
import { audio, coupon, image, imagemap, location, sticker, video } from "./media.js";
import { templateMessage } from "./templates.js";
import { textMessage } from "./text.js";

export { renderNotification } from "./notification.js";
export { renderQuickReply } from "./quick_reply.js";
export { renderRichMenu } from "./rich_menu.js";

const KINDS = new Map([
  ["text", textMessage],
  ["textV2", textMessage],
  ["sticker", sticker],
  ["image", image],
  ["video", video],
  ["audio", audio],
  ["location", location],
  ["imagemap", imagemap],
  ["template", templateMessage],
  ["flex", flexMessage],
  ["coupon", coupon],
]);

/** The element of one message; what can't be drawn is a bubble with the type's name. */
export function renderMessage(message, options) {
  const kind = words(message, "type");
  const draw = isObject(message) ? KINDS.get(own(message, "type")) : undefined;
  const drawn = draw ? draw(message, context(options)) : null;
  const shown = drawn ?? el("div", "m-unknown", `[${kind.slice(0, 40) || "?"}]`);
  shown.classList.add("m-message");
  shown.dataset.type = draw ? kind : "unknown";
  return shown;
}
