// Small things that every screen of the phone is made of.

import { button, h } from "./dom.js";
import { icon, shield } from "./icons.js";

export { avatar } from "./avatar.js";

/** An account's name with its shield. */
export function named(phone, name, badge, tag = "span") {
  return h(
    tag,
    { class: "named" },
    h("span", { class: "name" }, name),
    badge ? shield(badge, phone.say(`badge.${badge}`)) : null,
  );
}

/** The bar on top: where one comes from, a title, and what can be done here. */
export function header(phone, title, { back = null, actions = [], large = false } = {}) {
  const goBack =
    back === null
      ? null
      : button("bar-button back", icon("back"), () => phone.go(back), {
          "aria-label": phone.say("common.back"),
        });
  return h(
    "header",
    { class: large ? "bar large" : "bar" },
    goBack,
    h("h1", {}, title),
    h("span", { class: "bar-end" }, actions),
  );
}

/** What a list says while it is empty. */
export function empty(name, title, text = "") {
  return h(
    "div",
    { class: "empty" },
    icon(name, "icon empty-icon"),
    h("p", { class: "empty-title" }, title),
    text ? h("p", {}, text) : null,
  );
}

/** A row of a settings list. With `act` it is a button with an arrow. */
export function row(label, value, act = null, { icon: name = "", danger = false, note = "" } = {}) {
  const inside = [
    name ? icon(name, "icon row-icon") : null,
    h(
      "span",
      { class: "row-text" },
      h("span", { class: "row-label" }, label),
      note ? h("span", { class: "row-note" }, note) : null,
    ),
    value ? h("span", { class: "row-value" }, value) : null,
  ];
  if (!act) return h("div", { class: "row" }, inside);
  return button(`row${danger ? " danger" : ""}`, [...inside, icon("forward", "icon row-arrow")], act);
}

/** A titled group of rows. */
export function group(title, ...rows) {
  return h(
    "section",
    { class: "group" },
    title ? h("h2", {}, title) : null,
    h("div", { class: "rows" }, rows),
  );
}
