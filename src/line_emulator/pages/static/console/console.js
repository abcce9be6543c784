// What every page of the console does: looks again when something changed, calls the control API, copies, shows secrets.

import { attempt, call } from "./calls.js";
import { watch } from "./live.js";
import { runClocks } from "./clock.js";
import { choose, makeAnew, makeExample, sendFirst, testWebhook } from "./first.js";
import { importGrants } from "./grants.js";
import { playScenario, prepareFaultForm } from "./faults.js";

const COPIED_MS = 1500;
const SURE_MS = 4000;

const READERS = {
  number: (field) => Number(field.value),
  nullable: (field) => field.value.trim() || null,
  "number-or-none": (field) => (field.value === "" ? null : Number(field.value)),
  moment: (field) => `${field.value.length === 16 ? `${field.value}:00` : field.value}Z`,
};

function read(form) {
  const body = {};
  for (const field of form.elements) {
    if (!field.name || field.disabled || field.closest("[hidden]")) continue;
    if (field.type === "checkbox") body[field.name] = field.checked;
    else if (READERS[field.dataset.as]) body[field.name] = READERS[field.dataset.as](field);
    else if (field.type === "number") {
      if (field.value !== "") body[field.name] = Number(field.value);
    } else if (field.dataset.as !== "optional" || field.value.trim()) body[field.name] = field.value.trim();
  }
  return body;
}

function show(selector, values) {
  const box = document.querySelector(selector);
  for (const field of box.querySelectorAll("[data-field]")) field.textContent = values[field.dataset.field] ?? "";
  box.hidden = false;
}

async function submit(form) {
  await attempt(form, async () => {
    const found = await call(form.dataset.call, read(form)).catch((error) => {
      if (earlier(form)) error.message += `. ${form.dataset.earlier}`;
      throw error;
    });
    if (form.dataset.show) show(form.dataset.show, found);
    after(form);
    return form.dataset.say;
  });
}

function after(element) {
  if (element.dataset.then === undefined) document.dispatchEvent(new Event("changed"));
  else if (element.dataset.then) location.assign(element.dataset.then);
  else location.reload();
}

/** Whether the form asks for a time before that of the clock. */
function earlier(form) {
  const shown = document.querySelector("[data-clock]")?.textContent.replace(" ", "T");
  return form.dataset.earlier !== undefined && form.elements.set.value < shown;
}

async function press(button) {
  if (button.dataset.sure && !button.dataset.asked) {
    const words = button.textContent;
    button.dataset.asked = "1";
    button.textContent = button.dataset.sure;
    setTimeout(() => {
      button.textContent = words;
      delete button.dataset.asked;
    }, SURE_MS);
    return;
  }
  await attempt(
    button,
    async () => {
      await call(button.dataset.call, button.dataset.body);
      after(button);
    },
    button.dataset.say,
  );
}

async function copy(button) {
  const source = document.querySelector(button.dataset.copy);
  const text = source.dataset.secret ?? source.textContent;
  const words = button.textContent;
  let copied = true;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    copied = copyByHand(text);
  }
  button.textContent = copied ? "Copied" : "Could not copy";
  setTimeout(() => (button.textContent = words), COPIED_MS);
}

// Browsers give the clipboard only to secure pages; a console on another machine's address is none.
function copyByHand(text) {
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  return copied;
}

function reveal(button) {
  const field = document.querySelector(button.dataset.reveal);
  const hidden = field.textContent !== field.dataset.secret;
  field.textContent = hidden ? field.dataset.secret : "••••••••";
  button.textContent = hidden ? "Hide" : "Show";
}

const ON_CLICK = [
  ["[data-copy]", copy],
  ["[data-reveal]", reveal],
  ["button[data-call]", press],
  ["[data-example]", makeExample],
  ["[data-anew]", makeAnew],
  ["[data-send]", sendFirst],
  ["[data-test]", testWebhook],
];

document.addEventListener("click", (event) => {
  for (const [selector, doing] of ON_CLICK) {
    const found = event.target.closest(selector);
    if (found) doing(found);
  }
});
document.addEventListener("change", (event) => {
  if (event.target.closest("[data-choose]")) choose(event.target);
});
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.call) submit(form);
  else if (form.dataset.grants) importGrants(form);
  else if (form.dataset.scenario) playScenario(form);
  else return;
  event.preventDefault();
});

function openTarget() {
  const target = location.hash && document.getElementById(location.hash.slice(1));
  if (target instanceof HTMLDetailsElement) target.open = true;
}
openTarget();
window.addEventListener("hashchange", openTarget);
prepareFaultForm();
runClocks();
watch();
