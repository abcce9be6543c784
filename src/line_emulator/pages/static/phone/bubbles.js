// The messages of a chat as rows: days, the account's at the left, one's own at the right, and LINE's prompts.

import { renderMessage, renderNotification } from "/static/messages/index.js";
import { button, h } from "./dom.js";
import { avatar, named } from "./parts.js";
import { tapped } from "./taps.js";

const PROMPTS = new Map([
  ["consent_request", "consent"],
  ["pin_request", "pin"],
]);

/** What `reconcile` needs: one item a row, with a key that is another when the row must be drawn anew. */
export function rowsOf(phone, chat) {
  const now = phone.store.now();
  const today = phone.times.dayKey(now);
  const rows = [];
  let day = "";
  let before = null;
  if (chat.older) rows.push({ key: `older ${chat.older}`, draw: () => separator(phone.say("chat.older")) });
  for (const message of chat.messages) {
    const at = Date.parse(message.at);
    const key = phone.times.dayKey(at);
    if (key !== day) {
      day = key;
      before = null;
      rows.push({ key: `${key} ${today}`, draw: () => separator(phone.times.separator(at, now)) });
    }
    const first = !follows(before, message);
    before = message;
    rows.push({
      key: JSON.stringify([phone.language, first, chat.name, chat.badge, message]),
      draw: () => drawn(phone, chat, message, first),
    });
  }
  return rows;
}

/** Whether this message stands under the same name as the one before. */
function follows(before, message) {
  return (
    before !== null &&
    !before.label === !message.label &&
    before.by === message.by &&
    !message.label &&
    before.at.slice(0, 16) === message.at.slice(0, 16)
  );
}

function separator(words) {
  return h("li", { class: "day" }, h("span", {}, words));
}

function stamp(phone, message) {
  return h("time", { class: "stamp", datetime: message.at }, phone.times.time(Date.parse(message.at)));
}

function drawn(phone, chat, message, first) {
  if (message.by === "user") return mine(phone, chat, message);
  const shown = chat.from === "line" ? [system(phone, message)] : contents(phone, chat, message);
  const wide = shown.some((element) => element.classList.contains("m-wide"));
  return h(
    "li",
    { class: `theirs${first ? " first" : ""}${wide ? " wide" : ""}` },
    first ? avatar(chat.from, chat.name, "small") : null,
    h(
      "div",
      { class: "said" },
      first
        ? h(
            "div",
            { class: "sender" },
            named(phone, chat.name, chat.badge),
            message.label ? h("span", { class: "label" }, message.label) : null,
          )
        : null,
      shown.map((element, place) =>
        h("div", { class: "beside" }, element, place === shown.length - 1 ? stamp(phone, message) : null),
      ),
    ),
  );
}

function mine(phone, chat, message) {
  return h(
    "li",
    { class: "mine" },
    h("span", { class: "visually-hidden" }, phone.say("chat.you")),
    stamp(phone, message),
    h(
      "div",
      { class: "m-mine" },
      renderMessage({ type: "text", text: message.text }, optionsOf(phone, chat)),
    ),
  );
}

function optionsOf(phone, chat) {
  return { language: phone.language, onAction: (action) => tapped(phone, chat.from, action) };
}

function contents(phone, chat, message) {
  const options = optionsOf(phone, chat);
  if (message.kind === "notification" && !message.messages) return [renderNotification(message, options)];
  if (message.messages?.length) return message.messages.map((one) => renderMessage(one, options));
  return [h("div", { class: "bubble unreadable" }, phone.say("chat.unreadable"))];
}

/** A message of the system account: its title, a sentence, and for a prompt the way on. */
function system(phone, message) {
  return h(
    "div",
    { class: "notice" },
    h("p", { class: "notice-title" }, phone.say(`${message.kind}.title`)),
    h("p", { class: "notice-text" }, message.text),
    PROMPTS.has(message.kind) ? prompt(phone, message) : null,
  );
}

function prompt(phone, message) {
  if (message.state === "open") {
    const until = phone.times.moment(Date.parse(message.until), phone.store.now());
    return [
      h("p", { class: "notice-note" }, phone.say("prompt.until", { time: until })),
      button("notice-button", phone.say(`${message.kind}.button`), () => phone.go(PROMPTS.get(message.kind))),
    ];
  }
  const note =
    message.state === "done" ? null : h("p", { class: "notice-note" }, phone.say(`prompt.${message.state}`));
  const words = phone.say(message.state === "done" ? "prompt.done" : "prompt.gone");
  return [note, h("p", { class: "notice-over" }, words)];
}
