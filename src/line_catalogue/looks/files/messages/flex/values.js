// The words and measures of Flex, read strictly: what is not a value of LINE's is as if it were not there.
// Source: Messaging API reference, "Flex Message"; the pixels behind LINE's words are those of its Flex Message Simulator.

import { own } from "../dom.js";

const COLOR = /^#(?:[0-9a-f]{6}|[0-9a-f]{8})$/i;
const PIXELS = /^(-?)(\d{1,4}(?:\.\d{1,4})?)px$/;
const PERCENT = /^(-?)(\d{1,3}(?:\.\d{1,4})?)%$/;
const ANGLE = /^\d{1,3}(?:\.\d{1,4})?deg$/;
const RATIO = /^(\d{1,6}(?:\.\d{1,6})?):(\d{1,6}(?:\.\d{1,6})?)$/;
const TALLEST = 3;

const SPACES = new Map([["none", 0], ["xs", 2], ["sm", 4], ["md", 8], ["lg", 12], ["xl", 16], ["xxl", 20]]);
const BORDERS = new Map([["none", 0], ["light", 0.5], ["normal", 1], ["medium", 2], ["semi-bold", 3], ["bold", 4]]);
const FONTS = new Map([
  ["xxs", 11], ["xs", 13], ["sm", 14], ["md", 16], ["lg", 19], ["xl", 22], ["xxl", 29], ["3xl", 35], ["4xl", 48], ["5xl", 74],
]);
const IMAGES = new Map([
  ["xxs", 40], ["xs", 60], ["sm", 80], ["md", 100], ["lg", 120], ["xl", 140], ["xxl", 160], ["3xl", 180], ["4xl", 200],
  ["5xl", 220],
]);

/** `#RRGGBB` or `#RRGGBBAA`; else "". */
export function color(value) {
  return typeof value === "string" && COLOR.test(value) ? value : "";
}

/** Pixels or percent as CSS; "" for anything else. Negative ones only where `signed`. */
function length(value, { percent = true, signed = false } = {}) {
  if (typeof value !== "string") return "";
  const found = PIXELS.exec(value) ?? (percent ? PERCENT.exec(value) : null);
  return found && (signed || found[1] === "") ? value : "";
}

function keyword(words, value, options) {
  return words.has(value) ? `${words.get(value)}px` : length(value, options);
}

/** A value of `margin` or `spacing`: a word or pixels. */
export const space = (value) => keyword(SPACES, value, { percent: false });
export const padding = (value) => keyword(SPACES, value);
export const offset = (value) => keyword(SPACES, value, { signed: true });
export const radius = (value) => keyword(SPACES, value, { percent: false });
export const border = (value) => keyword(BORDERS, value, { percent: false });
export const fontSize = (value) => keyword(FONTS, value, { percent: false });
export const measure = (value) => length(value);
export const lineSpacing = (value) => length(value, { percent: false });

/** The width of an image: a word, `full`, pixels or percent; `md` where it says nothing. */
export function imageSize(value) {
  return value === "full" ? "100%" : keyword(IMAGES, value) || `${IMAGES.get("md")}px`;
}

/** Width divided by height; 1 where it says nothing, and never higher than LINE allows. */
export function ratio(value, tallest = TALLEST) {
  const found = typeof value === "string" ? RATIO.exec(value) : null;
  const share = found ? Number(found[1]) / Number(found[2]) : 1;
  return Number.isFinite(share) && share > 0 ? Math.max(share, 1 / tallest) : 1;
}

/** A linear gradient as CSS; "" unless all that it needs is there. */
export function gradient(background) {
  const angle = own(background, "angle");
  const ends = [color(own(background, "startColor")), color(own(background, "endColor"))];
  const known = own(background, "type") === "linearGradient" && typeof angle === "string" && ANGLE.test(angle);
  if (!known || !ends[0] || !ends[1]) return "";
  const centre = color(own(background, "centerColor"));
  const position = own(background, "centerPosition");
  const at = typeof position === "string" && PERCENT.test(position) && !position.startsWith("-") ? position : "50%";
  return `linear-gradient(${angle}, ${ends[0]} 0%, ${centre ? `${centre} ${at}, ` : ""}${ends[1]} 100%)`;
}

/** A whole number from 0 to 10,000; else null. */
export function whole(value) {
  return Number.isInteger(value) && value >= 0 && value <= 10000 ? value : null;
}

/** One of these words; else "". */
export function choice(value, ...allowed) {
  return allowed.includes(value) ? value : "";
}
