// What the phone knows: the newest screen of its user, the way it came, and what the user does with it.

import { isCalled, remember } from "./opener.js";

const BASE = "/_emulator/v1/users/";
const FIRST_WAIT = 300;
const RELEASING = new Set(["agree", "refuse", "enter_pin"]);
const LONGEST_WAIT = 5000;

export class ActionFailed extends Error {}

export class Store {
  constructor(phone) {
    this.phone = phone;
    this.screen = null;
    this.connected = true;
    this.drafts = new Map();
    this.watchers = new Set();
    this.wait = FIRST_WAIT;
    this.received = 0;
  }

  /** Calls `act` whenever the screen or the connection is another. */
  watch(act) {
    this.watchers.add(act);
  }

  tell(before) {
    for (const act of this.watchers) act(this.screen, before);
  }

  /** Opens the live channel and keeps it open. */
  connect() {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(`${scheme}//${location.host}${BASE}${encodeURIComponent(this.phone)}/live`);
    socket.addEventListener("message", (event) => this.take(JSON.parse(event.data)));
    socket.addEventListener("close", () => this.lost());
  }

  take(screen) {
    const before = this.screen;
    this.screen = screen;
    this.received = performance.now();
    this.connected = true;
    this.wait = FIRST_WAIT;
    if (screen.phone !== this.phone) {
      // The user has another number now; the page goes with them.
      if (isCalled(this.phone)) remember(screen.phone);
      this.phone = screen.phone;
      history.replaceState(
        null,
        "",
        `/phones/${encodeURIComponent(this.phone)}${location.search}${location.hash}`,
      );
    }
    this.tell(before);
  }

  lost() {
    if (this.connected) {
      this.connected = false;
      this.tell(this.screen);
    }
    setTimeout(() => this.connect(), this.wait * (0.75 + Math.random() / 2));
    this.wait = Math.min(this.wait * 1.7, LONGEST_WAIT);
  }

  /** The virtual time in ms, counted on since the last news. */
  now() {
    if (!this.screen) return 0;
    const passed = (performance.now() - this.received) * this.screen.clock.rate;
    return Date.parse(this.screen.now) + passed;
  }

  get language() {
    return this.screen?.language ?? "en";
  }

  chat(id) {
    return this.screen?.chats.find((chat) => chat.from === id);
  }

  channel(id) {
    return this.screen?.channels.find((channel) => channel.channel_id === id);
  }

  /** One tap of the user. Raises ActionFailed with the emulator's words, or with "" when it does not answer. */
  async act(action, values = {}) {
    const user = await this.call("POST", `${encodeURIComponent(this.phone)}/actions`, { action, ...values });
    // What these release decides where the next tap leads, so it must not wait for the live channel.
    if (RELEASING.has(action)) this.take(await this.look());
    return user;
  }

  /** The user has seen all of a chat. What is seen at the same moment is said once. */
  async read(chat) {
    const mark = `${chat.from} ${chat.messages.at(-1)?.id}`;
    if (this.marked === mark) return;
    this.marked = mark;
    await this.act("read", chat.from === "line" ? {} : { channel_id: chat.from }).catch(
      () => (this.marked = null),
    );
  }

  async change(values) {
    return this.call("PATCH", encodeURIComponent(this.phone), values);
  }

  /** Makes a LINE user of this number. */
  async create(language) {
    return this.call("POST", "", { phone: this.phone, reception: "not_set", verified: false, language });
  }

  /** The screen as it is at this moment. */
  async look() {
    return this.call("GET", `${encodeURIComponent(this.phone)}/screen`);
  }

  async call(method, path, values) {
    let answer;
    const url = (BASE + path).replace(/\/$/, "");
    try {
      answer = await fetch(url, {
        method,
        headers: values ? { "Content-Type": "application/json" } : {},
        body: values ? JSON.stringify(values) : undefined,
      });
    } catch {
      throw new ActionFailed("");
    }
    const found = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new ActionFailed(found.message ?? String(answer.status));
    return found;
  }
}
