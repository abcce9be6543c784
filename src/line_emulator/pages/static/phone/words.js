// All words of the phone, from texts.json, and how times are written, by language and the number's country.

const ZONES = [
  ["+886", "Asia/Taipei"],
  ["+66", "Asia/Bangkok"],
  ["+81", "Asia/Tokyo"],
];
const LOCALES = { "zh-Hant": "zh-Hant-TW", "zh-Hans": "zh-Hans-CN", th: "th-TH", ja: "ja-JP", en: "en-GB" };
export const LANGUAGES = [
  ["zh-Hant", "繁體中文"],
  ["th", "ไทย"],
  ["ja", "日本語"],
  ["en", "English"],
  ["zh-Hans", "简体中文"],
];
const table = {};

/** Loads the words; the page draws nothing before. */
export async function loadWords() {
  const answer = await fetch("/static/phone/texts.json");
  Object.assign(table, await answer.json());
}

/** A language that there are words for: this one, or English. */
export function known(language) {
  return Object.hasOwn(LOCALES, language) ? language : "en";
}

/** The language of who looks at the page, as the browser says. */
export function browserLanguage() {
  for (const tag of navigator.languages ?? [navigator.language]) {
    if (/^zh-(?:Hans|CN|SG)/i.test(tag)) return "zh-Hans";
    if (/^zh/i.test(tag)) return "zh-Hant";
    const short = tag.slice(0, 2).toLowerCase();
    if (short !== "zh" && Object.hasOwn(LOCALES, short)) return short;
  }
  return "en";
}

/** The words under a key in a language, with their {places} filled in. */
export function say(language, key, values = {}) {
  const words = table[key]?.[known(language)] ?? key;
  return words.replace(/\{(\w+)\}/g, (place, name) =>
    Object.hasOwn(values, name) ? String(values[name]) : place,
  );
}

/** A number as people there write it: +886 912 345 678. Other countries: as it came. */
export function grouped(phone) {
  const code = ZONES.map(([found]) => found).find((found) => phone.startsWith(found));
  if (!code) return phone;
  const rest = phone.slice(code.length);
  const parts = code === "+81" ? [2, 4, 4] : code === "+66" ? [2, 3, 4] : [3, 3, 3];
  if (rest.length !== parts.reduce((sum, part) => sum + part, 0)) return `${code}\u00a0${rest}`;
  let from = 0;
  const groups = parts.map((part) => rest.slice(from, (from += part)));
  return [code, ...groups].join("\u00a0");
}

/** How a zone differs from UTC: UTC+8. None of the zones here has another time in summer. */
function offsetOf(zone) {
  const parts = new Intl.DateTimeFormat("en", { timeZone: zone, timeZoneName: "shortOffset" }).formatToParts(0);
  return parts.find((part) => part.type === "timeZoneName").value.replace("GMT", "UTC");
}

/** How times are written on this phone: its language, its country's zone. Times in ms. */
export class Times {
  constructor(language, phone) {
    const zone = ZONES.find(([code]) => phone.startsWith(code))?.[1] ?? "UTC";
    this.language = known(language);
    this.zone = offsetOf(zone);
    const make = (options) => new Intl.DateTimeFormat(LOCALES[this.language], { timeZone: zone, ...options });
    this.clock = make({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
    this.day = make({ month: "long", day: "numeric", weekday: "short" });
    this.longDay = make({ year: "numeric", month: "long", day: "numeric", weekday: "short" });
    this.short = make({ month: "numeric", day: "numeric" });
    this.date = make({ year: "numeric", month: "short", day: "numeric" });
    this.plain = new Intl.DateTimeFormat("en-CA", {
      timeZone: zone,
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
    });
  }

  /** The day in the phone's zone, as a key: 2026-08-10. */
  dayKey(ms) {
    return this.plain.format(ms);
  }

  time(ms) {
    return this.clock.format(ms);
  }

  /** What stands between the messages of two days. */
  separator(ms, now) {
    const [day, today] = [this.dayKey(ms), this.dayKey(now)];
    if (day === today) return say(this.language, "time.today");
    if (day === this.dayKey(now - 86400000)) return say(this.language, "time.yesterday");
    return (day.slice(0, 4) === today.slice(0, 4) ? this.day : this.longDay).format(ms);
  }

  /** What stands beside a chat in the list. */
  brief(ms, now) {
    const [day, today] = [this.dayKey(ms), this.dayKey(now)];
    if (day === today) return this.time(ms);
    if (day === this.dayKey(now - 86400000)) return say(this.language, "time.yesterday");
    return (day.slice(0, 4) === today.slice(0, 4) ? this.short : this.date).format(ms);
  }

  /** A moment soon: the time, with the day where it is another one. */
  moment(ms, now) {
    return this.dayKey(ms) === this.dayKey(now) ? this.time(ms) : `${this.short.format(ms)} ${this.time(ms)}`;
  }
}
