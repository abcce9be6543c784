// The import of granted keys: the file goes as it is, and every bad row comes back with what to do about it.

import { attempt, call } from "./calls.js";

/** Sends the chosen file. */
export async function importGrants(form) {
  const faults = document.getElementById("grant-faults");
  faults.hidden = true;
  faults.replaceChildren();
  const done = await attempt(form, async () => {
    const file = form.elements.file.files[0];
    try {
      const found = await call(`POST ${form.dataset.grants}`, file, "text/csv");
      const { template, item, button } = found.count;
      return `Imported: ${template} templates, ${item} items, ${button} buttons.`;
    } catch (error) {
      if (error.found?.errors) list(faults, error.found);
      throw error;
    }
  });
  if (done) {
    form.reset();
    document.activeElement?.blur();
    document.dispatchEvent(new Event("changed"));
  }
}

function list(faults, found) {
  const table = document.createElement("table");
  table.className = "cards";
  const head = table.createTHead().insertRow();
  for (const name of ["Line", "Column", "Value", "What to do"]) {
    const cell = document.createElement("th");
    cell.textContent = name;
    head.append(cell);
  }
  const body = table.createTBody();
  for (const fault of found.errors) {
    const row = body.insertRow();
    const cells = { Line: fault.line, Column: fault.column || "–", Value: fault.value || "–", "What to do": fault.remedy };
    for (const [name, value] of Object.entries(cells)) {
      const cell = row.insertCell();
      cell.dataset.head = name;
      cell.textContent = value;
    }
  }
  const box = document.createElement("div");
  box.className = "scroll tall";
  box.append(table);
  faults.append(box);
  if (found.error_count > found.errors.length) {
    const more = document.createElement("p");
    more.className = "note";
    more.textContent = `and ${found.error_count - found.errors.length} more`;
    faults.append(more);
  }
  faults.hidden = false;
}
