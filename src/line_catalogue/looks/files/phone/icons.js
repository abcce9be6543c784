// The phone's drawings: our own, none of them LINE's.

import { svg } from "./dom.js";

const LINES = new Map([
  ["back", "M15 5l-7 7 7 7"],
  ["forward", "M9.5 6l6 6-6 6"],
  ["menu", "M4 7h16M4 12h16M4 17h16"],
  ["close", "M6 6l12 12M18 6L6 18"],
  ["search", "M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13zM15.5 15.5L20 20"],
  [
    "gear",
    [
      "M12 15.2a3.2 3.2 0 1 0 0-6.4 3.2 3.2 0 0 0 0 6.4z",
      "M19.4 13.6l1.8 1.4-2 3.4-2.1-.8a7.6 7.6 0 0 1-2.1 1.2l-.4 2.2h-4l-.4-2.2a7.6 7.6 0 0 1-2.1-1.2l-2.1.8-2-3.4 1.8-1.4a7.8 7.8 0 0 1 0-3.2L4 9l2-3.4 2.1.8a7.6 7.6 0 0 1 2.1-1.2l.4-2.2h4l.4 2.2a7.6 7.6 0 0 1 2.1 1.2l2.1-.8 2 3.4-1.8 1.4a7.8 7.8 0 0 1 0 3.4z",
    ],
  ],
  ["home", "M4 11l8-7 8 7v9h-5.5v-6h-5v6H4z"],
  [
    "chats",
    "M12 4c5 0 8.5 3 8.5 7s-3.5 7-8.5 7c-.8 0-1.6-.1-2.3-.2L5.5 20.5v-4.3C4.2 14.9 3.5 13.1 3.5 11c0-4 3.5-7 8.5-7z",
  ],
  ["sms", ["M4 5h16v11H10l-4 4v-4H4z", "M8 9.2h8M8 12.3h5"]],
  ["bell", "M6 16.5V11a6 6 0 0 1 12 0v5.5l1.5 1.5h-15zM10 20.5h4"],
  ["check", "M5 12.5l4.5 4.5L19 7.5"],
  ["keyboard", ["M3 7h18v10H3z", "M6.5 10h.01M10 10h.01M14 10h.01M17.5 10h.01M8 13.8h8"]],
  ["up", "M6 15l6-6 6 6"],
  [
    "add",
    [
      "M10 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8z",
      "M3 20c.5-3.6 3-5.5 7-5.5 1.4 0 2.6.2 3.6.7",
      "M17.5 13.5v6M14.5 16.5h6",
    ],
  ],
  ["block", ["M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17z", "M6 6l12 12"]],
  ["hide", ["M3 12c2-4 5-6 9-6s7 2 9 6c-2 4-5 6-9 6s-7-2-9-6z", "M4 20L20 4"]],
  ["bin", ["M5 7h14M9.5 7V4.5h5V7M7 7l.8 13h8.4L17 7", "M10.5 10.5v6M13.5 10.5v6"]],
  [
    "phone",
    "M8 3.5h8a1.5 1.5 0 0 1 1.5 1.5v14a1.5 1.5 0 0 1-1.5 1.5H8A1.5 1.5 0 0 1 6.5 19V5A1.5 1.5 0 0 1 8 3.5zM11 17.8h2",
  ],
  [
    "people",
    [
      "M9 11.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7z",
      "M2.5 19.5c.4-3.6 2.7-5.5 6.5-5.5s6.1 1.9 6.5 5.5",
      "M16 11a3 3 0 0 0 0-6M18 14.5c2 .7 3.2 2.3 3.5 5",
    ],
  ],
  [
    "shop",
    [
      "M4 9.5L5.5 4.5h13L20 9.5M5.5 12v8h13v-8",
      "M4 9.5a2.7 2.7 0 0 0 5.3 0 2.7 2.7 0 0 0 5.4 0 2.7 2.7 0 0 0 5.3 0",
    ],
  ],
  ["box", ["M12 3.5l8 4.2v8.6l-8 4.2-8-4.2V7.7z", "M4 7.7l8 4.3 8-4.3M12 12v8.5"]],
]);
const SHAPES = new Map([
  ["send", "M3.5 20.5L21 12 3.5 3.5 3.5 10.2 14 12 3.5 13.8z"],
  ["chats", LINES.get("chats")],
  ["home", LINES.get("home")],
]);
const SHIELD = "M12 2.2l8 2.7v6.3c0 5-3.2 8.7-8 10.6-4.8-1.9-8-5.6-8-10.6V4.9z";
const STAR = "M12 6.6l1.6 3.5 3.8.4-2.8 2.6.8 3.7-3.4-1.9-3.4 1.9.8-3.7-2.8-2.6 3.8-.4z";

/** A drawing by its name, as a line. */
export function icon(name, className = "icon") {
  return svg(LINES.get(name), { className });
}

/** A drawing by its name, as a shape. */
export function shape(name, className = "icon") {
  return svg(SHAPES.get(name), { className, filled: true });
}

/** The shield with a star that says what LINE knows of an official account: grey, blue or green. */
export function shield(badge, label) {
  return svg([SHIELD, [STAR, "star"]], { className: `shield ${badge}`, filled: true, label });
}
