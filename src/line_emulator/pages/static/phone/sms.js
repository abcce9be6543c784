// The other app on the same phone: text messages by sender. LINE's codes arrive here, and what carriers bring.

import { button, h, reconcile, redraw } from "./dom.js";
import { icon } from "./icons.js";
import { avatar, empty } from "./parts.js";
import { copy } from "./taps.js";
import { grouped } from "./words.js";

function bar(phone, title, back) {
  const known = phone.store.screen.line_user;
  const goBack = (...place) =>
    button("bar-button back", icon("back"), () => phone.go(...place), {
      "aria-label": phone.say("common.back"),
    });
  return h(
    "header",
    { class: "bar sms-bar" },
    h("span", {}, back ? goBack("sms") : known ? null : goBack("nobody")),
    h("h1", {}, title),
    h(
      "span",
      { class: "bar-end" },
      known
        ? button("to-line", [icon("chats"), phone.say("sms.line")], () => phone.go(...backToLine(phone)), {
            "aria-label": phone.say("sms.back"),
          })
        : null,
    ),
  );
}

/** Back to what one was doing in LINE: the SMS check, the change of number, or the chats. */
function backToLine(phone) {
  const { prompts, pin } = phone.store.screen;
  if (pin?.new_phone) return ["settings", "number"];
  return pin && prompts.includes("pin") ? ["pin"] : ["chats"];
}

export function smsView(phone) {
  const list = h("ul", { class: "list chats" });
  const nothing = h("div", { class: "fill" });
  const element = h(
    "section",
    { class: "page sms" },
    bar(phone, phone.say("sms.title"), false),
    h("div", { class: "page-scroll" }, list, nothing),
  );
  return {
    element,
    full: true,
    update(screen) {
      const senders = new Map();
      for (const sms of screen.sms) senders.set(sms.from, sms);
      const items = [...senders.values()].sort((one, other) => other.at.localeCompare(one.at));
      const today = phone.times.dayKey(phone.store.now());
      reconcile(
        list,
        items.map((sms) => ({ sms, key: JSON.stringify([sms, today]) })),
        ({ sms }) => line(phone, sms),
      );
      redraw(nothing, String(items.length === 0), () =>
        items.length
          ? null
          : empty("sms", phone.say("sms.empty"), phone.say("sms.empty_text", { phone: phone.number })),
      );
    },
  };
}

function line(phone, sms) {
  return h(
    "li",
    {},
    button(
      "chat-line",
      [
        avatar(`sms ${sms.from}`, sms.from),
        h(
          "span",
          { class: "chat-middle" },
          h("span", { class: "named" }, h("span", { class: "name" }, sms.from)),
          h("span", { class: "chat-preview" }, h("span", { class: "chat-words" }, sms.text.slice(0, 160))),
        ),
        h(
          "span",
          { class: "chat-end" },
          h("time", { datetime: sms.at }, phone.times.brief(Date.parse(sms.at), phone.store.now())),
        ),
      ],
      () => phone.go("sms", sms.from),
    ),
  );
}

export function senderView(phone, sender) {
  const list = h("ol", { class: "texts" });
  const scroll = h("div", { class: "page-scroll texts-scroll", role: "log", tabindex: "0" }, list);
  const element = h(
    "section",
    { class: "page sms" },
    bar(phone, sender, true),
    scroll,
    h("p", { class: "readonly" }, phone.say("sms.readonly")),
  );
  return {
    element,
    full: true,
    update(screen) {
      const found = screen.sms.filter((sms) => sms.from === sender);
      for (const sms of found) phone.toasts.read(sms);
      const now = phone.store.now();
      const today = phone.times.dayKey(now);
      const before = list.childElementCount;
      reconcile(
        list,
        found.map((sms) => ({ sms, key: JSON.stringify([sms, today]) })),
        ({ sms }) => text(phone, sms, now),
      );
      if (list.childElementCount !== before) scroll.scrollTop = scroll.scrollHeight;
    },
    shown: () => {
      scroll.scrollTop = scroll.scrollHeight;
    },
  };
}

function text(phone, sms, now) {
  const at = Date.parse(sms.at);
  return h(
    "li",
    { class: "text" },
    h("p", { class: "text-time" }, `${phone.times.separator(at, now)} ${phone.times.time(at)}`),
    sms.to ? h("p", { class: "text-to" }, phone.say("sms.to", { phone: grouped(sms.to) })) : null,
    h("div", { class: "text-bubble" }, sms.text),
    sms.pin ? button("copy", phone.say("sms.copy"), () => copy(phone, sms.pin)) : null,
  );
}
