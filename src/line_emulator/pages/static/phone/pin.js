// The SMS check of the phone number: send the code, enter it, done.

import { codeField } from "./code.js";
import { newest } from "./consent.js";
import { button, h, redraw } from "./dom.js";
import { icon } from "./icons.js";

export function pinView(phone) {
  const body = h("div", { class: "step-scroll" });
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
    body,
  );
  let field = null;
  let done = false;

  const send = () => phone.act("request_pin");
  const draw = {
    send: () => [
      sign("phone"),
      title("pin.title"),
      lead(phone.say("pin.lead")),
      h("p", { class: "big-number" }, phone.number),
      lead(phone.say("pin.how")),
      button("primary", phone.say("pin.send"), send, { autofocus: true }),
    ],
    enter: () => {
      field = codeField(phone, {
        name: "pin",
        enter: (pin) => phone.store.act("enter_pin", { pin }),
        resend: send,
        done: () => {
          done = true;
          view.update(phone.store.screen);
        },
      });
      return [
        title("pin.enter"),
        lead(phone.say("pin.sent", { phone: phone.number })),
        field.element,
        button("quiet sms-link", [icon("sms"), phone.say("pin.open_sms")], () => phone.go("sms", "LINE")),
      ];
    },
    done: () => [
      sign("check"),
      title("pin.done"),
      lead(phone.say("pin.done_text")),
      button("primary", phone.say("pin.see"), () => phone.go(...newest(phone.store.screen)), {
        autofocus: true,
      }),
    ],
    none: () => [
      sign("bell"),
      lead(phone.say("pin.none")),
      button("primary", phone.say("common.close"), () => phone.go("chat", "line")),
    ],
  };
  const sign = (drawing) => h("span", { class: "step-sign", "aria-hidden": "true" }, icon(drawing));
  const title = (key) => h("h1", { id: "step-title" }, phone.say(key));
  const lead = (words) => h("p", { class: "step-lead" }, words);

  const view = {
    element,
    full: true,
    update(screen) {
      // Once a code was asked for, one stays at the field even when the code is spent: there is the way to a new one.
      const asked = screen.pin !== null || (field !== null && !done);
      const step = done ? "done" : !screen.prompts.includes("pin") ? "none" : asked ? "enter" : "send";
      if (body.dataset.step !== step) {
        body.dataset.step = step;
        redraw(body, step, draw[step]);
        if (step === "enter") field.focus();
        else phone.focus(body.querySelector("[autofocus]"));
      }
      field?.update(screen.pin);
    },
    shown: () => (field ? field.focus() : phone.focus(body.querySelector("[autofocus]"))),
  };
  return view;
}
