// The list of chats: who, the newest words, when, and how many are unread. An open prompt leads from here.

import { button, h, reconcile, redraw } from "./dom.js";
import { icon } from "./icons.js";
import { avatar, empty, header, named } from "./parts.js";

const LONGEST_PREVIEW = 140;
const PREVIEWS = new Set(["image", "video", "audio", "sticker", "location", "coupon"]);

export function chatsView(phone) {
  const banner = h("div", { class: "banner-place" });
  const list = h("ul", { class: "list chats" });
  const nothing = h("div", { class: "fill" });
  const element = h(
    "section",
    { class: "page" },
    header(phone, phone.say("chats.title"), { large: true }),
    banner,
    list,
    nothing,
  );
  return {
    element,
    update(screen) {
      drawBanner(phone, banner, screen);
      const today = phone.times.dayKey(phone.store.now());
      const chats = screen.chats
        .filter((chat) => chat.messages.length && !phone.store.channel(chat.from)?.unlisted)
        .map((chat) => ({ chat, last: chat.messages.at(-1) }));
      chats.sort(
        (one, other) =>
          other.last.at.localeCompare(one.last.at) ||
          (other.chat.from === "line") - (one.chat.from === "line"),
      );
      const items = chats.map(({ chat, last }) => ({
        chat,
        last,
        key: JSON.stringify([
          chat.from,
          chat.name,
          chat.badge,
          chat.unread,
          chat.blocked,
          today,
          last.id,
          brief(phone, last),
          last.label,
        ]),
      }));
      reconcile(list, items, (item) => line(phone, item));
      redraw(nothing, String(items.length === 0), () =>
        items.length
          ? null
          : empty("chats", phone.say("chats.empty"), phone.say("chats.empty_text", { phone: phone.number })),
      );
    },
  };
}

/** What leads to an open prompt, from wherever it is shown. */
export function drawBanner(phone, holder, screen) {
  const [prompt] = screen.prompts;
  redraw(holder, `${prompt}`, () =>
    prompt
      ? button(
          "banner",
          [
            h("span", { class: "banner-icon" }, icon("bell")),
            h("span", { class: "banner-text" }, phone.say(`banner.${prompt}`)),
            h("span", { class: "banner-open" }, phone.say("common.open")),
          ],
          () => phone.go(prompt),
        )
      : null,
  );
}

function line(phone, { chat, last }) {
  const at = Date.parse(last.at);
  return h(
    "li",
    {},
    button(
      "chat-line",
      [
        avatar(chat.from, chat.name),
        h(
          "span",
          { class: "chat-middle" },
          named(phone, chat.name, chat.badge),
          h(
            "span",
            { class: "chat-preview" },
            chat.blocked ? h("span", { class: "tag" }, phone.say("home.blocked")) : null,
            last.label ? h("span", { class: "label" }, last.label) : null,
            h("span", { class: "chat-words" }, brief(phone, last)),
          ),
        ),
        h(
          "span",
          { class: "chat-end" },
          h("time", { datetime: last.at }, phone.times.brief(at, phone.store.now())),
          chat.unread ? h("span", { class: "count" }, chat.unread > 999 ? "999+" : chat.unread) : null,
        ),
      ],
      () => phone.go("chat", chat.from),
    ),
  );
}

/** A message in one line. */
export function brief(phone, message) {
  return words(phone, message).slice(0, LONGEST_PREVIEW);
}

function words(phone, message) {
  if (message.kind === "notification") {
    if (message.title) return message.title;
    const [first] = message.messages ?? [];
    return first ? of(phone, first) : phone.say("preview.notification");
  }
  if (message.messages?.length) return of(phone, message.messages[0]);
  if (message.by === "user") return message.text;
  if (message.kind === "unreadable") return phone.say("preview.message");
  return phone.say(`${message.kind}.title`);
}

function of(phone, message) {
  const text = message.altText ?? message.text;
  if (typeof text === "string" && text) return text;
  return phone.say(PREVIEWS.has(message.type) ? `preview.${message.type}` : "preview.message");
}
