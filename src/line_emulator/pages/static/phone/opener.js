// Whose phone it is that opens a page: LINE's app knows it, a browser is told by a cookie. Of several phones on one
// page or in several windows it is the one that was used last.

const NAME = "emulator_phone";

/** Pages that are opened from now on are opened by this number. */
export function remember(number) {
  document.cookie = `${NAME}=${encodeURIComponent(number)}; path=/; SameSite=Lax`;
}

/** Whether it is this number that opens pages now. */
export function isCalled(number) {
  return document.cookie.split("; ").includes(`${NAME}=${encodeURIComponent(number)}`);
}

/** The phone of this store opens pages whenever it is used. */
export function follow(store) {
  for (const event of ["pointerdown", "keydown", "focus"]) {
    addEventListener(event, () => isCalled(store.phone) || remember(store.phone), { capture: true });
  }
}
