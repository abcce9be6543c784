"""The live picture: one square a notice, and how many are in each state."""

import time
from collections import Counter
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from todoke.cli.show import STATE_STYLE, STATE_WORDS

WIDE = 76
SHOWN = ("queued", "sending", "waiting", "delivered", "handed_over", "not_delivered", "refused")
GLYPH = {
    "queued": "·",
    "sending": "›",
    "waiting": "▒",
    "delivered": "■",
    "handed_over": "■",
    "not_delivered": "✕",
    "refused": "✕",
    "cancelled": "–",
}


class Screen:
    """Draws on a terminal; elsewhere prints one line whenever something new happens."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, refresh_per_second=12, transient=False)
        self._drawn = console.is_terminal
        self._news: list[str] = []
        self._states: dict[str, list[str]] = {}
        self._now = ""
        self._last_line = ""
        self._begun = time.monotonic()

    def __enter__(self) -> "Screen":
        if self._drawn:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._drawn:
            self._live.stop()

    def tell(self, text: str) -> None:
        """Something happened that a reader should know."""
        self._news.append(f"{self._clock()}  {text}")
        if self._drawn:
            self._live.update(self._picture())
        else:
            self._console.print(self._news[-1], soft_wrap=True)

    def show(self, now: str, notices: dict[str, list[dict[str, Any]]]) -> None:
        """The notices of each list as they are at virtual time `now`."""
        self._now = now
        self._states = {name: [n["state"] for n in reversed(found)] for name, found in notices.items()}
        if self._drawn:
            self._live.update(self._picture())
            return
        counts = Counter(s for states in self._states.values() for s in states)
        line = ", ".join(f"{counts[s]} {s}" for s in SHOWN if counts[s])
        if line and line != self._last_line:
            self._last_line = line
            self._console.print(f"{self._clock()}  {line}", soft_wrap=True)

    def _clock(self) -> str:
        return f"{self._now[5:16].replace('T', ' ')} UTC" if self._now else " " * 15

    def _picture(self) -> RenderableType:
        grid: list[RenderableType] = []
        for name, states in self._states.items():
            cells = Text()
            for state in states:
                cells.append(GLYPH[state], style=STATE_STYLE[state])
            grid += [
                Text(f"{name}: {len(states)} notices", style="bold"),
                *cells.wrap(self._console, WIDE),
                Text(),
            ]
        counts = Counter(s for states in self._states.values() for s in states)
        table = Table(box=None, pad_edge=False, show_header=False)
        for state in SHOWN:
            if counts[state] or state in ("waiting", "delivered", "not_delivered"):
                glyph = Text(GLYPH[state], style=STATE_STYLE[state])
                table.add_row(glyph, f"{counts[state]:>4}", state, Text(STATE_WORDS[state], style="dim"))
        elapsed = time.monotonic() - self._begun
        head = Text.assemble(
            ("Virtual time ", "dim"),
            (self._now[:16].replace("T", " ") + " UTC" if self._now else "…", "bold"),
            (f"   real time {elapsed:.0f} s", "dim"),
        )
        return Group(head, Text(), *grid, table, Text(), *(Text(n, style="dim") for n in self._news[-8:]))
