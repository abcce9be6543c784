// What slides in at the top: a new SMS or message while one is elsewhere, and short words on what was done.

import { brief } from "./chats.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";
import { avatar } from "./parts.js";

const NEWS_MS = 4000;
const WORDS_MS = 2600;

export class Toasts {
  constructor(phone) {
    this.phone = phone;
    this.seen = new Map();
    this.shows = null;
    this.news_ = h("div", { class: "toast-news", role: "status", "aria-live": "polite" });
    this.words = h("p", { class: "toast-words", role: "status", "aria-live": "polite" });
    this.element = h("div", { class: "toasts" }, this.news_, this.words);
  }

  /** Short words at the bottom, which go away by themselves. */
  say(text) {
    this.words.textContent = text;
    this.words.classList.add("shown");
    clearTimeout(this.wordsTimer);
    this.wordsTimer = setTimeout(
      () => this.words.classList.remove("shown"),
      Math.max(WORDS_MS, text.length * 60),
    );
  }

  /** Compares two screens and shows the newest thing that has come. */
  news(screen, before) {
    const [place, which] = this.phone.place;
    for (const sms of screen.sms) if (sms.by === "user" || (place === "sms" && which === sms.from)) this.read(sms);
    if (!before || before.phone !== screen.phone || !before.line_user) {
      if (!before) for (const sms of screen.sms) this.read(sms);
      return;
    }
    // A code that was used or has run out is not worth a look any more.
    if (before.pin && !screen.pin && this.shows === "sms") this.hide();
    const known = new Set(before.sms.map(keyOf));
    const sms = screen.sms.findLast((one) => one.by !== "user" && !known.has(keyOf(one)));
    if (sms && !(place === "sms" && (!which || which === sms.from))) {
      this.show("sms", sms.from, sms.text, () => this.phone.go("sms", sms.from));
      return;
    }
    for (const chat of screen.chats) this.chatNews(chat, before, place, which);
  }

  chatNews(chat, before, place, which) {
    const was = before.chats.find((one) => one.from === chat.from)?.unread ?? 0;
    const last = chat.messages.at(-1);
    const here =
      place === "chats" ||
      place === "consent" ||
      place === "pin" ||
      (place === "chat" && which === chat.from);
    if (chat.unread <= was || !last || last.by === "user" || here) return;
    this.show(chat.from, chat.name, brief(this.phone, last), () => this.phone.go("chat", chat.from));
  }

  show(id, title, text, act) {
    const picture =
      id === "sms"
        ? h("span", { class: "avatar sms-app", "aria-hidden": "true" }, icon("sms"))
        : avatar(id, title);
    const card = h(
      "button",
      { type: "button", class: "toast-card" },
      picture,
      h("span", { class: "toast-text" }, h("b", {}, title), h("span", {}, text.slice(0, 160))),
    );
    card.addEventListener("click", () => {
      this.hide();
      act();
    });
    this.shows = id;
    this.news_.replaceChildren(card);
    clearTimeout(this.newsTimer);
    this.newsTimer = setTimeout(() => this.hide(), NEWS_MS);
  }

  hide() {
    clearTimeout(this.newsTimer);
    this.shows = null;
    this.news_.replaceChildren();
  }

  /** This text message was looked at. */
  read(sms) {
    this.seen.set(keyOf(sms), true);
  }

  unseenSms(screen) {
    return screen.sms.filter((sms) => !this.seen.has(keyOf(sms))).length;
  }
}

function keyOf(sms) {
  return `${sms.at} ${sms.from} ${sms.to ?? ""} ${sms.text.length} ${sms.text.slice(0, 40)}`;
}
