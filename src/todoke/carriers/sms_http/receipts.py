"""Reads a provider's delivery receipts by the declaration."""

import base64
import hmac
from collections.abc import Callable, Mapping
from datetime import datetime
from hashlib import sha256
from urllib.parse import parse_qsl

import msgspec

from todoke.carriers import BadEvent, BadSignature, EventKind, InboundEvent
from todoke.carriers.over_http import clean, clean_id
from todoke.carriers.sms_http.declaration import Auth, Declaration, Receipt
from todoke.carriers.sms_http.paths import as_text, at_path, parse_path, texts

_LAST_MILLI = 253_402_300_799_999  # of the year 9999
_MILLIS_FROM = 100_000_000_000  # as seconds this would be the year 5138, as milliseconds it is 1973

_Get = Callable[[object], str | None]


class ReceiptReader:
    """The receipts of one provider. With `receipts: false` nothing can be read, as nothing shows who sent
    it. `key`: the secret that `auth.key` names.
    """

    def __init__(self, declaration: Declaration, key: str | None = None) -> None:
        self._name = declaration.name
        self._key = key
        self._receipt = receipt = declaration.receipt
        if receipt is None:
            return
        self._tag = self._at(receipt, receipt.tag)
        self._message_id = self._at(receipt, receipt.message_id)
        self._status = self._at(receipt, receipt.status)
        self._time = self._at(receipt, receipt.time)
        self._kinds = {
            **dict.fromkeys(texts(receipt.delivered), EventKind.PROOF),
            **dict.fromkeys(texts(receipt.failed), EventKind.NO_PROOF),
        }
        self._ignored = texts(receipt.intermediate)
        self._list = None if receipt.items is None else parse_path(receipt.items)

    def check(self, headers: Mapping[str, str], body: bytes, secret: str, query: str = "") -> None:
        """Raises BadSignature if the receipt token or the signature is not in its place, BadEvent if it should
        stand in a body that can't be read. `query`: the query of the URL that was posted to.
        """
        receipt = self._receipt
        if receipt is None:
            raise BadSignature(
                f"{self._name} gives no receipts by its declaration: set receipts: true to take them"
            )
        if not secret:
            raise BadSignature(f"{self._name} has no receipt token: nothing could show who sent this")
        auth = receipt.auth
        if auth.by == "field":
            given = self._at(receipt, auth.name)
            for item in self._items(receipt, body) or [{}]:
                self._check(given(item), secret)
        elif auth.by == "query":
            self._check(_in_query(auth, query), secret)
        elif auth.by == "hmac":
            self._check_signature(auth, _in_header(auth, headers), body, self._key or secret)
        else:
            self._check(_in_header(auth, headers), secret)

    def read(self, body: bytes, now: int) -> list[InboundEvent]:
        """One event for each final receipt in the body; `now` (ms) stands in for a time that is not there.

        Raises BadEvent if the body can't be read.
        """
        receipt = self._receipt
        if receipt is None:
            raise BadEvent(f"{self._name} gives no receipts by its declaration")
        items = self._items(receipt, body)
        return [event for item in items if (event := self._event(receipt, item, now)) is not None]

    @staticmethod
    def _at(receipt: Receipt, place: str | None) -> _Get:
        if place is None:
            return lambda item: None
        path = parse_path(place) if receipt.body == "json" else (place,)
        return lambda item: as_text(at_path(item, path))

    def _check(self, given: str | None, secret: str) -> None:
        if given is None:
            raise BadSignature(
                f"The receipt token is missing: is this {self._name}? See receipt.auth of its declaration"
            )
        if not hmac.compare_digest(given.encode("utf-8", "replace"), secret.encode()):
            raise BadSignature(
                f"The receipt token is wrong: give {self._name} the receipt URL and token that are set now"
            )

    def _check_signature(self, auth: Auth, given: str | None, body: bytes, key: str) -> None:
        if given is None:
            raise BadSignature(
                f"The signature is missing: is this {self._name}? See receipt.auth of its declaration"
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

    def _items(self, receipt: Receipt, body: bytes) -> list[object]:
        try:
            if receipt.body != "json":
                return [dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=200))]
            found = msgspec.json.decode(body)
        except (msgspec.MsgspecError, ValueError, RecursionError) as exc:
            raise BadEvent(
                f"A receipt of {self._name} is not {receipt.body}: {clean(str(exc), 100)}"
            ) from exc
        if self._list is not None:
            found = at_path(found, self._list)
        items = found if isinstance(found, list) else [found]
        if not all(isinstance(item, dict) for item in items):
            raise BadEvent(f"A receipt of {self._name} is no JSON object, nor a list of them")
        return items

    def _event(self, receipt: Receipt, item: object, now: int) -> InboundEvent | None:
        status = self._status(item)
        if status is not None and status in self._ignored:
            return None
        tag = self._tag(item)
        if tag is not None and not (0 < len(tag) <= 100 and tag.isascii() and tag.isprintable()):
            tag = None  # not one of ours, and not fit for every database
        message_id = clean_id(self._message_id(item)) if tag is None else None
        kind = self._kinds.get(status or "", EventKind.OTHER)
        detail = None
        if kind is EventKind.OTHER:
            shown = clean(status or "", 60)
            detail = f"receipt with the unknown status {shown!r}: add it to the declaration of {self._name}"
        elif tag is None and message_id is None:
            kind, detail = EventKind.OTHER, f"receipt of {self._name} with neither our tag nor a message id"
        elif kind is EventKind.NO_PROOF:
            detail = f"{self._name}: {clean(status or '', 60)}"
        return InboundEvent(
            id=self._id(item, tag, status),
            kind=kind,
            at=_millis(self._time(item), receipt, now),
            tag=tag,
            message_id=message_id,
            detail=detail,
        )

    def _id(self, item: object, tag: str | None, status: str | None) -> str:
        """The same for the same news of the same message, so that a receipt posted twice counts once."""
        # All that names it: some providers have one id for a whole order, or use ids again within days.
        own_id = self._message_id(item)
        what = (tag or "", own_id or "") if tag or own_id else (msgspec.json.encode(item).decode(),)
        when = "" if tag else self._time(item) or ""
        digest = sha256("\0".join((self._name, *what, status or "", when)).encode("utf-8", "replace"))
        return f"{self._name}-{digest.hexdigest()[:40]}"


def _in_query(auth: Auth, query: str) -> str | None:
    try:
        return dict(parse_qsl(query, keep_blank_values=True, max_num_fields=200)).get(auth.name or "")
    except ValueError:
        return None


def _in_header(auth: Auth, headers: Mapping[str, str]) -> str | None:
    wanted = "authorization" if auth.by == "bearer" else (auth.name or "").lower()
    value = next((value for name, value in headers.items() if name.lower() == wanted), None)
    if value is None or auth.by != "bearer":
        return value
    scheme, _, token = value.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def _millis(text: str | None, receipt: Receipt, now: int) -> int:
    """A receipt's time in ms since 1970; `now` where it can't be read: better a rough time than no proof."""
    try:
        if not text:
            return now
        if receipt.time_format is None and text.replace(".", "", 1).isdecimal():
            number = float(text)
            millis = int(number if number >= _MILLIS_FROM else number * 1000)
        else:
            fmt = receipt.time_format
            when = datetime.fromisoformat(text) if fmt is None else datetime.strptime(text, fmt)
            if when.tzinfo is None:
                when = datetime.fromisoformat(f"{when.isoformat()}{receipt.utc_offset}")
            millis = int(when.timestamp() * 1000)
    except (ValueError, OverflowError, OSError):
        return now
    return millis if 0 <= millis <= _LAST_MILLI else now
