// A number that no LINE user has: it can still get SMS, and a user can be made of it.

import { button, h } from "./dom.js";
import { icon } from "./icons.js";

export function nobodyView(phone) {
  const { language } = phone;
  const body = JSON.stringify({ phone: phone.store.phone, reception: "not_set", verified: false });
  const count = h("span", { class: "count" });
  const element = h(
    "section",
    { class: "page step" },
    h(
      "div",
      { class: "step-scroll" },
      h("span", { class: "step-sign grey", "aria-hidden": "true" }, icon("phone")),
      h("h1", {}, phone.say("nobody.title")),
      h("p", { class: "big-number" }, phone.number),
      h("p", { class: "step-lead" }, phone.say("nobody.text", { phone: phone.number })),
      button("primary", phone.say("nobody.make"), () => phone.attempt(() => phone.store.create(language))),
      button("secondary", [icon("sms"), phone.say("sms.title"), count], () => phone.go("sms")),
      h("p", { class: "field-note" }, phone.say("nobody.hint")),
      h("pre", { class: "hint" }, `curl ${location.origin}/_emulator/v1/users \\\n  -d '${body}'`),
    ),
  );
  return {
    element,
    full: true,
    update(screen) {
      const waiting = phone.toasts.unseenSms(screen) || screen.sms.length;
      count.textContent = String(waiting);
      count.hidden = !waiting;
    },
  };
}
