"""`todoke templates`: templates kept as files, pushed and pulled, listed and shown."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from todoke.cli import show
from todoke.cli.common import client, err, out, print_json
from todoke_client import ProblemError, Todoke

app = typer.Typer(help="Templates.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
_SIGNS = {"new": "green", "changed": "yellow", "unchanged": "dim"}
_GRAVE = {"error": "red", "warning": "yellow", "note": "dim"}


@app.command("push")
def push(
    folder: Annotated[
        Path, typer.Argument(help="A folder of .json and .yaml files, with those in it; or one file.")
    ],
    channel: Annotated[
        str | None, typer.Option("--channel", "-c", help="For files that name no channel.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would change, line by line; store nothing.")
    ] = False,
    check: Annotated[
        bool,
        typer.Option("--check", help="Print what the content check finds, too; an error in it ends with 1."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Makes templates from files; what has not changed stays the version it is.

    All files are read and checked before any is stored: a fault in one stores none.
    """
    from todoke.cli.template_files import Channels, change_of, read_templates  # noqa: PLC0415

    with client() as todoke:
        channels = Channels(todoke.channels())
        found, faults = read_templates(folder, channel, channels)
        if faults:
            _refuse(faults, as_json)
        stored = {view["name"]: view for view in todoke.templates()}
        changes = [change_of(kept, spec, stored.get(spec["name"]), channels) for kept, spec in found]
        findings = {x.spec["name"]: _findings(todoke, x.spec) for x in changes} if check else {}
        shown: list[dict[str, Any]] = []
        for change in changes:
            # What is unchanged is pushed as well: the gateway knows best, and checks it by its rules of today.
            version = change.version if dry_run else _store(todoke, change.spec, change.kept.path)
            one = {"file": str(change.kept.path), "name": change.spec["name"], "version": version,
                   "action": change.action}  # fmt: skip
            one |= {"diff": change.diff} if dry_run else {}
            one |= {"findings": findings[change.spec["name"]]} if check else {}
            shown.append(one)
            if not as_json:
                _print_change(one, dry_run)
    if as_json:
        print_json({"dry_run": dry_run, "templates": shown})
    if any(x["severity"] == "error" for found in findings.values() for x in found):
        raise typer.Exit(1)


def _refuse(faults: Iterable[Any], as_json: bool) -> None:
    from todoke.cli.files import fail_with  # noqa: PLC0415

    if not as_json:
        fail_with(list(faults))
    print_json(
        {
            "errors": [
                {"file": str(x.path), "line": x.line, "pointer": x.pointer, "message": x.message}
                for x in faults
            ]
        }
    )
    raise typer.Exit(1)


def _findings(todoke: Todoke, spec: dict[str, Any]) -> list[dict[str, Any]]:
    return list(todoke.check_template(spec)["findings"])


def _store(todoke: Todoke, spec: dict[str, Any], path: Path) -> int:
    try:
        return int(todoke.create_template(spec)["version"])
    except ProblemError:
        err.print(f"{path}: the gateway refused it; those before it are stored.", markup=False)
        raise


def _print_change(one: dict[str, Any], dry_run: bool) -> None:
    would = {"new": "would be new", "changed": "would change", "unchanged": "unchanged"}
    said = would[one["action"]] if dry_run else one["action"]
    line = Text.assemble(
        (one["name"], "bold"),
        f": version {one['version']}  ",
        (said, _SIGNS[one["action"]]),
        f"  ({one['file']})",
    )
    out.print(line, soft_wrap=True)
    for row in one.get("diff", "").splitlines():
        style = {"+": "green", "-": "red", "@": "cyan"}.get(row[:1], "")
        out.print(Text("  " + row, style=style), soft_wrap=True)
    for x in one.get("findings", ()):
        words = f"  {x['severity']}: {x['code']} at {x['pointer']}: {x['words']!r}. {x['remedy']}"
        out.print(Text(words, style=_GRAVE[x["severity"]]), soft_wrap=True)


@app.command("pull")
def pull(
    folder: Annotated[Path, typer.Argument(help="Where the files are, or shall be.")],
    names: Annotated[
        list[str] | None, typer.Option("--name", help="Only this template; may be given again.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Writes the stored templates into files, the newest version of each; a file that says the same stays as it is."""
    from todoke.cli.template_files import Channels, write_back  # noqa: PLC0415

    with client() as todoke:
        channels = Channels(todoke.channels())
        stored = [todoke.template(name) for name in names] if names else todoke.templates()
    done = write_back(folder, stored, channels)
    if as_json:
        print_json({"templates": [{"file": str(p), "name": name, "action": what} for p, name, what in done]})
        return
    for path, name, what in done:
        line = Text.assemble(
            (name, "bold"), "  ", (what, "dim" if what == "unchanged" else "green"), f"  ({path})"
        )
        out.print(line, soft_wrap=True)
    if not done:
        out.print("There are no templates yet. Make some: todoke templates push --help")


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """Lists the templates, the newest version of each."""
    with client() as todoke:
        found = todoke.templates()
    print_json({"templates": found}) if as_json else out.print(show.templates(found))


@app.command("show")
def show_one(
    template: Annotated[str, typer.Argument(metavar="NAME", help="Its name, or the id of a version.")],
    language: Annotated[str | None, typer.Option(help="Only this language of it.")] = None,
    as_json: AsJson = False,
) -> None:
    """Shows what a template says, filled with its examples: all steps side by side, in each language."""
    from todoke.cli.template_texts import shown  # noqa: PLC0415

    with client() as todoke:
        found = todoke.template(template)
    print_json(found) if as_json else out.print(shown(found, language))


@app.command("samples")
def samples(
    folder: Annotated[Path | None, typer.Option("--out", help="Copy them into this folder.")] = None,
    country: Annotated[
        str | None, typer.Option(help="TW, TH or JP: what LINE lists there, in its language first.")
    ] = None,
    use_case: Annotated[str | None, typer.Option(help="Only of this use case, such as delivery.")] = None,
    as_json: AsJson = False,
) -> None:
    """Lists the templates that come with Todoke, each in four languages, or copies them for a start."""
    from todoke.cli.template_samples import copy_samples, find_samples, table  # noqa: PLC0415

    found = find_samples(country, use_case)
    if folder is None:
        print_json({"samples": [x.told() for x in found]}) if as_json else out.print(table(found))
        return
    written = copy_samples(found, folder)
    if as_json:
        print_json({"files": [str(path) for path in written]})
        return
    for path in written:
        out.print(Text(str(path)), soft_wrap=True)
    out.print(
        "[dim]Change what is yours in them, then: todoke templates push FOLDER --channel NAME --dry-run[/dim]"
    )
