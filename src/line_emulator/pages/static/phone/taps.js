// What a tap on a button of a message does: LINE's action objects.
// Source: Messaging API reference, "Action objects".

import { browserSheet, dateSheet } from "./sheets.js";

const WEB = new Set(["http:", "https:"]);
const LOOPBACK = new Set(["127.0.0.1", "localhost", "[::1]"]);
const LINE_HOST = "line.me";
const LINK_HOSTS = new Set(["access.line.me", location.host]);
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
  browse(phone, uri);
}

/** Opens an address as LINE's app or the SMS app does: LINE's own links on this phone, pages of this machine in a new
 *  tab; what lies elsewhere is shown first, and opened only by the person in front of the screen.
 */
export function browse(phone, uri) {
  const url = parsed(uri);
  if (url && leadsIntoLine(url)) {
    const query = url.search.replace(/^\?/, "");
    const frame = "frame" in document.documentElement.dataset ? "&_frame=1" : "";
    const mine = `_phone=${encodeURIComponent(phone.store.phone)}${frame}`;
    location.assign(`${url.pathname}?${query ? `${query}&` : ""}${mine}`);
    return;
  }
  const inside = linkPage(phone, url);
  if (!inside && url && WEB.has(url.protocol) && LOOPBACK.has(url.hostname)) {
    window.open(url.href, "_blank", "noopener");
    return;
  }
  phone.open(browserSheet(phone, uri, inside));
}

function parsed(uri) {
  try {
    return new URL(uri);
  } catch {
    return null;
  }
}

/** Whether this is a link of LINE's URL scheme, at LINE's address or at this emulator's. */
function leadsIntoLine(url) {
  return WEB.has(url.protocol) && [LINE_HOST, location.host].includes(url.host) && url.pathname.startsWith("/R/");
}

/** The emulator's own page for a link of LINE's account link, opened as this user; null for any other address. */
function linkPage(phone, url) {
  if (!url || !LINK_HOSTS.has(url.host) || url.pathname !== LINK_PATH) return null;
  const query = new URLSearchParams(url.search);
  query.set("_phone", phone.store.phone);
  return `${LINK_PATH}?${query}`;
}
