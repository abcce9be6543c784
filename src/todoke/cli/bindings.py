"""`todoke bindings`: numbers that users bound to their LINE accounts, and the links by which they do it."""

from itertools import islice
from typing import Annotated, Any

import typer
from rich.table import Table

from todoke.cli.common import client, fail, out, print_json

MOST = 500
STEPS = ("sent", "opened", "agreed", "claimed", "linked", "bound")

bindings = typer.Typer(
    help="Numbers bound to LINE accounts, and the links by which users bind them.", no_args_is_help=True
)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Channel = Annotated[str, typer.Option("--channel", "-c", help="The channel's name or id.")]


@bindings.command("list")
def list_bindings(
    ended: Annotated[bool, typer.Option("--ended", help="Those that stand no more too.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=MOST, help="How many at most.")] = 50,
    as_json: AsJson = False,
) -> None:
    """The newest first; numbers are masked."""
    with client() as todoke:
        found = list(islice(todoke.bindings(ended=str(ended).lower()), limit))
    if as_json:
        print_json(found)
        return
    if not found:
        out.print("Nobody has bound a number. todoke bindings link makes a link for it.")
        return
    table = Table("id", "number", "LINE user", "way", "bound", "state", box=None)
    for x in found:
        table.add_row(x["id"], x["number"], x["user_id"], x["way"], x["bound_at"], _state(x))
    out.print(table)


def _state(binding: dict[str, Any]) -> str:
    if binding["unbound_at"] is not None:
        return f"ended {binding['unbound_at']}: {binding['unbound_why'] or 'no reason given'}"
    if binding["doubted_at"] is not None:
        return f"in doubt since {binding['doubted_at']} ({binding['doubted_why']})"
    return "stands"


@bindings.command("link")
def link(
    channel: Channel,
    number: Annotated[
        str | None, typer.Option("--number", "-n", help="The number to bind. Left out: the page asks.")
    ] = None,
    user_id: Annotated[
        str | None, typer.Option("--user", help="The LINE user ID whom the link is for.")
    ] = None,
    language: Annotated[
        str | None, typer.Option("--language", help="zh-Hant, th, ja or en. Left out: as the browser says.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Makes a link. Give it only to the person it is for: it works once."""
    given = {"number": number, "user_id": user_id, "language": language}
    with client() as todoke:
        made = todoke.bind_link(channel=channel, **{k: v for k, v in given.items() if v is not None})
    if as_json:
        print_json(made)
    else:
        out.print(made["url"], soft_wrap=True)
        out.print(f"works once, until {made['expires_at']}")


@bindings.command("links")
def links(
    state: Annotated[str | None, typer.Option(help="open, agreed, claimed, linked, bound or dead.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=MOST, help="How many at most.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Links and how far their users came, the newest first."""
    with client() as todoke:
        found = list(islice(todoke.bind_links(**({} if state is None else {"state": state})), limit))
    if as_json:
        print_json(found)
        return
    table = Table("id", "way", "number", "state", "why", "made", "until", box=None)
    for x in found:
        until = x["ended_at"] or x["expires_at"]
        table.add_row(
            x["id"], x["way"], x["number"] or "", x["state"], x["why"] or "", x["created_at"], until
        )
    out.print(table)


@bindings.command("unbind")
def unbind(
    binding_id: Annotated[str, typer.Argument(help="Of the binding, as todoke bindings list shows it.")],
    why: Annotated[str | None, typer.Option(help="Kept with it.")] = None,
    as_json: AsJson = False,
) -> None:
    """Ends a binding: the number leads to this LINE user no more."""
    with client() as todoke:
        ended = todoke.unbind(binding_id, why)
    print_json(ended) if as_json else out.print(f"{ended['number']}: {_state(ended)}")


@bindings.command("doubt")
def doubt(
    binding_id: Annotated[str, typer.Argument(help="Of the binding, as todoke bindings list shows it.")],
    as_json: AsJson = False,
) -> None:
    """Nothing is pushed for this number until the user confirms it again."""
    with client() as todoke:
        found = todoke.doubt(binding_id)
    print_json(found) if as_json else out.print(f"{found['number']}: {_state(found)}")


@bindings.command("settings")
def settings(
    channel: Channel,
    brand: Annotated[str | None, typer.Option(help="The name that users know you by.")] = None,
    greets: Annotated[
        bool | None, typer.Option("--greets/--silent", help="Whether new friends are given a link.")
    ] = None,
    link_lasts: Annotated[str | None, typer.Option(help="Such as 7d.")] = None,
    binding_lasts: Annotated[str | None, typer.Option(help="Such as 180d.")] = None,
    as_json: AsJson = False,
) -> None:
    """Shows what users are told who bind their number; an option changes that one. Texts: the REST API."""
    wanted = {"brand": brand, "greets": greets, "link_lasts": link_lasts, "binding_lasts": binding_lasts}
    changed = {k: v for k, v in wanted.items() if v is not None}
    with client() as todoke:
        found = todoke.binding_settings(channel)
        if changed:
            kept = {k: found[k] for k in ("brand", "consent", "greets", "link_lasts", "binding_lasts")}
            found = todoke.set_binding_settings(channel, **(kept | changed))
    if as_json:
        print_json(found)
        return
    for name in ("brand", "greets", "link_lasts", "binding_lasts", "consent_version"):
        out.print(f"{name}: {found[name]}")


@bindings.command("report")
def report(
    channel: Annotated[str | None, typer.Option("--channel", "-c", help="Only this channel.")] = None,
    as_json: AsJson = False,
) -> None:
    """How far users come who bind their number, by template and way."""
    with client() as todoke:
        found = todoke.report("binding", **({} if channel is None else {"channel": channel}))
    if as_json:
        print_json(found)
        return
    if not found["rows"]:
        fail("No link was made or opened yet. todoke bindings link makes one.")
    table = Table("template", "way", *STEPS, "ended", box=None)
    for row in [*found["rows"], {"template": "all", "way": "", **found["total"]}]:
        ended = ", ".join(f"{count} {why}" for why, count in sorted(row["ended"].items()))
        table.add_row(row["template"] or "-", row["way"], *(str(row[x]) for x in STEPS), ended)
    out.print(table)
