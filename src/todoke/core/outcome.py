"""What became of one attempt, as the carrier's answer and later proofs tell it."""

from enum import StrEnum

import msgspec


class Outcome(StrEnum):
    """The outcome of an attempt. An attempt whose request has not been answered yet has none."""

    ACCEPTED = "accepted"
    """The carrier took it (2xx); proof may follow."""
    DELIVERED = "delivered"
    """Proof came: LINE's delivery completion event, a carrier's final receipt."""
    LATE = "late"
    """Proof came after the request of a later step had left."""
    UNREACHABLE = "unreachable"
    """LINE answered 422: this number can't get it, known at once."""
    INVALID = "invalid"
    """LINE answered 400 (or another 4xx about the request): the content is at fault."""
    DENIED = "denied"
    """401 or 403: the channel may not send."""
    THROTTLED = "throttled"
    """429: too fast, or a monthly quota is used up."""
    FAILED = "failed"
    """Surely not taken: the connection was refused, or the carrier said no."""
    UNKNOWN = "unknown"
    """The request may have been taken: time-out, broken connection, any 5xx. Never sent again by itself."""
    SILENT = "silent"
    """No proof within the time in which it could have come."""


SURELY_NOT_TAKEN = frozenset(
    {Outcome.UNREACHABLE, Outcome.INVALID, Outcome.DENIED, Outcome.THROTTLED, Outcome.FAILED}
)
"""The carrier has not got the message, nobody will see it."""


class Answer(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """What a carrier's `send` came to.

    `detail` is one line for people and logs; it holds no phone number, no hash and no text of the notice.
    """

    outcome: Outcome
    status: int | None = None
    """The HTTP status, where there was one."""
    detail: str | None = None
    request_id: str | None = None
    """The carrier's name for the request (LINE: the request id in its answer; SMS: the message id)."""
    message_ids: tuple[str, ...] = ()
    """SMS: the carrier's ids of the message's parts, where its receipts name those instead of our tag. The message
    has reached its recipient when all of them have."""
    quota_used_up: bool = False
    """With `throttled`: a monthly quota, so trying again soon is of no use."""
    retry_after: int | None = None
    """With `throttled` or `failed`: milliseconds the carrier asks us to wait."""
