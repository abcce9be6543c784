"""The world: all state of LINE's side in one place. Only `world.handle` changes it."""

from __future__ import annotations

from collections import Counter, deque
from typing import Any

from line_emulator.world.channels import Channel
from line_emulator.world.friend_book import FriendBook
from line_emulator.world.ledger import Ledger, Row
from line_emulator.world.menu_book import Menus
from line_emulator.world.people import Account
from line_emulator.world.quota import Usage
from line_emulator.world.register import Register
from line_emulator.world.reply_tokens import ReplyTokens
from line_emulator.world.sms import SmsBook
from line_emulator.world.tokens import TokenBook
from line_emulator.world.units import Units


class World:
    """Channels, people, the ledger, SMS and the timers of LINE's side. Times in ms since the epoch.

    `counts`: messages shown, by (channel id, path, day in UTC+9 as days since the epoch).
    `links`: link token → (channel id, user ID, the moment from which it is void), oldest first.
    `retry_keys`: (channel id, key) → the moment, request number and answer of an accepted push or multicast.
    `menus`: rich menus by channel id.
    """

    def __init__(self) -> None:
        self.channels: dict[str, Channel] = {}
        self.people = Register()
        self.ledger = Ledger()
        self.sms = SmsBook()
        self.counts: Counter[tuple[str, str, int]] = Counter()
        self.retry_keys: dict[tuple[str, str], tuple[int, int, Any]] = {}
        self.tokens = TokenBook()
        self.links: dict[str, tuple[str, str, int]] = {}
        self.reply_tokens = ReplyTokens()
        self.usage = Usage()
        self.units = Units()
        self.friends = FriendBook()
        self.menus: dict[str, Menus] = {}
        self._timers: deque[tuple[Account, Row]] = deque()

    def expire_later(self, account: Account, row: Row) -> None:
        """Ends the wait of a notification after a time that is the same for all."""
        self._timers.append((account, row))

    def take_due(self, sent_by: int) -> tuple[Account, Row] | None:
        """The next notification that waits and was sent at `sent_by` or before; None when there is none (any
        more). Time only goes forward, so they lie in order.
        """
        if self._timers and self._timers[0][1].at <= sent_by:
            return self._timers.popleft()
        return None
