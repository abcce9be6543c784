"""LINE's webhooks past ASGI and the framework: of a channel that is known, with the signature of its secret.

All others go the usual way, which looks again and says what is wrong (`routes`): nothing is refused here.
"""

import asyncio
import re
from collections.abc import Mapping

import msgspec

from todoke.carriers import BadSignature
from todoke.carriers.passing import TARGET
from todoke.clock import monotonic
from todoke.engine.metrics import EVENTS
from todoke.server.connections import Answer, Entry, Headers, answer_with, head_of, length_of
from todoke.server.problems import failed
from todoke.server.services import SECRET_SECONDS, ChannelSecret, Services
from todoke.storage.inbox import Posted

MOST_BYTES = 100_000
"""Of a body: some hundred events. Larger ones are read in portions."""
_PATH = re.compile(rb"/line/([0-9A-Za-z_-]{1,20})/webhook")
_TARGET = TARGET.lower().encode()
_EVENTS = EVENTS.labels("line")
_TAKEN = Answer(head_of(200, [(b"content-length", b"2"), (b"content-type", b"application/json")]), b"{}")
_encode = msgspec.json.Encoder().encode


class QuickWebhooks:
    """The door for them."""

    def __init__(self, parts: Services) -> None:
        self._parts = parts

    def __call__(self, url: bytes, headers: Headers) -> Entry | None:
        match = _PATH.fullmatch(url)
        if match is None:
            return None
        known = self._parts.channel_secrets.get(match[1].decode())
        if known is None or _is_old(known):
            return None
        # Of several of a name the first counts, as on the usual way.
        named = dict(reversed(headers))
        length = length_of(named)
        if length is None or length > MOST_BYTES or _TARGET in named:
            return None
        texts = {name.decode("latin-1"): value.decode("latin-1") for name, value in named.items()}
        return _Webhook(self._parts, known, texts)


class _Webhook:
    """One request of LINE's."""

    __slots__ = ("_headers", "_known", "_parts")

    def __init__(self, parts: Services, known: ChannelSecret, headers: Mapping[str, str]) -> None:
        self._parts = parts
        self._known = known
        self._headers = headers

    def ask(self, body: bytes) -> asyncio.Future[None] | None:
        if _is_old(self._known):
            # The body took its time: the secret may have been replaced long ago.
            return None
        reader = self._parts.line_reader
        try:
            reader.check(self._headers, body, self._known.secret)
        except BadSignature:
            return None
        kept = _encode(reader.kept(self._headers)).decode()
        return self._parts.inbox.put(
            Posted(
                carrier="line",
                channel_id=self._known.channel_id,
                headers=kept,
                body=body,
                received_at=self._parts.clock.now(),
            )
        )

    def answer(self, done: asyncio.Future[None]) -> Answer:
        try:
            done.result()
        except BaseException as error:
            return answer_with(failed(error, "/line/{line_channel_id}/webhook"))
        _EVENTS.inc()
        return _TAKEN


def _is_old(known: ChannelSecret) -> bool:
    return monotonic() - known.read_at > SECRET_SECONDS
