"""`todoke suppressions`: who is to get nothing, or no SMS; and `todoke sources`: where numbers came from."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from todoke.cli.common import client, fail, out, print_json

app = typer.Typer(help="Recipients who are to get nothing, or no SMS.", no_args_is_help=True)
sources = typer.Typer(
    help="Where numbers came from, and on what ground they may be used.", no_args_is_help=True
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Scope = Annotated[str, typer.Option(help="all: nothing. sms: no SMS; the other steps run.")]
Reason = Annotated[str, typer.Option(help="opt_out, complaint or manual.")]
Channel = Annotated[
    str | None,
    typer.Option("--channel", "-c", help="Whose region a number without a country code belongs to."),
]
Source = Annotated[str, typer.Argument(help="The source's name or id.")]


@app.command("list")
def suppressions_list(
    reason: Annotated[str | None, typer.Option(help="Only opt_out, complaint or manual.")] = None,
    scope: Annotated[str | None, typer.Option(help="Only all, or sms.")] = None,
    ended: Annotated[bool, typer.Option("--ended", help="Also those that stand no more.")] = False,
    as_json: AsJson = False,
) -> None:
    """Lists suppressions, the newest first, numbers masked."""
    filters = {k: v for k, v in (("reason", reason), ("scope", scope)) if v is not None}
    with client() as todoke:
        found = list(todoke.suppressions(**filters, ended=str(ended).lower()))
    if as_json:
        print_json({"suppressions": found})
    elif found:
        out.print(_table(found), markup=False)
    else:
        out.print("Nobody is suppressed.")


@app.command("counts")
def suppressions_counts(as_json: AsJson = False) -> None:
    """Counts those that stand, by scope and reason, and those that have ended."""
    with client() as todoke:
        found = todoke.suppression_counts()
    if as_json:
        print_json(found)
        return
    out.print(f"{found['standing']:,} stand, {found['ended']:,} have ended.")
    for x in found["by"]:
        out.print(f"  {x['count']:,} {x['reason']} ({x['scope']})", markup=False)


@app.command("add")
def suppressions_add(
    number: Annotated[str, typer.Argument(help="The phone number, as people type it.")],
    scope: Scope = "all",
    reason: Reason = "manual",
    note: Annotated[str | None, typer.Option(help="Who said so and how.")] = None,
    channel: Channel = None,
    as_json: AsJson = False,
) -> None:
    """Suppresses a recipient."""
    with client() as todoke:
        made = todoke.suppress(number, scope=scope, reason=reason, note=note, channel=channel)
    if as_json:
        print_json(made)
        return
    what = "no messages" if made["scope"] == "all" else "no SMS"
    out.print(f"{made['id']}: {made['number']} gets {what} from now on ({made['reason']}).", markup=False)


@app.command("import")
def suppressions_import(
    file: Annotated[Path, typer.Argument(help="A CSV file with a column phone, or one number a line.")],
    scope: Scope = "all",
    reason: Reason = "manual",
    note: Annotated[str | None, typer.Option(help="Kept with each of them.")] = None,
    channel: Channel = None,
    encoding: Annotated[str | None, typer.Option(help="utf-8, big5, shift_jis, tis-620, utf-16.")] = None,
    rejects: Annotated[Path | None, typer.Option(help="Where to write the refused rows.")] = None,
    as_json: AsJson = False,
) -> None:
    """Suppresses all of a list, up to 100,000. Safe to repeat."""
    if not file.is_file():
        fail(f"There is no file {file}.")
    with client() as todoke:
        done = todoke.import_suppressions(
            file, scope=scope, reason=reason, note=note, channel=channel, encoding=encoding
        )
    if rejects is not None:
        try:
            rejects.write_text(done["rejects_csv"], encoding="utf-8-sig", newline="")
        except OSError as error:
            fail(f"{rejects} can't be written ({error}). The list was taken in all the same.")
    if as_json:
        print_json({k: done[k] for k in ("rows", "added", "already", "refused", "rejects")})
        return
    out.print(f"{done['added']:,} added, {done['already']:,} stood already, {done['refused']:,} refused.")
    for refused in done["rejects"][:20] if rejects is None else []:
        out.print(f"  line {refused['line']}: {refused['reason']}", markup=False, soft_wrap=True)
    if rejects is None and done["refused"] > 20:
        out.print("  … --rejects FILE writes them all.")


@app.command("remove")
def suppressions_remove(
    suppression: Annotated[str, typer.Argument(metavar="ID", help="Of the suppression.")],
    why: Annotated[
        str | None,
        typer.Option(help="How the person asked for messages again. Needed after an opt_out or a complaint."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Ends a suppression. It is kept as ended, with when and why."""
    with client() as todoke:
        ended = todoke.unsuppress(suppression, why)
    print_json(ended) if as_json else out.print(f"Ended: {ended['number']}.", markup=False)


@sources.command("list")
def sources_list(
    ended: Annotated[bool, typer.Option("--ended", help="Also those that have ended.")] = False,
    as_json: AsJson = False,
) -> None:
    """Lists the sources."""
    with client() as todoke:
        found = todoke.sources(ended=ended)
    if as_json:
        print_json({"sources": found})
        return
    if not found:
        out.print("There is no source. Describe one with todoke sources add.")
        return
    table = Table("name", "ground", "origin", "", header_style="dim", box=None, pad_edge=False)
    for x in found:
        table.add_row(x["name"], x["ground"], x["origin"], "ended" if x["ended_at"] else "")
    out.print(table, markup=False)


@sources.command("add")
def sources_add(
    name: Annotated[str, typer.Argument(help="Your name for it, such as shop orders.")],
    ground: Annotated[str, typer.Option(help="contract, consent, legal_duty, legitimate_interest or other.")],
    origin: Annotated[str, typer.Option(help="How the numbers were got, and what the people were told.")],
    collected_from: Annotated[str | None, typer.Option(help="RFC 3339.")] = None,
    collected_until: Annotated[str | None, typer.Option(help="RFC 3339.")] = None,
    as_json: AsJson = False,
) -> None:
    """Describes where numbers come from; send and import then name it with --source."""
    more = {"collected_from": collected_from, "collected_until": collected_until}
    given = {k: v for k, v in more.items() if v is not None}
    with client() as todoke:
        made = todoke.create_source(name=name, ground=ground, origin=origin, **given)
    print_json(made) if as_json else out.print(f"{made['name']}: {made['ground']}", markup=False)


@sources.command("end")
def sources_end(source: Source, as_json: AsJson = False) -> None:
    """Lets no new notice name it. What was sent keeps it."""
    with client() as todoke:
        ended = todoke.end_source(source)
    print_json(ended) if as_json else out.print(f"Ended: {ended['name']}.", markup=False)


def _table(rows: list[dict[str, Any]]) -> Table:
    columns = ("id", "number", "scope", "reason", "since", "note", "ended")
    table = Table(*columns, header_style="dim", box=None, pad_edge=False)
    for x in rows:
        ended = f"{x['removed_at']} {x['removed_why'] or ''}" if x["removed_at"] else ""
        table.add_row(x["id"], x["number"], x["scope"], x["reason"], x["at"], x["note"] or "", ended)
    return table
