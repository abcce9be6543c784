"""What is wrong with a channel, judged from what is stored of it: each check answers a finding, or None."""

from collections.abc import Mapping

import msgspec

from todoke.core.durations import DAY, HOUR, MINUTE, format_duration
from todoke.core.routing import LINE_WINDOW
from todoke.core.token_care import PausedFor, TokenFrom
from todoke.core.watching import Share, month_began, rising
from todoke.storage import channel_hours, notices
from todoke.storage.channel_hours import Counts, hour_of
from todoke.storage.channels import Channel
from todoke.storage.database import Tx

CHANNEL_PAUSED = "channel_paused"
TOKEN_TROUBLE = "token_trouble"  # noqa: S105
WEBHOOK_TROUBLE = "webhook_trouble"
SILENCE_RISING = "silence_rising"
UNMATCHED_RISING = "unmatched_rising"
CARRIER_DOWN = "carrier_down"
QUOTA_USED_UP = "quota_used_up"
BACKLOG = "backlog"
OF_CHANNELS = (
    CHANNEL_PAUSED,
    TOKEN_TROUBLE,
    WEBHOOK_TROUBLE,
    SILENCE_RISING,
    UNMATCHED_RISING,
    QUOTA_USED_UP,
    BACKLOG,
)

EARLIER = 7 * DAY
"""What a day is compared with."""
SETTLE = 15 * MINUTE
"""So long after its end events of an hour may still come."""
LATE = 15 * MINUTE
"""So long may a notice be due before its channel counts as behind."""
CURES_ITSELF = MINUTE
"""So long a channel that gets tokens from us may be paused for want of one before that is an alarm."""


class Finding(msgspec.Struct, frozen=True):
    """What is wrong, and what to do about it; nothing of a recipient."""

    text: str
    remedy: str


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A channel and its numbers."""

    channel: Channel
    day: Counts
    """Of the last 24 hours and the one that runs."""
    before_day: Counts
    closed: Counts
    """Of the last 24 hours whose notifications LINE holds no longer."""
    before_closed: Counts
    last_hour: Counts
    """Of the hour before the one that runs."""
    this_hour: Counts
    month: Counts
    """Of the last 24 hours, as far as they are of this month of LINE."""
    last_event_at: int | None
    unproved: int
    """Notifications that LINE took after the hour in which its last event came; of a day at most, and not of the
    last minutes, whose events may still come."""
    oldest_due: int | None


async def look(tx: Tx, channel: Channel, now: int) -> Seen:
    """Reads what the checks need: a few hundred small rows at most, whatever the traffic."""
    hour = hour_of(now)
    closed = hour_of(now - LINE_WINDOW)

    async def sums(since: int, until: int) -> Counts:
        return await channel_hours.between(tx, channel.id, since, until)

    day, before_day = await sums(hour - DAY, hour + HOUR), await sums(hour - DAY - EARLIER, hour - DAY)
    last_event_at = max(day.last_event_at or 0, before_day.last_event_at or 0) or None
    since = hour - DAY if last_event_at is None else max(hour - DAY, hour_of(last_event_at) + HOUR)
    until = hour if now - hour >= SETTLE else hour - HOUR
    return Seen(
        channel=channel,
        day=day,
        before_day=before_day,
        closed=await sums(closed - DAY, closed),
        before_closed=await sums(closed - DAY - EARLIER, closed - DAY),
        last_hour=await sums(hour - HOUR, hour),
        this_hour=await sums(hour, hour + HOUR),
        month=await sums(max(hour - DAY, month_began(now)), hour + HOUR),
        last_event_at=last_event_at,
        unproved=(await sums(since, until)).accepted,
        oldest_due=await notices.next_due(tx, channel.id),
    )


def judged(seen: Seen, standing: frozenset[str], since: int, now: int) -> Mapping[str, Finding | None]:
    """All verdicts that need no question to LINE, by kind of alarm.

    `standing`: the kinds that are raised already; `since`: when this process began to look. What was due while none ran
    is not late before the new one had its time.
    """
    return {
        CHANNEL_PAUSED: _paused(seen.channel, now),
        TOKEN_TROUBLE: _token(seen.channel, now),
        SILENCE_RISING: _silence(seen, SILENCE_RISING in standing),
        UNMATCHED_RISING: _unmatched(seen, UNMATCHED_RISING in standing),
        QUOTA_USED_UP: _quota(seen),
        BACKLOG: _backlog(seen, since, now),
    }


def _paused(channel: Channel, now: int) -> Finding | None:
    if channel.paused_at is None:
        return None
    ours = channel.paused_for == PausedFor.TOKEN and channel.token_from != TokenFrom.GIVEN
    if ours and now - channel.paused_at < CURES_ITSELF:
        return None
    return Finding(
        f"The channel {channel.name} is paused: {channel.paused_why or 'no reason is known'} "
        "Its notices wait, as far as their next step is LINE's.",
        "Set a new access token with todoke channels token, or set right at LINE what the reason names and resume "
        "with todoke channels resume. todoke doctor says more.",
    )


def _token(channel: Channel, now: int) -> Finding | None:
    if channel.paused_at is not None and channel.paused_for == PausedFor.TOKEN:
        return None  # That it is paused says why; one trouble is one alarm.
    if channel.token_trouble is not None:
        return Finding(
            f"The channel {channel.name} has trouble with its access token. {channel.token_trouble}",
            "See that the channel's private key or secret is the one that LINE has. todoke doctor says more.",
        )
    ends = channel.token_expires_at
    if ends is None or channel.access_token is None or now < ends - (ends - (channel.token_at or now)) // 10:
        return None
    left = f"ends in {format_duration(ends - now)}" if now < ends else "has ended"
    return Finding(
        f"The access token of the channel {channel.name} {left} and was not renewed.",
        "Set a new one with todoke channels token, or give the channel its private key, so that Todoke renews it.",
    )


def _silence(seen: Seen, standing: bool) -> Finding | None:
    recent = Share(seen.closed.accepted - seen.closed.delivered, seen.closed.accepted)
    earlier = Share(seen.before_closed.accepted - seen.before_closed.delivered, seen.before_closed.accepted)
    if not rising(recent, earlier, standing):
        return None
    return Finding(
        f"Of the notifications that LINE took for the channel {seen.channel.name}, more are never shown: "
        f"{_words(recent)} of a day, {_words(earlier)} in the week before.",
        "Users may have begun to block the account, or the list is of other people: see the content and the lists of "
        "those days. If events were lost on our side, LINE's counts (todoke reconcile) are higher than ours.",
    )


def _unmatched(seen: Seen, standing: bool) -> Finding | None:
    recent = Share(seen.day.unmatched, seen.day.unmatched + seen.day.accepted)
    earlier = Share(seen.before_day.unmatched, seen.before_day.unmatched + seen.before_day.accepted)
    if not rising(recent, earlier, standing):
        return None
    return Finding(
        f"LINE can't match more of the numbers of the channel {seen.channel.name}: "
        f"{_words(recent)} in the last day, {_words(earlier)} in the week before.",
        "See whether a list holds old or mistyped numbers, and whether the channel's country is right.",
    )


def _quota(seen: Seen) -> Finding | None:
    if not seen.month.over_quota:
        return None
    return Finding(
        f"The month's quota of messages of the channel {seen.channel.name} is used up: pushes that LINE "
        f"has refused within a day: {seen.month.over_quota:,}. Their notices go on with the next step.",
        "Raise the plan or the limit of additional messages in LINE Official Account Manager.",
    )


def _backlog(seen: Seen, since: int, now: int) -> Finding | None:
    if seen.channel.paused_at is not None or seen.oldest_due is None:
        return None
    if now - max(seen.oldest_due, since) < LATE:
        return None
    minutes = (now - seen.oldest_due) // MINUTE
    return Finding(
        f"The channel {seen.channel.name} is behind: notices have been due for {minutes} minutes.",
        "A large list takes its time, at the channel's rate. Else look at the log for engine.error, at the "
        "machine's load and at how fast LINE and the SMS carriers answer.",
    )


def _words(share: Share) -> str:
    return f"{share.rate:.0%} ({share.hits:,} of {share.of:,})"
