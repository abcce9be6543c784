// Quick replies: a row of buttons that scrolls sideways.
// Source: Messaging API reference, "Quick reply"; default icons of camera, camera roll and location are LINE's rule.

import { button, context, el, glyph, list, own, picture } from "./dom.js";

const MOST_ITEMS = 13;
const DEFAULT_ICONS = new Map([["camera", "camera"], ["cameraRoll", "picture"], ["location", "pin"]]);

/** The row for a message's `quickReply`. That it goes after a tap is the chat's business. */
export function renderQuickReply(quickReply, options) {
  const ctx = context(options);
  const row = el("div", "m-quick");
  for (const item of list(quickReply, "items", MOST_ITEMS)) {
    const action = own(item, "action");
    const pill = button(action, "m-quick-item", ctx);
    const icon = DEFAULT_ICONS.get(own(action, "type"));
    if (own(item, "imageUrl") !== undefined) {
      pill.prepend(el("span", "m-quick-icon", picture(own(item, "imageUrl"))));
    } else if (icon) {
      pill.prepend(glyph(icon, "m-quick-glyph"));
    }
    row.append(pill);
  }
  return row;
}
