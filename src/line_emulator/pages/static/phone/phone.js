// The phone: status bar, the screen that is open, tabs, and what may lie over it. Where one is stands in the address.

import { button, h, redraw } from "./dom.js";
import { icon } from "./icons.js";
import { confirmSheet } from "./sheets.js";
import { ActionFailed } from "./store.js";
import { Toasts } from "./toasts.js";
import { Times, browserLanguage, grouped, known, say } from "./words.js";
import { viewOf } from "./views.js";

const TABS = [
  ["home", "home"],
  ["chats", "chats"],
  ["settings", "gear"],
  ["sms", "sms"],
];

export class Phone {
  constructor(store) {
    this.store = store;
    this.view = null;
    this.sheet = null;
    this.clock = h("time", { class: "status-clock" });
    this.status = h(
      "div",
      { class: "status" },
      this.clock,
      h(
        "span",
        { class: "status-signs", "aria-hidden": "true" },
        h("i", { class: "signal" }),
        h("i", { class: "battery" }),
      ),
    );
    this.offline = h("p", { class: "offline", role: "status", hidden: true });
    this.main = h("main", { class: "main" });
    this.tabs = h("nav", { class: "tabs" });
    this.over = h("div", { class: "over" });
    this.under = h("div", { class: "under" }, this.offline, this.main, this.tabs);
    this.toasts = new Toasts(this);
    this.element = h("div", { class: "phone" }, this.status, this.under, this.over, this.toasts.element);
    addEventListener("hashchange", () => {
      this.toasts.hide();
      this.draw(true);
    });
    addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.sheet) this.close();
    });
    setInterval(() => this.tick(), 1000);
    store.watch((screen, before) => this.news(screen, before));
  }

  say(key, values) {
    return say(this.language, key, values);
  }

  get language() {
    return this.store.screen ? known(this.store.language) : browserLanguage();
  }

  /** The user's number as people write it; who lost it to somebody else has none. */
  get number() {
    return this.store.phone.startsWith("+") ? grouped(this.store.phone) : this.say("number.none");
  }

  /** Where one is: the parts of the address after the number sign. */
  get place() {
    const parts = location.hash.replace(/^#\/?/, "").split("/").map(decoded);
    const nobody = this.store.screen && !this.store.screen.line_user;
    if (nobody && parts[0] !== "sms") return ["nobody"];
    return parts[0] && (nobody || parts[0] !== "nobody") ? parts : ["chats"];
  }

  go(...parts) {
    const hash = `#/${parts.map(encodeURIComponent).join("/")}`;
    if (location.hash === hash) this.draw(true);
    else location.hash = hash;
  }

  news(screen, before) {
    this.offline.hidden = this.store.connected;
    if (!screen) return;
    if (!this.times || before?.language !== screen.language || before?.phone !== screen.phone) {
      this.times = new Times(screen.language, screen.phone);
      this.element.lang = this.language;
      document.documentElement.lang = this.language;
      this.view = null;
    }
    if (before && before.line_user !== screen.line_user) this.view = null;
    this.offline.textContent = this.say("live.reconnecting");
    this.toasts.news(screen, before);
    this.draw(false);
    this.tick();
  }

  /** Draws what is open: anew after a move, else only what is new in it. */
  draw(moved) {
    const screen = this.store.screen;
    if (!screen) return;
    if (moved) this.close();
    if (moved || !this.view) {
      this.view?.leave?.();
      this.view = viewOf(this, this.place);
      this.main.replaceChildren(this.view.element);
      this.element.dataset.app = this.place[0] === "sms" ? "sms" : "line";
      this.element.dataset.place = this.place[0];
    }
    this.view.update(screen);
    this.view.shown?.();
    this.view.shown = undefined;
    this.drawTabs(screen);
  }

  drawTabs(screen) {
    const [place] = this.place;
    const hidden = this.view.full || !screen.line_user;
    this.tabs.hidden = hidden;
    if (hidden) return;
    const unread = screen.chats.reduce((sum, chat) => sum + chat.unread, 0);
    const waiting = this.toasts.unseenSms(screen);
    this.tabs.setAttribute("aria-label", "LINE");
    redraw(this.tabs, JSON.stringify([this.language, place, unread, waiting]), () =>
      TABS.map(([name, drawing]) => {
        const count = name === "chats" ? unread : name === "sms" ? waiting : 0;
        return button(
          `tab tab-${name}`,
          [
            h(
              "span",
              { class: "tab-icon" },
              icon(drawing),
              count ? h("span", { class: "count" }, count > 99 ? "99+" : count) : null,
            ),
            h("span", { class: "tab-name" }, this.say(`tab.${name}`)),
          ],
          () => this.go(name),
          { "aria-current": name === place ? "page" : null },
        );
      }),
    );
  }

  tick() {
    if (!this.times) return;
    const now = this.store.now();
    const shown = this.times.time(now);
    if (this.clock.textContent !== shown) this.clock.textContent = shown;
    this.view?.tick?.(now);
  }

  /** Lays a sheet over the phone; only it can be reached then. */
  open(sheet) {
    this.close();
    this.sheet = sheet;
    this.from = document.activeElement;
    this.under.inert = true;
    this.over.replaceChildren(sheet);
    this.focus(sheet.querySelector("[autofocus]") ?? sheet.querySelector("button, a, input"));
  }

  close() {
    if (!this.sheet) return;
    this.sheet = null;
    this.under.inert = false;
    this.over.replaceChildren();
    this.from?.focus?.();
  }

  /** Asks; resolves with true or false. */
  confirm(text, yes, danger = true) {
    return new Promise((resolve) => this.open(confirmSheet(this, text, yes, danger, resolve)));
  }

  /** Puts the cursor there; among other phones on a wall only if this one is being used. */
  focus(element) {
    if (window.parent === window || document.hasFocus()) element?.focus({ preventScroll: true });
  }

  note(text) {
    this.toasts.say(text);
  }

  /** An act of the user; a failure is told in plain words. Says whether it was done. */
  async act(action, values, done = "") {
    return this.attempt(() => this.store.act(action, values), done);
  }

  async attempt(doing, done = "") {
    try {
      await doing();
    } catch (error) {
      if (!(error instanceof ActionFailed)) throw error;
      this.note(
        error.message ? this.say("error.plain", { message: error.message }) : this.say("error.offline"),
      );
      return false;
    }
    if (done) this.note(this.say(done));
    return true;
  }
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
