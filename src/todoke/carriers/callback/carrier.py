"""Posts a notice to the business's own system: one request, one outcome.

Whoever repeats it does so with the same id, so an outcome that is not known does no harm: the receiver takes
each id once.
"""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from todoke.carriers import Posting
from todoke.carriers.addresses import objection
from todoke.carriers.callback.signing import check_secret, signed_headers
from todoke.carriers.cleaning import clean, retry_after
from todoke.carriers.echoes import words_of
from todoke.carriers.guarded import why_refused
from todoke.carriers.over_http import loaded, no_answer, read_body, timeouts
from todoke.core.outcome import Answer, Outcome

if TYPE_CHECKING:
    from todoke.carriers.sessions import Http

TIMEOUT = 10.0
"""Seconds for a whole request; the receiver should store and answer, and work afterwards."""
_ANSWER = 4096
"""Bytes of an answer that are looked at."""

# No dot: the signature joins id, time and body by dots.
_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")


class CallbackCarrier:
    """Sends signed webhooks.

    `http`: from `guarded.guarded_session`, with the same `allow_private`; closed by whoever made it.
    """

    def __init__(self, http: "Http", allow_private: bool) -> None:
        self._http = http
        self._allow_private = allow_private

    async def send(self, message: Posting, tag: str) -> Answer:
        """One request. Raises nothing for what the receiver or the network does.

        The receiver knows the message by `message.id`; the delivery tag `tag` is not sent.
        """
        if (why_not := self._objection(message)) is not None:
            return Answer(outcome=Outcome.FAILED, detail=clean(f"not sent: {why_not}"))
        headers = signed_headers(message.secret, message.id, message.at, message.body, message.old_secret)
        await loaded()
        try:
            response = await self._http.post(
                message.url,
                data=message.body,
                headers={**headers, "Content-Type": "application/json"},
                allow_redirects=False,
                timeout=timeouts(TIMEOUT),
            )
        except Exception as exc:  # aiohttp lets more than its own through; the request may be out
            if (refused := why_refused(exc)) is not None:
                return Answer(outcome=Outcome.FAILED, detail=clean(refused))
            return no_answer(exc)
        words = words_of(await read_body(response, _ANSWER), message.body)
        return _judged(response.status, response.headers, words)

    def _objection(self, message: Posting) -> str | None:
        if (why_not := objection(message.url, self._allow_private)) is not None:
            return f"the callback URL {why_not}"
        for secret in (message.secret, message.old_secret):
            if secret is not None and (why_not := check_secret(secret)) is not None:
                return f"the callback secret {why_not}"
        if not _ID.fullmatch(message.id):
            return "the message's id is not letters, digits, - and _ only"
        return None


def _judged(status: int, headers: Mapping[str, str], words: str) -> Answer:
    wait = retry_after(headers)
    if 200 <= status < 300:
        return Answer(outcome=Outcome.ACCEPTED, status=status)
    if status == 429 or (status == 503 and wait is not None):
        why, outcome = "the receiver asks to come later", Outcome.THROTTLED
    elif 300 <= status < 400:
        why, outcome = "redirects are not followed: enter the final URL", Outcome.FAILED
    elif status == 410:
        why, outcome = "the receiver wants no more of these (410)", Outcome.FAILED
    elif 400 <= status < 500:
        why, outcome = "the receiver said no", Outcome.FAILED
    else:
        why, outcome = "the receiver's own fault; it may have taken the message", Outcome.UNKNOWN
    detail = clean(f"{why} ({words})" if words else why)
    given = wait if outcome is Outcome.THROTTLED else None
    return Answer(outcome=outcome, status=status, detail=detail, retry_after=given)
