"""`todoke report`: what became of notices, why some stayed silent, who leaves and who comes."""

from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from todoke.cli import show
from todoke.cli.common import client, out, print_json

CAUSE_WORDS = {
    "blocked": "the user blocks the account",
    "no_consent": "the user has not agreed to notifications, or refuses them",
    "no_verification": "the check of the number by SMS is not passed, or older than 180 days",
    "number_changed": "the number was given up, or its user left LINE",
    "unseen": "it may have been shown: its event, or the request itself, was lost",
    "unknown": "nothing speaks for one of them, or it cancels out",
}

app = typer.Typer(
    invoke_without_command=True,
    help="Asked, reached, not reached and why; what it cost; late duplicates. Or one of the reports below.",
)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Channel = Annotated[str | None, typer.Option("--channel", "-c", help="Only this channel, by name or id.")]
Since = Annotated[str | None, typer.Option("--from", help="From this time on, RFC 3339.")]
Until = Annotated[str | None, typer.Option(help="Before this time, RFC 3339.")]
FirstDay = Annotated[str | None, typer.Option("--from", help="The first of LINE's days, such as 2026-08-01.")]
LastDay = Annotated[str | None, typer.Option("--until", help="The last one. Left out: today.")]


@app.callback()
def report(
    context: typer.Context,
    batch: Annotated[str | None, typer.Option(help="Only this batch.")] = None,
    channel: Annotated[str | None, typer.Option("--channel", "-c", help="Only this channel.")] = None,
    as_json: AsJson = False,
) -> None:
    """Asked, reached, not reached and why; what it cost; late duplicates. Or one of the reports below."""
    if context.invoked_subcommand is not None:
        return
    scope = {k: v for k, v in (("batch", batch), ("channel", channel)) if v is not None}
    with client() as todoke:
        funnel, cost, latency = (todoke.report(name, **scope) for name in ("funnel", "cost", "latency"))
    if as_json:
        print_json({"funnel": funnel, "cost": cost, "latency": latency})
    else:
        for part in show.report(funnel, cost, latency):
            out.print(part)


def _asked(name: str, as_json: bool, **asked: str | None) -> dict[str, Any] | None:
    """The report; None where it was printed as JSON."""
    given = {k.rstrip("_"): v for k, v in asked.items() if v is not None}
    with client() as todoke:
        found = todoke.report(name, **given)
    if as_json:
        print_json(found)
        return None
    return found


def _table(*columns: str) -> Table:
    table = Table(header_style="dim", box=None, pad_edge=False)
    for i, name in enumerate(columns):
        right = name.startswith(">")
        table.add_column(name.lstrip(">"), justify="right" if right else "left", no_wrap=i == 0)
    return table


@app.command("silence")
def silence(
    channel: Channel = None, since: Since = None, until: Until = None, as_json: AsJson = False
) -> None:
    """Why notices stayed silent: how many have which cause as the likeliest."""
    found = _asked("silence", as_json, channel=channel, from_=since, until=until)
    if found is not None:
        out.print(silence_lines(found))


def silence_lines(found: dict[str, Any]) -> RenderableType:
    """Silences by their first cause."""
    head = Text(f"{found['silent']:,} silent from {found['from']} to {found['until']}", style="bold")
    if not found["judged"]:
        return head
    table = _table("likeliest cause", ">notices", "")
    for cause, count in sorted(found["by_first_cause"].items(), key=lambda x: -x[1]):
        if count:
            table.add_row(cause, f"{count:,}", Text(CAUSE_WORDS.get(cause, ""), style="dim"))
    share = f"{100 * found['share_without_evidence']:.0f} %"
    notes = [f"Of {found['judged']:,} that were judged, {share} have no evidence.", found["note"]]
    return Group(head, table, *(Text(x, style="dim") for x in notes))


@app.command("block-rate")
def block_rate(
    channel: Channel = None, since: FirstDay = None, until: LastDay = None, as_json: AsJson = False
) -> None:
    """How many friends leave, day by day, and what was sent before more did than usual."""
    found = _asked("block-rate", as_json, channel=channel, from_=since, until=until)
    for each in () if found is None else found["channels"]:
        out.print(block_rate_lines(each))


def block_rate_lines(each: dict[str, Any]) -> RenderableType:
    """One channel's days and rises."""
    table = _table("day (UTC+9)", ">friends", ">came", ">left", ">rate", ">blocked by others", "")
    for day in each["days"]:
        rate = "" if day["rate"] is None else f"{100 * day['rate']:.3f} %"
        rose = Text("clearly above usual", style="red") if day["rose"] else Text()
        friends = "" if day["friends"] is None else f"{day['friends']:,}"
        moved = [f"{day[k]:,}" for k in ("followed", "unfollowed")]
        table.add_row(day["day"], friends, *moved, rate, f"{day['blocked_by_others']:,}", rose)
    parts: list[RenderableType] = [Text(each["channel_name"], style="bold"), table]
    parts.append(
        Text(f"{each['known_blockers']:,} users with a bound number block the account.", style="dim")
    )
    if any(x["blocked_by_others"] for x in each["days"]):
        parts.append(
            Text("Blocked by others: users who were not known as friends. No rate counts them.", style="dim")
        )
    for rise in each["rises"]:
        parts.append(Text(f"Sent in the 72 hours before {rise['day']} and on it:"))
        parts += [
            Text(f"  {x['sent']:,} {x['template'] or 'ordinary messages'} ({x['step']})")
            for x in rise["sent_before"]
        ] or [Text("  nothing")]
    return Group(*parts)


@app.command("growth")
def growth(
    channel: Channel = None, since: Since = None, until: Until = None, as_json: AsJson = False
) -> None:
    """Friends won and bindings made after notices, and how many stayed."""
    found = _asked("growth", as_json, channel=channel, from_=since, until=until)
    if found is not None:
        out.print(growth_lines(found))


def growth_lines(found: dict[str, Any]) -> RenderableType:
    """New friends and bindings, by template."""
    friends = found["friends"]
    parts: list[RenderableType] = [
        Text(f"{friends['new']:,} new friends, {friends['new_stayed']:,} of them still are", style="bold"),
        Text(f"{friends['won']:,} after a notice, {friends['unattributed']:,} not known to be"),
        Text(
            f"{friends['unfollowed']:,} friends left; {friends['blocked_by_others']:,} blocks by others, who were not "
            "known as friends"
        ),
    ]
    if friends["by_template"]:
        table = _table("template", "step", ">won", ">stayed")
        for x in friends["by_template"]:
            table.add_row(Text(x["template"]), x["step"], f"{x['won']:,}", f"{x['stayed']:,}")
        parts.append(table)
    if found["bindings"]:
        table = _table("bindings by", "template", ">made", ">standing", ">after 7 days", ">after 30 days")
        for x in found["bindings"]:
            kept = [f"{x[k]['standing']:,} of {x[k]['of']:,}" for k in ("after_7d", "after_30d")]
            table.add_row(x["way"], Text(x["template"] or ""), f"{x['made']:,}", f"{x['standing']:,}", *kept)
        parts.append(table)
    return Group(*parts, Text(found["note"], style="dim"))


@app.command("number-health")
def number_health(
    as_json: AsJson = False,
    most: Annotated[int, typer.Option(min=1, max=100_000, help="Stop after so many.")] = 1000,
) -> None:
    """Numbers to refresh: those that worked once and do not now, each with its newest notice."""
    rows: list[dict[str, Any]] = []
    with client() as todoke:
        for x in todoke.numbers_to_refresh():
            rows.append(x)
            if len(rows) == most:
                break
    if as_json:
        print_json({"numbers": rows})
        return
    table = _table("number", "health", "why", "reference", "newest notice")
    for x in rows:
        health = x["health"]
        table.add_row(x["number"], health["word"], health["why"], Text(x["reference"] or ""), x["notice"])
    out.print(table if rows else "No number is known to want refreshing.")
