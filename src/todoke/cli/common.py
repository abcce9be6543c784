"""What the commands share: settings, the client, and errors as one clear line."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import typer
from rich.console import Console

from todoke.settings import Settings, SettingsError, load
from todoke_client import NoGateway, ProblemError, Todoke

out = Console(highlight=False)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def fail(message: str, code: int = 1) -> NoReturn:
    """Ends the command with one line on standard error."""
    err.print(f"todoke: {message}", markup=False)
    raise typer.Exit(code)


def settings() -> Settings:
    """The settings, or the end of the command with what is wrong with them."""
    try:
        return load()
    except SettingsError as error:
        fail(str(error), 2)


def api_key(current: Settings) -> str:
    """The key that commands use: the setting, or the file that the first start made."""
    if current.api_key:
        return current.api_key
    try:
        return (current.data_dir / "api.key").read_text().strip()
    except OSError:
        fail(
            f"There is no API key: {current.data_dir / 'api.key'} does not exist. Start todoke serve once with the "
            "same TODOKE_DATA_DIR, or set TODOKE_API_KEY."
        )


@contextmanager
def client() -> Iterator[Todoke]:
    """A client of the running gateway; its errors end the command with one line each."""
    current = settings()
    try:
        with Todoke(current.base_url, api_key(current)) as todoke:
            yield todoke
    except NoGateway as error:
        fail(str(error))
    except ProblemError as error:
        if len(error.errors) <= 1:
            fail(error.detail)
        fail("\n  ".join([error.detail, *(f"{p}: {m}" for p, m in error.errors)]))


def print_json(value: Any) -> None:
    """JSON for programs, on standard output."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def key_values(pairs: list[str]) -> dict[str, str]:
    """`name=value` arguments as a dict."""
    found = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            fail(f"{pair!r} is not name=value. Write -p name=王小明, once for each parameter.", 2)
        found[name] = value
    return found
