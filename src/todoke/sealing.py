"""Keeps channel secrets and tokens encrypted in the database, under the key of the settings."""

import base64
import hashlib
import hmac

from cryptography.fernet import Fernet, InvalidToken


class CannotUnseal(Exception):
    """The stored value was sealed under another SECRET_KEY."""


class Seal:
    """Encrypts and decrypts short texts (Fernet: AES-128-CBC with HMAC-SHA256)."""

    def __init__(self, secret_key: str) -> None:
        digest = hashlib.sha256(b"todoke seal 1\0" + secret_key.encode()).digest()
        self._fernet = Fernet(base64.urlsafe_b64encode(digest))
        self._mark_key = hashlib.sha256(b"todoke mark 1\0" + secret_key.encode()).digest()

    def mark(self, content: bytes) -> str:
        """A keyed hash: tells contents apart, and shows them to nobody who lacks the key, guess as they may."""
        return hmac.digest(self._mark_key, content, "sha256").hex()

    def close(self, text: str) -> bytes:
        return self._fernet.encrypt(text.encode())

    def open(self, sealed: bytes) -> str:
        """Raises CannotUnseal where the key is another one than the value was sealed under."""
        try:
            return self._fernet.decrypt(sealed).decode()
        except InvalidToken:
            raise CannotUnseal(
                "A stored secret can't be read: it was saved under another TODOKE_SECRET_KEY. "
                "Start with the key that was in use then (by default the file secret.key in the data folder)."
            ) from None
