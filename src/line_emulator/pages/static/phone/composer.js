// The bar to write in, and the account's rich menu that takes its place.

import { renderRichMenu } from "/static/messages/index.js";
import { button, h, redraw } from "./dom.js";
import { icon, shape } from "./icons.js";
import { tapped } from "./taps.js";

const LONGEST = 5000;

export class Composer {
  constructor(phone, chat) {
    this.phone = phone;
    this.chat = chat;
    this.menu = null;
    this.opened = null;
    this.field = h("textarea", {
      rows: "1",
      maxlength: LONGEST,
      placeholder: phone.say("chat.input"),
      "aria-label": phone.say("chat.input"),
    });
    this.field.value = phone.store.drafts.get(chat) ?? "";
    this.send = button("send", shape("send"), () => this.go(), { "aria-label": phone.say("chat.send") });
    this.switch = h("span", { class: "switch" });
    this.bar = h("form", { class: "composer" }, this.switch, this.field, this.send);
    this.rich = h("div", { class: "rich", hidden: true });
    this.element = h("div", {}, this.bar, this.rich);
    this.bar.addEventListener("submit", (event) => event.preventDefault());
    this.field.addEventListener("input", () => this.typed());
    this.field.addEventListener("focus", () => this.menu && this.open(false));
    this.field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.send.click();
    });
    this.typed();
  }

  typed() {
    this.phone.store.drafts.set(this.chat, this.field.value);
    this.send.disabled = !this.field.value.trim();
    this.field.style.height = "auto";
    if (this.field.scrollHeight) this.field.style.height = `${Math.min(this.field.scrollHeight, 120)}px`;
  }

  async go() {
    const text = this.field.value;
    if (!text.trim()) return;
    if (!(await this.phone.act("send_message", { channel_id: this.chat, text }))) return;
    if (this.field.value === text) this.field.value = "";
    this.typed();
    this.field.focus();
  }

  /** The menu that this user sees, if any; a new one opens by itself if it says so. */
  update(chat) {
    const menu = chat.rich_menu ?? null;
    const fresh = menu?.richMenuId !== this.menu?.richMenuId;
    this.menu = menu;
    if (fresh) this.opened = menu ? menu.selected === true : null;
    this.draw();
  }

  open(opened) {
    this.opened = opened;
    this.draw();
  }

  draw() {
    const { menu, phone } = this;
    redraw(this.switch, JSON.stringify([menu?.chatBarText, this.opened]), () =>
      menu
        ? button(
            "menu-button",
            [
              icon(this.opened ? "keyboard" : "menu"),
              h("span", {}, menu.chatBarText || phone.say("chat.richmenu")),
            ],
            () => this.open(!this.opened),
            { "aria-expanded": String(Boolean(this.opened)) },
          )
        : null,
    );
    this.rich.hidden = !menu || !this.opened;
    redraw(this.rich, JSON.stringify([menu, phone.language]), () =>
      menu
        ? renderRichMenu(menu, {
            language: phone.language,
            onAction: (action) => tapped(phone, this.chat, action),
          })
        : null,
    );
  }
}
