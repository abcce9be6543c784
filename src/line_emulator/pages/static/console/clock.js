// The emulator's clock on the page, counted on between two looks at it.

const TICK_MS = 250;

/** Lets all clocks of the page run, those that come later too. */
export function runClocks() {
  const began = new WeakMap();
  setInterval(() => {
    for (const clock of document.querySelectorAll("[data-clock]")) {
      if (!began.has(clock)) began.set(clock, performance.now());
      const { now, mode, speed } = clock.dataset;
      const passed = mode === "paused" ? 0 : (performance.now() - began.get(clock)) * Number(speed);
      const text = new Date(Number(now) + passed).toISOString().slice(0, 19).replace("T", " ");
      if (clock.textContent !== text) clock.textContent = text;
    }
  }, TICK_MS);
}
