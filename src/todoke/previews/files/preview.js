// The page of a preview: for each language the phones, one for each message, and beside each what can't be seen on it.
// What is drawn stands in the page as JSON. All of it is a stranger's text and becomes text nodes.

import { context, fetchNoPictures } from "/static/messages/dom.js";
import { renderMessage, renderNotification, renderQuickReply } from "/static/messages/index.js";
import { pretty } from "/static/messages/notification.js";
import { linked } from "/static/messages/text.js";
import { avatar } from "/static/phone/avatar.js";
import { h } from "/static/phone/dom.js";
import { icon, shield } from "/static/phone/icons.js";

const { preview, words } = JSON.parse(document.getElementById("preview").textContent);
const AT_HOME = { TW: "zh-Hant-TW", TH: "th", JP: "ja" };
const NAMES = { "zh-Hant": "繁體中文", "zh-Hans": "简体中文", ja: "日本語", th: "ไทย", en: "English" };
const LONGEST_CUT = 80;
const MOST_CUTS = 8;

function say(key, values = {}) {
  return words[key].replace(/\{(\w+)\}/g, (place, name) => String(values[name] ?? place));
}

/** A stranger's text inside ours: its direction never reaches what stands beside it. */
function apart(text, lang = null) {
  return h("bdi", { lang }, text);
}

function bar(title, menu) {
  return h(
    "header",
    { class: "bar" },
    h("span", { class: "bar-button" }, icon("back")),
    h("h4", {}, title),
    menu ? h("span", { class: "bar-end" }, h("span", { class: "bar-button" }, icon("menu"))) : null,
  );
}

function named(section, name, badge) {
  const sign = badge ? shield(badge, section.phone_words[`badge.${badge}`]) : null;
  return h("span", { class: "named" }, h("span", { class: "name", dir: "auto" }, name), sign);
}

function stranger(section) {
  const said = section.phone_words;
  const choice = (name, drawing, key) => h("button", { type: "button", class: name }, icon(drawing), said[key]);
  return h(
    "div",
    { class: "stranger" },
    h("p", {}, said["stranger.text"]),
    h(
      "div",
      { class: "stranger-buttons" },
      choice("stranger-add", "add", "stranger.add"),
      choice("stranger-block", "block", "stranger.block"),
    ),
  );
}

/** A chat with what one account said. `label`: beside its name, on a notification. */
function chat(section, { id, name, badge, label, viewer, drawn, foot }) {
  const wide = drawn.some((element) => element.classList.contains("m-wide"));
  const sender = h(
    "div",
    { class: "sender" },
    named(section, name, badge),
    label ? h("span", { class: "label" }, label) : null,
  );
  const said = h("div", { class: "said" }, sender, drawn.map((element) => h("div", { class: "beside" }, element)));
  return h(
    "div",
    { class: "device page chat", lang: section.lang },
    h("div", { class: "chat-top" }, bar(named(section, name, badge), id !== "line")),
    viewer === "non_friend" ? stranger(section) : null,
    h("ol", { class: "messages" }, h("li", { class: `theirs first${wide ? " wide" : ""}` }, avatar(id, name, "small"), said)),
    foot,
  );
}

function accountChat(section, shown) {
  const options = { language: section.phone };
  const drawn = shown.notification
    ? [renderNotification(shown.notification, options)]
    : shown.messages.map((message) => renderMessage(message, options));
  const replies = shown.messages?.at(-1)?.quickReply;
  const { name, badge } = preview.sender;
  return chat(section, {
    id: name,
    name,
    badge,
    label: shown.step === "line_notification" ? section.label : null,
    viewer: shown.viewer,
    drawn,
    foot: replies ? renderQuickReply(replies, options) : null,
  });
}

function systemChat(section) {
  const said = section.phone_words;
  const notice = h(
    "div",
    { class: "notice" },
    h("p", { class: "notice-title" }, said["system_received.title"]),
    h("p", { class: "notice-text" }, said["system_received.text"]),
  );
  const foot = h("p", { class: "readonly" }, said["chat.line"]);
  return chat(section, { id: "line", name: "LINE", badge: null, label: null, drawn: [notice], foot });
}

function smsThread(section, shown) {
  const sender = preview.sender.sms_sender ?? preview.sender.name;
  const bubble = h("div", { class: "text-bubble", dir: "auto" }, linked(shown.text, context({ language: section.phone })));
  return h(
    "div",
    { class: "device page sms", lang: section.lang },
    h(
      "header",
      { class: "bar sms-bar" },
      h("span", { class: "bar-button" }, icon("back")),
      h("h4", { dir: "auto" }, sender),
      h("span", {}),
    ),
    h("ol", { class: "texts" }, h("li", { class: "text" }, bubble)),
  );
}

const DRAW = { system: systemChat, sms: smsThread, line_push: accountChat, line_notification: accountChat };

function price(known) {
  if (!known) return say("price.unknown");
  const low = `${known.currency} ${known.amount}`;
  return known.amount_at_most ? say("price.to", { low, high: known.amount_at_most }) : low;
}

function fact(name, ...values) {
  return values.length
    ? h("div", { class: `fact fact-${name}` }, h("dt", {}, say(name)), values.map((value) => h("dd", {}, value)))
    : null;
}

function facts(section, shown) {
  const said = (text) => apart(text, section.lang);
  if (shown.step === "system") return h("dl", { class: "facts" });
  const named = (label) => said(shown.notification ? pretty(label) : label);
  const leads = (shown.leads_to ?? []).map(([label, uri]) => [label ? [named(label), " "] : null, said(uri)]);
  return h(
    "dl",
    { class: "facts" },
    shown.alt ? fact("alt", said(shown.alt)) : null,
    shown.step === "sms" ? fact("size", say("size.sms", shown)) : null,
    fact("price", price(shown.price)),
    fact("leads", ...leads),
  );
}

function card(section, shown) {
  const viewer = shown.viewer ?? (shown.step === "sms" ? "number" : "anyone");
  const form = shown.form ? say(`form.${shown.form}`) : "";
  return h(
    "article",
    { class: "card", "data-step": shown.step, "data-viewer": shown.viewer },
    h("h3", {}, say(`step.${shown.step}`), form ? h("span", { class: "form" }, form) : null),
    h("p", { class: "viewer" }, say(`viewer.${viewer}`)),
    DRAW[shown.step](section, shown),
    facts(section, shown),
  );
}

/** The steps beside each other; below them the same notification to the other kind of recipient, and LINE's message. */
function rows(section) {
  const after = section.shown.filter(({ step }, place) => step === "system" || (place > 0 && step === "line_notification"));
  const steps = section.shown.filter((shown) => !after.includes(shown));
  return [steps, after]
    .filter((row) => row.length)
    .map((row) => h("div", { class: "cards" }, row.map((shown) => card(section, shown))));
}

function group(section) {
  return h(
    "section",
    { class: "language", "data-language": section.language },
    h("h2", { lang: section.lang }, NAMES[section.phone], " ", h("span", { class: "tag" }, apart(section.language))),
    section.shown.length ? rows(section) : h("p", { class: "none" }, say("nothing")),
  );
}

/** What a phone would cut: LINE shows buttons and lines that do not wrap on one line, and ends them with dots. */
function markCuts(holder) {
  const { lang } = holder.querySelector(".device");
  const found = new Set();
  for (const element of holder.querySelectorAll(".m-line, .m-label, .m-photo-label, .m-box, .m-flextext, .m-rich-label")) {
    const wide = element.scrollWidth > element.clientWidth + 1;
    // A font may reach a little out of its line; what is cut is a line at least.
    const line = parseFloat(getComputedStyle(element).fontSize);
    if (!wide && element.scrollHeight <= element.clientHeight + line / 2) continue;
    if ([...found].some((inner) => element.contains(inner))) continue;
    element.dataset.cut = "yes";
    found.add(element);
  }
  const told = [...found].filter((one) => ![...found].some((inner) => inner !== one && one.contains(inner)));
  const texts = told.slice(0, MOST_CUTS).map((element) => element.textContent.slice(0, LONGEST_CUT));
  if (texts.length) holder.querySelector(".facts").append(fact("cut", ...texts.map((text) => apart(text, lang))));
}

const frame = () => new Promise((done) => requestAnimationFrame(done));

async function settled() {
  await document.fonts.ready;
  // Texts that shrink to fit are measured in the first frame and changed in the second.
  for (let count = 0; count < 3; count += 1) await frame();
  for (const shown of document.querySelectorAll(".card")) markCuts(shown);
  document.documentElement.dataset.ready = "yes";
}

fetchNoPictures();
const version = preview.version ? ` · ${say("version", { n: preview.version })}` : "";
document.body.append(
  h(
    "header",
    { class: "top" },
    h("h1", {}, apart(preview.template)),
    h("p", {}, apart(preview.sender.name, AT_HOME[preview.sender.country] ?? null), " · ", apart(preview.use_case), version),
    h("p", { class: "soft" }, say(preview.examples ? "examples" : "given")),
  ),
  h("main", {}, preview.sections.map(group)),
  h("footer", { class: "bottom" }, say("note")),
);
void settled();
