"""Passes one request of LINE on to another system of the business: one request out, one answer.

The body goes byte for byte and with LINE's signature, so that the receiver checks it as if LINE had posted it.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from todoke.carriers.addresses import objection
from todoke.carriers.cleaning import clean, retry_after
from todoke.carriers.echoes import words_of
from todoke.carriers.guarded import why_refused
from todoke.carriers.over_http import loaded, no_answer, read_body, timeouts
from todoke.core.outcome import Answer, Outcome

if TYPE_CHECKING:
    from todoke.carriers.sessions import Http

TIMEOUT = 10.0
"""Seconds for a whole request; a receiver should store and answer, and work afterwards."""
TARGET = "Todoke-Target"
TRY = "Todoke-Try"
REPLAY = "Todoke-Replay"
_CONTENT_TYPE = "application/json; charset=utf-8"
_ANSWER = 4096
"""Bytes of an answer that are looked at."""


class PassedOn(msgspec.Struct, frozen=True, kw_only=True):
    """A request of LINE for one target."""

    url: str
    target_id: str
    body: bytes
    signed: Mapping[str, str]
    """LINE's signature, as it came."""
    headers: Mapping[str, str]
    """Further ones that the target wants."""
    number: int = 1
    """Which try it is."""
    replay: bool = False


class Passing:
    """Passes requests on.

    `http`: from `guarded.guarded_session`, with the same `allow_private`; closed by whoever made it.
    """

    def __init__(self, http: "Http", allow_private: bool) -> None:
        self._http = http
        self._allow_private = allow_private

    async def send(self, message: PassedOn) -> Answer:
        """One request. `accepted` is any 2xx. Raises nothing for what the receiver or the network does."""
        if (why_not := objection(message.url, self._allow_private)) is not None:
            return Answer(outcome=Outcome.FAILED, detail=clean(f"not sent: the URL {why_not}"))
        headers = {
            **message.headers,
            **message.signed,
            "Content-Type": _CONTENT_TYPE,
            TARGET: message.target_id,
            TRY: str(message.number),
        }
        if message.replay:
            headers[REPLAY] = "yes"
        await loaded()
        try:
            response = await self._http.post(
                message.url,
                data=message.body,
                headers=headers,
                allow_redirects=False,
                timeout=timeouts(TIMEOUT),
            )
        except Exception as exc:  # aiohttp lets more than its own through
            if (refused := why_refused(exc)) is not None:
                return Answer(outcome=Outcome.FAILED, detail=clean(refused))
            found = no_answer(exc)
            return Answer(outcome=found.outcome, detail=(found.detail or "").partition(";")[0])
        answer = await read_body(response, _ANSWER)
        if 200 <= response.status < 300:
            return Answer(outcome=Outcome.ACCEPTED, status=response.status)
        return _judged(response.status, response.headers, words_of(answer, message.body))


def _judged(status: int, headers: Mapping[str, str], words: str) -> Answer:
    if 300 <= status < 400:
        why = "redirects are not followed: enter the final URL"
    elif status == 410:
        why = "the target wants no more of these (410)"
    elif status == 429:
        why = "the target asks to come later"
    elif 400 <= status < 500:
        why = "the target said no"
    else:
        why = "the target's own fault"
    return Answer(
        outcome=Outcome.THROTTLED if status == 429 else Outcome.FAILED,
        status=status,
        detail=clean(f"{why} ({words})" if words else why),
        retry_after=retry_after(headers) if status in (429, 503) else None,
    )
