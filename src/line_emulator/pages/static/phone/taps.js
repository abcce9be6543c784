// What a tap on a button of a message does: LINE's action objects.
// Source: Messaging API reference, "Action objects".

import { browserSheet, dateSheet } from "./sheets.js";

const LINK_HOSTS = new Set(["access.line.me", location.hostname]);
const LINK_PATH = "/dialog/bot/accountLink";

/** One tap. `chat`: the channel's id. */
export async function tapped(phone, chat, action) {
  const act = KINDS.get(action.type);
  if (act) await act(phone, chat, action);
  else phone.note(phone.say("action.unsupported"));
}

const KINDS = new Map([
  ["message", (phone, chat, action) => write(phone, chat, action.text)],
  ["uri", (phone, chat, action) => visit(phone, chat, action.uri)],
  ["postback", postback],
  [
    "datetimepicker",
    (phone, chat, action) =>
      phone.open(dateSheet(phone, action, (params) => post(phone, chat, action, params))),
  ],
  ["clipboard", (phone, chat, action) => copy(phone, action.clipboardText)],
  [
    "richmenuswitch",
    (phone, chat, action) =>
      phone.act("switch_menu", {
        channel_id: chat,
        alias: String(action.richMenuAliasId ?? ""),
        target: String(action.data ?? ""),
      }),
  ],
]);

async function write(phone, chat, text) {
  if (typeof text === "string" && text.trim()) await phone.act("send_message", { channel_id: chat, text });
}

async function postback(phone, chat, action) {
  await post(phone, chat, action, undefined);
  if (action.inputOption === "openKeyboard") {
    const field = phone.element.querySelector(".composer textarea");
    if (!field) return;
    if (typeof action.fillInText === "string") field.value = action.fillInText;
    field.dispatchEvent(new Event("input"));
    field.focus();
  }
}

async function post(phone, chat, action, params) {
  if (typeof action.text === "string" && action.text) await write(phone, chat, action.text);
  const shown = typeof action.displayText === "string" && action.displayText ? action.displayText : undefined;
  await phone.act("postback", {
    channel_id: chat,
    target: String(action.data ?? ""),
    display_text: shown,
    params,
  });
}

/** Copies and says so; where the browser does not allow it, says what it would have been. */
export async function copy(phone, text) {
  try {
    await navigator.clipboard.writeText(String(text));
    phone.note(phone.say("common.copied"));
  } catch {
    phone.note(String(text));
  }
}

async function visit(phone, chat, uri) {
  await phone.act("tap", { channel_id: chat, target: uri });
  phone.open(browserSheet(phone, uri, linkPage(phone, uri)));
}

/** The emulator's own page for a link of LINE's account link, opened as this user; null for any other address. */
function linkPage(phone, uri) {
  let url;
  try {
    url = new URL(uri);
  } catch {
    return null;
  }
  if (!LINK_HOSTS.has(url.hostname) || url.pathname !== LINK_PATH) return null;
  const query = new URLSearchParams(url.search);
  query.set("_phone", phone.store.phone);
  return `${LINK_PATH}?${query}`;
}
