"""/v1/reports: why notices stayed silent, which numbers to refresh, who leaves, and who came."""

from datetime import date, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query

from todoke.core.counting import line_day, parse_day, span
from todoke.core.durations import DAY, parse_rfc3339, rfc3339
from todoke.ids import is_id
from todoke.reports import block_rate, growth, number_health
from todoke.reports import silence as report
from todoke.server.api.asked import KNOWN_NAMES, Since, Start, Until
from todoke.server.api.channels import found_channel
from todoke.server.api.models import answer, problems
from todoke.server.auth import Account
from todoke.server.problems import Problem
from todoke.server.services import Parts, Services
from todoke.storage import channels as channel_store
from todoke.storage.channels import Channel
from todoke.storage.database import Tx
from todoke.storage.silence import Wanted

router = APIRouter(prefix="/v1/reports", tags=["Reports"], dependencies=KNOWN_NAMES)

WEEK, MONTH = 7 * DAY, 30 * DAY
MOST_DAYS = 92
MOST_CHANNELS = 50
_LATEST = parse_rfc3339("9000-01-01T00:00:00Z")

OneChannel = Annotated[str | None, Query(max_length=100, description="Only this channel, by name or id.")]

SILENCE_EXAMPLE: dict[str, Any] = {
    "causes": [
        {
            "cause": "blocked",
            "likelihood": 0.93,
            "evidence": ["another channel's message was shown to this number in the same 24 hours: …"],
            "against": [],
        },
        {"cause": "unseen", "likelihood": 0.07, "evidence": [], "against": ["events came: …"]},
    ],
    "note": report.NOTE,
}
_REPORT = {
    "from": "2026-07-31T09:30:00.000Z",
    "until": "2026-08-07T09:30:00.000Z",
    "silent": 41,
    "judged": 41,
    "by_first_cause": {
        "blocked": 17,
        "no_consent": 8,
        "no_verification": 9,
        "number_changed": 1,
        "unseen": 2,
        "unknown": 4,
    },
    "without_evidence": 4,
    "share_without_evidence": 0.098,
    "note": report.NOTE,
}
_HEALTH = {
    "word": "stale",
    "why": "LINE had a user for it before, and answers 422 now",
    "last_matched": {"at": "2026-06-01T09:30:00.000Z", "channel": "01K2W7H…"},
    "last_unmatched": {"at": "2026-08-01T09:30:00.000Z", "channel": "01K2W7H…"},
    "last_delivered": None,
    "last_silent": None,
    "last_sms_received": None,
    "last_sms_failed": None,
}
_NUMBERS = {
    "numbers": [
        {"number": "0912•••678", "notice": "01K2W7K…", "reference": "A-1001", "health": _HEALTH},
    ],
    "next": "01K2W7K…",
}
_DAY = {
    "day": "2026-08-07",
    "friends": 20480,
    "followed": 31,
    "unblocked": 2,
    "unfollowed": 64,
    "blocked_by_others": 3,
    "rate": 0.003125,
    "usual_rate": 0.0006,
    "rose": True,
}
_BLOCK_RATE = {
    "from": "2026-08-01",
    "until": "2026-08-07",
    "channels": [
        {
            "channel": "01K2W7H…",
            "channel_name": "Parcels",
            "days": [_DAY],
            "known_blockers": 12,
            "rises": [
                {
                    "day": "2026-08-07",
                    "unfollowed": 64,
                    "blocked_by_others": 3,
                    "rate": 0.003125,
                    "usual_rate": 0.0006,
                    "sent_before": [{"template": "sale", "step": "line_push", "sent": 18200}],
                }
            ],
            "note": block_rate.NOTE,
        }
    ],
}
_GROWTH = {
    "from": "2026-07-08T09:30:00.000Z",
    "until": "2026-08-07T09:30:00.000Z",
    "friends": {
        "followed": 310,
        "unblocked": 12,
        "unfollowed": 40,
        "blocked_by_others": 2,
        "new": 298,
        "new_stayed": 281,
        "won": 120,
        "won_stayed": 118,
        "unattributed": 178,
        "by_template": [{"template": "parcel", "step": "line_notification", "won": 120, "stayed": 118}],
    },
    "bindings": [
        {
            "template": "parcel",
            "way": "notification",
            "made": 96,
            "standing": 95,
            "after_7d": {"of": 80, "standing": 80},
            "after_30d": {"of": 10, "standing": 9},
        }
    ],
    "note": growth.NOTE,
}


async def silence_of(tx: Tx, account: str, notice_id: str, number: str, parts: Services) -> dict[str, Any]:
    """`silence` of a notice's view; nothing where no attempt of it was silent."""
    found = await report.of_notice(tx, account, notice_id, number, parts.clock.now())
    return {} if found is None else {"silence": found}


async def health_of(tx: Tx, account: str, number: str, parts: Services) -> dict[str, Any]:
    """`health` of a recipient, and `silence` where a notification to the number was silent."""
    silence, health = await number_health.of_number(tx, account, number, parts.clock.now())
    return {"health": health} | ({} if silence is None else {"silence": silence})


def _stretch(since: Start, until: str | None, now: int, length: int) -> tuple[int, int]:
    """Since and until as times; left out: so long a time up to now."""
    end = now if until is None else _time(until, "until")
    start = max(end - length, 0) if since.text is None else _time(since.text, since.name)
    if start >= end:
        raise _wrong(since.name, "it must be before until")
    return start, end


def _time(text: str, name: str) -> int:
    try:
        time = parse_rfc3339(text)
    except (ValueError, OverflowError) as error:
        raise _wrong(name, str(error)) from None
    if not 0 <= time < _LATEST:
        raise _wrong(name, f"{text[:40]!r} is out of range: write a time from 1970 on")
    return time


def _wrong(name: str, what: str) -> Problem:
    return Problem(422, "invalid", f"{name}: {what}", [(f"query: {name}", what)])


async def _channels(tx: Tx, account: str, channel: str | None) -> list[Channel]:
    if channel is not None:
        return [await found_channel(tx, account, channel)]
    found = await channel_store.list_channels(tx, account)
    if len(found) > MOST_CHANNELS:
        raise _wrong("channel", f"the account has {len(found)} channels: name one of them")
    return list(found)


@router.get(
    "/silence",
    summary="Why notices stayed silent",
    description="LINE notifications that had no delivery event in 24 hours and 10 minutes, by the cause that is "
    "likeliest. `since` and `until` are times of the request; left out: the last seven days. The newest "
    f"{report.MOST_JUDGED:,} are judged. {report.NOTE.capitalize()}.",
    responses={200: answer(_REPORT), **problems(401, 404, 422)},
)
async def silence(
    account: Account, parts: Parts, since: Since, channel: OneChannel = None, until: Until = None
) -> dict[str, Any]:
    now = parts.clock.now()
    start, end = _stretch(since, until, now, WEEK)
    async with parts.database.read() as tx:
        channel_id = None if channel is None else (await found_channel(tx, account, channel)).id
        wanted = Wanted(
            account_id=account, channel_id=channel_id, since=start, until=end, by_id=parts.comparer.by_id
        )
        found = await report.report(tx, wanted, now)
    return {"from": rfc3339(start), "until": rfc3339(end), **found}


@router.get(
    "/number-health",
    summary="Numbers to refresh",
    description="Numbers whose health is `stale` or `bad`, each with its newest notice, by which you find the "
    f"customer. A page looks through {number_health.WALKED:,} notices, the newest first, so it may be short, or empty, "
    "although `next` says that more follow.",
    responses={200: answer(_NUMBERS), **problems(401, 422)},
)
async def numbers_to_refresh(
    account: Account,
    parts: Parts,
    cursor: Annotated[str | None, Query(max_length=26)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> dict[str, Any]:
    if cursor is not None and not is_id(cursor):
        raise Problem(422, "invalid-cursor", "This cursor is not one that a former page gave as next.")
    async with parts.database.read() as tx:
        found, following = await number_health.to_refresh(tx, account, cursor, limit, parts.clock.now())
    return {"numbers": found} | ({} if following is None else {"next": following})


@router.get(
    "/block-rate",
    summary="How many friends leave, day by day",
    description="By LINE's days (UTC+9), both counted; left out: the last 28. `rate` is who of the friends left on the "
    "day by the friends at its beginning; both are null on days before anything was known of the channel. "
    "`blocked_by_others`: users who were not known as friends and block the account; no rate counts them. `rises`: "
    "days on which clearly more friends left than usual, and what was sent in the 72 hours before and on the day.",
    responses={200: answer(_BLOCK_RATE), **problems(401, 404, 422)},
)
async def blocks(
    account: Account, parts: Parts, since: Since, channel: OneChannel = None, until: Until = None
) -> dict[str, Any]:
    now = parts.clock.now()
    first, last = _days(since, until, now)
    async with parts.database.read() as tx:
        rows = [
            await block_rate.report(tx, x, first, last, now, by_id=parts.comparer.by_id)
            for x in await _channels(tx, account, channel)
        ]
    return {"from": first.isoformat(), "until": last.isoformat(), "channels": rows}


def _days(since: Start, until: str | None, now: int) -> tuple[date, date]:
    today = line_day(now)
    last = today if until is None else _day(until, "until")
    if last > today:
        raise _wrong("until", f"{last} has not come yet: today is {today} in UTC+9")
    first = last - timedelta(days=27) if since.text is None else _day(since.text, since.name)
    if first > last:
        raise _wrong(since.name, "it must not be after until")
    if (last - first).days >= MOST_DAYS:
        raise _wrong(
            since.name, f"{since.name} and until are more than {MOST_DAYS} days apart: ask for fewer"
        )
    return first, last


def _day(text: str, name: str) -> date:
    try:
        day = parse_day(text)
    except ValueError as error:
        raise _wrong(name, str(error)) from None
    if span(day)[0] < 0:
        raise _wrong(name, f"{text!r} is out of range: write a day from 1970-01-02 on")
    return day


@router.get(
    "/growth",
    summary="Friends won and bindings made after notices",
    description="`since` and `until` are times; left out: the last 30 days. `new` are users who followed for the first "
    f"time, the newest {growth.MOST_FOLLOWERS:,} of them; `won` those who did within 7 days after something reached a "
    "number that is bound to them.",
    responses={200: answer(_GROWTH), **problems(401, 404, 422)},
)
async def grown(
    account: Account, parts: Parts, since: Since, channel: OneChannel = None, until: Until = None
) -> dict[str, Any]:
    now = parts.clock.now()
    start, end = _stretch(since, until, now, MONTH)
    async with parts.database.read() as tx:
        channels = [c.id for c in await _channels(tx, account, channel)]
        found = await growth.report(tx, account, channels, channel is not None, start, end, now)
    return {"from": rfc3339(start), "until": rfc3339(end), **found}
