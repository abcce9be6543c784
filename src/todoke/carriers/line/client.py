"""Sends LINE notification messages: one request, one outcome, never a second request by itself.

Source: Messaging API reference, "Send LINE notification message (template)" and "(flexible)". Notifications
have no retry key (a request with `X-Line-Retry-Key` is 400), so a request whose outcome is unknown can't be
repeated safely.
"""

from collections.abc import Callable
from functools import lru_cache

import msgspec

from todoke.carriers import LineNotification
from todoke.carriers.cleaning import clean_id
from todoke.carriers.line.connection import Broken, NotSent, Reply
from todoke.carriers.line.errors import BAD_TOKEN, REQUEST_ID, no_reply, not_accepted
from todoke.carriers.line.events import LineEvents
from todoke.carriers.line.heads import post_head
from todoke.carriers.line.transport import Origin, Transport
from todoke.core.outcome import Answer, Outcome
from todoke.core.phone import line_hash

TEMPLATED_PATH = "/v2/bot/message/pnp/templated/push"
FLEXIBLE_PATH = "/bot/pnp/push"
_DELIVERY_TAG = "X-Line-Delivery-Tag"

_encode = msgspec.json.Encoder().encode


def _head(origin: Origin, path: str, access_token: str) -> bytes | None:
    """A request up to its delivery tag: the same for all notices of a channel."""
    return post_head(origin, path, access_token, _DELIVERY_TAG)


class LineCarrier(LineEvents):
    """The carrier for LINE notifications; a `Carrier[LineNotification]`, shared by all channels.

    `transport`: to `https://api.line.me`, or to an emulator; closed by whoever made it.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        # As many as there are channels at work at once; tokens change every 15 minutes at the shortest.
        self._head = lru_cache(maxsize=512)(_head)

    async def send(self, message: LineNotification, tag: str) -> Answer:
        """The same as `begin`, for one who waits for the answer. A cancelled send is for the caller to count as
        `unknown`.
        """
        request = self._request(message, tag)
        if isinstance(request, Answer):
            return request
        try:
            return _read(await self._transport.post(request))
        except (NotSent, Broken) as error:
            return no_reply(error)

    def begin(self, message: LineNotification, tag: str, done: Callable[[Answer], None]) -> None:
        """One request. `tag` must be 16 to 100 characters, else LINE answers 400.

        `done` is told the answer, later or at once. Raises nothing for what LINE or the network does.
        """
        request = self._request(message, tag)
        if isinstance(request, Answer):
            done(request)
        else:
            self._transport.begin(request, lambda reply: done(_read(reply)))

    def _request(self, message: LineNotification, tag: str) -> bytes | Answer:
        """What leaves, or why nothing can."""
        path = FLEXIBLE_PATH if message.flexible else TEMPLATED_PATH
        head = self._head(self._transport.origin, path, message.access_token)
        if head is None:
            return BAD_TOKEN
        if not tag.isascii() or not tag.isprintable():
            return Answer(
                outcome=Outcome.INVALID, detail="not sent: the delivery tag can't stand in a header"
            )
        body = _encode({**message.payload, "to": line_hash(message.to)})
        return b"%b%b\r\nContent-Length: %d\r\n\r\n%b" % (head, tag.encode(), len(body), body)


def _read(reply: Reply | NotSent | Broken) -> Answer:
    if not isinstance(reply, Reply):
        return no_reply(reply)
    if 200 <= reply.status < 300:
        # Taken, whatever the body says.
        request_id = clean_id(reply.headers.get(REQUEST_ID))
        return Answer(outcome=Outcome.ACCEPTED, status=reply.status, request_id=request_id)
    return not_accepted(reply.status, reply.body, reply.headers)
