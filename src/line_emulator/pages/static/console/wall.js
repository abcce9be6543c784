// The wall: phones come and go without a reload, and the address always names those that hang there.

import { say } from "./calls.js";
import { hangUp } from "./frames.js";

const SIZE = "line-emulator-wall-size";
const phones = document.getElementById("phones");
const form = document.getElementById("add-phone");

function numbers() {
  return [...phones.children].map((phone) => phone.dataset.phone);
}

function noteAddress() {
  const list = numbers().map(encodeURIComponent).join(",");
  history.replaceState(null, "", `/wall?phones=${list}`);
  document.getElementById("no-phones").hidden = phones.children.length > 0;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const number = form.elements.phone.value.trim();
  if (numbers().includes(number)) say(form, "It hangs here already.", true);
  else if (phones.children.length >= Number(phones.dataset.most)) say(form, `No more than ${phones.dataset.most} phones fit.`, true);
  else {
    phones.prepend(hangUp(number, true));
    noteAddress();
    form.elements.phone.value = "";
    say(form, "");
  }
});

phones.addEventListener("click", (event) => {
  if (!event.target.closest("[data-remove]")) return;
  event.target.closest(".phone").remove();
  noteAddress();
});

function resize() {
  phones.dataset.size = form.elements.size.value;
}

try {
  form.elements.size.value = localStorage.getItem(SIZE) ?? form.elements.size.value;
} catch {
  // Without storage the size is the usual one.
}
form.elements.size.addEventListener("change", () => {
  resize();
  try {
    localStorage.setItem(SIZE, form.elements.size.value);
  } catch {
    // As above.
  }
});
resize();
