"""`todoke alarms`: what is wrong just now."""

from typing import Annotated

import typer
from rich.table import Table

from todoke.cli.common import client, out, print_json

app = typer.Typer()


@app.command("alarms")
def alarms(
    every: Annotated[bool, typer.Option("--all", help="Those that are over, too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Shows what is wrong just now, and what to do about it."""
    with client() as todoke:
        found = todoke.alarms(standing=None if every else True)
    if as_json:
        print_json({"alarms": found})
        return
    if not found:
        out.print("No alarm has been raised so far." if every else "No alarm stands.")
        return
    table = Table("since", "alarm", "what", header_style="dim", box=None, pad_edge=False)
    for alarm in found:
        over = "" if alarm["cleared_at"] is None else f"over since {_time(alarm['cleared_at'])}"
        table.add_row(_time(alarm["raised_at"]), alarm["kind"], alarm["text"])
        table.add_row("", "", over or alarm["remedy"], style="dim")
    out.print(table, markup=False)


def _time(text: str) -> str:
    """RFC 3339 to the minute."""
    return text[:16].replace("T", " ")
