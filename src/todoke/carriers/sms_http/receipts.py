"""Reads a provider's delivery receipts by the declaration."""

from collections.abc import Mapping
from hashlib import sha256

import msgspec

from todoke.carriers import BadEvent, BadSignature, EventKind, InboundEvent
from todoke.carriers.cleaning import clean, clean_id
from todoke.carriers.sms_http.declaration import Declaration
from todoke.carriers.sms_http.paths import texts
from todoke.carriers.sms_http.posted import Inlet


class ReceiptReader:
    """The receipts of one provider. With `receipts: false` nothing can be read, as nothing shows who sent
    it. `key`: the secret that `auth.key` names.
    """

    def __init__(self, declaration: Declaration, key: str | None = None) -> None:
        self._name = declaration.name
        self._inlet: Inlet | None = None
        if (receipt := declaration.receipt) is None:
            return
        self._inlet = inlet = Inlet(declaration.name, "receipt", "receipt", receipt, key, "utf-8")
        self._tag = inlet.at(receipt.tag)
        self._message_id = inlet.at(receipt.message_id)
        self._status = inlet.at(receipt.status)
        self._time = inlet.at(receipt.time)
        self._kinds = {
            **dict.fromkeys(texts(receipt.delivered), EventKind.PROOF),
            **dict.fromkeys(texts(receipt.failed), EventKind.NO_PROOF),
        }
        self._ignored = texts(receipt.intermediate)

    def check(self, headers: Mapping[str, str], body: bytes, secret: str, query: str = "") -> None:
        """Raises BadSignature if the receipt token or the signature is not in its place, BadEvent if it should
        stand in a body that can't be read. `query`: the query of the URL that was posted to.
        """
        if self._inlet is None:
            raise BadSignature(
                f"{self._name} gives no receipts by its declaration: set receipts: true to take them"
            )
        self._inlet.check(headers, body, secret, query)

    def read(self, body: bytes, now: int) -> list[InboundEvent]:
        """One event for each final receipt in the body; `now` (ms) stands in for a time that is not there.

        Raises BadEvent if the body can't be read.
        """
        inlet = self._inlet
        if inlet is None:
            raise BadEvent(f"{self._name} gives no receipts by its declaration")
        items = inlet.items(body)
        return [event for item in items if (event := self._event(inlet, item, now)) is not None]

    def _event(self, inlet: Inlet, item: object, now: int) -> InboundEvent | None:
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
            at=inlet.millis(self._time(item), now),
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
