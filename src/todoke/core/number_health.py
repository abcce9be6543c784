"""How far a number can be relied on, from what carriers said of it last."""

from collections.abc import Iterable
from enum import StrEnum

import msgspec

from todoke.core.durations import DAY

LASTS = 180 * DAY
"""What was shown so long ago proves nothing any more: LINE's own check of a number lasts as long."""
MANY = 3
"""So many silences since it was last shown make a number stale."""


class Health(StrEnum):
    """The word for a number."""

    FRESH = "fresh"
    """Something reached it lately, and nothing since says otherwise."""
    UNKNOWN = "unknown"
    """Nothing has proved it, or nothing was sent."""
    STALE = "stale"
    """It worked once, and does not seem to now: ask the customer."""
    BAD = "bad"
    """Nothing reaches it: neither LINE nor SMS."""


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What one attempt says. `line`: over LINE notification, else an SMS.

    `matched`: LINE took it, so the number was a LINE user's. `shown_at`: when its proof came; None: none. `refused`: a
    422, or a carrier's final failure. `silent`: no proof in its time.
    """

    at: int
    line: bool
    matched: bool = False
    shown_at: int | None = None
    refused: bool = False
    silent: bool = False
    channel_id: str | None = None
    carrier: str | None = None


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """The last of each, by the time of its request; the word, and why."""

    word: Health
    why: str
    matched: Result | None = None
    unmatched: Result | None = None
    shown: Result | None = None
    silent: Result | None = None
    sms_received: Result | None = None
    sms_failed: Result | None = None


def record(results: Iterable[Result], now: int) -> Record:
    """What the attempts to a number come to."""
    ordered = sorted(results, key=lambda x: x.at)
    line, sms = [x for x in ordered if x.line], [x for x in ordered if not x.line]
    found = Record(
        word=Health.UNKNOWN,
        why="",
        matched=_last(x for x in line if x.matched),
        unmatched=_last(x for x in line if x.refused),
        shown=_last(x for x in line if x.shown_at is not None),
        silent=_last(x for x in line if x.silent),
        sms_received=_last(x for x in sms if x.shown_at is not None),
        sms_failed=_last(x for x in sms if x.refused),
    )
    silences = sum(x.silent and x.at > _at(found.shown) for x in line)
    word, why = _word(found, silences, now)
    return msgspec.structs.replace(found, word=word, why=why)


def _last(results: Iterable[Result]) -> Result | None:
    last = None
    for x in results:
        last = x
    return last


def _at(result: Result | None) -> int:
    return -1 if result is None else result.at


def _ago(days: int) -> str:
    if days < 1:
        return "today"
    return "a day ago" if days == 1 else f"{days} days ago"


def _word(found: Record, silences: int, now: int) -> tuple[Health, str]:
    unmatched = _at(found.unmatched) > _at(found.matched)
    sms_gone = _at(found.sms_failed) > _at(found.sms_received)
    proved = max(_at(found.shown), _at(found.sms_received))
    if sms_gone and (unmatched or found.matched is None):
        return Health.BAD, "an SMS to it failed for good, and LINE knows it no more or never did"
    if sms_gone and _at(found.sms_failed) > _at(found.shown):
        return Health.STALE, "an SMS to it failed for good, and nothing has reached it since"
    if unmatched and found.matched is not None and _at(found.sms_received) < _at(found.unmatched):
        return Health.STALE, "LINE had a user for it before, and answers 422 now"
    if proved >= 0 and now - proved > LASTS:
        return Health.STALE, f"the last message that surely reached it was {(now - proved) // DAY} days ago"
    if found.shown is not None and silences >= MANY and _at(found.sms_received) < _at(found.silent):
        return Health.STALE, f"the last {silences} messages over LINE were silent"
    if proved >= 0:
        way = "over LINE" if proved == _at(found.shown) else "by SMS"
        return Health.FRESH, f"a message reached it {way} {_ago((now - proved) // DAY)}"
    if found.matched is not None:
        return Health.UNKNOWN, "LINE has a user for it, but nothing was shown there yet"
    if found.unmatched is not None:
        return Health.UNKNOWN, "LINE answers 422, and no SMS has proved it"
    return Health.UNKNOWN, "nothing that was sent to it tells"
