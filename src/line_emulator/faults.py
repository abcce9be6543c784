"""Trouble on order: what shall go wrong, for how many requests or what share of them, on the API or on
webhooks.
"""

from __future__ import annotations

import random
from typing import Any, Protocol

import msgspec

API_KINDS = ("latency", "status_before", "disconnect_before", "status_after", "disconnect_after")
EVENT_KINDS = ("drop", "duplicate", "reorder", "delay")
WEBHOOK_KINDS = (*API_KINDS, *EVENT_KINDS)
_LAST = frozenset({"drop", *API_KINDS[1:]})
"""What decides the outcome: after one of these no other fault strikes, so none is spent for nothing."""
MOST = 1_000_000_000_000
MOST_ORDERS = 1000
"""In force at a time: every request looks through them."""
DEFAULT_MS = {"latency": 1000, "delay": 60_000, "reorder": 60_000}
DEFAULT_STATUS = 500
CONTROL_PREFIX = "/_emulator/"


class Fault(msgspec.Struct, kw_only=True, omit_defaults=False):
    """One order. `next`: for so many more; `share`: of how many (0 to 1); neither: for all.

    `status`: the status to answer with; `ms`: real ms for `latency`, virtual ms for `delay` and `reorder`; where they
    are not said, see `order_of`.
    `path`: only this path, or with a star at its end all that begin so. `hits`: how often it struck.
    """

    id: int
    target: str
    kind: str
    share: float | None = None
    next: int | None = None
    status: int | None = None
    ms: int | None = None
    path: str | None = None
    channel_id: str | None = None
    hits: int = 0

    def concerns(self, path: str, channel_id: str | None) -> bool:
        """Whether it is about this path (on webhooks: this channel)."""
        if self.channel_id is not None and self.channel_id != channel_id:
            return False
        if self.path is None:
            # Without a path a fault is about LINE; the emulator's own SMS carrier must be named.
            return not path.startswith(CONTROL_PREFIX)
        return path.startswith(self.path[:-1]) if self.path.endswith("*") else path == self.path


class FaultDiary(Protocol):
    """Who must know of orders."""

    def fault_added(self, fault: Fault) -> None:
        """An order came."""

    def fault_removed(self, fault_id: int | None) -> None:
        """An order was withdrawn; None: all."""

    def fault_struck(self, fault_id: int) -> None:
        """An order struck once."""


class Faults:
    """All orders in force. Chance comes from one generator with a fixed seed, so that runs can be
    repeated.
    """

    def __init__(self) -> None:
        self.orders: list[Fault] = []
        self.api: list[Fault] = []
        self.webhook: list[Fault] = []
        self.diary: FaultDiary | None = None
        self._chance = random.Random(1)  # noqa: S311
        self._next_id = 1

    def add(self, fault: Fault) -> Fault:
        """Takes an order and gives it its id."""
        fault.id = self._next_id
        self.restore(fault)
        if self.diary is not None:
            self.diary.fault_added(fault)
        return fault

    def restore(self, fault: Fault) -> None:
        """Takes an order that has its id already."""
        self._next_id = max(self._next_id, fault.id + 1)
        self.orders.append(fault)
        self._sort()

    def spend(self, fault_id: int) -> None:
        """Counts one strike of an order, if it is still in force."""
        for fault in self.orders:
            if fault.id == fault_id:
                self._spend(fault)
                return

    def remove(self, fault_id: int | None = None) -> int:
        """Withdraws one order, or all; says how many that were."""
        before = len(self.orders)
        self.orders = [fault for fault in self.orders if fault_id is not None and fault.id != fault_id]
        self._sort()
        if self.diary is not None and before != len(self.orders):
            self.diary.fault_removed(fault_id)
        return before - len(self.orders)

    def strike(
        self, orders: list[Fault], kinds: tuple[str, ...], path: str, channel_id: str | None = None
    ) -> dict[str, Fault]:
        """What goes wrong with this one, by kind: at most one fault of each kind."""
        struck: dict[str, Fault] = {}
        for kind in kinds:
            for fault in orders:
                if fault.kind != kind or not fault.concerns(path, channel_id):
                    continue
                if fault.share is None or self._chance.random() < fault.share:
                    struck[kind] = fault
                    self._spend(fault)
                    break
            if kind in struck and kind in _LAST:
                break
        return struck

    def _spend(self, fault: Fault) -> None:
        fault.hits += 1
        if self.diary is not None:
            self.diary.fault_struck(fault.id)
        if fault.next is not None:
            fault.next -= 1
            if fault.next <= 0:
                self.orders.remove(fault)
                self._sort()

    def _sort(self) -> None:
        self.api = [fault for fault in self.orders if fault.target == "api"]
        self.webhook = [fault for fault in self.orders if fault.target == "webhook"]


def order_of(**values: Any) -> Fault:
    """An order with what was not said put in: `ms` where the kind takes time, `status` where it answers."""
    fault = Fault(id=0, **values)
    if fault.ms is None:
        fault.ms = DEFAULT_MS.get(fault.kind)
    if fault.status is None and fault.kind in ("status_before", "status_after"):
        fault.status = DEFAULT_STATUS
    return fault


def fault_in(fault: Fault) -> str | None:
    """What is wrong with an order, in words; None if nothing is."""
    kinds = {"api": API_KINDS, "webhook": WEBHOOK_KINDS}.get(fault.target)
    if kinds is None:
        return f"target is {fault.target!r}; it must be api or webhook"
    if fault.kind not in kinds:
        return f"kind is {fault.kind!r}; for the target {fault.target} it must be one of {', '.join(kinds)}"
    if fault.share is not None and not 0 <= fault.share <= 1:
        return f"share is {fault.share:g}; it must lie between 0 and 1"
    if fault.next is not None and not 1 <= fault.next <= MOST:
        return f"next is {fault.next}; it must lie between 1 and {MOST}"
    if fault.status is not None and not 200 <= fault.status <= 599:
        return f"status is {fault.status}; it must be an HTTP status from 200 to 599"
    if fault.ms is not None and not 0 <= fault.ms <= 3_600_000_000:
        return f"ms is {fault.ms}; it must lie between 0 and 3600000000"
    return None
