"""Batches and scores of lists as lines for a terminal."""

import math
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from todoke.cli import show

STYLE = {
    "reading": "cyan",
    "preparing": "cyan",
    "scheduled": "cyan",
    "sending": "cyan",
    "paused": "yellow",
    "cancelling": "yellow",
    "ended": "green",
    "failed": "red",
    "cancelled": "dim",
}
_UNITS = ((2 * 86_400, 86_400, "d"), (3600, 3600, "h"), (60, 60, "m"), (0, 1, "s"))
"""From so many seconds on, in units of so many."""
SCORE_WORDS = {
    "never_seen": "nothing was ever sent to them",
    "shown": "a notification was shown there",
    "matched": "LINE took the last one, none was shown",
    "unmatched": "LINE answered 422 to the last one",
    "sms_only": "only SMS went there",
    "sms_failed": "the last SMS failed for good",
    "suppressed": "suppressed: they get nothing",
    "sms_suppressed": "suppressed for SMS",
    "bound": "bound to a LINE user",
    "in_doubt": "bound, and in doubt",
}


def listed(found: list[dict[str, Any]]) -> RenderableType:
    """A line a batch."""
    if not found:
        return "There are no batches yet. Send a list: todoke import --help"
    table = _table("id", "state", ">notices", ">begun", ">open", "left", "file")
    table.padding = (0, 1, 0, 0)
    table.columns[-1].overflow, table.columns[-1].no_wrap = "ellipsis", True
    for b in found:
        table.add_row(
            b["id"],
            Text(b["state"], style=STYLE[b["state"]]),
            f"{b['accepted']:,}",
            _percent(b["begun"], b["accepted"]),
            _percent(b["open"], b["accepted"]),
            short_left(b),
            Text(b["file"]),
        )
    return table


def one(b: dict[str, Any]) -> RenderableType:
    """A batch: counts, plan, what holds it up, how long it may take."""
    lines: list[RenderableType] = []
    plan = plan_words(b["plan"])
    if plan:
        lines.append(f"Plan: {plan}")
    if b["begun"] or b["held"]:
        held = f", {b['held']:,} held back" if b["held"] else ""
        lines.append(f"{b['begun']:,} of {b['accepted']:,} have begun{held}")
    if (hold := b["held_up_by"]) is not None:
        lines.append(_held_up(hold))
    if (left := b["time_left"]) is not None and left["seconds_at_most"] == 0:
        lines.append(Text("Every first request has left", style="dim"))
    elif left is not None and b["state"] != "cancelling":
        # What holds it up is said already.
        why = "" if hold is not None and left["why"] == hold["words"] else f" ({left['why']})"
        lines.append(Text(f"Until the last first request: {time_left(b)}{why}", style="dim"))
    if b["ends_at_most"] is not None:
        lines.append(Text(f"The last proof comes at {_minute(b['ends_at_most'])} at the latest", style="dim"))
    return show.batch(b, lines)


def _held_up(hold: dict[str, Any]) -> Text:
    """What nothing more leaves for; a plan that lets the next portion go soon is no trouble."""
    if hold["cause"] in ("rate", "waves"):
        at = "" if hold["until"] is None else f"; the next portion at {_minute(hold['until'])}"
        return Text(f"On plan: {hold['words']}{at}")
    until = "" if hold["until"] is None else f" (until {_minute(hold['until'])})"
    return Text(f"Held up: {hold['words']}{until}", style="yellow")


def plan_words(plan: dict[str, Any]) -> str:
    """The plan in words; empty where there is none."""
    words = []
    if plan["starts_at"]:
        words.append(f"starts at {_minute(plan['starts_at'])}")
    if plan["rate"]:
        words.append(f"{plan['rate']:,} an hour")
    if plan["percent_an_hour"]:
        words.append(f"{plan['percent_an_hour']:g}% of the list an hour")
    if plan["hours"]:
        words.append(f"only at {plan['hours']}, local time")
    return ", ".join(words)


def time_left(b: dict[str, Any]) -> str:
    """A range, or unknown; empty where nothing is left."""
    left = b["time_left"]
    if left is None:
        return ""
    least, most = left["seconds"], left["seconds_at_most"]
    if least is None:
        return "unknown"
    if most is None:
        return f"at least {span(least)}"
    return span(least) if span(least) == span(most) else f"{span(least)} to {span(most)}"


def short_left(b: dict[str, Any]) -> str:
    """The same in a dozen characters, the ends rounded away from each other."""
    left = b["time_left"]
    if left is None:
        return ""
    least, most = left["seconds"], left["seconds_at_most"]
    if least is None:
        return "unknown"
    if most == 0:
        return ""
    longest = max(least, most or 0)
    per, unit = next((each, unit) for from_, each, unit in _UNITS if longest >= from_)
    # A tenth where it tells, as in 2.5 to 2.8 hours.
    fine = 10 if unit in "hd" and longest < 10 * per else 1
    low = f"{math.floor(fine * least / per) / fine:g}"
    if most is None:
        return f"over {low}{unit}"
    high = f"{math.ceil(fine * most / per) / fine:g}"
    return f"{high}{unit}" if low == high else f"{low}-{high}{unit}"


def _percent(part: int, of: int) -> str:
    """A share, never rounded to none or all that it is not."""
    if not of:
        return "-"
    share = 100 * part / of
    return f"{share:.0f}%" if share in (0, 100) else f"{min(max(round(share), 1), 99)}%"


def span(seconds: int) -> str:
    """A length of time, as people say it."""
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{round(seconds / 60)} min"
    if seconds < 2 * 86_400:
        hours, minutes = divmod(round(seconds / 60), 60)
        return f"{hours} h {minutes:02} min" if minutes else f"{hours} h"
    return f"{seconds / 86_400:.1f} days"


def score(s: dict[str, Any]) -> RenderableType:
    """How good a list is."""
    about = s["list"]
    if s["score"] is None:
        return Group(*s["advice"])
    of = f"{about['rows']:,} rows" if about["whole"] else f"the first {about['rows']:,} rows"
    spread = "" if about["looked_at"] >= about["rows"] else f", {about['looked_at']:,} of them looked at"
    head = Text.assemble((f"Numbers {s['score']} of 100 ({s['word']})", "bold"), f"  {of}{spread}")
    healthy = ", ".join(f"{share:.1%} {word}" for word, share in s["health"].items() if share)
    parts: list[RenderableType] = [head, Text(f"Number health: {healthy}")]
    table = _table(">share", "numbers")
    for name, share in s["shares"].items():
        if share:
            table.add_row(f"{share:.1%}", SCORE_WORDS[name])
    return Group(*parts, table, *s["advice"])


def _table(*columns: str) -> Table:
    table = Table(header_style="dim", box=None, pad_edge=False)
    for i, column in enumerate(columns):
        right = column.startswith(">")
        table.add_column(column.lstrip(">"), justify="right" if right else "left", no_wrap=i == 0)
    return table


def _minute(text: str) -> str:
    """RFC 3339 to the minute, UTC."""
    return text[:16].replace("T", " ") + " UTC"
