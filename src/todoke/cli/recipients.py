"""`todoke recipients`: what is known of a number, all that is kept of a person, and its erasure."""

import asyncio
import json
import re
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from todoke.cli.common import client, fail, out, print_json, settings

recipients = typer.Typer(help="What is kept of one person.", no_args_is_help=True)
Who = Annotated[
    str,
    typer.Argument(
        metavar="NUMBER|USER_ID", help="A phone number, or a LINE user ID; - reads it from the input."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
AlwaysJson = Annotated[
    bool, typer.Option("--json", help="As with other commands; this one prints JSON anyway.")
]
_USER_ID = re.compile(r"U[0-9a-f]{32}", re.ASCII)


def _who(text: str) -> dict[str, str]:
    found = sys.stdin.readline().strip() if text == "-" else text
    return {"user_id": found} if _USER_ID.fullmatch(found) else {"number": found}


@recipients.command("lookup")
def lookup(
    number: Annotated[str, typer.Argument(help="A phone number; - reads it from the input.")],
    channel: Annotated[str | None, typer.Option("--channel", "-c", help="Only this channel.")] = None,
    _: AlwaysJson = True,
) -> None:
    """Prints what is known of a number, as JSON."""
    given = _who(number)
    if "number" not in given:
        fail("Only numbers can be looked up. `todoke recipients export` takes user IDs too.", 2)
    with client() as todoke:
        print_json(todoke.lookup(given["number"], channel))


@recipients.command("export")
def export(
    who: Who,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A file, which only you can read.")
    ] = None,
    _: AlwaysJson = True,
) -> None:
    """Prints all that is kept of a person, as JSON: numbers and texts in full."""
    if output is None:
        with client() as todoke:
            print_json(todoke.export_person(**_who(who)))
        return
    try:
        output.touch(mode=0o600, exist_ok=False)
    except OSError as error:
        fail(f"{output} can't be written ({error.strerror}).")
    try:
        with client() as todoke:
            found = todoke.export_person(**_who(who))
        output.write_text(json.dumps(found, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    except BaseException:
        output.unlink()
        raise
    out.print(f"Written to {output}. It is the person's own: hand it to nobody else.", markup=False)


@recipients.command("erase")
def erase(
    who: Who,
    why: Annotated[
        str | None, typer.Option(help="Kept in the audit: a ticket's number, never a name.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Erases all that is kept of a person. It can't be taken back; the fact stays in the audit."""
    given = _who(who)
    if not yes and not typer.confirm(
        "Erase all that is kept of this person? It can't be taken back.", err=True
    ):
        fail("Nothing was erased.")
    with client() as todoke:
        erased = todoke.erase_person(**given, why=why)
    if as_json:
        print_json(erased)
        return
    counts: dict[str, int] = erased["erasure"]["data"]["counts"]
    shown = (
        ", ".join(f"{n} {name.replace('_', ' ')}" for name, n in counts.items() if n) or "nothing was kept"
    )
    out.print(f"Erased: {shown}", markup=False)
    if not erased["files_clean"]:
        out.print(
            "The database is large: run `todoke recipients compact` in a quiet hour, so that nothing is left "
            "in its files either.",
            markup=False,
        )


@recipients.command("audit")
def audit(as_json: AsJson = False) -> None:
    """Lists what was done, the newest first: erasures and exports."""
    with client() as todoke:
        entries: list[Any] = list(todoke.audit())
    if as_json:
        print_json(entries)
        return
    if not entries:
        out.print("Nothing was erased or exported yet.")
    for entry in entries:
        counts = ", ".join(f"{n} {name}" for name, n in entry["data"]["counts"].items() if n)
        out.print(f"{entry['at']}  {entry['what']}  by {entry['by']}  {counts}", markup=False)


@recipients.command("compact")
def compact() -> None:
    """Writes the database's file anew, so that nothing of what was erased is left in it. Everybody waits meanwhile."""
    # Here, as it takes longer to load than all that other commands need.
    from todoke.storage.database import Database, StorageError  # noqa: PLC0415

    async def run() -> bool:
        database = Database(settings().database_url)
        try:
            return await database.compact(any_size=True)
        finally:
            await database.close()

    try:
        clean = asyncio.run(run())
    except StorageError as error:
        fail(str(error))
    if not clean:
        fail("Somebody was reading all the time. Stop the gateway, or try again.")
    out.print("Done: nothing of what was deleted or erased is left in the database's files.")
