"""Addresses that only we can have made, for users to open: short enough for an SMS, nothing personal in them."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from enum import StrEnum
from hashlib import sha256
from hmac import compare_digest, digest

from todoke.ids import from_bytes, to_bytes

_MAC = 8
"""Bytes. Whoever guesses must ask us each time: 64 bits are beyond that."""
TOKEN_LENGTH = 32


class Page(StrEnum):
    """What a link leads to; also the first part of its path."""

    BIND = "b"
    UNBIND = "u"


class Links:
    """Makes and reads links: an id, which may be a bind link's, an attempt's or a binding's, and a keyed hash."""

    def __init__(self, secret_key: str, base_url: str) -> None:
        self._key = sha256(b"todoke links 1\0" + secret_key.encode()).digest()
        self._base = base_url.rstrip("/")

    @property
    def secure(self) -> bool:
        """Whether the addresses are ones that users can open anywhere."""
        return self._base.startswith("https://")

    def token(self, page: Page, id: str) -> str:
        """The last part of the address: 32 letters, digits, - and _."""
        raw = to_bytes(id)
        return urlsafe_b64encode(raw + self._mac(page, raw)).decode()

    def url(self, page: Page, id: str) -> str:
        """The whole address."""
        return f"{self._base}/{page}/{self.token(page, id)}"

    def read(self, page: Page, token: str) -> str | None:
        """The id; None where the token is not one that we made for this page."""
        if len(token) != TOKEN_LENGTH or not token.isascii():
            return None
        try:
            raw = urlsafe_b64decode(token)
        except ValueError:
            return None
        # Whatever else is decoded to the same bytes is another address, and not the one that we gave out.
        if not compare_digest(urlsafe_b64encode(raw), token.encode()):
            return None
        made, mac = raw[:-_MAC], raw[-_MAC:]
        return from_bytes(made) if compare_digest(mac, self._mac(page, made)) else None

    def _mac(self, page: Page, raw: bytes) -> bytes:
        return digest(self._key, page.encode() + b"\0" + raw, "sha256")[:_MAC]
