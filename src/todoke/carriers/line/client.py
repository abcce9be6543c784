"""Sends LINE notification messages: one request, one outcome, never a second request by itself.

Source: Messaging API reference, "Send LINE notification message (template)" and "(flexible)". Notifications
have no retry key (a request with `X-Line-Retry-Key` is 400), so a request whose outcome is unknown can't be
repeated safely.
"""

from collections.abc import Mapping
from functools import lru_cache

import aiohttp
import msgspec
from yarl import URL

from todoke.carriers import InboundEvent, LineNotification
from todoke.carriers.line.errors import REQUEST_ID, not_accepted
from todoke.carriers.line.events import check_signature, read_events
from todoke.carriers.over_http import clean_id, no_answer, read_body
from todoke.core.outcome import Answer, Outcome
from todoke.core.phone import line_hash

TEMPLATED_PATH = "/v2/bot/message/pnp/templated/push"
FLEXIBLE_PATH = "/bot/pnp/push"
_DELIVERY_TAG = "X-Line-Delivery-Tag"

_encode = msgspec.json.Encoder().encode


def base_url(text: str) -> str:
    """`text` without a trailing slash. Raises ValueError unless it is an http(s) URL with a host."""
    url = URL(text)
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError(f"{text!r} is no base URL: write it as https://api.line.me")
    return text.rstrip("/")


def bearer(access_token: str) -> str | None:
    """The Authorization header; None if the token holds what no token and no header can: spaces, line
    ends.
    """
    plain = access_token.isascii() and access_token.isprintable() and " " not in access_token
    return f"Bearer {access_token}" if access_token and plain else None


def _headers(access_token: str) -> dict[str, str] | None:
    authorization = bearer(access_token)
    if authorization is None:
        return None
    return {"Authorization": authorization, "Content-Type": "application/json"}


class LineCarrier:
    """The carrier for LINE notifications; a `Carrier[LineNotification]`, shared by all channels.

    `http`: made by `make_session`, closed by whoever made it. `api_base`: `https://api.line.me`, or an
    emulator's. Raises ValueError if `api_base` is no http(s) URL.
    """

    def __init__(self, http: aiohttp.ClientSession, api_base: str) -> None:
        base = base_url(api_base)
        self._http = http
        # Parsing a URL costs more than hashing the number and encoding the body together: once is enough.
        self._templated = URL(base + TEMPLATED_PATH)
        self._flexible = URL(base + FLEXIBLE_PATH)
        # As many as there are channels at work at once; tokens change every 15 minutes at the shortest.
        self._headers = lru_cache(maxsize=256)(_headers)

    async def send(self, message: LineNotification, tag: str) -> Answer:
        """One request. `tag` must be 16 to 100 characters, else LINE answers 400.

        Raises nothing for what LINE or the network does. A cancelled send is for the caller to count as
        `unknown`.
        """
        headers = self._headers(message.access_token)
        if headers is None:
            return Answer(
                outcome=Outcome.DENIED, detail="not sent: the access token is empty or garbled, set it anew"
            )
        body = _encode({**message.payload, "to": line_hash(message.to)})
        try:
            response = await self._http.post(
                self._flexible if message.flexible else self._templated,
                data=body,
                headers={**headers, _DELIVERY_TAG: tag},
                allow_redirects=False,
            )
        except (
            Exception
        ) as exc:  # aiohttp also lets AssertionError and ValueError through; the request may be out
            return no_answer(exc)
        status = response.status
        if 200 <= status < 300:
            # Taken, whatever the body says. It is read so that the connection can be used again.
            if not response.closed:
                await read_body(response, 4096)
            return Answer(
                outcome=Outcome.ACCEPTED,
                status=status,
                request_id=clean_id(response.headers.get(REQUEST_ID)),
            )
        return not_accepted(status, await read_body(response), response.headers)

    def check(self, headers: Mapping[str, str], body: bytes, secret: str) -> None:
        """Raises BadSignature unless the body was signed with this channel secret."""
        check_signature(headers, body, secret)

    def read_events(self, headers: Mapping[str, str], body: bytes, now: int) -> list[InboundEvent]:
        """A webhook's events: see `todoke.carriers.line.events.read_events`."""
        return read_events(body, now)
