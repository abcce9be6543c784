// Calls to the emulator, and what is said about how they went.

const CONTROL = document.body.dataset.control;

/** A call that was refused, with the text that says why. */
export class Refused extends Error {}

/** Calls the control API: the JSON of the answer. Throws Refused. */
export async function call(target, body, contentType = "application/json") {
  const [method, path] = target.split(" ");
  const options = { method, headers: {} };
  if (body !== undefined) {
    options.headers["Content-Type"] = contentType;
    options.body = typeof body === "string" || body instanceof Blob ? body : JSON.stringify(body);
  }
  const answer = await reach(CONTROL + path, options);
  const found = await answer.json().catch(() => ({}));
  if (!answer.ok) throw Object.assign(new Refused(found.message || `The emulator answered ${answer.status}.`), { found });
  return found;
}

/** `fetch` whose failure is said in plain words. Throws Refused. */
export async function reach(url, options) {
  try {
    return await fetch(url, options);
  } catch {
    throw new Refused("The emulator does not answer. Is it running?");
  }
}

/** Says something beside a button or in a form. */
export function say(element, text, bad = false) {
  const output = element.querySelector?.("output") ?? element;
  output.textContent = text;
  output.classList.toggle("bad", bad);
  output.classList.toggle("good", !bad);
}

function place(element) {
  for (let around = element; around; around = around.parentElement) {
    const output = around.querySelector("output");
    if (output) return output;
  }
  throw new Error("no output to speak through");
}

/** Does something while a button is off, and says how it went. */
export async function attempt(element, doing, done = "Done.") {
  const output = place(element);
  const button = element.matches("button") ? element : element.querySelector("button");
  button.disabled = true;
  say(output, "…");
  try {
    const text = await doing();
    say(output, typeof text === "string" ? text : done);
    return true;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    say(output, error.message, true);
    return false;
  } finally {
    button.disabled = false;
  }
}
