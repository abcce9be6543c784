// A story that @line/bot-sdk drives from its first token to an account link. Usage: node story.mjs BASE_URL
// Prints one JSON object; any difference from what LINE documents ends it with an error.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { once } from "node:events";
import { channelAccessToken, HTTPFetchError, insight, messagingApi, middleware } from "@line/bot-sdk";

const baseURL = process.argv[2];
const PHONE = "+819011112222";
const TAG = "order-0000000000000042";
const to = createHash("sha256").update(PHONE).digest("hex");

async function control(method, path, body) {
  const answer = await fetch(`${baseURL}/_emulator/v1${path}`, { method, body: body && JSON.stringify(body) });
  const found = await answer.json();
  assert.ok(answer.ok, JSON.stringify(found));
  return found;
}

const act = (action) => control("POST", `/users/${encodeURIComponent(PHONE)}/actions`, action);

const channel = await control("POST", "/channels", { name: "Shop", region: "JP", badge: "green" });
const user = await control("POST", "/users", { phone: PHONE, name: "Hanako" });
const channel_id = channel.channel_id;

// The webhook: the SDK's own middleware checks the signature and parses the body.
const events = [];
const refused = [];
const waiting = [];
const check = middleware({ channelSecret: channel.channel_secret });
const server = createServer((request, response) => {
  check(request, response, (error) => {
    if (error) refused.push(error.constructor.name);
    else events.push(...request.body.events);
    response.writeHead(error ? 401 : 200).end();
    waiting.splice(0).forEach((wake) => wake());
  });
});
server.listen(0, "127.0.0.1");
await once(server, "listening");
const hook = `http://127.0.0.1:${server.address().port}/hook`;

async function event(type) {
  for (;;) {
    const found = events.find((each) => each.type === type);
    if (found) return found;
    await new Promise((wake) => waiting.push(wake));
  }
}

// Token
const tokens = new channelAccessToken.ChannelAccessTokenClient({ baseURL });
const issued = await tokens.issueChannelToken("client_credentials", channel_id, channel.channel_secret);
assert.equal(issued.token_type, "Bearer");
const verified = await tokens.verifyChannelToken(issued.access_token);
assert.equal(verified.client_id, channel_id);
const line = new messagingApi.MessagingApiClient({ baseURL, channelAccessToken: issued.access_token });

// Webhook
await line.setWebhookEndpoint({ endpoint: hook });
assert.equal((await line.testWebhookEndpoint({})).success, true);
assert.equal((await line.getBotInfo()).userId, channel.bot_user_id);
const forged = await fetch(hook, { method: "POST", body: "{}", headers: { "x-line-signature": "AAAA" } });
assert.equal(forged.status, 401);
assert.deepEqual(refused, ["SignatureValidationFailed"]);

// Push by phone
const messages = [{ type: "text", text: "お荷物が届きました" }];
await line.pushMessagesByPhone({ to, messages }, TAG);
assert.equal((await event("delivery")).delivery.data, TAG);
await assert.rejects(
  () => line.pushMessagesByPhone({ to: createHash("sha256").update("+819099999999").digest("hex"), messages }),
  (error) => error instanceof HTTPFetchError && error.status === 422 && /Failed to send messages/.test(error.body),
);

// Friend, profile, followers, reply
await act({ action: "add_friend", channel_id });
const follow = await event("follow");
assert.equal(follow.source.userId, user.user_id);
await line.replyMessage({ replyToken: follow.replyToken, messages: [{ type: "text", text: "ようこそ" }] });
assert.equal((await line.getProfile(user.user_id)).displayName, "Hanako");
assert.deepEqual((await line.getFollowers()).userIds, [user.user_id]);
const pushed = await line.pushMessage({ to: user.user_id, messages });
assert.equal(pushed.sentMessages.length, 1);

// Account link
const { linkToken } = await line.issueLinkToken(user.user_id);
const nonce = "bm9uY2Utb2YtdGhlLXN0b3J5";
const dialog = `${baseURL}/dialog/bot/accountLink?linkToken=${linkToken}&nonce=${nonce}&_phone=${encodeURIComponent(PHONE)}`;
assert.equal((await fetch(dialog)).status, 200);
const linked = await event("accountLink");
assert.deepEqual(linked.link, { result: "ok", nonce });
assert.equal(linked.source.userId, user.user_id);

// Statistics, when the day is over
const { now } = await control("GET", "/clock");
const day = new Date(Date.parse(now) + 9 * 3_600_000).toISOString().slice(0, 10).replaceAll("-", "");
await control("POST", "/clock", { advance: "24h" });
assert.deepEqual(await line.getPNPMessageStatistics(day), { status: "ready", success: 1 });
const insights = new insight.InsightClient({ baseURL, channelAccessToken: issued.access_token });
assert.equal((await insights.getNumberOfMessageDeliveries(day)).status, "ready");
assert.equal((await insights.getNumberOfFollowers(day)).followers, 1);

console.log(JSON.stringify({ events: events.map((each) => each.type), refused }));
server.close();
server.closeAllConnections();
