"""An ordinary message to a friend: what may stand in it, and where it stands after each try.

A push carries a retry key, and LINE takes one key once in 24 hours (LINE: Messaging API, "Retry a failed API
request"). So a try whose outcome is unknown is made again with the same key, and never once that day is over.

An answer to what a user just did in the chat goes as a reply first: LINE does not count those, and takes them of
users who are no friends. A reply carries no retry key, so one whose outcome is unknown is never sent again in any way.
"""

from enum import StrEnum
from typing import Any

import msgspec
from msgspec.structs import replace

from todoke.core.durations import DAY, SECOND
from todoke.core.errors import InvalidMessages
from todoke.core.outcome import Answer, Outcome
from todoke.core.retrying import BACKOFF_CAP
from todoke.core.routing import RETRY_KEY_LASTS
from todoke.core.states import LEASE
from todoke.core.template_shape import MAX_DEPTH, PUSH_TYPES, escaped
from todoke.core.template_values import FORBIDDEN

MOST_OBJECTS = 5
"""Message objects in one request (LINE: "Send push message")."""
MAX_BYTES = 100 * 1024
"""Our own limit for all of them as JSON. LINE's largest, a Flex carousel, has 50 KB."""
TYPES = PUSH_TYPES | {"coupon"}
TRY_FOR = DAY
"""How long a message is tried, from its first try; the time in a paused channel does not count."""
RESERVED = "todoke:"
"""References that begin with it are those of what Todoke itself writes."""
REPLY_LASTS = 55 * SECOND
"""How long a reply token is tried after its event came. LINE takes one within a minute (LINE: "Send reply message");
one that is over is refused for sure, and the answer goes as a push."""
MAYBE_SHOWN = "the reply may have been shown, and LINE has no way to repeat a reply safely"


class MessageState(StrEnum):
    """Where an ordinary message stands. The last two are ends."""

    QUEUED = "queued"
    SENDING = "sending"
    HANDED_OVER = "handed_over"
    """LINE took it. LINE tells nobody whether a push was shown."""
    NOT_DELIVERED = "not_delivered"


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A message as far as deciding about it needs. Times are milliseconds since the epoch."""

    id: str
    created_at: int
    state: MessageState = MessageState.QUEUED
    outcome: Outcome | None = None
    """Of the last try; of one that has ended in doubt: unknown."""
    status: int | None = None
    detail: str | None = None
    request_id: str | None = None
    tries: int = 0
    unknown_since: int | None = None
    """When the first try left whose outcome is in doubt; set before each request, so that a crash leaves it."""
    give_up_at: int | None = None
    answered_at: int | None = None
    ended_at: int | None = None
    due_at: int | None = None
    reply_token: str | None = None
    """Of an answer whose first try is still to come; dropped when that begins."""
    reply_until: int | None = None
    """Until when the first try goes as a reply. With it and without a token it has gone as one: so it stays where
    that was the end, and goes where a push followed."""

    @property
    def reply_is_out(self) -> bool:
        """Whether a reply has begun whose answer nobody has written down."""
        return self.reply_until is not None and self.reply_token is None and self.ended_at is None

    def may_reply(self, now: int) -> bool:
        """Whether the next try may go as a reply."""
        return self.reply_token is not None and self.reply_until is not None and now < self.reply_until


def check(messages: Any) -> None:
    """Raises InvalidMessages with the place for what LINE can't be asked to send. All else LINE says itself."""
    if not isinstance(messages, list) or not 1 <= len(messages) <= MOST_OBJECTS:
        raise InvalidMessages(
            f"messages must be a list of 1 to {MOST_OBJECTS} LINE message objects.", "/messages"
        )
    _refuse_hostile(messages, "/messages", 0)
    for n, message in enumerate(messages):
        place = f"/messages/{n}"
        if not isinstance(message, dict):
            raise InvalidMessages(
                'A message is an object as LINE takes it, such as {"type": "text", "text": "…"}.', place
            )
        kind = message.get("type")
        if not isinstance(kind, str) or kind not in TYPES:
            known = ", ".join(sorted(TYPES))
            given = (
                "There is no type" if kind is None else f"{str(kind)[:20]!r} is no type of LINE's messages"
            )
            raise InvalidMessages(f"{given}. Use one of {known}.", f"{place}/type")
    if len(msgspec.json.encode(messages)) > MAX_BYTES:
        raise InvalidMessages(
            f"The messages are larger than {MAX_BYTES // 1024} KB: shorten them.", "/messages"
        )


def _refuse_hostile(node: Any, pointer: str, depth: int) -> None:
    """JSON only, not too deep, no control characters, no number that JSON can't carry."""
    if depth > MAX_DEPTH:
        raise InvalidMessages(f"The messages are nested deeper than {MAX_DEPTH} levels.", pointer)
    if isinstance(node, str):
        if FORBIDDEN.search(node):
            raise InvalidMessages(
                "Control characters are not allowed, line breaks (\\n) are: remove them.", pointer
            )
    elif isinstance(node, dict):
        for key, child in node.items():
            if FORBIDDEN.search(key):
                raise InvalidMessages("The name of a field holds control characters: remove them.", pointer)
            _refuse_hostile(child, f"{pointer}/{escaped(key)}", depth + 1)
    elif isinstance(node, list):
        for n, child in enumerate(node):
            _refuse_hostile(child, f"{pointer}/{n}", depth + 1)
    elif isinstance(node, int | float) and not abs(node) < 2**63:  # NaN is not below anything
        raise InvalidMessages("A number here must be finite and below 2^63.", pointer)


def begin(message: Message, now: int) -> Message:
    """A message that is due: its next try begins (`sending`), or none may begin any more and it ends.

    One that is `sending` and due lost its sender: the try that was out has an unknown outcome. An answer with
    `reply_until` after this is to go as a reply, with the token that it had before.
    """
    if message.reply_is_out:
        return _maybe_shown(message, now)
    if _too_old_to_repeat(message, now):
        return _too_late(message, now)
    if message.give_up_at is not None and now >= message.give_up_at:
        return _ended(message, now)
    return replace(
        message,
        state=MessageState.SENDING,
        tries=message.tries + 1,
        unknown_since=now if message.unknown_since is None else message.unknown_since,
        give_up_at=now + TRY_FOR if message.give_up_at is None else message.give_up_at,
        due_at=now + LEASE,
        reply_token=None,
        reply_until=message.reply_until if message.may_reply(now) else None,
    )


def answered(message: Message, answer: Answer, doubt: int | None, now: int) -> Message:
    """After LINE's answer to the try that is out. `doubt`: since when an earlier one is in doubt, or None."""
    if message.state in (MessageState.HANDED_OVER, MessageState.NOT_DELIVERED):
        return message
    told = replace(
        message,
        outcome=answer.outcome,
        status=answer.status,
        detail=answer.detail,
        request_id=answer.request_id,
        answered_at=now,
        unknown_since=message.unknown_since if answer.outcome is Outcome.UNKNOWN else doubt,
    )
    if message.reply_is_out:
        if answer.outcome is Outcome.ACCEPTED:
            told = replace(told, detail="sent as a reply, which LINE does not count")
        elif answer.outcome is Outcome.UNKNOWN:
            return _maybe_shown(told, now)
        else:
            told = replace(told, reply_until=None)
            if answer.outcome in (Outcome.INVALID, Outcome.UNREACHABLE, Outcome.FAILED, Outcome.THROTTLED):
                # Surely not taken, most often as the token was over: a push has another way and a pace of its own.
                again = now + (answer.retry_after or 0)
                return replace(told, state=MessageState.QUEUED, due_at=again)
    match answer.outcome:
        case Outcome.ACCEPTED:
            return replace(
                told,
                state=MessageState.HANDED_OVER,
                unknown_since=None,
                due_at=None,
                ended_at=now,
            )
        case Outcome.DENIED:
            # The channel pauses and holds it; where it has a new token by now, it is sent with that.
            return replace(told, state=MessageState.QUEUED, due_at=now)
        case Outcome.INVALID | Outcome.UNREACHABLE:
            # LINE would have said 409 had it taken an earlier try: the same body, so it took none.
            return _ended(replace(told, unknown_since=None), now)
    if answer.quota_used_up:
        why = f"LINE's monthly quota of messages is used up: raise it at LINE, or wait for next month ({told.detail})"
        return _ended(replace(told, detail=why), now)
    delay = max(min(SECOND << min(message.tries - 1, 20), BACKOFF_CAP), answer.retry_after or 0)
    again = now + delay
    due_at = again if message.give_up_at is None else min(again, message.give_up_at)
    return replace(told, state=MessageState.QUEUED, due_at=due_at)


def put_back(message: Message, doubt: int | None, now: int, reply_token: str | None = None) -> Message:
    """A try that was begun and never left; `reply_token`: with which it would have gone."""
    return replace(
        message,
        state=MessageState.QUEUED,
        tries=message.tries - 1,
        unknown_since=doubt,
        due_at=now,
        reply_token=reply_token,
    )


def held(message: Message, now: int) -> Message:
    """Due while its channel is paused: it waits for the channel, one in doubt no longer than its retry key lasts."""
    if message.reply_is_out:
        return _maybe_shown(message, now)
    if _too_old_to_repeat(message, now):
        return _too_late(message, now)
    until = None if message.unknown_since is None else message.unknown_since + RETRY_KEY_LASTS + 1
    return replace(message, state=MessageState.QUEUED, give_up_at=None, due_at=until)


def refused(message: Message, why: str, now: int) -> Message:
    """It may not be sent any more, as when its user has blocked the account since it was taken in."""
    return _ended(replace(message, outcome=Outcome.UNREACHABLE, status=None, detail=why), now)


def _maybe_shown(message: Message, now: int) -> Message:
    detail = f"{message.detail}: {MAYBE_SHOWN}" if message.detail else f"nobody knows: {MAYBE_SHOWN}"
    ended = _ended(replace(message, outcome=Outcome.UNKNOWN, detail=detail), now)
    return replace(ended, reply_until=message.reply_until)


def _too_old_to_repeat(message: Message, now: int) -> bool:
    return message.unknown_since is not None and now - message.unknown_since > RETRY_KEY_LASTS


def _too_late(message: Message, now: int) -> Message:
    why = "LINE may have taken it a day ago, and its retry key is used up: sending it again could double it"
    return _ended(replace(message, detail=why), now)


def _ended(message: Message, now: int) -> Message:
    """Not delivered. Where an earlier try is in doubt, nobody can say so for sure: the outcome is unknown."""
    outcome = message.outcome if message.unknown_since is None else Outcome.UNKNOWN
    return replace(
        message,
        state=MessageState.NOT_DELIVERED,
        outcome=outcome,
        due_at=None,
        ended_at=now,
        reply_token=None,
        reply_until=None,
    )
