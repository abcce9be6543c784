// Changing the phone number: the new one, the code that arrives there, done.

import { codeField } from "./code.js";
import { button, h, redraw } from "./dom.js";
import { header } from "./parts.js";
import { ActionFailed } from "./store.js";
import { grouped } from "./words.js";

const EXAMPLE = "+886912345000";
const E164 = /^\+[1-9][0-9]{6,14}$/;

export function numberView(phone) {
  const body = h("div", { class: "step-scroll plain-step" });
  const element = h(
    "section",
    { class: "page" },
    header(phone, phone.say("number.title"), { back: ["settings"] }),
    body,
  );
  const was = phone.store.phone;
  let field = null;

  const drawNew = () => {
    const example = phone.store.phone.startsWith("+") ? `${phone.store.phone.slice(0, -3)}000` : EXAMPLE;
    const error = h("p", { class: "field-error", role: "alert" });
    const input = h("input", {
      class: "field",
      type: "tel",
      inputmode: "tel",
      autocomplete: "off",
      maxlength: "24",
      placeholder: grouped(example),
    });
    input.value = phone.store.drafts.get("number") ?? "";
    input.addEventListener("input", () => phone.store.drafts.set("number", input.value));
    const next = button(
      "primary",
      phone.say("pin.send"),
      async () => {
        const wanted = input.value.normalize("NFKC").replace(/[\s().-]/g, "");
        error.textContent = E164.test(wanted) ? "" : phone.say("number.bad", { example: grouped(example) });
        if (error.textContent) return;
        await ask(phone, wanted, error);
      },
      { type: "submit" },
    );
    const form = h(
      "form",
      { class: "code-form", novalidate: true },
      h("label", { class: "field-label" }, phone.say("number.new"), input),
      error,
      next,
    );
    form.addEventListener("submit", (event) => event.preventDefault());
    return [
      h("p", { class: "step-lead" }, phone.say("number.text")),
      h("p", { class: "field-label" }, phone.say("number.now")),
      h("p", { class: "big-number" }, phone.number),
      form,
    ];
  };
  const drawCode = (wanted) => {
    field = codeField(phone, {
      name: "number-code",
      enter: (pin) => phone.store.act("confirm_number_change", { pin }),
      resend: () => phone.act("request_number_change", { phone: wanted }),
      done: () => {
        phone.store.drafts.delete("number");
        phone.note(phone.say("number.done"));
        phone.go("settings");
      },
    });
    return [h("p", { class: "step-lead" }, phone.say("pin.sent", { phone: grouped(wanted) })), field.element];
  };

  return {
    element,
    full: true,
    update(screen) {
      const wanted = screen.pin?.new_phone ?? null;
      const step = wanted ? `code ${wanted}` : field && phone.store.phone === was ? body.dataset.step : "new";
      if (body.dataset.step !== step) {
        body.dataset.step = step;
        redraw(body, step, () => (wanted ? drawCode(wanted) : drawNew()));
        phone.focus(body.querySelector("input"));
      }
      if (wanted) field?.update(screen.pin);
    },
    shown: () => phone.focus(body.querySelector("input")),
  };
}

async function ask(phone, wanted, error) {
  try {
    await phone.store.act("request_number_change", { phone: wanted });
  } catch (failure) {
    if (!(failure instanceof ActionFailed)) throw failure;
    error.textContent = phone.say(failure.message ? "number.taken" : "error.offline");
  }
}
