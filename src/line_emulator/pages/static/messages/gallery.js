// The gallery: draws the examples, and whatever is pasted, with the emulator's own verdict on it.

import { el, glyph, isObject, own } from "./dom.js";
import { renderMessage, renderNotification, renderQuickReply, renderRichMenu } from "./index.js";

const CHECK = "/_emulator/v1/messages/check";
const EXAMPLES = "/static/messages/examples.json";
const PATIENCE = 250;
const MOST = 10;

const byId = (id) => document.getElementById(id);
let turn = 0;

function onAction(action) {
  byId("tapped").textContent = `Tapped: ${JSON.stringify(action).slice(0, 1000)}`;
}

/** Puts one example or one pasted thing into a chat. */
function show(chat, kind, value, language) {
  const options = { language, onAction };
  if (kind === "notification") return line(chat, renderNotification(value, options));
  if (kind === "richMenu") return chat.append(renderRichMenu(value, options));
  line(chat, renderMessage(value, options));
  if (own(value, "quickReply")) chat.append(renderQuickReply(value.quickReply, options));
}

function line(chat, drawn) {
  if (drawn.classList.contains("m-wide")) chat.append(drawn);
  else chat.append(el("div", "line", el("span", "face", glyph("bell")), drawn));
}

function example(entry) {
  const kind = ["notification", "richMenu", "message"].find((name) => name in entry);
  const chat = el("div", "chat");
  chat.lang = entry.language;
  show(chat, kind, entry[kind], entry.language);
  const load = el("button", "load", "Edit");
  load.type = "button";
  load.setAttribute("aria-label", `Edit: ${entry.title}`);
  load.addEventListener("click", () => {
    edit(entry[kind], entry.language);
    byId("source").scrollIntoView({ block: "nearest" });
  });
  const shown = el("article", "example", el("div", "example-top", el("h3", "", entry.title), load), chat);
  shown.id = entry.id;
  return shown;
}

function edit(value, language) {
  byId("source").value = JSON.stringify(value, null, 2);
  byId("language").value = language;
  draw();
}

/** What a pasted text may be: [kind, values], the values to be drawn one after the other. */
function understood(value) {
  if (Array.isArray(value)) return ["message", value];
  if (!isObject(value)) return ["message", [value]];
  if (Array.isArray(own(value, "messages"))) return ["message", value.messages];
  const key = own(value, "template_key") ?? own(value, "templateKey");
  if (typeof key === "string") return ["notification", [{ ...value, template_key: key }]];
  if (Array.isArray(own(value, "areas"))) return ["richMenu", [value]];
  if (["bubble", "carousel"].includes(own(value, "type"))) {
    return ["message", [{ type: "flex", altText: "Flex Message", contents: value }]];
  }
  return ["message", [value]];
}

function draw() {
  turn += 1;
  const chat = byId("drawn");
  chat.replaceChildren();
  byId("details").replaceChildren();
  const language = byId("language").value;
  chat.lang = language;
  const source = byId("source").value;
  if (source.trim() === "") return verdict("", "");
  let value;
  try {
    value = JSON.parse(source);
  } catch (error) {
    return verdict("bad", `Not JSON: ${error.message}`);
  }
  const [kind, values] = understood(value);
  for (const one of values.slice(0, MOST)) show(chat, kind, one, language);
  if (kind === "message") void check(values, turn);
  else verdict("", "Drawn; only messages are checked here.");
}

async function check(messages, mine) {
  const asked = { messages, kind: byId("kind").value };
  let answer;
  try {
    const reply = await fetch(CHECK, { method: "POST", body: JSON.stringify(asked) });
    answer = await reply.json();
  } catch {
    answer = { message: "The emulator does not answer" };
  }
  if (mine !== turn) return;
  const problem = own(answer, "problem");
  if (problem === null) return verdict("good", "The emulator would take this.");
  const told = problem ?? answer;
  verdict("bad", problem ? `${problem.status}: ${problem.message}` : String(told.message));
  const details = (told.details ?? []).map((one) => el("li", "", `${one.property}: ${one.message}`));
  byId("details").replaceChildren(...details);
}

function verdict(tone, text) {
  byId("verdict").className = `verdict ${tone}`;
  byId("verdict").textContent = text;
}

let waiting = 0;
byId("source").addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(draw, PATIENCE);
});
byId("kind").addEventListener("change", draw);
byId("language").addEventListener("change", draw);

const examples = await (await fetch(EXAMPLES)).json();
byId("examples").append(...examples.map(example));
const first = examples.find((entry) => entry.id === "delivery-tw");
if (byId("source").value === "") edit(first.message, first.language);
