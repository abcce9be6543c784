"""Our count beside LINE's, by channel, day and kind, and what may explain a difference."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from todoke.core.counting import HIDDEN_UNDER, Comparison, Kind, Status, span
from todoke.core.durations import rfc3339
from todoke.storage import count_candidates, line_counts
from todoke.storage.channels import Channel
from todoke.storage.count_candidates import Candidates
from todoke.storage.database import Tx
from todoke.storage.line_counts import Span
from todoke.storage.lookup import Lookup

NAMED = 100
"""Notices and messages named for one difference; the total says how many more there are."""

_MIDNIGHT = "within 5 minutes of midnight in UTC+9, so LINE may count it for the other day"
REASONS = {
    "unknown": "LINE's answer was lost and no delivery event came: LINE may have shown it",
    "silent": "LINE took it and no delivery event came: it may have been shown and its event lost",
    "waiting": "LINE took it, and its delivery event may still come",
    "midnight": f"shown {_MIDNIGHT}",
    "push_unknown": "LINE's answer to the push was lost: LINE may have taken it",
    "push_midnight": f"pushed {_MIDNIGHT}",
    "push_repeated": "LINE had taken it at an earlier try, which may count for the day of that try",
    "push_blocked": "LINE took the push, but the user blocks the account or has left it: nothing was shown",
}
"""Why a notice or a message may be counted by one side only."""

WORDS = {
    Status.READY: "counted",
    Status.UNREADY: "LINE has not counted this day yet: usually it has on the next day",
    Status.OUT_OF_SERVICE: "the day is before LINE began to count",
    Status.HIDDEN: f"LINE does not tell counts under {HIDDEN_UNDER}",
    Status.NOT_ALLOWED: "LINE says that this account may not use this kind of message",
    Status.NO_TOKEN: "not asked: the channel has no access token that can be used",
    Status.REFUSED: "LINE refused the question",
    Status.NO_ANSWER: "LINE did not answer",
}
"""What a status means, for people."""

_OTHERS = (
    "Messages that another system, or a test outside Todoke, sent over the same channel are in LINE's count and not in "
    "ours."
)
_LOST = (
    "Delivery events that LINE could not post are missing in our count. With webhook redelivery on, some still come: "
    "the day is compared once more a day later."
)
_OTHER_CHANNEL = (
    "The channel's access token was changed after this day began: if it belongs to another LINE channel, LINE told "
    "that channel's count."
)
_NOT_SHOWN = "LINE takes pushes to users who block the account, and counts only what it shows."


async def rows(
    tx: Tx, comparisons: Sequence[Comparison], channels: Mapping[str, Channel], lookup: Lookup, *, by_id: bool
) -> list[dict[str, Any]]:
    """Comparisons as the API answers them; `channels` has those that they are about, by id.

    `by_id`: ids tell the time (see `storage.line_counts`).
    """
    return [await _row(tx, x, channels[x.channel_id], lookup, by_id) for x in comparisons]


async def _row(tx: Tx, x: Comparison, channel: Channel, lookup: Lookup, by_id: bool) -> dict[str, Any]:
    found = await _candidates(tx, x, lookup, by_id) if x.surplus else Candidates([], 0)
    return {
        "channel": x.channel_id,
        "channel_name": channel.name,
        "day": x.day.isoformat(),
        "kind": x.kind,
        "ours": x.ours,
        "line": x.theirs,
        "status": x.status,
        "status_text": WORDS[x.status],
        "detail": x.detail,
        "difference": x.difference,
        "differs": x.surplus != 0,
        "explained_by": [
            {"notice": c.notice_id, "reason": REASONS[c.why]}
            if c.notice_id is not None
            else {"message": c.message_id, "reason": REASONS[c.why]}
            for c in found.first
        ],
        "explained_by_total": found.total,
        "notes": _notes(x, channel),
        "checked_at": rfc3339(x.checked_at),
    }


async def _candidates(tx: Tx, x: Comparison, lookup: Lookup, by_id: bool) -> Candidates:
    day, more = Span(*span(x.day), by_id=by_id), x.surplus > 0
    if x.kind is Kind.PUSH:
        return await count_candidates.pushes(tx, x.channel_id, day, line_counts_more=more, limit=NAMED)
    ids = await line_counts.templates_of(tx, x.channel_id)
    templates = await lookup.templates(tx, ids)
    of_kind = [i for i in ids if kind_of(templates[i].line_form) is x.kind]
    return await count_candidates.notifications(
        tx, x.channel_id, of_kind, day, line_counts_more=more, limit=NAMED
    )


def kind_of(line_form: str | None) -> Kind:
    """Which of LINE's counts a template's notifications are in."""
    return Kind.TEMPLATE if line_form == "line_template" else Kind.FLEXIBLE


def _notes(x: Comparison, channel: Channel) -> list[str]:
    """What may explain the difference beside the notices that are named."""
    if not x.surplus:
        return []
    start, _ = span(x.day)
    changed = channel.token_from == "given" and (channel.token_at or 0) > start  # noqa: S105
    notes = [_OTHER_CHANNEL] if changed else []
    if x.surplus > 0:
        return [_OTHERS, *([] if x.kind is Kind.PUSH else [_LOST]), *notes]
    return [*([_NOT_SHOWN] if x.kind is Kind.PUSH else []), *notes]


async def ours(
    tx: Tx, channel_ids: Sequence[str], since: date, until: date, lookup: Lookup, *, by_id: bool
) -> dict[tuple[str, date, Kind], int]:
    """Our counts by channel, LINE's day (both counted) and kind; what is not there is none."""
    stretch = Span(span(since)[0], span(until)[1], by_id=by_id)
    counted = await line_counts.count(tx, channel_ids, stretch)
    templates = await lookup.templates(tx, {x.template_id for x in counted if x.template_id is not None})
    found: dict[tuple[str, date, Kind], int] = {}
    for x in counted:
        kind = Kind.PUSH if x.template_id is None else kind_of(templates[x.template_id].line_form)
        key = x.channel_id, x.day, kind
        found[key] = found.get(key, 0) + x.number
    return found
