// "Receive notification messages?": what it is, and the choice. Agreeing leads to the SMS check where one is needed.

import { button, h } from "./dom.js";
import { icon } from "./icons.js";

export function consentView(phone) {
  const until = h("p", { class: "ask-until" });
  const agree = button("primary", phone.say("consent.agree"), () => phone.act("agree"));
  const element = h(
    "section",
    { class: "page step", role: "dialog", "aria-labelledby": "step-title" },
    h(
      "header",
      { class: "bar" },
      h(
        "span",
        { class: "bar-end" },
        button("bar-button", icon("close"), () => phone.go("chat", "line"), {
          "aria-label": phone.say("common.close"),
        }),
      ),
    ),
    h(
      "div",
      { class: "step-scroll" },
      h("span", { class: "step-sign", "aria-hidden": "true" }, icon("bell")),
      h("h1", { id: "step-title" }, phone.say("consent.title")),
      h("p", { class: "step-lead" }, phone.say("consent.lead")),
      h(
        "ul",
        { class: "points" },
        point("box", phone.say("consent.what")),
        point("shop", phone.say("consent.stranger")),
        point("gear", phone.say("consent.control")),
      ),
      until,
    ),
    h(
      "div",
      { class: "step-foot" },
      agree,
      button("secondary", phone.say("consent.refuse"), () => phone.act("refuse")),
      button("quiet", phone.say("consent.later"), () => phone.go("chat", "line")),
    ),
  );
  return {
    element,
    full: true,
    shown: () => phone.focus(agree),
    update(screen) {
      until.textContent = screen.pending_until
        ? phone.say("prompt.until", {
            time: phone.times.moment(Date.parse(screen.pending_until), phone.store.now()),
          })
        : "";
      // The choice may also have been made elsewhere: in the settings, or by the control API.
      if (screen.user.reception === "not_set") return;
      if (screen.prompts.includes("pin")) phone.go("pin");
      else {
        phone.note(phone.say(screen.user.reception === "agree" ? "consent.agreed" : "consent.refused"));
        phone.go(...newest(screen));
      }
    },
  };
}

function point(drawing, words) {
  return h("li", {}, icon(drawing), h("span", {}, words));
}

/** Where what was released can be seen: the account's chat with the newest unread message, else LINE's. */
export function newest(screen) {
  const waiting = screen.chats.filter((chat) => chat.unread && chat.from !== "line" && chat.messages.length);
  waiting.sort((one, other) => other.messages.at(-1).at.localeCompare(one.messages.at(-1).at));
  return ["chat", waiting[0]?.from ?? "line"];
}
