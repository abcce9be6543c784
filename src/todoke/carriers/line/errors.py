"""LINE's answers other than 2xx, read: what they mean for the attempt, and one line that says why.

Source: Messaging API reference, "Status codes", "Error responses" and "Send LINE notification message". LINE
says that texts may change: the outcome follows from the status alone.
"""

from collections.abc import Mapping

import msgspec

from todoke.carriers.cleaning import clean, clean_id, retry_after
from todoke.carriers.line.connection import Broken, NotSent
from todoke.core.outcome import Answer, Outcome

REQUEST_ID = "x-line-request-id"
BAD_TOKEN = Answer(
    outcome=Outcome.DENIED, detail="not sent: the access token is empty or garbled, set it anew"
)
_QUOTA = "monthly limit"


class _Property(msgspec.Struct):
    message: str = ""
    property: str = ""


class _Error(msgspec.Struct):
    """Messaging API: `message` and `details`. Token endpoints: `error` and `error_description`."""

    message: str = ""
    details: list[_Property] = []
    error: str = ""
    error_description: str = ""


_decode = msgspec.json.Decoder(_Error).decode


def error_line(status: int, body: bytes | None) -> str:
    """LINE's message and details as one line, masked; names the status where the body can't be read."""
    try:
        error = _decode(body or b"{}")
    except (msgspec.MsgspecError, ValueError, RecursionError):
        # A proxy's page, say. Its text is nothing that we know to be free of personal data.
        return f"HTTP {status}, without LINE's error body"
    text = error.message or ": ".join(filter(None, (error.error, error.error_description)))
    for detail in error.details:
        text += f"; {detail.property}: {detail.message}" if detail.property else f"; {detail.message}"
    return clean(text) or f"HTTP {status}"


def no_reply(error: NotSent | Broken) -> Answer:
    """The answer of a send to which no status came: `failed` if surely nothing left, else `unknown`."""
    if isinstance(error, NotSent):
        return Answer(outcome=Outcome.FAILED, detail=str(error))
    return Answer(outcome=Outcome.UNKNOWN, detail=f"{error}; the message may have been taken")


def not_accepted(status: int, body: bytes | None, headers: Mapping[str, str]) -> Answer:
    """The answer of a send whose status is not 2xx.

    A 3xx is `failed`: LINE has no redirects here, so it is somebody else who answered, and following it would
    hand number and token to a place nobody named. Other 4xx than those with an outcome of their own say that
    the request is at fault and was not carried out: `invalid`. All else (5xx, or no HTTP status at all):
    `unknown`.
    """
    outcome = _BY_STATUS.get(status)
    if outcome is None:
        if 300 <= status < 400:
            outcome = Outcome.FAILED
        else:
            outcome = Outcome.INVALID if 400 <= status < 500 else Outcome.UNKNOWN
    detail = error_line(status, body)
    throttled = outcome is Outcome.THROTTLED
    return Answer(
        outcome=outcome,
        status=status,
        detail=f"{detail} (redirects are not followed: check the base URL)"
        if 300 <= status < 400
        else detail,
        request_id=clean_id(headers.get(REQUEST_ID)),
        # The one place where a text counts, and only as a hint: it saves tries that can't succeed this month.
        # Should LINE reword it, the attempt is tried again with backoff, and its deadline still moves it to
        # the next step.
        quota_used_up=throttled and _QUOTA in detail.lower(),
        retry_after=retry_after(headers) if throttled or outcome is Outcome.FAILED else None,
    )


_BY_STATUS = {
    401: Outcome.DENIED,
    403: Outcome.DENIED,
    422: Outcome.UNREACHABLE,
    429: Outcome.THROTTLED,
}
