"""The world: all state of LINE's side in one place. Only `world.handle` changes it."""

from __future__ import annotations

import heapq
from collections import Counter
from typing import Any

from line_emulator.world.channels import Channel
from line_emulator.world.ledger import Ledger, Row
from line_emulator.world.people import Account, Register
from line_emulator.world.sms import SmsBook


class World:
    """Channels, people, the ledger, SMS and the timers of LINE's side. Times in ms since the epoch.

    `counts`: messages shown, by (channel id, path, day in UTC+9 as days since the epoch).
    `issued`: access tokens that end, with their channel and their end, oldest first.
    `retry_keys`: (channel id, key) → the moment, request number and answer of an accepted push.
    """

    def __init__(self) -> None:
        self.channels: dict[str, Channel] = {}
        self.people = Register()
        self.ledger = Ledger()
        self.sms = SmsBook()
        self.counts: Counter[tuple[str, str, int]] = Counter()
        self.retry_keys: dict[tuple[str, str], tuple[int, int, Any]] = {}
        self.issued: dict[str, tuple[Channel, int]] = {}
        self._timers: list[tuple[int, int, Account, Row]] = []
        self._timer_no = 0

    def expire_later(self, account: Account, row: Row, due: int) -> None:
        """Ends the wait of a pending notification at `due`."""
        self._timer_no += 1
        heapq.heappush(self._timers, (due, self._timer_no, account, row))

    def take_due(self, now: int) -> tuple[Account, Row] | None:
        """The next notification whose wait is over at `now`, in order; None when there is none (any more)."""
        if self._timers and self._timers[0][0] <= now:
            _, _, account, row = heapq.heappop(self._timers)
            return account, row
        return None
