"""What is written into the state file, and when: every command, and what lives outside the world.

The world is a function of its commands, so these are all that is needed of it. Beside them stand the clock's
settings, faults on order, and what became of webhook events and receipts after they left the world.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from line_emulator.clockwork.clock import Clock, wall
from line_emulator.keeping import codec

if TYPE_CHECKING:
    from line_emulator.faults import Fault
    from line_emulator.keeping.journal import StateFile
    from line_emulator.world.commands import Command

STARTED, COMMAND, CLOCK = 0, 1, 2
ARRIVED, ENDED, AGAIN, LATER, DOUBLED = 3, 4, 5, 6, 7
FAULT, FAULT_OFF, FAULT_STRUCK = 8, 9, 10
RECEIPT, RECEIPT_DUE, RECEIPT_OFF = 11, 12, 13
SCENARIO, SCENARIO_STEP, SCENARIO_OFF = 14, 15, 16
DRIVEN_EVERY = 1000
"""Real ms between two records of a driven clock, which moves ten times a second."""


class Diary:
    """Writes records. `segment`: how many earlier starts the file has seen."""

    def __init__(self, file: StateFile, clock: Clock, segment: int) -> None:
        self.file = file
        self._clock = clock
        self._segment = segment
        self._clock_at = 0

    def began(self, event_no: int, fresh: bool) -> None:
        """A start, or a reset, after which nothing earlier counts. `event_no`: of the latest event."""
        self.file.append((STARTED, self._segment, event_no, fresh))
        self.moved()

    def reset(self, event_no: int) -> None:
        """Everything is empty."""
        self.file.clear()
        self.began(event_no, True)

    def command(self, now: int, command: Command) -> None:
        """The world was given a command at `now` (ms)."""
        try:
            encoded = codec.encode(command)
        except (ValueError, TypeError, OverflowError) as error:
            self.file.give_up(f"a command can't be put into it ({error})")
            return
        self.file.append((COMMAND, now, *encoded))

    def moved(self) -> None:
        """The clock was set, or its mode or speed."""
        at = wall()
        if self._clock.driven and self._clock.held and at - self._clock_at < DRIVEN_EVERY:
            return
        self._write_clock(at)

    def close(self) -> None:
        """The emulator ends."""
        self._write_clock(wall())
        self.file.close()

    def _write_clock(self, at: int) -> None:
        clock = self._clock
        self._clock_at = at
        self.file.append((CLOCK, clock.mode, clock.speed, clock.now(), at))

    def arrived(self, numbers: tuple[int, ...], at: int) -> None:
        """Events were posted so that they may have arrived."""
        self.file.append((ARRIVED, numbers, at))

    def ended(self, numbers: tuple[int, ...]) -> None:
        """Events need nothing more."""
        self.file.append((ENDED, numbers))

    def due_again(self, numbers: tuple[int, ...], attempt: int, due: int) -> None:
        """Events will be delivered again."""
        self.file.append((AGAIN, numbers, attempt, due))

    def due_later(self, number: int, due: int) -> None:
        """An event waits by a fault on order."""
        self.file.append((LATER, number, due))

    def doubled(self, number: int) -> None:
        """An event comes twice by a fault on order."""
        self.file.append((DOUBLED, number))

    def fault_added(self, fault: Fault) -> None:
        """A fault was ordered."""
        self.file.append((FAULT, msgspec.to_builtins(fault)))

    def fault_removed(self, fault_id: int | None) -> None:
        """A fault was withdrawn; None: all."""
        self.file.append((FAULT_OFF, fault_id))

    def fault_struck(self, fault_id: int) -> None:
        """A fault struck once."""
        self.file.append((FAULT_STRUCK, fault_id))

    def receipt(self, message_id: str, receipt: msgspec.Struct) -> None:
        """The carrier owes a receipt."""
        self.file.append((RECEIPT, message_id, msgspec.structs.astuple(receipt)))

    def receipt_due(self, message_id: str, attempt: int, due: int) -> None:
        """A receipt will be posted again."""
        self.file.append((RECEIPT_DUE, message_id, attempt, due))

    def receipt_ended(self, message_id: str) -> None:
        """A receipt was taken, or given up."""
        self.file.append((RECEIPT_OFF, message_id))

    def scenario(self, number: int, text: bytes, started: int) -> None:
        """A scenario began."""
        self.file.append((SCENARIO, number, text, started))

    def scenario_step(self, number: int, place: int, outcome: dict[str, Any]) -> None:
        """A step of it was done, or what it did was put back."""
        self.file.append((SCENARIO_STEP, number, place, outcome))

    def scenario_dropped(self, number: int) -> None:
        """A scenario was ended."""
        self.file.append((SCENARIO_OFF, number))
