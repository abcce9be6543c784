// One chat: messages, what can be done with the account, and the bar to write in.

import { renderQuickReply } from "/static/messages/index.js";
import { rowsOf } from "./bubbles.js";
import { drawBanner } from "./chats.js";
import { Composer } from "./composer.js";
import { button, h, reconcile, redraw } from "./dom.js";
import { icon } from "./icons.js";
import { empty, header, named } from "./parts.js";
import { choiceSheet } from "./sheets.js";
import { tapped } from "./taps.js";

const NEAR = 120;

export function chatView(phone, id) {
  const menu =
    id === "line"
      ? []
      : [
          button("bar-button", icon("menu"), () => openMenu(phone, id), {
            "aria-label": phone.say("chat.menu"),
            "aria-haspopup": "dialog",
          }),
        ];
  const top = h("div", { class: "chat-top" });
  const bar = h("div", { class: "chat-bar" });
  const list = h("ol", { class: "messages" });
  const nothing = h("div", { class: "fill" });
  const scroll = h("div", { class: "scroll", role: "log", tabindex: "0" }, list, nothing);
  const quick = h("div", { class: "quick" });
  const composer = new Composer(phone, id);
  const foot = h("div", { class: "foot" });
  const element = h("section", { class: "page chat" }, top, bar, scroll, quick, foot);
  let settled = false;

  const toEnd = () => scroll.scrollTo({ top: scroll.scrollHeight });
  let near = true;
  scroll.addEventListener(
    "scroll",
    () => {
      near = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < NEAR;
    },
    { passive: true },
  );
  const grown = new ResizeObserver(() => near && toEnd());
  grown.observe(list);
  grown.observe(scroll);

  return {
    element,
    full: true,
    update(screen) {
      const chat = chatOf(phone, id);
      redraw(top, JSON.stringify([chat.name, chat.badge]), () =>
        header(phone, named(phone, chat.name, chat.badge), { back: ["chats"], actions: menu }),
      );
      drawBar(phone, bar, chat, screen);
      reconcile(list, rowsOf(phone, chat), (row) => row.draw());
      const silent = chat.messages.length || id === "line" || chat.blocked || chat.gone;
      redraw(nothing, String(Boolean(silent)), () => (silent ? null : empty("chats", phone.say("chat.empty"))));
      drawQuick(phone, quick, chat);
      drawFoot(phone, foot, chat, composer);
      if (near || !settled) toEnd();
      settled = true;
      if (chat.unread && document.visibilityState === "visible") phone.store.read(chat);
    },
    shown: toEnd,
    leave() {
      grown.disconnect();
    },
  };
}

/** The chat, or an empty one with an account in which nothing has happened yet. */
function chatOf(phone, id) {
  const found = phone.store.chat(id);
  const channel = phone.store.channel(id);
  if (found) return { ...found, rich_menu: channel?.rich_menu };
  const known = channel ?? { name: id === "line" ? "LINE" : "?" };
  return { ...known, from: id, messages: [], unread: 0, older: 0, gone: !channel && id !== "line" };
}

function drawBar(phone, holder, chat, screen) {
  if (chat.from === "line") {
    const open = chat.messages.at(-1)?.state === "open";
    drawBanner(phone, holder, open ? { prompts: [] } : screen);
    return;
  }
  const kind = chat.gone ? "gone" : chat.blocked ? "blocked" : chat.friend ? "friend" : "stranger";
  redraw(holder, kind, () =>
    kind !== "stranger"
      ? null
      : h(
          "div",
          { class: "stranger" },
          h("p", {}, phone.say("stranger.text")),
          h(
            "div",
            { class: "stranger-buttons" },
            button("stranger-add", [icon("add"), phone.say("stranger.add")], () =>
              phone.act("add_friend", { channel_id: chat.from }, "toast.added"),
            ),
            button("stranger-block", [icon("block"), phone.say("stranger.block")], () => block(phone, chat)),
          ),
        ),
  );
}

function drawQuick(phone, holder, chat) {
  const last = chat.messages.at(-1);
  const replies = last?.messages?.at(-1)?.quickReply;
  redraw(holder, replies && !chat.blocked ? JSON.stringify([last.id, replies]) : "", () =>
    replies && !chat.blocked
      ? renderQuickReply(replies, {
          language: phone.language,
          onAction: (action) => {
            holder.replaceChildren();
            tapped(phone, chat.from, action);
          },
        })
      : null,
  );
}

function drawFoot(phone, holder, chat, composer) {
  const kind = chat.from === "line" ? "line" : chat.gone ? "gone" : chat.blocked ? "blocked" : "open";
  redraw(holder, kind, () => {
    if (kind === "line") return h("p", { class: "readonly" }, phone.say("chat.line"));
    if (kind === "gone") return null;
    if (kind === "open") return composer.element;
    return h(
      "div",
      { class: "blocked" },
      h("p", {}, phone.say("blocked.text")),
      button("primary", phone.say("blocked.unblock"), () =>
        phone.act("unblock", { channel_id: chat.from }, "toast.unblocked"),
      ),
    );
  });
  composer.update(chat);
}

async function block(phone, chat) {
  if (await phone.confirm(phone.say("confirm.block", { name: chat.name }), phone.say("stranger.block"))) {
    await phone.act("block", { channel_id: chat.from }, "toast.blocked");
  }
}

async function hide(phone, chat) {
  if (!(await phone.confirm(phone.say("confirm.hide", { name: chat.name }), phone.say("menu.hide"), false)))
    return;
  await phone.act("hide_only", { channel_id: chat.from }, "toast.hidden");
}

async function remove(phone, chat) {
  if (!(await phone.confirm(phone.say("confirm.delete"), phone.say("delete.button")))) return;
  if (await phone.act("delete_chat", { channel_id: chat.from }, "toast.deleted")) phone.go("chats");
}

function openMenu(phone, id) {
  const chat = chatOf(phone, id);
  const act = (action, done) => () => phone.act(action, { channel_id: id }, done);
  const choices = [
    !chat.friend && !chat.blocked
      ? ["add", phone.say("stranger.add"), act("add_friend", "toast.added")]
      : null,
    chat.blocked
      ? ["check", phone.say("blocked.unblock"), act("unblock", "toast.unblocked")]
      : ["block", phone.say("stranger.block"), () => block(phone, chat), true],
    chat.friend && !chat.hidden ? ["hide", phone.say("menu.hide"), () => hide(phone, chat)] : null,
    chat.hidden ? ["people", phone.say("home.show"), act("unhide", "toast.shown")] : null,
    ["bin", phone.say("menu.delete"), () => remove(phone, chat), true],
  ];
  phone.open(choiceSheet(phone, chat.name, choices.filter(Boolean)));
}
