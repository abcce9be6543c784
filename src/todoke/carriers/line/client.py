"""Sends LINE notification messages: one request, one outcome, never a second request by itself.

Source: Messaging API reference, "Send LINE notification message (template)" and "(flexible)". Notifications
have no retry key (a request with `X-Line-Retry-Key` is 400), so a request whose outcome is unknown can't be
repeated safely.
"""

from collections.abc import Mapping
from functools import lru_cache

import msgspec
from yarl import URL

from todoke import __version__
from todoke.carriers import InboundEvent, LineNotification
from todoke.carriers.line.errors import REQUEST_ID, not_accepted
from todoke.carriers.line.events import check_signature, read_events
from todoke.carriers.line.transport import Broken, NotSent, Origin, Transport
from todoke.carriers.over_http import clean_id
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


def _head(origin: Origin, path: str, access_token: str) -> bytes | None:
    """A request up to its delivery tag: the same for all notices of a channel."""
    authorization = bearer(access_token)
    if authorization is None:
        return None
    lines = (
        f"POST {origin.prefix}{path} HTTP/1.1",
        f"Host: {origin.header}",
        f"User-Agent: todoke/{__version__}",
        f"Authorization: {authorization}",
        "Content-Type: application/json",
        "Accept: */*",
        f"{_DELIVERY_TAG}: ",
    )
    return "\r\n".join(lines).encode()


class LineCarrier:
    """The carrier for LINE notifications; a `Carrier[LineNotification]`, shared by all channels.

    `transport`: to `https://api.line.me`, or to an emulator; closed by whoever made it.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        # As many as there are channels at work at once; tokens change every 15 minutes at the shortest.
        self._head = lru_cache(maxsize=512)(_head)

    async def send(self, message: LineNotification, tag: str) -> Answer:
        """One request. `tag` must be 16 to 100 characters, else LINE answers 400.

        Raises nothing for what LINE or the network does. A cancelled send is for the caller to count as
        `unknown`.
        """
        path = FLEXIBLE_PATH if message.flexible else TEMPLATED_PATH
        head = self._head(self._transport.origin, path, message.access_token)
        if head is None:
            return Answer(
                outcome=Outcome.DENIED, detail="not sent: the access token is empty or garbled, set it anew"
            )
        if not tag.isascii() or not tag.isprintable():
            return Answer(
                outcome=Outcome.INVALID, detail="not sent: the delivery tag can't stand in a header"
            )
        body = _encode({**message.payload, "to": line_hash(message.to)})
        request = b"%b%b\r\nContent-Length: %d\r\n\r\n%b" % (head, tag.encode(), len(body), body)
        try:
            reply = await self._transport.post(request)
        except NotSent as error:
            return Answer(outcome=Outcome.FAILED, detail=str(error))
        except Broken as error:
            return Answer(outcome=Outcome.UNKNOWN, detail=f"{error}; the message may have been taken")
        if 200 <= reply.status < 300:
            # Taken, whatever the body says.
            request_id = clean_id(reply.headers.get(REQUEST_ID))
            return Answer(outcome=Outcome.ACCEPTED, status=reply.status, request_id=request_id)
        return not_accepted(reply.status, reply.body, reply.headers)

    def check(self, headers: Mapping[str, str], body: bytes, secret: str) -> None:
        """Raises BadSignature unless the body was signed with this channel secret."""
        check_signature(headers, body, secret)

    def read_events(self, headers: Mapping[str, str], body: bytes, now: int) -> list[InboundEvent]:
        """A webhook's events: see `todoke.carriers.line.events.read_events`."""
        return read_events(body, now)
