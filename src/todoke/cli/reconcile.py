"""`todoke reconcile`: our counts beside LINE's, for whoever checks LINE's bill."""

import re
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from todoke.cli.common import client, fail, out, print_json

KINDS = {
    "template": "template notifications",
    "flexible": "flexible notifications",
    "push": "pushes",
}
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NAMED = 10
"""Notices that are printed for one difference; --json has more."""


def reconcile(
    date: Annotated[
        str | None,
        typer.Option(help="One of LINE's days (UTC+9), such as 2026-08-07. Left out: yesterday."),
    ] = None,
    days: Annotated[int | None, typer.Option(min=1, max=92, help="So many days up to yesterday.")] = None,
    channel: Annotated[
        str | None, typer.Option("--channel", "-c", help="Only this channel, by name or id.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="End with 1 where counts differ.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Compares what we counted with what LINE counted, and names the notices that may differ.

    It asks LINE now, through the running gateway. The exit code is 0 also where counts differ; with --strict it is 1.
    """
    if date is not None and days is not None:
        fail("Give either --date or --days.", 2)
    if date is not None and not _DAY.fullmatch(date):
        fail(f"--date is {date!r}, which is no day. Write year, month and day, such as 2026-08-07.", 2)
    asked = {"since": date, "days": days, "channel": channel}
    with client() as todoke:
        found = todoke.reconcile(**{k: v for k, v in asked.items() if v is not None})
    if as_json:
        print_json(found)
    else:
        out.print(shown(found))
    if strict and any(row["differs"] for row in found["rows"]):
        raise typer.Exit(1)


def shown(found: dict[str, Any]) -> RenderableType:
    """The comparison as a table, and below it what may explain each difference."""
    until = "" if found["since"] == found["until"] else f" to {found['until']}"
    head = Text(f"What was counted on {found['since']}{until}, LINE's days (UTC+9)", style="bold")
    # A kind that nobody used is no news, unless LINE counts some of it.
    rows = [r for r in found["rows"] if r["ours"] or r["line"] or r["status"] not in _QUIET]
    if not rows:
        return Group(head, "Neither we nor LINE counted any message.")
    table = Table(header_style="dim", box=None, pad_edge=False)
    for name in ("day", "channel", "what"):
        table.add_column(name, no_wrap=name == "day")
    for name in ("ours", "LINE's", "difference"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("")
    for row in rows:
        table.add_row(
            row["day"],
            Text(row["channel_name"]),
            KINDS.get(row["kind"], row["kind"]),
            f"{row['ours']:,}",
            _line(row),
            _difference(row),
            _word(row),
        )
    differing = [r for r in rows if r["differs"]]
    return Group(head, table, *(_explained(r) for r in differing), _last_word(rows, differing))


_QUIET = ("ready", "unavailable_for_privacy", "not_allowed", "out_of_service")


def _line(row: dict[str, Any]) -> str:
    if row["line"] is not None:
        return f"{row['line']:,}"
    return "under 20" if row["status"] == "unavailable_for_privacy" else "-"


def _difference(row: dict[str, Any]) -> Text:
    if row["difference"] is None:
        return Text("?")
    return Text(
        f"{row['difference']:+,}" if row["difference"] else "0", style="red" if row["difference"] else ""
    )


def _word(row: dict[str, Any]) -> Text:
    if row["status"] == "ready":
        return Text("differs", style="red") if row["differs"] else Text("equal", style="green")
    words = row["status_text"] + (f": {row['detail']}" if row["detail"] else "")
    if row["differs"]:
        return Text(f"differs: {words}", style="red")
    if row["status"] == "unavailable_for_privacy":
        words += "; ours fits"
    return Text(words, style="yellow")


def _explained(row: dict[str, Any]) -> RenderableType:
    more = "LINE counted more than we" if (row["difference"] or -1) > 0 else "We counted more than LINE"
    parts = [
        Text(),
        Text(
            f"{row['day']} {row['channel_name']}, {KINDS.get(row['kind'], row['kind'])}: {more}", style="bold"
        ),
    ]
    for x in row["explained_by"][:_NAMED]:
        about = f"notice {x['notice']}" if "notice" in x else f"message {x['message']}"
        parts.append(Text(f"  {about}: {x['reason']}"))
    if (rest := row["explained_by_total"] - _NAMED) > 0:
        parts.append(Text(f"  and {rest:,} more; --json names up to 100", style="dim"))
    if not row["explained_by"]:
        parts.append(Text("  No notice of ours explains it."))
    return Group(*parts, *(Text(f"  {note}", style="dim") for note in row["notes"]))


def _last_word(rows: list[dict[str, Any]], differing: list[dict[str, Any]]) -> Text:
    told = sum(r["status"] == "ready" for r in rows)
    if differing:
        return Text(
            f"\n{len(differing)} of {len(rows)} counts differ. docs/reconciliation.md says what that can mean."
        )
    if told == len(rows):
        return Text("\nAll counts are equal.", style="green")
    return Text(f"\nNo difference is known; {len(rows) - told} of {len(rows)} counts LINE does not tell.")
