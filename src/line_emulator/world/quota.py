"""How many ordinary messages a channel sent: by month against its quota, and lately to one user.

Source: Messaging API, "Messaging API pricing" (a message to one user counts as one, however many bubbles it has;
replies are free); reference, "Status codes", 429. Months are those of UTC+9 [choice]. Of "many messages to the same
user" LINE gives no number: the channel setting `per_user_limit`, per minute, stands for it [choice].
"""

from __future__ import annotations

from collections import Counter, deque

from line_emulator.world.channels import Channel
from line_emulator.world.japan import month_of
from line_emulator.world.people import Account

LATELY = 60_000


class Usage:
    """Running sums. `by_month`: messages that users got, by (channel id, month)."""

    def __init__(self) -> None:
        self.by_month: Counter[tuple[str, int]] = Counter()
        self._sent: deque[tuple[int, tuple[str, int]]] = deque()
        self._lately: Counter[tuple[str, int]] = Counter()

    def exhausted(self, channel: Channel, recipients: int, now: int) -> bool:
        """Whether so many messages more would exceed the month's quota."""
        quota = channel.monthly_quota
        return quota is not None and self.by_month[channel.channel_id, month_of(now)] + recipients > quota

    def too_many(self, channel: Channel, account: Account, now: int) -> bool:
        """Whether this user got as many messages in the last minute as the channel may send to one."""
        if channel.per_user_limit is None:
            return False
        self._forget(now)
        return self._lately[channel.channel_id, account.number] >= channel.per_user_limit

    def add(self, channel: Channel, account: Account, now: int) -> None:
        """One more message, to this user."""
        self.by_month[channel.channel_id, month_of(now)] += 1
        if channel.per_user_limit is not None:
            self._forget(now)
            key = channel.channel_id, account.number
            self._sent.append((now, key))
            self._lately[key] += 1

    def _forget(self, now: int) -> None:
        while self._sent and self._sent[0][0] + LATELY <= now:
            _, key = self._sent.popleft()
            self._lately[key] -= 1
            if not self._lately[key]:
                del self._lately[key]
