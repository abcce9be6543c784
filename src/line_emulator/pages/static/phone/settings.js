// Settings: who one is, whether notifications come, language, lists of accounts, the end of the account.

import { button, h, reconcile, redraw } from "./dom.js";
import { icon } from "./icons.js";
import { avatar, empty, group, header, named, row } from "./parts.js";
import { LANGUAGES } from "./words.js";

export function settingsView(phone) {
  const body = h("div", { class: "page-scroll" });
  const element = h(
    "section",
    { class: "page grey" },
    header(phone, phone.say("settings.title"), { large: true }),
    body,
  );
  return {
    element,
    update(screen) {
      const { user, channels } = screen;
      const count = (name) => channels.filter((channel) => channel[name] && !channel.unlisted).length;
      redraw(body, JSON.stringify([user, screen.phone, count("blocked"), count("hidden")]), () => [
        h(
          "div",
          { class: "profile" },
          avatar(screen.phone, user.name, "large"),
          h(
            "div",
            {},
            h("p", { class: "profile-name" }, user.name),
            h("p", { class: "profile-number" }, phone.number),
          ),
        ),
        group(
          phone.say("settings.privacy"),
          row(
            phone.say("settings.reception"),
            phone.say(`reception.${user.reception}`),
            () => phone.go("settings", "reception"),
            { icon: "bell" },
          ),
          row(
            phone.say("settings.verification"),
            user.verified
              ? phone.times.date.format(Date.parse(user.verified_until))
              : phone.say("settings.unverified"),
            null,
            { icon: "check", note: user.verified ? phone.say("settings.verified") : "" },
          ),
        ),
        group(
          phone.say("settings.account"),
          row(phone.say("settings.number"), phone.number, () => phone.go("settings", "number"), {
            icon: "phone",
          }),
          row(
            phone.say("settings.blocked"),
            String(count("blocked")),
            () => phone.go("settings", "blocked"),
            { icon: "block" },
          ),
          row(phone.say("settings.hidden"), String(count("hidden")), () => phone.go("settings", "hidden"), {
            icon: "hide",
          }),
        ),
        group(
          phone.say("settings.app"),
          row(
            phone.say("settings.language"),
            languageName(user.language),
            () => phone.go("settings", "language"),
            { icon: "chats" },
          ),
          row(phone.say("settings.version"), user.app_version, null, { icon: "gear" }),
        ),
        group(
          "",
          row(phone.say("settings.delete"), "", () => remove(phone), { icon: "bin", danger: true }),
        ),
      ]);
    },
  };
}

function languageName(language) {
  return LANGUAGES.find(([code]) => code === language)?.[1] ?? language;
}

async function remove(phone) {
  const text = `${phone.say("delete.confirm")}\n${phone.say("delete.text")}`;
  if (await phone.confirm(text, phone.say("delete.button"))) await phone.act("delete_account");
}

/** A page of choices, one of them chosen: each is [value, words]. */
function choices(phone, title, list, chosenOf, choose, lead, notes = () => "") {
  const note = h("p", { class: "page-note" });
  const rows = h("div", { class: "rows", role: "radiogroup", "aria-label": title });
  const element = h(
    "section",
    { class: "page grey" },
    header(phone, title, { back: ["settings"] }),
    h("div", { class: "page-scroll" }, lead ? h("p", { class: "page-lead" }, lead) : null, rows, note),
  );
  return {
    element,
    full: true,
    update(screen) {
      const chosen = chosenOf(screen.user);
      redraw(rows, String(chosen), () =>
        list.map(([value, words]) =>
          button(
            "row choice-row",
            [
              h(
                "span",
                { class: "row-text", lang: title === phone.say("settings.language") ? value : null },
                h("span", { class: "row-label" }, words),
              ),
              value === chosen ? icon("check", "icon chosen") : null,
            ],
            () => choose(value),
            { role: "radio", "aria-checked": String(value === chosen) },
          ),
        ),
      );
      note.textContent = notes(screen.user);
    },
  };
}

export function receptionView(phone) {
  const list = ["agree", "reject"].map((value) => [value, phone.say(`reception.${value}`)]);
  return choices(
    phone,
    phone.say("settings.reception"),
    list,
    (user) => user.reception,
    (value) => phone.act(value === "agree" ? "agree" : "refuse"),
    phone.say("reception.help"),
    (user) =>
      user.reception === "not_set"
        ? `${phone.say("reception.not_set")}\n${phone.say("reception.choose")}`
        : "",
  );
}

export function languageView(phone) {
  return choices(
    phone,
    phone.say("settings.language"),
    LANGUAGES,
    (user) => user.language,
    (language) => phone.attempt(() => phone.store.change({ language })),
    "",
  );
}

/** Takes an account off the list: then it is blocked for good, unless it is added anew. */
async function strike(phone, channel, action) {
  const text = phone.say("confirm.strike", { name: channel.name });
  if (await phone.confirm(text, phone.say("delete.button")))
    await phone.act(action, { channel_id: channel.channel_id });
}

/** The list of blocked accounts, or of hidden ones. */
export function listView(phone, kind) {
  const list = h("ul", { class: "list" });
  const nothing = h("div", { class: "fill" });
  const element = h(
    "section",
    { class: "page" },
    header(phone, phone.say(`settings.${kind}`), { back: ["settings"] }),
    h("div", { class: "page-scroll" }, list, nothing),
  );
  const [action, words, done, removal] =
    kind === "blocked"
      ? ["unblock", "blocked.unblock", "toast.unblocked", "delete_from_block_list"]
      : ["unhide", "home.show", "toast.shown", "delete_from_hidden_list"];
  return {
    element,
    full: true,
    update(screen) {
      const found = screen.channels.filter((channel) => channel[kind] && !channel.unlisted);
      reconcile(
        list,
        found.map((channel) => ({
          channel,
          key: JSON.stringify([channel.channel_id, channel.name, channel.badge]),
        })),
        ({ channel }) =>
          h(
            "li",
            { class: "account" },
            avatar(channel.channel_id, channel.name, "middle"),
            named(phone, channel.name, channel.badge),
            h(
              "span",
              { class: "account-buttons" },
              button("pill", phone.say(words), () =>
                phone.act(action, { channel_id: channel.channel_id }, done),
              ),
              button("pill danger", phone.say("delete.button"), () => strike(phone, channel, removal)),
            ),
          ),
      );
      redraw(nothing, String(found.length === 0), () =>
        found.length ? null : empty(kind === "blocked" ? "block" : "hide", phone.say(`${kind}.none`)),
      );
    },
  };
}
