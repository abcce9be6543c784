// The rich menu: a picture with areas, or, while it has no picture, the areas with their labels.
// Source: Messaging API reference, "Rich menu".

import { context, el, own, picture, tap, words, list } from "./dom.js";
import { measure, placed } from "./media.js";
import { word } from "./words.js";

const MOST_AREAS = 20;
const SMALLEST_RATIO = 1.45;

/** The open menu. `image`: its picture, an address of the page's own (path or blob) or null.
 *  The bar with `chatBarText` that opens it is the chat's business.
 */
export function renderRichMenu(menu, options) {
  const ctx = context(options);
  const size = own(menu, "size");
  const width = measure(size, "width") || 2500;
  const height = Math.min(measure(size, "height") || 1686, width / SMALLEST_RATIO);
  const shown = el("div", "m-rich");
  shown.style.aspectRatio = `${width} / ${height}`;
  shown.setAttribute("role", "group");
  shown.setAttribute("aria-label", words(menu, "chatBarText") || word(ctx.language, "menu"));
  const image = own(menu, "image");
  const drawn = typeof image === "string" && image !== "";
  if (drawn) shown.append(picture(image, { trusted: ownAddress(image) }));
  else shown.classList.add("m-rich-plain");
  for (const entry of list(menu, "areas", MOST_AREAS)) {
    const action = own(entry, "action");
    const label = words(action, "label") || words(action, "text") || words(action, "uri") || words(action, "type");
    const area = el("div", "m-area", drawn ? null : el("span", "m-rich-label", label));
    area.setAttribute("aria-label", label);
    shown.append(tap(placed(area, own(entry, "bounds"), width, height), action, ctx));
  }
  return shown;
}

/** A path of this server, or a picture that the page itself holds. */
function ownAddress(address) {
  return /^\/(?![/\\])|^blob:|^data:image\/(?:png|jpeg|gif|webp)[;,]/.test(address);
}
