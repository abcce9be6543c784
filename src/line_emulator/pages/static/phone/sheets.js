// What lies over the phone: a question, a page of the web, a date to choose. Only the sheet can be reached meanwhile.

import { button, h } from "./dom.js";
import { icon } from "./icons.js";

const SHOWN_ADDRESS = 600;

function sheet(phone, title, className, ...inside) {
  const made = h(
    "div",
    { class: `sheet ${className}`, role: "dialog", "aria-modal": "true", "aria-label": title },
    inside,
  );
  const shade = h("div", { class: "shade" }, made);
  shade.addEventListener("click", (event) => {
    if (event.target === shade) phone.close();
  });
  return shade;
}

/** A question with two answers; `answered` gets true or false. */
export function confirmSheet(phone, text, yes, danger, answered) {
  const choose = (choice) => () => {
    answered(choice);
    phone.close();
  };
  return sheet(
    phone,
    text,
    "ask",
    h("p", {}, text),
    h(
      "div",
      { class: "ask-buttons" },
      button("ask-no", phone.say("common.cancel"), choose(false), { autofocus: true }),
      button(danger ? "ask-yes danger" : "ask-yes", yes, choose(true)),
    ),
  );
}

/** Several things that can be done; each is [drawing, words, act, danger]. */
export function choiceSheet(phone, title, choices) {
  return sheet(
    phone,
    title,
    "choices",
    h("p", { class: "sheet-title" }, title),
    choices.map(([drawing, words, act, danger]) =>
      button(danger ? "choice danger" : "choice", [icon(drawing), h("span", {}, words)], () => {
        phone.close();
        return act();
      }),
    ),
    button("choice cancel", phone.say("common.cancel"), () => phone.close()),
  );
}

/** Where a button leads: shown, and opened only by the person in front of the screen. `inside`: a page of our own. */
export function browserSheet(phone, uri, inside) {
  const scheme = /^([a-z]+):/i.exec(uri)?.[1].toLowerCase() ?? "";
  const web = scheme === "http" || scheme === "https";
  const top = h(
    "div",
    { class: "sheet-top" },
    h("p", { class: "sheet-title" }, hostOf(uri) || phone.say("browser.title")),
    button("bar-button", icon("close"), () => phone.close(), { "aria-label": phone.say("common.close") }),
  );
  if (inside) {
    return sheet(
      phone,
      phone.say("browser.title"),
      "browser inside",
      top,
      h("iframe", { src: inside, title: phone.say("browser.title") }),
    );
  }
  const key = web ? "browser.would" : scheme === "tel" ? "browser.call" : "browser.refused";
  return sheet(
    phone,
    phone.say("browser.title"),
    "browser",
    top,
    h("p", {}, phone.say(key)),
    h("p", { class: "address", dir: "ltr" }, uri.slice(0, SHOWN_ADDRESS)),
    web
      ? h(
          "a",
          { class: "primary", href: uri, target: "_blank", rel: "noopener noreferrer" },
          phone.say("browser.tab"),
        )
      : null,
  );
}

function hostOf(uri) {
  try {
    return new URL(uri).host;
  } catch {
    return "";
  }
}

const INPUTS = new Map([
  ["date", "date"],
  ["time", "time"],
  ["datetime", "datetime-local"],
]);

/** A date, a time or both, within the bounds of the action; `chosen` gets the postback's params. */
export function dateSheet(phone, action, chosen) {
  const mode = INPUTS.has(action.mode) ? action.mode : "date";
  const bound = (value) => (typeof value === "string" ? value.replace("t", "T").slice(0, 16) : null);
  const title = phone.say(`datetime.${mode}`);
  const field = h("input", {
    type: INPUTS.get(mode),
    class: "field",
    required: true,
    autofocus: true,
    "aria-label": title,
    min: bound(action.min),
    max: bound(action.max),
    value: bound(action.initial),
  });
  return sheet(
    phone,
    title,
    "ask",
    h("p", {}, title),
    field,
    h(
      "div",
      { class: "ask-buttons" },
      button("ask-no", phone.say("common.cancel"), () => phone.close()),
      button("ask-yes", phone.say("common.ok"), async () => {
        if (!field.reportValidity()) return;
        const value = field.value;
        phone.close();
        await chosen({ [mode]: value });
      }),
    ),
  );
}
