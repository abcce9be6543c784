"""The ledger: what became of every notification request that passed authentication and validation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import msgspec

from line_emulator.world.bodies import LONGEST_IN_PACK, Pack

TEMPLATE_PATH = "/v2/bot/message/pnp/templated/push"
FLEXIBLE_PATH = "/bot/pnp/push"
PUSH_PATH = "/v2/bot/message/push"

DELIVERED = "delivered"
PENDING = "pending"
BLOCKED = "blocked"
REFUSED = "refused"
EXPIRED = "expired"
NUMBER_CHANGED = "number_changed"
REJECTED = "rejected"
FATES = (DELIVERED, PENDING, BLOCKED, REFUSED, EXPIRED, NUMBER_CHANGED, REJECTED)

NOBODY = "nobody has this number"
ACCOUNT_DELETED = "the account was deleted"
NO_PRIVACY_POLICY = "the user has not agreed to the privacy policy"
NOT_SERVED = "the country is not served"
FIXED_LINE = "the number is a fixed line"
REJECTS = "the user rejects notifications"
"""Why a request was rejected: LINE answers 422 to all alike, the emulator tells its tester."""


class Row(msgspec.Struct, gc=False, eq=False):
    """One request and its fate. Times in ms since the epoch.

    `to` is the number's digest (32 bytes), or the user ID of an ordinary push. `kept_body` is the raw
    request, or the pack in which it lies at `place`: read and set it as `body`. `skip_pin`: sent in
    no-phone-verification mode. `event_at`: when the delivery event was posted. `unit`: the
    aggregation unit that it counts for. `reason`: why it was rejected.
    """

    request_no: int
    channel_id: str
    path: str
    status: int
    tag: str | None
    to: bytes | str
    at: int
    fate: str
    kept_body: bytes | Pack | None = None
    place: int = 0
    template_key: str | None = None
    skip_pin: bool = False
    seen_at: int | None = None
    event_at: int | None = None
    unit: str | None = None
    reason: str | None = None

    @property
    def body(self) -> bytes | None:
        """The raw request, so that the phone can show it; None where it never reaches a phone."""
        kept = self.kept_body
        return kept.get(self.place) if isinstance(kept, Pack) else kept

    @body.setter
    def body(self, raw: bytes | None) -> None:
        self.kept_body = raw


class Ledger:
    """All rows in the order of the requests, with running sums so that the summary costs nothing."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.sums: Counter[tuple[str, str, int, str]] = Counter()
        self._pack = Pack()

    def add(self, row: Row) -> Row:
        """Enters a row with the fate it has."""
        self.rows.append(row)
        self.sums[row.channel_id, row.path, row.status, row.fate] += 1
        body = row.kept_body
        if isinstance(body, bytes) and len(body) <= LONGEST_IN_PACK:
            row.place = self._pack.add(body)
            row.kept_body = self._pack
            if self._pack.full:
                self._pack = Pack()
        return row

    def settle(self, row: Row, fate: str) -> None:
        """Gives a row another fate."""
        self.sums[row.channel_id, row.path, row.status, row.fate] -= 1
        self.sums[row.channel_id, row.path, row.status, fate] += 1
        row.fate = fate

    def page(self, start: int, limit: int, channel_id: str | None) -> tuple[list[Row], int | None]:
        """Up to `limit` rows from position `start` on, and the position to go on from (None at the end)."""
        found: list[Row] = []
        for position in range(start, len(self.rows)):
            row = self.rows[position]
            if channel_id is None or row.channel_id == channel_id:
                if len(found) == limit:
                    return found, position
                found.append(row)
        return found, None

    def groups(self, channel_id: str | None) -> Iterator[tuple[str, int, str, int]]:
        """(path, status, fate, count) for everything that occurred."""
        merged: Counter[tuple[str, int, str]] = Counter()
        for (channel, path, status, fate), count in self.sums.items():
            if count and (channel_id is None or channel == channel_id):
                merged[path, status, fate] += count
        for (path, status, fate), count in sorted(merged.items()):
            yield path, status, fate, count
