"""Where randomness enters: request ids, webhook event ids (ULIDs), secrets, PINs."""

from __future__ import annotations

import secrets
import string
import uuid

import msgspec

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = [(left + right).encode() for left in _CROCKFORD for right in _CROCKFORD]
_TOKEN_LETTERS = string.ascii_letters + string.digits + "+/"
_JWS_HEADER = "eyJhbGciOiJIUzI1NiJ9"


SEGMENT = 32
"""Bits of the numbers that one start of the emulator has to give out; a later start takes the next segment."""


class Run(msgspec.Struct, frozen=True):
    """What is drawn once, so that all starts over one state file name things alike and nothing twice.

    `requests`: the first parts of all request ids; `events`: eight letters of all event ids, and `first_event`
    the number before the first; `messages`: the number before the first message id.
    """

    requests: str
    events: str
    first_event: int
    messages: int


def new_run() -> Run:
    """Draws one."""
    run = secrets.token_hex(7)
    return Run(
        requests=f"{run[:8]}-{run[8:12]}-4{run[11:14]}-a{secrets.token_hex(2)[1:]}",
        events="".join(secrets.choice(_CROCKFORD) for _ in range(8)),
        first_event=secrets.randbits(38),
        messages=500_000_000_000_000_000 + secrets.randbits(40),
    )


class Ids:
    """Numbers that count up from a random start, printed in the forms that LINE uses.

    `events`: the number of the latest event.
    """

    def __init__(self, run: Run | None = None) -> None:
        self.run = run or new_run()
        self.events = self.run.first_event
        self._event_run = self.run.events.encode()
        self._time = self._high = -1
        self._head = b""
        self.begin(0)

    def begin(self, segment: int) -> None:
        """Counts on from where no earlier start over the same run can have come."""
        self._requests = segment << SEGMENT
        self._messages = self.run.messages + (segment << SEGMENT)

    def request_no(self) -> int:
        """The next request's number."""
        self._requests += 1
        return self._requests

    def request_id(self, number: int) -> str:
        """`x-line-request-id` of a request: in the form of a UUID, unique to this run."""
        return f"{self.run.requests}-{number:012x}"

    def event_no(self) -> int:
        """The next webhook event's number."""
        self.events += 1
        return self.events

    def ulid(self, at: int, number: int) -> bytes:
        """The ULID of event `number`, which happened at `at` (ms since the epoch)."""
        # The randomness is a random run and the number: unique, and sorted within a millisecond.
        high, low = number >> 20, number & 0xFFFFF
        if at != self._time or high != self._high:
            self._time, self._high = at, high
            self._head = _base32(at, 5) + self._event_run + _base32(high, 2)
        return self._head + _PAIRS[low >> 10] + _PAIRS[low & 1023]

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
    def signed_token() -> str:
        """A stateless access token, or one of v2.1: three parts, as LINE's, of which only the first can be read."""
        return f"{_JWS_HEADER}.{secrets.token_urlsafe(120)}.{secrets.token_urlsafe(32)}"

    @staticmethod
    def token_key_id() -> str:
        """The key id of a token of v2.1: 22 characters."""
        return secrets.token_urlsafe(16)

    @staticmethod
    def signing_key_id() -> str:
        """The `kid` of an assertion signing key: a UUID."""
        return str(uuid.uuid4())

    @staticmethod
    def link_token() -> str:
        """A link token: 32 letters and digits."""
        return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(32))

    @staticmethod
    def bot_user_id() -> str:
        """The account's own user ID."""
        return "U" + secrets.token_hex(16)

    @staticmethod
    def basic_id() -> str:
        """The account's @-name."""
        return "@" + "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(8))

    @staticmethod
    def rich_menu_id() -> str:
        """The id of a rich menu, in LINE's form."""
        return f"richmenu-{secrets.token_hex(16)}"

    @staticmethod
    def pin() -> str:
        """Six digits."""
        return f"{secrets.randbelow(10**6):06d}"


def _base32(value: int, pairs: int) -> bytes:
    return b"".join(_PAIRS[value >> 10 * place & 1023] for place in reversed(range(pairs)))
