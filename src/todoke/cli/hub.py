"""`todoke hub`: the other systems that get what LINE posts."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from todoke.cli.common import client, fail, out, print_json

app = typer.Typer(help="Passes what LINE posts on to other systems.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Target = Annotated[str, typer.Argument(metavar="ID", help="Of the target; todoke hub list shows it.")]


@app.command("list")
def hub_list(as_json: AsJson = False) -> None:
    """Lists the targets, and how each fares."""
    with client() as todoke:
        found = todoke.hub_targets()
    if as_json:
        print_json({"hub_targets": found})
        return
    if not found:
        out.print("There is no target. Add one with todoke hub add.")
        return
    table = Table("id", "name", "state", "behind", "taken", "skipped", "URL", header_style="dim", box=None)
    for target in found:
        lag = target["lag"]
        behind = f"{lag['requests']:,} ({lag['seconds']:.0f} s)" if lag["requests"] else "-"
        counts = (f"{target['taken']:,}", f"{target['skipped']:,}")
        table.add_row(target["id"], target["name"], target["state"], behind, *counts, target["url"])
        if why := _trouble(target):
            table.add_row("", "", why, style="dim")
    out.print(table, markup=False)


def _trouble(target: dict[str, Any]) -> str:
    if target["state"] == "paused":
        return f"{target['paused_why'] or 'paused'}"
    if target["state"] == "failing":
        since = target["failing_since"]
        when = f"since {since[:16].replace('T', ' ')}" if since else "what came last was skipped"
        return f"{when}: {target['last_detail'] or target['last_status']}"
    return ""


@app.command("add")
def hub_add(
    url: Annotated[str, typer.Argument(help="https, and reachable from here.")],
    channel: Annotated[str, typer.Option("--channel", "-c", help="The channel's name or id.")],
    name: Annotated[str, typer.Option(help="Your name for it, such as chatbot.")],
    event_type: Annotated[
        list[str] | None,
        typer.Option(
            "--type", "-t", help="Only requests with such an event, as message; may be given again."
        ),
    ] = None,
    header_file: Annotated[
        Path | None, typer.Option(help="A file with headers for every request, one Name: value a line.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Adds a target. It gets what LINE posts from now on."""
    headers = None if header_file is None else _read_headers(header_file)
    with client() as todoke:
        made = todoke.create_hub_target(
            channel=channel, name=name, url=url, types=event_type or None, headers=headers
        )
    if as_json:
        print_json(made)
    else:
        out.print(f"Added {made['id']}. Try it: todoke hub test {made['id']}", soft_wrap=True)


def _read_headers(file: Path) -> dict[str, str]:
    """From a file, so that no list of processes shows what they hold."""
    try:
        lines = file.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        fail(f"{file} can't be read ({error}).")
    headers = {}
    for number, line in enumerate(lines, 1):
        name, colon, value = line.partition(":")
        if line.strip() and not colon:
            fail(f"{file}, line {number} is no header. Write Name: value.", 2)
        if line.strip():
            headers[name.strip()] = value.strip()
    return headers


@app.command("remove")
def hub_remove(target: Target) -> None:
    """Removes a target; it gets nothing more."""
    with client() as todoke:
        todoke.remove_hub_target(target)
    out.print("Removed.")


@app.command("pause")
def hub_pause(
    target: Target,
    why: Annotated[str | None, typer.Option(help="For whoever looks later.")] = None,
    as_json: AsJson = False,
) -> None:
    """Pauses a target; what comes meanwhile is kept for it, for 30 days."""
    with client() as todoke:
        found = todoke.pause_hub_target(target, why)
    print_json(found) if as_json else out.print(f"{found['name']} is paused.", markup=False)


@app.command("resume")
def hub_resume(target: Target, as_json: AsJson = False) -> None:
    """Lets a target go on; one that fails is tried at once."""
    with client() as todoke:
        found = todoke.resume_hub_target(target)
    if as_json:
        print_json(found)
    else:
        out.print(
            f"{found['name']} goes on; {found['lag']['requests']:,} requests wait for it.", markup=False
        )


@app.command("test")
def hub_test(target: Target, as_json: AsJson = False) -> None:
    """Posts LINE's connection check to a target. Ends with 1 if it was not taken."""
    with client() as todoke:
        found = todoke.test_hub_target(target)
    if as_json:
        print_json(found)
    elif found["taken"]:
        out.print(f"Taken: {found['status']} in {found['took_ms']} ms.")
    else:
        status = "" if found["status"] is None else f"{found['status']}, "
        out.print(f"Not taken: {status}{found['detail']}", markup=False, soft_wrap=True)
        out.print(found["remedy"], markup=False, soft_wrap=True)
    if not found["taken"]:
        raise typer.Exit(1)


@app.command("replay")
def hub_replay(
    target: Target,
    since: Annotated[str, typer.Argument(metavar="FROM", help="RFC 3339, such as 2026-08-07T09:30:00Z.")],
    until: Annotated[str | None, typer.Option(help="Left out: up to now.")] = None,
    as_json: AsJson = False,
) -> None:
    """Passes on once more what LINE posted since then, as far as it is kept: for 30 days."""
    with client() as todoke:
        found = todoke.replay_hub_target(target, since, until)
    if as_json:
        print_json(found)
    else:
        out.print(f"{found['requests']:,} requests go to {found['name']} once more.", markup=False)
