// The other app on the same phone: text messages by sender. LINE's codes arrive here, and what carriers bring.

import { context } from "/static/messages/dom.js";
import { linked } from "/static/messages/text.js";
import { button, h, reconcile, redraw } from "./dom.js";
import { icon, shape } from "./icons.js";
import { avatar, empty } from "./parts.js";
import { browse, copy } from "./taps.js";
import { grouped } from "./words.js";

const LONGEST = 1000;

/** Whose thread a text message is in: who sent it, or whom the user answered. */
export function threadOf(sms) {
  return sms.by === "user" ? sms.to : sms.from;
}

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
      for (const sms of screen.sms) senders.set(threadOf(sms), sms);
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
  const sender = threadOf(sms);
  return h(
    "li",
    {},
    button(
      "chat-line",
      [
        avatar(`sms ${sender}`, sender),
        h(
          "span",
          { class: "chat-middle" },
          h("span", { class: "named" }, h("span", { class: "name" }, sender)),
          h("span", { class: "chat-preview" }, h("span", { class: "chat-words" }, sms.text.slice(0, 160))),
        ),
        h(
          "span",
          { class: "chat-end" },
          h("time", { datetime: sms.at }, phone.times.brief(Date.parse(sms.at), phone.store.now())),
        ),
      ],
      () => phone.go("sms", sender),
    ),
  );
}

export function senderView(phone, sender) {
  const list = h("ol", { class: "texts" });
  const scroll = h("div", { class: "page-scroll texts-scroll", role: "log", tabindex: "0" }, list);
  const foot = h("div", { class: "foot" });
  const element = h(
    "section",
    { class: "page sms" },
    bar(phone, sender, true),
    scroll,
    foot,
  );
  return {
    element,
    full: true,
    update(screen) {
      const found = screen.sms.filter((sms) => threadOf(sms) === sender);
      const answerable = found.some((sms) => sms.answerable);
      redraw(foot, String(answerable), () =>
        answerable ? composer(phone, sender) : h("p", { class: "readonly" }, phone.say("sms.readonly")),
      );
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

/** The bar to answer in. What was begun stays while one looks elsewhere. */
function composer(phone, sender) {
  const { drafts } = phone.store;
  const draft = `sms ${sender}`;
  const words = phone.say("chat.input");
  const field = h("textarea", { rows: "1", maxlength: LONGEST, placeholder: words, "aria-label": words });
  const send = button("send", shape("send"), () => go(), { "aria-label": phone.say("chat.send") });
  const typed = () => {
    drafts.set(draft, field.value);
    send.disabled = !field.value.trim();
    field.style.height = "auto";
    if (field.scrollHeight) field.style.height = `${Math.min(field.scrollHeight, 120)}px`;
  };
  const go = async () => {
    const text = field.value;
    if (!text.trim() || !(await phone.act("send_sms", { to: sender, text }))) return;
    if (field.value === text) field.value = "";
    typed();
    field.focus();
  };
  field.value = drafts.get(draft) ?? "";
  field.addEventListener("input", typed);
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    send.click();
  });
  const form = h("form", { class: "composer" }, field, send);
  form.addEventListener("submit", (event) => event.preventDefault());
  typed();
  return form;
}

function text(phone, sms, now) {
  const at = Date.parse(sms.at);
  const own = sms.by === "user";
  const ctx = context({ language: phone.language, onAction: (action) => browse(phone, action.uri) });
  return h(
    "li",
    { class: own ? "text own" : "text" },
    h("p", { class: "text-time" }, `${phone.times.separator(at, now)} ${phone.times.time(at)}`),
    sms.to && !own ? h("p", { class: "text-to" }, phone.say("sms.to", { phone: grouped(sms.to) })) : null,
    own ? h("span", { class: "visually-hidden" }, phone.say("chat.you")) : null,
    h("div", { class: "text-bubble" }, linked(sms.text, ctx)),
    sms.pin ? button("copy", phone.say("sms.copy"), () => copy(phone, sms.pin)) : null,
  );
}
