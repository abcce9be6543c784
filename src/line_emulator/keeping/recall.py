"""From the state file back to the state: the records are repeated over an empty emulator, without its noise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from line_emulator.carrier import Carrier, Receipt
from line_emulator.clockwork.clock import REAL, wall
from line_emulator.faults import Fault
from line_emulator.keeping import codec, diary
from line_emulator.keeping.diary import Diary
from line_emulator.keeping.journal import BadStateFile, StateFile
from line_emulator.posting.webhooks import Item
from line_emulator.scenarios.director import Director
from line_emulator.state import State
from line_emulator.world import handle
from line_emulator.world.channels import Channel


class Waiting(msgspec.Struct, gc=False):
    """An event that left the world: how often it is on its way, and since which attempt it waits for `due`."""

    channel: Channel
    item: Item
    copies: int = 1
    attempt: int = 0
    due: int | None = None


class Owed(msgspec.Struct):
    """A receipt of the carrier that nobody took yet."""

    receipt: Receipt
    attempt: int = 0
    due: int | None = None


class Recall:
    """Repeats a file into a state that has not started; `resume` then takes up what was under way."""

    def __init__(self, file: StateFile, state: State, director: Director) -> None:
        self._file = file
        self._director = director
        self._state = state
        self._waiting: dict[int, Waiting] = {}
        self._owed: dict[str, Owed] = {}
        self._starts = 0
        self._latest = 0
        self._clock: tuple[str, float, int, int] | None = None
        self._records: dict[int, Callable[..., None]] = {
            diary.STARTED: self._started,
            diary.COMMAND: self._command,
            diary.CLOCK: self._clocked,
            diary.ARRIVED: self._arrived,
            diary.ENDED: self._ended,
            diary.AGAIN: self._again,
            diary.LATER: self._later,
            diary.DOUBLED: self._doubled,
            diary.FAULT: self._fault,
            diary.FAULT_OFF: self._fault_off,
            diary.FAULT_STRUCK: self._fault_struck,
            diary.RECEIPT: self._receipt,
            diary.RECEIPT_DUE: self._receipt_due,
            diary.RECEIPT_OFF: self._receipt_off,
            diary.SCENARIO: director.restore,
            diary.SCENARIO_STEP: director.restore_step,
            diary.SCENARIO_OFF: director.restore_dropped,
        }

    def play(self) -> None:
        """Repeats all records; from then on the state writes its own. Raises BadStateFile."""
        state = self._state
        state.webhooks.backlog = self
        for record in self._file.read():
            try:
                self._records[record[0]](*record[1:])
            except (codec.Unreadable, KeyError, TypeError, ValueError, IndexError) as error:
                raise BadStateFile(
                    f"{self._file.path}: record {self._file.records} can't be repeated: {error}. "
                    "Use the version of the emulator that wrote it, or name another file with --state."
                ) from None
        state.webhooks.backlog = None
        state.learn_tokens()
        self._set_clock()
        state.ids.begin(self._starts)
        state.write_into(Diary(self._file, state.clock, self._starts))

    def resume(self, carrier: Carrier) -> None:
        """Inside the running event loop: posts what was not posted, and plans what was planned."""
        webhooks = self._state.webhooks
        groups: dict[tuple[str, int, int], list[Waiting]] = {}
        for waiting in self._waiting.values():
            if waiting.due is None:
                waiting.item.late = True
                webhooks.resume(waiting.channel, [waiting.item] * waiting.copies, 0, None)
            else:
                key = waiting.channel.channel_id, waiting.attempt, waiting.due
                groups.setdefault(key, []).append(waiting)
        for (_, attempt, due), group in groups.items():
            items = [waiting.item for waiting in group for _ in range(waiting.copies)]
            webhooks.resume(group[0].channel, items, attempt, due)
        for owed in self._owed.values():
            carrier.resume(owed.receipt, owed.attempt, owed.due)
        self._director.resume()
        self._waiting.clear()
        self._owed.clear()

    def take(self, channel: Channel, item: Item) -> None:
        """An event comes out of the repeated world."""
        self._waiting[item.number] = Waiting(channel, item)

    def _started(self, segment: int, event_no: int, fresh: bool) -> None:
        self._starts = segment + 1
        self._state.ids.events = event_no
        self._state.fresh = fresh

    def _command(self, now: int, name: str, data: bytes, blobs: list[bytes]) -> None:
        state = self._state
        self._latest = now
        effects = handle(state.world, codec.decode(name, data, blobs, state.world), now)
        state.fresh = False
        if effects.events:
            state.webhooks.emit(effects.events)

    def _clocked(self, mode: str, speed: float, now: int, at: int) -> None:
        self._clock = mode, speed, now, at
        self._latest = now

    def _set_clock(self) -> None:
        if self._clock is None:
            return
        mode, speed, now, at = self._clock
        if mode == REAL and speed == 1:
            now += max(0, wall() - at)
        self._state.clock.restore(mode, speed, max(now, self._latest))

    def _arrived(self, numbers: list[int], at: int) -> None:
        for number in numbers:
            waiting = self._waiting.get(number)
            row = waiting.item.row if waiting is not None else None
            if row is not None and row.event_at is None:
                row.event_at = at

    def _ended(self, numbers: list[int]) -> None:
        for number in numbers:
            waiting = self._waiting.get(number)
            if waiting is not None:
                waiting.copies -= 1
                if not waiting.copies:
                    del self._waiting[number]

    def _again(self, numbers: list[int], attempt: int, due: int) -> None:
        for number in numbers:
            waiting = self._waiting.get(number)
            if waiting is not None:
                waiting.attempt, waiting.due = attempt, due

    def _later(self, number: int, due: int) -> None:
        waiting = self._waiting.get(number)
        if waiting is not None:
            waiting.due, waiting.item.late = due, True

    def _doubled(self, number: int) -> None:
        waiting = self._waiting.get(number)
        if waiting is not None:
            waiting.copies += 1

    def _fault(self, order: dict[str, Any]) -> None:
        self._state.faults.restore(msgspec.convert(order, Fault))

    def _fault_off(self, fault_id: int | None) -> None:
        self._state.faults.remove(fault_id)

    def _fault_struck(self, fault_id: int) -> None:
        self._state.faults.spend(fault_id)

    def _receipt(self, message_id: str, receipt: list[Any]) -> None:
        self._owed[message_id] = Owed(Receipt(*receipt))

    def _receipt_due(self, message_id: str, attempt: int, due: int) -> None:
        # One that was on its way in a reset is known to nobody any more.
        owed = self._owed.get(message_id)
        if owed is not None:
            owed.attempt, owed.due = attempt, due

    def _receipt_off(self, message_id: str) -> None:
        self._owed.pop(message_id, None)
