"""`todoke forecast`: what a list would come to, with each wait that LINE could get."""

from math import isfinite
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from todoke.cli.common import client, fail, out, print_json
from todoke.core.durations import SECOND, parse_duration

_LAST = {
    "never_sent": "never sent to over LINE",
    "shown": "the last one was shown",
    "silent": "the last one was silent",
    "no_line_user": "LINE knew no user of it",
}


def forecast(
    channel: Annotated[
        str | None, typer.Option("--channel", "-c", help="Name or id. Left out: the only one.")
    ] = None,
    template: Annotated[
        str | None, typer.Option("--template", "-t", help="Left out: that of the newest notice.")
    ] = None,
    policy: Annotated[
        str | None, typer.Option(help="A policy's name. Left out: by the use case's urgency.")
    ] = None,
    count: Annotated[
        list[str] | None,
        typer.Option("--count", "-n", help="How many: 20000, or TW=20000, again for others."),
    ] = None,
    batch: Annotated[str | None, typer.Option(help="Or a batch that is held back, by its id.")] = None,
    deadline: Annotated[str | None, typer.Option(help="No step begins later: 24h, or a time.")] = None,
    starts_at: Annotated[
        str | None, typer.Option(help="When it goes out, with a zone: 2026-08-10T01:00Z.")
    ] = None,
    rate: Annotated[int | None, typer.Option(help="Notices an hour.")] = None,
    percent_an_hour: Annotated[float | None, typer.Option(help="So much of the list an hour.")] = None,
    hours: Annotated[
        str | None, typer.Option(help="Only between these times of the day: 09:00-18:00.")
    ] = None,
    wait: Annotated[list[str] | None, typer.Option(help="A wait to compare beside the usual ones.")] = None,
    most_late_duplicates: Annotated[
        float, typer.Option(min=0, max=100, help="Percent of the notices, for the wait that is recommended.")
    ] = 1.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Says what a list would come to before it is sent, and which wait to give LINE. For a file: todoke import FILE
    --dry-run.
    """
    if percent_an_hour is not None and not isfinite(percent_an_hour):
        fail(f"--percent-an-hour is a number from 0.01 to 100, not {percent_an_hour}.", 2)
    asked: dict[str, Any] = {
        "channel": channel,
        "template": template,
        "policy": policy,
        "count": _counts(count or []),
        "batch": batch,
        "deadline": deadline,
        "starts_at": starts_at,
        "rate": rate,
        "percent_an_hour": percent_an_hour,
        "hours": hours,
        "waits": wait or [],
        "most_late_duplicates": most_late_duplicates / 100,
    }
    with client() as todoke:
        found = todoke.forecast(**{k: v for k, v in asked.items() if v is not None})
    print_json(found) if as_json else out.print(forecast_lines(found))


def _counts(texts: list[str]) -> int | dict[str, int] | None:
    found: dict[str, int] = {}
    for text in texts:
        country, equals, number = text.rpartition("=")
        digits = number.replace(",", "").replace("_", "")
        if not (digits.isascii() and digits.isdigit()) or (equals and not country):
            fail(f"{text[:40]!r} is no count. Write 20000, or TW=20000.", 2)
        if not equals and len(texts) == 1:
            return int(digits)
        if not equals:
            fail("Several counts need a country each: -n TW=20000 -n TH=500.", 2)
        found[country] = int(digits)
    return found or None


def forecast_lines(found: dict[str, Any]) -> RenderableType:
    """A forecast for people, in 80 columns."""
    title = " ".join(str(found[k]) for k in ("channel", "template") if k in found)
    head = f"{found['notices']:,} notices" + (f", {title}" if title else "")
    parts: list[RenderableType] = [
        Text(head, style="bold"),
        Text(
            f"Over LINE {_share(found['line'])}, by SMS {_share(found['sms'])}, reached by nobody "
            f"{_share(found['not_reached'])}."
        ),
    ]
    parts += [Text(f"Cost {_cost(x)} {x['currency']}.") for x in found["cost"]]
    parts += [
        Text(f"SMS alone would cost {_alone(x)} {x['currency']} in {x['country']}.")
        for x in found["sms_alone"]
        if x["amount"] is not None
    ]
    parts += [Text(_times(found["time"]))]
    if found["waits"]:
        parts += [Text(), _table(found["waits"]), Text()]
    recommended = found["recommended"]
    wait = recommended["wait"]
    if wait is not None:
        same = ", as the policy has it" if recommended["is_the_policys"] else ""
        supposed = (
            " (mostly by suppositions: ask again once you have sent some)"
            if recommended["is_supposed"]
            else ""
        )
        parts.append(Text(f"Recommended wait: {wait}{same}{supposed}.", style="bold"))
    parts.append(Text(recommended["why"]))
    parts += [Text(x, style="dim") for x in _basis(found)]
    return Group(*parts)


def _table(rows: list[dict[str, Any]]) -> Table:
    table = Table(header_style="dim", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for i, name in enumerate(("wait", "LINE", "SMS", "cost", "late dupl.", "9 in 10 by")):
        table.add_column(name, justify="left" if i == 0 else "right", no_wrap=True)
    for row in rows:
        mark = " *" if row["is_recommended"] else ""
        cost = " + ".join(f"{_cost(x)} {x['currency']}" for x in row["cost"]) or "unknown"
        table.add_row(
            row["wait"] + mark,
            _share(row["line"]),
            _share(row["sms"]),
            cost,
            _share(row["late_duplicates"]),
            _span(row["time"]["nine_tenths_reached"]["expected"]),
            style="bold" if row["is_recommended"] else "",
        )
    return table


def _share(x: dict[str, Any]) -> str:
    """Percent with its range."""
    shares = [100 * x[name] for name in ("share", "share_low", "share_high")]
    digits = 0 if shares[2] >= 10 else 1
    middle, low, high = (f"{s:.{digits}f}" for s in shares)
    return f"{middle}% ({low}-{high})"


def _cost(x: dict[str, Any]) -> str:
    return f"{_short(x['low'])}-{_short(x['high'])}"


def _alone(x: dict[str, Any]) -> str:
    upper = x.get("amount_at_most")
    return _short(x["amount"]) if upper is None else f"{_short(x['amount'])}-{_short(upper)}"


def _short(amount: str) -> str:
    """An amount as finely as it is of use in a forecast."""
    value = float(amount)
    return f"{value:,.0f}" if value >= 100 else f"{value:,.2f}"


def _times(x: dict[str, Any]) -> str:
    half, most = x["half_reached"], x["nine_tenths_reached"]
    bounds = "" if most["low"] == most["high"] else f" ({_span(most['low'])} to {_span(most['high'])})"
    return (
        f"Half of those who are reached have it after {_span(half['expected'])}, nine in ten after "
        f"{_span(most['expected'])}{bounds}; the last step begins after {_span(x['last_step_begins'])} at the latest."
    )


def _span(duration: str) -> str:
    """A duration of the API as people say it: 245m is 4h 5m."""
    try:
        seconds = parse_duration(duration) // SECOND
    except ValueError:
        return duration
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24) if hours >= 48 else (0, hours)
    parts = ((days, "d"), (hours, "h"), (minutes, "m"), (seconds, "s"))
    return " ".join([f"{count}{unit}" for count, unit in parts if count][:2]) or "0s"


def _basis(found: dict[str, Any]) -> list[str]:
    basis = found["basis"]
    lines = [
        f"Ranges hold in {found['range']} of cases. From {basis['own_notifications']:,} notifications of this channel "
        f"and use case, and {basis['other_notifications']:,} others."
    ]
    for x in basis["recipients"]:
        lines.append(
            f"  {x['notices']:,} in {x['country']}, {_LAST[x['last_result']]}: LINE takes {100 * x['matched']:.0f}%, "
            f"and shows {100 * x['shown_within']['1h']:.0f}% of these within an hour."
        )
    return [*lines, *found["notes"]]
