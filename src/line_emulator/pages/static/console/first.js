// The first steps: an example world, a notification by LINE's own path, a test of the webhook.

import { attempt, call, reach, Refused, say } from "./calls.js";
import { hangUp } from "./frames.js";

const EXAMPLE = "/static/console/example-grants.csv";

/** One account with made-up templates, and three users of different kinds. */
export async function makeExample(button) {
  await attempt(button, async () => {
    const channel = await call("POST /channels", { name: "Example shop", region: "TW", badge: "green" });
    const table = await (await reach(EXAMPLE)).text();
    await call(`POST /channels/${channel.channel_id}/grants`, table, "text/csv");
    await makeUsers(button);
    location.reload();
    return "Made.";
  });
}

/** The three users as they were at first, whatever they have answered since. */
export async function makeAnew(button) {
  await attempt(button, async () => {
    await makeUsers(button);
    document.dispatchEvent(new Event("changed"));
    return "Made anew.";
  });
}

async function makeUsers(button) {
  // The newest stands first in every list.
  for (const user of JSON.parse(button.dataset.users).toReversed()) await call("POST /users", user);
}

/** Chooses another channel or template to send from. */
export function choose(field) {
  const form = field.form;
  // The templates of one channel are not those of another.
  if (field.name === "from" && form.elements.template) form.elements.template.disabled = true;
  form.requestSubmit();
}

const MEANINGS = {
  200: "LINE took it.",
  202: "LINE took it.",
  422: "LINE can't send to this user, and says so at once: they reject, or have not agreed to the privacy policy.",
};

/** Sends a notification with the channel's token, as an SDK would. */
export async function sendFirst(button) {
  const { path, token, tagHeader, body, phone } = button.dataset;
  const row = button.closest("li").id;
  const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
  headers[tagHeader] = `console-${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 10)}`;
  say(outputOf(row), "…");
  try {
    const answer = await reach(path, { method: "POST", headers, body });
    const found = await answer.json().catch(() => ({}));
    // The list may have been exchanged for a fresh one meanwhile.
    const output = outputOf(row);
    const meaning = MEANINGS[answer.status] ?? found.message ?? "";
    say(output, `LINE answered ${answer.status}. ${meaning} `, !answer.ok);
    showPhone(phone, answer.status);
    const link = document.createElement("a");
    link.href = `/phones/${encodeURIComponent(phone)}`;
    link.textContent = "Look at the phone";
    output.append(link);
    document.dispatchEvent(new Event("changed"));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    say(outputOf(row), error.message, true);
  }
}

function outputOf(row) {
  return document.getElementById(row)?.querySelector("output") ?? document.createElement("output");
}

/** The user's phone beside the list, alive. Its head repeats the answer: on a narrow window the row is out of sight. */
function showPhone(phone, status) {
  const place = document.getElementById("first-phone");
  if (place.dataset.phone !== phone) {
    place.dataset.phone = phone;
    place.replaceChildren(hangUp(phone));
    place.hidden = false;
  }
  const head = place.querySelector("figcaption");
  const answered = head.querySelector("span") ?? head.appendChild(document.createElement("span"));
  answered.textContent = `LINE answered ${status}`;
  place.scrollIntoView({ block: "nearest" });
}

/** Asks LINE's path for a test of the webhook. */
export async function testWebhook(button) {
  const { test, token } = button.dataset;
  await attempt(button, async () => {
    const answer = await reach(test, { method: "POST", headers: { Authorization: `Bearer ${token}` } });
    const found = await answer.json();
    if (found.success) return `It answered 200.`;
    throw new Refused(`${found.reason ?? answer.status}: ${found.detail ?? found.message}`);
  });
}
