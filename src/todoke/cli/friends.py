"""`todoke friends`: who is a friend of a channel, and the reading of LINE's followers list."""

import time
from collections.abc import Callable
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.progress import Progress, SpinnerColumn, TextColumn
from rich.table import Table
from rich.text import Text

from todoke.cli.common import client, err, fail, out, print_json
from todoke_client import ProblemError, Todoke

POLL_SECONDS = 0.3
NO_MORE = ("finished", "denied", "unverified")
STATE_WORDS = {
    "friend": "friends",
    "blocked": "block the account",
    "unlisted": "were friends, and LINE's list has them no more",
}
SYNC_WORDS = {
    "never": "LINE's list was never read",
    "queued": "LINE's list is to be read",
    "running": "LINE's list is being read",
    "closing": "the list is read, who was not on it is being marked",
    "waiting": "reading LINE's list goes on later",
    "denied": "LINE refused the access token",
    "unverified": "LINE gives this account no list",
    "finished": "LINE's list was read",
}

friends = typer.Typer(help="Who is a friend of a channel.", no_args_is_help=True)
Channel = Annotated[str | None, typer.Argument(help="The channel's name or id. Left out: every channel.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


@friends.command("sync")
def sync(
    channel: Channel = None,
    wait: Annotated[bool, typer.Option("--wait", help="Return when the list is read.")] = False,
    as_json: AsJson = False,
) -> None:
    """Reads LINE's followers list into the registry. It goes on in the gateway, also after a restart."""

    def one(todoke: Todoke, name: str) -> dict[str, Any]:
        todoke.sync_friends(name)
        return _watched(todoke, name, quiet=as_json) if wait else todoke.friends(name)

    found = _of_each(channel, one, as_json)
    failed = [x["sync"] for x in found if x["sync"]["state"] != "finished"]
    if wait and failed:
        fail("\n".join(f"{SYNC_WORDS[x['state']]}: {x['error']}" for x in failed))


@friends.command("show")
def show(channel: Channel = None, as_json: AsJson = False) -> None:
    """Counts the users of a channel by state, and says when LINE's list was last read."""
    _of_each(channel, lambda todoke, name: todoke.friends(name), as_json)


def _of_each(
    channel: str | None, act: Callable[[Todoke, str], dict[str, Any]], as_json: bool
) -> list[dict[str, Any]]:
    """What `act` answers for the channel, or for each of all, printed. One that is refused holds up no other."""
    if channel is not None:
        with client() as todoke:
            found = act(todoke, channel)
        print_json(found) if as_json else out.print(_lines(found))
        return [found]
    done: list[dict[str, Any]] = []
    refused: list[str] = []
    with client() as todoke:
        for x in todoke.channels():
            try:
                done.append(act(todoke, x["id"]) | {"channel_name": x["name"]})
            except ProblemError as error:
                refused.append(f"{x['name']}: {error.detail}")
    if as_json:
        print_json({"channels": done})
    for each in [] if as_json else done:
        out.print(Text(each["channel_name"], style="bold"), _lines(each), sep="\n")
    if not done and not refused:
        fail("There are no channels yet. Register one: todoke channels add --help")
    if refused:
        fail("\n".join(refused))
    return done


def _watched(todoke: Todoke, channel: str, *, quiet: bool) -> dict[str, Any]:
    line = Progress(
        SpinnerColumn(), TextColumn("{task.description}"), console=err, transient=True, disable=quiet
    )
    with line:
        task = line.add_task("Reading LINE's followers list", total=None)
        while (found := todoke.friends(channel))["sync"]["state"] not in NO_MORE:
            sync = found["sync"]
            trouble = f"; {sync['error']}" if sync["error"] else ""
            words = (
                f"{SYNC_WORDS[sync['state']]}: {sync['found']:,} users on {sync['pages']:,} pages{trouble}"
            )
            line.update(task, description=words)
            time.sleep(POLL_SECONDS)
    return found


def _lines(found: dict[str, Any]) -> RenderableType:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(justify="right")
    table.add_column()
    for state, count in found["counts"].items():
        table.add_row(f"{count:,}", STATE_WORDS.get(state, state))
    sync = found["sync"]
    said = SYNC_WORDS.get(sync["state"], sync["state"])
    if sync["finished_at"]:
        said += f" ({sync['started_at']} to {sync['finished_at']}): {sync['found']:,} on it"
    elif sync["found"]:
        said += f", {sync['found']:,} so far"
    lines = [Text(said[0].upper() + said[1:] + ".")]
    if sync["error"]:
        lines.append(Text(sync["error"], style="yellow"))
    if sync["due_at"] and sync["state"] not in ("running", "closing"):
        lines.append(Text(f"Next: {sync['due_at']}", style="dim"))
    return Group(table, *lines)
