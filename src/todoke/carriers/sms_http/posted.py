"""What a provider posts to us, receipts and replies alike: who sent it, and the items in it."""

import base64
import hmac
from collections.abc import Callable, Mapping
from datetime import datetime
from urllib.parse import parse_qsl

import msgspec

from todoke.carriers import BadEvent, BadSignature
from todoke.carriers.cleaning import clean
from todoke.carriers.sms_http.declaration import Auth, Receipt, Replies
from todoke.carriers.sms_http.paths import as_text, at_path, parse_path

_LAST_MILLI = 253_402_300_799_999  # of the year 9999
_MILLIS_FROM = 100_000_000_000  # as seconds this would be the year 5138, as milliseconds it is 1973
_MOST_FIELDS = 200

Get = Callable[[object], str | None]
"""Finds a text in an item."""


class Inlet:
    """One part of a declaration that says what is posted. `field` is the part's name, `thing` what one item is.

    `key`: the secret that `auth.key` names.
    """

    def __init__(
        self, carrier: str, field: str, thing: str, part: Receipt | Replies, key: str | None, charset: str
    ) -> None:
        self._name = carrier
        self._field = field
        self._thing = thing
        self._part = part
        self._key = key
        self._charset = charset
        self._list = None if part.items is None else parse_path(part.items)

    def at(self, place: str | None) -> Get:
        """A function that finds what stands at a declared place."""
        if place is None:
            return lambda item: None
        path = parse_path(place) if self._part.body == "json" else (place,)
        return lambda item: as_text(at_path(item, path))

    def check(self, headers: Mapping[str, str], body: bytes, secret: str, query: str) -> None:
        """Raises BadSignature if token or signature is not in its place, BadEvent if it should stand in a body that
        can't be read. `secret`: the receipt token; `query`: the query of the URL that was posted to.
        """
        if not secret:
            raise BadSignature(f"{self._name} has no receipt token: nothing could show who sent this")
        auth = self._part.auth
        if auth.by == "field":
            given = self.at(auth.name)
            for item in self.items(body) or [{}]:
                self._check(given(item), secret)
        elif auth.by == "query":
            self._check(_in_query(auth, query), secret)
        elif auth.by == "hmac":
            self._check_signature(auth, _in_header(auth, headers), body, self._key or secret)
        else:
            self._check(_in_header(auth, headers), secret)

    def items(self, body: bytes) -> list[object]:
        """The items of a body, each an object. Raises BadEvent."""
        part = self._part
        try:
            if part.body != "json":
                text = body.decode(self._charset)
                pairs = parse_qsl(
                    text, keep_blank_values=True, max_num_fields=_MOST_FIELDS, encoding=self._charset
                )
                return [dict(pairs)]
            found = msgspec.json.decode(body)
        except (msgspec.MsgspecError, ValueError, RecursionError) as exc:
            raise BadEvent(
                f"A {self._thing} of {self._name} is not {part.body}: {clean(str(exc), 100)}"
            ) from exc
        if self._list is not None:
            found = at_path(found, self._list)
        items = found if isinstance(found, list) else [found]
        if not all(isinstance(item, dict) for item in items):
            raise BadEvent(f"A {self._thing} of {self._name} is no JSON object, nor a list of them")
        return items

    def millis(self, text: str | None, now: int) -> int:
        """A time in ms since 1970; `now` where it can't be read: better a rough time than none."""
        part = self._part
        try:
            if not text:
                return now
            if part.time_format is None and text.replace(".", "", 1).isdecimal():
                number = float(text)
                millis = int(number if number >= _MILLIS_FROM else number * 1000)
            else:
                fmt = part.time_format
                when = datetime.fromisoformat(text) if fmt is None else datetime.strptime(text, fmt)
                if when.tzinfo is None:
                    when = datetime.fromisoformat(f"{when.isoformat()}{part.utc_offset}")
                millis = int(when.timestamp() * 1000)
        except (ValueError, OverflowError, OSError):
            return now
        return millis if 0 <= millis <= _LAST_MILLI else now

    def _check(self, given: str | None, secret: str) -> None:
        if given is None:
            raise BadSignature(
                f"The receipt token is missing: is this {self._name}? See {self._field}.auth of its declaration"
            )
        if not hmac.compare_digest(given.encode("utf-8", "replace"), secret.encode()):
            raise BadSignature(
                f"The receipt token is wrong: give {self._name} the receipt URL and token that are set now"
            )

    def _check_signature(self, auth: Auth, given: str | None, body: bytes, key: str) -> None:
        if given is None:
            raise BadSignature(
                f"The signature is missing: is this {self._name}? See {self._field}.auth of its declaration"
            )
        digest = hmac.digest(key.encode(), body, auth.hash)
        if auth.written == "hex":
            right, found = digest.hex(), given.strip().removeprefix(auth.prefix).lower()
        else:
            right, found = base64.b64encode(digest).decode(), given.strip().removeprefix(auth.prefix)
        if not hmac.compare_digest(found.encode("utf-8", "replace"), right.encode()):
            raise BadSignature(
                f"The signature is wrong: is the key set now the one with which {self._name} signs?"
            )


def _in_query(auth: Auth, query: str) -> str | None:
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        return None
    return dict(pairs).get(auth.name or "")


def _in_header(auth: Auth, headers: Mapping[str, str]) -> str | None:
    wanted = "authorization" if auth.by == "bearer" else (auth.name or "").lower()
    value = next((value for name, value in headers.items() if name.lower() == wanted), None)
    if value is None or auth.by != "bearer":
        return value
    scheme, _, token = value.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None
