"""Reads the SMS that people send back, as a provider posts them, by the declaration."""

from collections.abc import Mapping
from hashlib import sha256

import msgspec

from todoke.carriers import BadEvent, InboundEvent
from todoke.carriers.cleaning import clean_id
from todoke.carriers.replies import Heard, Reply, e164, event, hashed, regions_of, word_in
from todoke.carriers.sms_http.declaration import Declaration, Replies
from todoke.carriers.sms_http.posted import Inlet


class HttpReplies:
    """The replies of one provider. `secret`: what nobody outside knows, for names of SMS; `key`: the secret that
    `auth.key` names.
    """

    def __init__(self, declaration: Declaration, replies: Replies, secret: str, key: str | None) -> None:
        self._name = declaration.name
        self._replies = replies
        self._secret = sha256(f"{declaration.name}\0replies\0{secret}".encode()).digest()
        self._regions = (
            (replies.country,) if replies.country is not None else regions_of(declaration.countries)
        )
        self._inlet = Inlet(declaration.name, "replies", "reply", replies, key, replies.charset)
        self._number = self._inlet.at(replies.number)
        self._text = self._inlet.at(replies.text)
        self._id = self._inlet.at(replies.id)
        self._time = self._inlet.at(replies.time)

    @property
    def in_query(self) -> bool:
        """Whether they stand in the query of the URL: then that is handed in as the body."""
        return self._replies.body == "query"

    def check(self, headers: Mapping[str, str], body: bytes, secret: str, query: str = "") -> None:
        """Raises BadSignature unless the provider sent this, BadEvent for a body in which its token can't be found."""
        self._inlet.check(headers, body, secret, query)

    def heard(self, body: bytes, now: int) -> Heard:
        """The words in a body that was checked, and how much else is in it. Raises BadEvent."""
        words: list[Reply] = []
        others = strangers = 0
        items = self._inlet.items(body)
        if items and all(self._number(item) is None for item in items):
            raise BadEvent(
                f"A reply of {self._name} has no number where replies.from says: compare it with what is posted"
            )
        for item in items:
            word = word_in(self._plain(self._text(item) or ""))
            if word is None:
                others += 1
            elif (number := e164(self._number(item) or "", self._regions)) is None:
                strangers += 1
            else:
                words.append(self._reply(item, number, word, len(words), now))
        return Heard(words, others, strangers)

    @staticmethod
    def stored(heard: Heard) -> bytes:
        """The words as the inbox keeps them."""
        return msgspec.json.encode(heard.words)

    def read_events(self, headers: Mapping[str, str], body: bytes, now: int) -> list[InboundEvent]:
        """The events of a body that `stored` made. Raises BadEvent."""
        try:
            kept = msgspec.json.decode(body, type=list[Reply])
        except (msgspec.MsgspecError, ValueError, RecursionError) as exc:
            raise BadEvent(f"A stored reply to {self._name} can't be read") from exc
        return [event(self._name, reply) for reply in kept]

    def _plain(self, text: str) -> str:
        if self._replies.written == "text":
            return text
        try:
            return bytes.fromhex(text).decode("utf-16-be")
        except ValueError:
            return text  # Short texts come as they are from some that write the others in hexadecimal.

    def _reply(self, item: object, number: str, word: str, place: int, now: int) -> Reply:
        own_id, time = clean_id(self._id(item)), self._time(item)
        # Without anything of its own each post counts as news: a doubled one changes nothing a second time.
        named = (own_id or "", time or "") if own_id or time else (str(now), str(place))
        # A phone can't have said what is still to come.
        at = min(self._inlet.millis(time, now), now)
        return Reply(hashed(self._secret, *named, number, word), number, word, at)
