"""What binding makes by chance: codes that show whose a number is, words that show whose page a chat belongs to."""

import secrets
from base64 import urlsafe_b64encode
from hashlib import sha256
from hmac import digest

from todoke.core.binding import CODE_DIGITS, NONCE_LENGTH, WORD_LENGTH, WORD_LETTERS

_NONCE_BYTES = 32
_MARK_BYTES = 16


class Codes:
    """Makes codes, words and nonces."""

    def __init__(self, secret_key: str) -> None:
        self._key = sha256(b"todoke codes 1\0" + secret_key.encode()).digest()

    def new(self) -> str:
        """A code for an SMS."""
        return f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}"

    def hashed(self, link_id: str, number: str, code: str) -> str:
        """How a code is kept: whoever reads the database can't try all codes without our key."""
        return digest(self._key, f"{link_id}\0{number}\0{code}".encode(), "sha256").hex()

    def word(self) -> str:
        """What the user sends in the chat."""
        return "".join(secrets.choice(WORD_LETTERS) for _ in range(WORD_LENGTH))

    def nonce(self) -> str:
        """Of an account link: 10 to 255 characters, hard to guess (LINE: Messaging API, "Link user account")."""
        return secrets.token_urlsafe(_NONCE_BYTES)

    def browser(self) -> str:
        """What a browser keeps, and nobody else knows."""
        return secrets.token_urlsafe(_NONCE_BYTES)

    def mark(self, link_id: str, browser: str) -> str:
        """By what a link knows a browser, from which nobody learns what that keeps."""
        made = digest(self._key, f"browser\0{link_id}\0{browser}".encode(), "sha256")
        return urlsafe_b64encode(made[:_MARK_BYTES]).decode().rstrip("=")


def nonce_and_mark(told: str) -> tuple[str, str | None]:
    """The two parts of what LINE's event names: whose link it is, and from which browser LINE confirmed the user."""
    return told[:NONCE_LENGTH], told[NONCE_LENGTH:] or None
