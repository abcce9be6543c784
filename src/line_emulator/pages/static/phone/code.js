// A field for a code of six digits: the same for the SMS check and for a new number.

import { button, h } from "./dom.js";
import { ActionFailed } from "./store.js";

/** {element, update(), focus()}. `enter(code)` hands it to the emulator; `name` keeps what was typed. */
export function codeField(phone, { name, enter, resend, done }) {
  const error = h("p", { class: "field-error", role: "alert", id: `${name}-error` });
  const field = h("input", {
    class: "field code",
    inputmode: "numeric",
    autocomplete: "one-time-code",
    maxlength: "6",
    type: "text",
    pattern: "[0-9]{6}",
    "aria-label": phone.say("pin.label"),
    "aria-describedby": `${name}-error`,
    placeholder: "––––––",
  });
  field.value = phone.store.drafts.get(name) ?? "";
  const valid = h("p", { class: "field-note" });
  const verify = button("primary", phone.say("pin.verify"), submit, { type: "submit" });
  const form = h(
    "form",
    { class: "code-form", novalidate: true },
    h("label", { class: "field-label" }, phone.say("pin.label"), field),
    error,
    valid,
    verify,
  );
  form.addEventListener("submit", (event) => event.preventDefault());
  field.addEventListener("input", () => {
    field.value = asciiDigits(field.value).slice(0, 6);
    error.textContent = "";
    keep();
  });

  function keep() {
    phone.store.drafts.set(name, field.value);
    verify.disabled = field.value.length !== 6;
    field.removeAttribute("aria-invalid");
  }

  async function submit() {
    if (field.value.length !== 6) return;
    try {
      await enter(field.value);
    } catch (failure) {
      if (!(failure instanceof ActionFailed)) throw failure;
      await explain();
      return;
    }
    clear();
    phone.toasts.hide();
    done();
  }

  /** Why it was refused: what is left of the code says it. */
  async function explain() {
    const pin = await phone.store.look().then(
      (screen) => screen.pin,
      () => undefined,
    );
    clear();
    error.textContent =
      pin === undefined
        ? phone.say("error.offline")
        : pin
          ? phone.say("pin.wrong", { left: pin.tries_left })
          : phone.say("pin.void");
    field.setAttribute("aria-invalid", "true");
    phone.focus(field);
  }

  function clear() {
    field.value = "";
    keep();
  }

  keep();
  const again = button("quiet", phone.say("pin.resend"), async () => {
    clear();
    error.textContent = "";
    await resend();
    phone.focus(field);
  });
  return {
    element: h("div", {}, form, again),
    focus: () => phone.focus(field),
    update(pin) {
      valid.textContent = pin
        ? phone.say("pin.until", { time: phone.times.time(Date.parse(pin.expires_at)) })
        : "";
    },
  };
}

/** Digits as they are typed anywhere: full-width and Thai ones too. */
function asciiDigits(text) {
  return text
    .normalize("NFKC")
    .replace(/[\u0e50-\u0e59]/g, (digit) => String(digit.charCodeAt(0) - 0x0e50))
    .replace(/[^0-9]/g, "");
}
