// Beside the phone on a wide screen: who this is, in the language of who looks, and the ways to the other pages.

import { h, redraw } from "./dom.js";
import { LANGUAGES, Times, browserLanguage, say } from "./words.js";

export function sidePanel(phone) {
  const language = browserLanguage();
  const words = (key, values) => say(language, key, values);
  const clock = h("dd", { class: "side-clock" });
  const facts = h("dl", { class: "facts" });
  const title = h("h2", {});
  const link = (href, key) => h("a", { href }, words(key));
  const element = h(
    "aside",
    { class: "side", lang: language, "aria-label": words("side.phone") },
    h("p", { class: "side-kind" }, words("side.phone")),
    title,
    facts,
    h("p", { class: "side-help" }, words("side.help")),
    h(
      "nav",
      { class: "side-links" },
      link("/", "side.start"),
      link("/wall", "side.wall"),
    ),
  );
  let times = null;

  phone.store.watch((screen) => {
    if (!screen) return;
    const { user } = screen;
    const name = user ? user.name : phone.number;
    document.title = `${name} · LINE emulator`;
    times = new Times(language, screen.phone);
    redraw(facts, JSON.stringify([user, screen.phone, screen.clock]), () => {
      title.textContent = user ? words("side.title", { name }) : words("nobody.title");
      const rows = [[words("side.number"), phone.number]];
      if (user) {
        rows.push(
          [words("side.language"), LANGUAGES.find(([code]) => code === user.language)?.[1] ?? user.language],
          [words("side.reception"), words(`reception.${user.reception}`)],
          user.verified
            ? [words("side.verified"), times.date.format(Date.parse(user.verified_until))]
            : [words("settings.verification"), words("settings.unverified")],
          [words("settings.version"), user.app_version],
        );
      }
      return [
        ...rows.map(([term, value]) => h("div", {}, h("dt", {}, term), h("dd", {}, value))),
        h("div", {}, h("dt", {}, words("side.clock")), clock),
      ];
    });
    tick();
  });
  function tick() {
    if (!times) return;
    const now = phone.store.now();
    const rate = phone.store.screen.clock.rate;
    const state = rate === 0 ? words("side.paused") : rate === 1 ? words("side.real") : `×${rate}`;
    const shown = `${times.date.format(now)} ${times.time(now)}, ${times.zone} (${state})`;
    if (clock.textContent !== shown) clock.textContent = shown;
  }
  setInterval(tick, 1000);
  return element;
}
