// Keeps a page up to date: a WebSocket says that something changed, then the page is fetched again and its live parts
// are exchanged. What the reader has opened, is typing into or has selected stays as it is.

const LEAST_MS = 900;
const AGAIN_MS = 2000;
let wanted = false;
let busy = false;
let last = 0;
let skipped = false;

/** Begins to watch. */
export function watch() {
  if (!document.querySelector("[data-live]")) return;
  connect();
  document.addEventListener("changed", refresh);
  for (const over of ["focusout", "selectionchange"]) document.addEventListener(over, catchUp);
  document.addEventListener("visibilitychange", () => !document.hidden && wanted && refresh());
}

function connect() {
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  const socket = new WebSocket(`${scheme}//${location.host}${document.body.dataset.control}/live`);
  // The first message comes at once: something may have changed since the page was made.
  socket.onmessage = () => {
    lost(false);
    refresh();
  };
  socket.onclose = () => {
    lost(true);
    wanted = true;
    setTimeout(connect, AGAIN_MS);
  };
}

/** What was in use when the page looked again may be free now. */
function catchUp() {
  if (!skipped || !getSelection()?.isCollapsed) return;
  skipped = false;
  refresh();
}

function lost(is) {
  const notice = document.getElementById("lost");
  if (notice) notice.hidden = !is;
}

async function refresh() {
  wanted = true;
  if (busy || document.hidden) return;
  busy = true;
  try {
    while (wanted) {
      const wait = last + LEAST_MS - performance.now();
      if (wait > 0) await new Promise((done) => setTimeout(done, wait));
      wanted = false;
      last = performance.now();
      await look();
    }
  } catch {
    wanted = true;
  } finally {
    busy = false;
  }
}

async function look() {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of fresh.querySelectorAll("[data-live]")) {
    const old = document.getElementById(part.id);
    if (old) exchange(old, document.importNode(part, true));
  }
}

function exchange(old, fresh) {
  if (inUse(old)) {
    skipped = true;
    return;
  }
  for (const entry of old.querySelectorAll("details")) {
    const twin = fresh.querySelector(`#${CSS.escape(entry.id)}`);
    if (twin) twin.open = entry.open;
  }
  keep(old, fresh, "output", (was, now) => {
    now.textContent = "";
    now.append(...was.cloneNode(true).childNodes);
    now.className = was.className;
  });
  if (old.isEqualNode(fresh)) return;
  const focused = focusIn(old);
  const scrolled = [...old.querySelectorAll(".scroll")].map((box) => [box.scrollLeft, box.scrollTop]);
  old.replaceWith(fresh);
  fresh.querySelectorAll(".scroll").forEach((box, place) => {
    if (scrolled[place]) [box.scrollLeft, box.scrollTop] = scrolled[place];
  });
  if (focused) refocus(fresh, focused);
}

function keep(old, fresh, selector, doing) {
  const before = old.querySelectorAll(selector);
  const after = fresh.querySelectorAll(selector);
  for (const was of before) {
    const home = was.closest("[id]:not(output)");
    const named = home && home !== old && old.contains(home);
    const twin = named ? fresh.querySelector(`#${CSS.escape(home.id)} ${selector}`) : after[[...before].indexOf(was)];
    if (twin) doing(was, twin);
  }
}

const FOCUSABLE = "a, button, summary";

/** Where the focus is: the nearest named element, and the place among what can have it there. */
function focusIn(old) {
  const active = document.activeElement;
  if (!active || !old.contains(active) || !active.matches(FOCUSABLE)) return null;
  const home = active.closest("[id]");
  return { id: home.id, place: [...home.querySelectorAll(FOCUSABLE)].indexOf(active) };
}

function refocus(fresh, { id, place }) {
  const home = fresh.id === id ? fresh : fresh.querySelector(`#${CSS.escape(id)}`);
  home?.querySelectorAll(FOCUSABLE)[place]?.focus({ preventScroll: true });
}

function inUse(element) {
  const active = document.activeElement;
  if (active && element.contains(active) && active.matches("input, select, textarea")) return true;
  const chosen = getSelection();
  return Boolean(chosen && !chosen.isCollapsed && element.contains(chosen.anchorNode));
}
