"""Sends push messages: ordinary messages to one user ID, which LINE takes once for each retry key.

Source: Messaging API reference, "Send push message", and Messaging API, "Retry a failed API request". Within 24
hours a request with a retry key that LINE has taken is 409 and sends nothing, so a request whose outcome is
unknown may be repeated with the same key; later than that it counts as a new one.
"""

import re
from functools import lru_cache

import msgspec

from todoke.carriers import LinePush
from todoke.carriers.cleaning import clean_id
from todoke.carriers.line.connection import Broken, NotSent, Reply
from todoke.carriers.line.errors import BAD_TOKEN, REQUEST_ID, no_reply, not_accepted
from todoke.carriers.line.events import LineEvents
from todoke.carriers.line.heads import post_head
from todoke.carriers.line.transport import Origin, Transport
from todoke.core.outcome import Answer, Outcome

PUSH_PATH = "/v2/bot/message/push"
_RETRY_KEY = "X-Line-Retry-Key"
_FIRST_REQUEST_ID = "x-line-accepted-request-id"
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_UNKNOWN_USER = "failed to send messages"

_encode = msgspec.json.Encoder().encode
_UNWRITABLE = (msgspec.MsgspecError, TypeError, ValueError, OverflowError, RecursionError)


def _head(origin: Origin, access_token: str) -> bytes | None:
    return post_head(origin, PUSH_PATH, access_token, _RETRY_KEY)


class LinePushCarrier(LineEvents):
    """The carrier for push messages; a `Carrier[LinePush]`, shared by all channels.

    `transport`: as for LineCarrier, and it may be the same one.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._head = lru_cache(maxsize=512)(_head)

    async def send(self, message: LinePush, tag: str) -> Answer:
        """One request. `tag` stays here: a push has no delivery tag, and no proof ever comes of it.

        `accepted` is also what LINE had taken before by the same retry key. It says nothing of the user: LINE
        takes what it will not show to those who block the account or are no friends. `unknown` may be sent again
        with the same retry key within 24 hours, and with no other. Raises nothing for what LINE or the network
        does.
        """
        head = self._head(self._transport.origin, message.access_token)
        if head is None:
            return BAD_TOKEN
        if not _UUID.fullmatch(message.retry_key):
            return Answer(outcome=Outcome.INVALID, detail="not sent: the retry key is no UUID")
        try:
            body = _encode({"to": message.user_id, "messages": message.messages})
        except _UNWRITABLE as error:
            why = f"not sent: the messages can't be written as JSON ({type(error).__name__})"
            return Answer(outcome=Outcome.INVALID, detail=why)
        key = message.retry_key.encode()
        request = b"%b%b\r\nContent-Length: %d\r\n\r\n%b" % (head, key, len(body), body)
        try:
            reply = await self._transport.post(request)
        except (NotSent, Broken) as error:
            return no_reply(error)
        return _read(reply)


def _read(reply: Reply) -> Answer:
    headers = reply.headers
    if 200 <= reply.status < 300:
        request_id = clean_id(headers.get(REQUEST_ID))
        return Answer(outcome=Outcome.ACCEPTED, status=reply.status, request_id=request_id)
    if reply.status == 409:
        # The one meaning of this status here, by LINE's reference; the request that counts is the earlier one.
        return Answer(
            outcome=Outcome.ACCEPTED,
            status=409,
            detail="LINE had taken it before, by the same retry key",
            request_id=clean_id(headers.get(_FIRST_REQUEST_ID)) or clean_id(headers.get(REQUEST_ID)),
        )
    answer = not_accepted(reply.status, reply.body, headers)
    if reply.status == 400 and (answer.detail or "").lower().startswith(_UNKNOWN_USER):
        # A hint like that of the monthly quota: either way nothing was taken and the next step follows. The text
        # only tells whose fault it was: a user ID that this provider does not know, not the message.
        return msgspec.structs.replace(answer, outcome=Outcome.UNREACHABLE)
    return answer
