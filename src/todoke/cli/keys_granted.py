"""`todoke granted-keys`: the lists of keys that LINE granted to channels."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from todoke.cli.common import client, fail, out, print_json

MOST_BYTES = 900_000
"""The gateway takes a megabyte, with what surrounds the file."""

app = typer.Typer(help="The keys that LINE granted to a channel.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Channel = Annotated[str, typer.Option("--channel", "-c", help="The channel's name or id.")]
Version = Annotated[int | None, typer.Option(help="Left out: the newest.")]


@app.command("import")
def granted_import(
    file: Annotated[Path, typer.Argument(help="The list: CSV, YAML or JSON.")],
    channel: Channel,
    encoding: Annotated[str | None, typer.Option(help="utf-8, big5, shift_jis, tis-620, utf-16.")] = None,
    note: Annotated[str | None, typer.Option(help="Kept with this version: who at LINE sent it.")] = None,
    as_json: AsJson = False,
) -> None:
    """Imports LINE's list as the channel's next version. Where anything is wrong, nothing is stored."""
    if not file.is_file():
        fail(f"There is no file {file}.")
    if file.stat().st_size > MOST_BYTES:
        fail(f"{file} is larger than {MOST_BYTES:,} bytes: this is no list of keys.")
    with client() as todoke:
        done = todoke.import_granted_keys(channel, file, encoding=encoding, note=note)
    if as_json:
        print_json(done)
        return
    if not done["new"]:
        out.print(f"Version {done['version']} is just this list. Nothing changed.")
    else:
        added, removed, changed = (len(done[x]) for x in ("added", "removed", "changed"))
        out.print(f"Version {done['version']}: {_counted(done['counts'])}.")
        out.print(f"  {added} added, {removed} removed, {changed} changed.")
    if done["ignored_columns"]:
        out.print(f"  Passed over: {', '.join(done['ignored_columns'])}.", markup=False)
    for hit in done["affected_templates"]:
        keys = ", ".join(dict.fromkeys(f"{x['kind']} {x['key']}" for x in hit["missing"]))
        state = "LIVE " if hit["live"] else ""
        out.print(
            f"  {state}template {hit['template']}, version {hit['version']}, uses what is not granted: {keys}",
            markup=False,
            soft_wrap=True,
        )


@app.command("show")
def granted_show(
    channel: Channel,
    version: Version = None,
    csv: Annotated[bool, typer.Option("--csv", help="As a file that can be imported again.")] = False,
    as_json: AsJson = False,
) -> None:
    """Shows the keys. `official` marks those that LINE's public documentation has; all others are the list's."""
    with client() as todoke:
        if csv:
            print(todoke.granted_keys_csv(channel, version=version), end="")
            return
        found = todoke.granted_keys(channel, version=version)
    if as_json:
        print_json(found)
        return
    table = Table("kind", "key", "official", "use case", "name", "language", header_style="dim", box=None)
    for x in found["keys"]:
        official = "yes" if x["published"] else ""
        table.add_row(x["kind"], x["key"], official, x["use_case"], x["name"], x["language"])
    out.print(f"Version {found['version']} of {found['imported_at']}, by {found['by']}.", markup=False)
    out.print(table, markup=False)


@app.command("versions")
def granted_versions(channel: Channel, as_json: AsJson = False) -> None:
    """Lists the versions: when each came, by whom, and how many keys it has."""
    with client() as todoke:
        found = todoke.granted_key_versions(channel)
    if as_json:
        print_json({"versions": found})
        return
    if not found:
        out.print("No list was imported for this channel.")
    for x in found:
        more = ", ".join(text for text in (x["by"], x["file_name"], x["note"]) if text)
        out.print(
            f"{x['version']:>4}  {x['imported_at']}  {_counted(x['counts'])}  ({more})",
            markup=False,
            soft_wrap=True,
        )


@app.command("diff")
def granted_diff(
    channel: Channel,
    version: Version = None,
    before: Annotated[int | None, typer.Option(help="Left out: the version before.")] = None,
    as_json: AsJson = False,
) -> None:
    """Shows what changed between two versions."""
    with client() as todoke:
        found = todoke.granted_keys_diff(channel, version=version, before=before)
    if as_json:
        print_json(found)
        return
    lines = [f"+ {_row(x)}" for x in found["added"]] + [f"- {_row(x)}" for x in found["removed"]]
    lines += [f"~ {_row(x['before'])} → {_row(x['after'])}" for x in found["changed"]]
    out.print("\n".join(lines) or "Nothing changed.", markup=False, soft_wrap=True)


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {kind}{'' if count == 1 else 's'}" for kind, count in counts.items())


def _row(x: dict[str, Any]) -> str:
    more = [text for text in (x["use_case"], x["name"], x["language"], x["limits"]) if text]
    return f"{x['kind']} {x['key']}" + (f" ({', '.join(more)})" if more else "")
