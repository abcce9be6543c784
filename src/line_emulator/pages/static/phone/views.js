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
export function viewOf(phone, [place, which, text]) {
  if (place === "nobody") return nobodyView(phone);
  if (place === "home") return homeView(phone);
  if (place === "chat" && which) {
    if (text) prepare(phone, which, text);
    return chatView(phone, which);
  }
  if (place === "consent") return consentView(phone);
  if (place === "pin") return pinView(phone);
  if (place === "sms") return which ? senderView(phone, which) : smsView(phone);
  if (place === "settings") return (SETTINGS.get(which) ?? settingsView)(phone);
  return chatsView(phone);
}

/** A link of LINE's URL scheme brings a text into the composer: it is the user who sends it. A reload does not again. */
function prepare(phone, chat, text) {
  phone.store.drafts.set(chat, text);
  history.replaceState(null, "", `${location.pathname}${location.search}#/chat/${encodeURIComponent(chat)}`);
}
