// The table of the phone's screens. A view is {element, update(screen), tick?(now), leave?(), shown?(), full?}.

import { chatView } from "./chat.js";
import { chatsView } from "./chats.js";
import { consentView } from "./consent.js";
import { homeView } from "./home.js";
import { nobodyView } from "./nobody.js";
import { numberView } from "./number.js";
import { pinView } from "./pin.js";
import { listView, languageView, receptionView, settingsView } from "./settings.js";
import { senderView, smsView } from "./sms.js";

const SETTINGS = new Map([
  ["reception", receptionView],
  ["language", languageView],
  ["number", numberView],
  ["blocked", (phone) => listView(phone, "blocked")],
  ["hidden", (phone) => listView(phone, "hidden")],
]);

/** The view of a place; an unknown place is the list of chats. */
export function viewOf(phone, [place, which]) {
  if (place === "nobody") return nobodyView(phone);
  if (place === "home") return homeView(phone);
  if (place === "chat" && which) return chatView(phone, which);
  if (place === "consent") return consentView(phone);
  if (place === "pin") return pinView(phone);
  if (place === "sms") return which ? senderView(phone, which) : smsView(phone);
  if (place === "settings") return (SETTINGS.get(which) ?? settingsView)(phone);
  return chatsView(phone);
}
