// Faults and scenarios. The form for faults shows only the fields that the chosen kind takes.

import { attempt, call } from "./calls.js";

/** Begins the chosen scenario file. */
export async function playScenario(form) {
  const done = await attempt(form, () => call(form.dataset.scenario, form.elements.file.files[0], "application/yaml"), "It has begun.");
  if (done) {
    form.reset();
    document.dispatchEvent(new Event("changed"));
  }
}

/** Makes the form follow its choices. */
export function prepareFaultForm() {
  const form = document.getElementById("order");
  if (!form) return;
  form.addEventListener("change", () => follow(form));
  follow(form);
}

function follow(form) {
  const target = form.elements.target.value;
  const kind = form.elements.kind;
  for (const option of kind.options) option.hidden = option.disabled = target === "api" && option.dataset.webhook !== undefined;
  if (kind.selectedOptions[0]?.disabled) kind.selectedIndex = 0;
  for (const field of form.querySelectorAll("[data-for]")) field.hidden = !field.dataset.for.split(" ").includes(kind.value);
  for (const field of form.querySelectorAll("[data-target]")) field.hidden = field.dataset.target !== target;
}
