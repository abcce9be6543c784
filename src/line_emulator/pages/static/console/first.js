// The first steps: an example world, a notification by LINE's own path, a test of the webhook.

import { attempt, call, reach, Refused, say } from "./calls.js";
import { hangUp } from "./frames.js";

const EXAMPLE = "/static/console/example-grants.csv";
const USERS = [
  { phone: "+886912000001", name: "Mei (gets it at once)", reception: "agree", verified: true },
  { phone: "+886912000002", name: "Jun (must agree first)", reception: "not_set", verified: false, created_at: "2020-01-01T00:00:00Z" },
  { phone: "+886912000003", name: "Lin (rejects)", reception: "reject", verified: true },
];

/** One account with made-up templates, and three users of different kinds. */
export async function makeExample(button) {
  await attempt(button, async () => {
    const channel = await call("POST /channels", { name: "Example shop", region: "TW", badge: "green" });
    const table = await (await reach(EXAMPLE)).text();
    await call(`POST /channels/${channel.channel_id}/grants`, table, "text/csv");
    // The newest stands first in every list.
    for (const user of USERS.toReversed()) await call("POST /users", user);
    location.reload();
    return "Made.";
  });
}

const MEANINGS = {
  200: "LINE took it.",
  202: "LINE took it.",
  422: "LINE can't send to this user, and says so at once: they reject, or have not agreed to the privacy policy.",
};

/** Sends a notification with the channel's token, as an SDK would. */
export async function sendFirst(button) {
  const { path, token, tagHeader, body, phone } = button.dataset;
  const output = document.getElementById("sent");
  const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
  headers[tagHeader] = `console-${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 10)}`;
  say(output, "…");
  try {
    const answer = await reach(path, { method: "POST", headers, body });
    const found = await answer.json().catch(() => ({}));
    const meaning = MEANINGS[answer.status] ?? found.message ?? "";
    say(output, `LINE answered ${answer.status}. ${meaning} `, !answer.ok);
    showPhone(phone);
    const link = document.createElement("a");
    link.href = `/phones/${encodeURIComponent(phone)}`;
    link.textContent = "Look at the phone";
    output.append(link);
    document.dispatchEvent(new Event("changed"));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    say(output, error.message, true);
  }
}

/** The user's phone beside the list, alive. */
function showPhone(phone) {
  const place = document.getElementById("first-phone");
  if (place.dataset.phone === phone) return;
  place.dataset.phone = phone;
  place.replaceChildren(hangUp(phone));
  place.hidden = false;
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
