"""How the run is told of on the terminal: a line that moves, and one line for each scenario that is over."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text


class Teller:
    """Says what is being done; on a terminal with a bar that moves."""

    def __init__(self, console: Console, progress: Progress, total: int) -> None:
        self._console = console
        self._progress = progress
        self._task = progress.add_task("", total=total)

    def doing(self, words: str) -> None:
        """What goes on now."""
        self._progress.update(self._task, description=words)

    def said(self, words: str, *, good: bool | None = None) -> None:
        """A line that stays."""
        mark = {True: ("✓ ", "green"), False: ("✕ ", "bold red"), None: ("  ", "")}[good]
        self._progress.console.print(Text.assemble(mark, words), soft_wrap=True)

    def done(self) -> None:
        """One more scenario is over."""
        self._progress.advance(self._task)


@contextmanager
def telling(console: Console, total: int) -> Iterator[Teller]:
    """`total`: how many scenarios there are, over all languages."""
    progress = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with progress:
        yield Teller(console, progress, total)
