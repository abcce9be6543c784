"""Where randomness enters: request ids, webhook event ids (ULIDs), secrets, PINs."""

from __future__ import annotations

import secrets
import string

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = [(left + right).encode() for left in _CROCKFORD for right in _CROCKFORD]
_TOKEN_LETTERS = string.ascii_letters + string.digits + "+/"


class Ids:
    """Numbers that count up from a random start, printed in the forms that LINE uses."""

    def __init__(self) -> None:
        run = secrets.token_hex(7)
        self._run = f"{run[:8]}-{run[8:12]}-4{run[11:14]}-a{secrets.token_hex(2)[1:]}"
        self._requests = 0
        self._events = secrets.randbits(38)
        self._event_run = "".join(secrets.choice(_CROCKFORD) for _ in range(8)).encode()
        self._messages = 500_000_000_000_000_000 + secrets.randbits(40)
        self._time = -1
        self._time_text = b""

    def request_no(self) -> int:
        """The next request's number."""
        self._requests += 1
        return self._requests

    def request_id(self, number: int) -> str:
        """`x-line-request-id` of a request: in the form of a UUID, unique to this run."""
        return f"{self._run}-{number:012x}"

    def ulid(self, at: int) -> bytes:
        """A new ULID for an event at `at` (ms since the epoch)."""
        if at != self._time:
            self._time, self._time_text = at, _base32(at, 5)
        self._events += 1
        # The randomness is a random run and a counter: unique, and sorted within a millisecond.
        return self._time_text + self._event_run + _base32(self._events, 4)

    def message_id(self, count: int = 1) -> int:
        """The first of `count` new message ids."""
        first = self._messages + 1
        self._messages += count
        return first

    @staticmethod
    def channel_id() -> str:
        """Ten digits, as LINE's newer channel ids."""
        return f"20{secrets.randbelow(10**8):08d}"

    @staticmethod
    def secret() -> str:
        """A channel secret: 32 hex digits."""
        return secrets.token_hex(16)

    @staticmethod
    def access_token() -> str:
        """A channel access token, as long as LINE's."""
        return "".join(secrets.choice(_TOKEN_LETTERS) for _ in range(171)) + "="

    @staticmethod
    def bot_user_id() -> str:
        """The account's own user ID."""
        return "U" + secrets.token_hex(16)

    @staticmethod
    def basic_id() -> str:
        """The account's @-name."""
        return "@" + "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(8))

    @staticmethod
    def reply_token() -> str:
        """A reply token: 32 hex digits."""
        return secrets.token_hex(16)

    @staticmethod
    def pin() -> str:
        """Six digits."""
        return f"{secrets.randbelow(10**6):06d}"


def _base32(value: int, pairs: int) -> bytes:
    return b"".join(_PAIRS[value >> 10 * place & 1023] for place in reversed(range(pairs)))
