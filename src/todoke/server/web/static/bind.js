// The page goes on by itself when something happened in LINE, and "send again" counts its minute down. Without this
// script all works too: by the page's own links, and the server's word that it is too soon.
"use strict";

const { step, state, now } = document.body.dataset;
const EVERY = 2500;
const LONGEST = 30000;
let pause = EVERY;
let timer = 0;

async function look() {
  clearTimeout(timer);
  if (document.hidden) return;
  try {
    const answer = await fetch(state, { cache: "no-store", signal: AbortSignal.timeout(10000) });
    if (answer.ok) {
      pause = EVERY;
      if ((await answer.json()).step !== step) {
        location.replace(now);
        return;
      }
    } else {
      pause = Math.min(pause * 2, LONGEST);
    }
  } catch {
    pause = Math.min(pause * 2, LONGEST);
  }
  timer = setTimeout(look, pause);
}

if (state) {
  // Whoever comes back here from LINE sees how it stands now; the link's own address only says that it is used.
  history.replaceState(null, "", now);
  timer = setTimeout(look, pause);
  document.addEventListener("visibilitychange", look);
  // A page that comes back out of the browser's memory may be long out of date.
  window.addEventListener("pageshow", (shown) => { if (shown.persisted) look(); });
}

for (const button of document.querySelectorAll("button[data-wait]")) {
  const text = button.textContent;
  const end = performance.now() + Number(button.dataset.wait) * 1000;
  const count = () => {
    const left = Math.ceil((end - performance.now()) / 1000);
    button.disabled = left > 0;
    button.textContent = left > 0 ? button.dataset.waiting.replace("%", left) : text;
    if (left > 0) setTimeout(count, 250);
  };
  count();
}

// A second tap while the answer is on its way shall not send the form twice.
for (const form of document.querySelectorAll("form")) {
  form.addEventListener("submit", (sent) => {
    if (form.dataset.sent) sent.preventDefault();
    form.dataset.sent = "1";
  });
}
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form")) delete form.dataset.sent;
});
