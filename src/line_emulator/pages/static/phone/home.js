// Friends, and the search for official accounts to add.

import { button, h, reconcile, redraw } from "./dom.js";
import { icon } from "./icons.js";
import { avatar, empty, header, named } from "./parts.js";

export function homeView(phone) {
  const me = h("div", { class: "profile" });
  const field = h("input", {
    class: "search-field",
    type: "search",
    "aria-label": phone.say("home.search"),
    placeholder: phone.say("home.search"),
    maxlength: "60",
  });
  field.value = phone.store.drafts.get("search") ?? "";
  const friends = h("ul", { class: "list" });
  const others = h("ul", { class: "list" });
  const friendsTitle = h("h2", { class: "list-title" });
  const othersTitle = h("h2", { class: "list-title" }, phone.say("home.accounts"));
  const nothing = h("div", { class: "fill" });
  const element = h(
    "section",
    { class: "page" },
    header(phone, phone.say("home.title"), { large: true }),
    h(
      "div",
      { class: "page-scroll" },
      me,
      h("div", { class: "search", role: "search" }, icon("search"), field),
      friendsTitle,
      friends,
      nothing,
      othersTitle,
      others,
    ),
  );
  field.addEventListener("input", () => {
    phone.store.drafts.set("search", field.value);
    view.update(phone.store.screen);
  });

  const view = {
    element,
    update(screen) {
      const query = field.value.trim().toLocaleLowerCase();
      redraw(me, JSON.stringify([screen.user.name, screen.phone]), () => [
        avatar(screen.phone, screen.user.name, "large"),
        h(
          "div",
          {},
          h("p", { class: "profile-name" }, screen.user.name),
          h("p", { class: "profile-number" }, phone.number),
        ),
      ]);
      const found = screen.channels.filter((channel) => matches(channel, query));
      const near = found.filter((channel) => channel.friend && !channel.hidden && !channel.blocked);
      const far = found.filter((channel) => !channel.friend || channel.blocked);
      friendsTitle.textContent = `${phone.say("home.friends")} ${near.length}`;
      othersTitle.hidden = far.length === 0;
      reconcile(friends, near.map(item), (one) => line(phone, one.channel));
      reconcile(others, far.map(item), (one) => line(phone, one.channel));
      const words =
        found.length === 0 && query
          ? phone.say("home.nothing", { query: field.value.trim() })
          : screen.channels.length === 0
            ? phone.say("home.no_accounts")
            : near.length === 0 && !query
              ? phone.say("home.none")
              : "";
      redraw(nothing, words, () => (words ? empty("people", words) : null));
    },
  };
  return view;
}

function matches(channel, query) {
  const id = query.replace(/^@/, "");
  return (
    !query ||
    channel.name.toLocaleLowerCase().includes(query) ||
    channel.basic_id.toLocaleLowerCase().replace(/^@/, "").includes(id) ||
    channel.channel_id.includes(query)
  );
}

function item(channel) {
  return { channel, key: JSON.stringify(channel) };
}

function line(phone, channel) {
  const id = channel.channel_id;
  const act = channel.blocked
    ? button("pill", phone.say("blocked.unblock"), () =>
        phone.act("unblock", { channel_id: id }, "toast.unblocked"),
      )
    : channel.friend
      ? null
      : button(
          "pill",
          phone.say("home.add"),
          () => phone.act("add_friend", { channel_id: id }, "toast.added"),
          { "aria-label": `${phone.say("home.add")}: ${channel.name}` },
        );
  return h(
    "li",
    { class: "account" },
    button(
      "account-open",
      [
        avatar(id, channel.name, "middle"),
        h(
          "span",
          { class: "account-text" },
          named(phone, channel.name, channel.badge),
          h("span", { class: "account-id" }, channel.basic_id),
        ),
      ],
      () => phone.go("chat", id),
    ),
    act,
  );
}
