"""What `serve` says, and what ends it: without the libraries that other commands print with, for it runs for months."""

import sys
from typing import NoReturn

from todoke.settings import Settings, SettingsError, load


def say(text: str, *, aside: bool = False) -> None:
    """A line on standard error, dim where that is a terminal and it is said `aside`."""
    dim = aside and sys.stderr.isatty()
    print(f"\x1b[2m{text}\x1b[0m" if dim else text, file=sys.stderr, flush=True)


def fail(message: str, code: int = 1) -> NoReturn:
    """Ends the command with one line on standard error."""
    say(f"todoke: {message}")
    raise SystemExit(code)


def settings() -> Settings:
    """The settings, or the end of the command with what is wrong with them."""
    try:
        return load()
    except SettingsError as error:
        fail(str(error), 2)
