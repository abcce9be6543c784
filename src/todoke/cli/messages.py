"""`todoke message`: an ordinary message to a friend."""

import json
import re
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from todoke.cli.common import client, fail, out, print_json

MOST_BYTES = 200_000
_USER_ID = re.compile(r"U[0-9a-f]{32}", re.ASCII)


def message(
    to: Annotated[
        str,
        typer.Argument(metavar="TO|USER_ID", help="A number that a friend has bound, or their LINE user ID."),
    ],
    channel: Annotated[str, typer.Option("--channel", "-c", help="The channel's name or id.")],
    text: Annotated[list[str] | None, typer.Option(help="A text; may be given up to five times.")] = None,
    file: Annotated[
        Path | None, typer.Option(help="A JSON file of LINE's message objects; - reads the input.")
    ] = None,
    reference: Annotated[str | None, typer.Option(help="Your own name for it.")] = None,
    idempotency_key: Annotated[str | None, typer.Option(help="The same key sends once in 24 hours.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Sends an ordinary message to a friend of the account."""
    if bool(text) == (file is not None):
        fail("Give either --text or --file, exactly one of them.", 2)
    messages: list[Any] = [{"type": "text", "text": x} for x in text or []] if file is None else _read(file)
    user = to if _USER_ID.fullmatch(to) else None
    with client() as todoke:
        taken = todoke.send_message(
            channel=channel,
            to=None if user else to,
            user_id=user,
            messages=messages,
            reference=reference,
            idempotency_key=idempotency_key,
        )
    if as_json:
        print_json(taken)
    else:
        out.print(f"Taken: {taken['id']}")
        out.print(f"[dim]todoke status {taken['id']} shows what becomes of it[/dim]")


def _read(file: Path) -> list[Any]:
    """A list of message objects, one alone, or the body of a request with `messages` in it."""
    try:
        data = sys.stdin.buffer.read(MOST_BYTES + 1) if str(file) == "-" else _content(file)
        found = json.loads(data.decode("utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        fail(f"{file} can't be read ({error}).")
    except (ValueError, RecursionError) as error:
        fail(f"{file} is not JSON: {error}")
    if isinstance(found, dict):
        found = found.get("messages", [found])
    if not isinstance(found, list):
        fail(f'{file} holds no message objects. Write a list such as [{{"type": "text", "text": "…"}}].')
    return found


def _content(file: Path) -> bytes:
    with file.open("rb") as opened:
        data = opened.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        fail(f"{file} is larger than {MOST_BYTES:,} bytes: a message has at most 100 KB.")
    return data


_WORDS = {
    "queued": "waits for its turn, for its channel, or for another try",
    "sending": "its request is out",
    "handed_over": "LINE took it; whether it was shown LINE tells nobody",
    "not_delivered": "LINE did not take it, or nobody can say whether it did",
}


def message_lines(sent: dict[str, Any]) -> Text:
    """What became of a message, for a terminal."""
    lines = Text.assemble(
        (sent["state"], "bold"), f"  {_WORDS[sent['state']]}, asked for {sent['created_at']}"
    )
    tried = f"{sent['tries']} tries" if sent["tries"] != 1 else "1 try"
    lines.append(f"\n  {tried}" + (f", the last: {sent['outcome']}" if sent["outcome"] else ""))
    if sent.get("detail"):
        lines.append(f"\n  {sent['detail']}")
    if sent.get("next_try_at"):
        lines.append(f"\n  tried again {sent['next_try_at']}")
    return lines
