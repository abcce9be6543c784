"""Sends replies: the answer to an event of a user's, by the token that came with it. LINE does not count them.

Source: Messaging API reference, "Send reply message". A token is taken once, within a minute of its event. There is no
retry key, so a reply whose outcome is unknown can't be repeated safely; one that LINE refuses was surely not shown.
"""

from functools import lru_cache

import msgspec

from todoke.carriers import LineReply
from todoke.carriers.cleaning import clean_id
from todoke.carriers.line.connection import Broken, NotSent
from todoke.carriers.line.errors import BAD_TOKEN, REQUEST_ID, no_reply, not_accepted
from todoke.carriers.line.events import LineEvents
from todoke.carriers.line.heads import post_head
from todoke.carriers.line.transport import Origin, Transport
from todoke.core.outcome import Answer, Outcome

REPLY_PATH = "/v2/bot/message/reply"

_encode = msgspec.json.Encoder().encode
_UNWRITABLE = (msgspec.MsgspecError, TypeError, ValueError, OverflowError, RecursionError)


def _head(origin: Origin, access_token: str) -> bytes | None:
    return post_head(origin, REPLY_PATH, access_token, "Content-Length")


class LineReplyCarrier(LineEvents):
    """The carrier for replies; a `Carrier[LineReply]`, shared by all channels.

    `transport`: as for LineCarrier, and it may be the same one.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._head = lru_cache(maxsize=512)(_head)

    async def send(self, message: LineReply, tag: str) -> Answer:
        """One request. `tag` stays here: a reply has no delivery tag, and no proof ever comes of it.

        `invalid` is also a token that is over, used or not this channel's: nothing was shown, and a push may follow.
        `unknown` may never be sent again. Raises nothing for what LINE or the network does.
        """
        head = self._head(self._transport.origin, message.access_token)
        if head is None:
            return BAD_TOKEN
        try:
            body = _encode({"replyToken": message.reply_token, "messages": message.messages})
        except _UNWRITABLE as error:
            why = f"not sent: the messages can't be written as JSON ({type(error).__name__})"
            return Answer(outcome=Outcome.INVALID, detail=why)
        try:
            reply = await self._transport.post(b"%b%d\r\n\r\n%b" % (head, len(body), body))
        except (NotSent, Broken) as error:
            return no_reply(error)
        if 200 <= reply.status < 300:
            request_id = clean_id(reply.headers.get(REQUEST_ID))
            return Answer(outcome=Outcome.ACCEPTED, status=reply.status, request_id=request_id)
        return not_accepted(reply.status, reply.body, reply.headers)
