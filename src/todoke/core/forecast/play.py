"""One notice through its policy, with chances instead of answers: how likely each step is sent, which of them reaches
the recipient first and when, and how likely LINE shows a message after a later step has left.

The moves are those of `core.notice`: a step that is refused at once gives way to the next, one that is taken has its
wait, proof ends the notice, and what was taken stays open in its window whatever leaves after it.
"""

from bisect import bisect_right
from collections.abc import Callable
from math import exp

import msgspec

from todoke.core.forecast.beliefs import Belief, Delays
from todoke.core.routing import LINE_STEPS, Step

_NOTHING = 1e-9
Hold = Callable[[int], int]
"""A time → when a step that is due then may begin: later in quiet hours. Both count from the start of the list."""


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """A step that may run for these recipients."""

    step: Step
    wait: int
    taken: Belief
    """The share that its carrier takes."""
    delays: Delays | None
    """How long proof takes; None: it gives none, and the notice ends with it."""
    fails_later: float = 0.0
    """The share of what is taken that surely fails: nothing shown before it was a duplicate."""


class Course(msgspec.Struct):
    """What comes of a notice. Shares of 1; times in milliseconds from the start of the list."""

    sent: dict[Step, float]
    """By step: its request was taken."""
    shown: dict[Step, float]
    """By step that gives proof: its message is shown at some time, perhaps late."""
    doubled: dict[Step, float]
    """By later step: it was sent, and LINE's notification is shown as well."""
    over_line: float = 0.0
    """LINE reached the recipient first, and before a later step had left."""
    late: float = 0.0
    """Late duplicates."""
    pieces: list[tuple[float, float, float]] = []
    """When it reaches the recipient first: from, until, and the share that does in between."""
    last_begin: int = 0
    """The latest time at which a step may begin."""
    last_close: int = 0
    """The latest time at which proof may come."""

    @property
    def reached(self) -> float:
        return sum(mass for _, _, mass in self.pieces)

    def reached_by(self, time: float) -> float:
        found = 0.0
        for start, end, mass in self.pieces:
            if time >= end:
                found += mass
            elif time > start:
                found += mass * (time - start) / (end - start)
        return found


class _Open(msgspec.Struct, frozen=True):
    """An attempt whose proof may still come."""

    stage: int
    began: int
    replaced: bool = False
    """A later step has left."""


_Atom = tuple[float, int, tuple[_Open, ...]]
"""How likely, at which time, with which open attempts."""


class _Player:
    def __init__(self, stages: tuple[Stage, ...]) -> None:
        self._stages = stages
        self._logs = [() if x.delays is None else x.delays.logs() for x in stages]
        self.course = Course(
            sent={x.step: 0.0 for x in stages},
            shown={x.step: 0.0 for x in stages},
            doubled={x.step: 0.0 for x in stages},
            pieces=[],
        )

    def play(self, start: int, deadline: int | None, hold: Hold) -> Course:
        atoms: list[_Atom] = [(1.0, start, ())]
        ended: list[_Atom] = []
        for i in range(len(self._stages)):
            after: list[_Atom] = []
            for mass, time, open_ones in atoms:
                begin = hold(time)
                if deadline is not None and begin >= deadline:
                    ended.append((mass, time, open_ones))
                    continue
                mass = self._pass(mass, open_ones, time, begin)
                if mass > _NOTHING:
                    self._begin(i, mass, begin, open_ones, after, ended)
            atoms = after
        for mass, time, open_ones in (*ended, *atoms):
            if open_ones:
                until = max(x.began + self._window(x.stage) for x in open_ones)
                self._pass(mass, open_ones, time, until)
        return self.course

    def _begin(
        self,
        i: int,
        mass: float,
        begin: int,
        open_ones: tuple[_Open, ...],
        after: list[_Atom],
        ended: list[_Atom],
    ) -> None:
        stage, course = self._stages[i], self.course
        if (refused := mass * (1 - stage.taken.mean)) > 0:
            after.append((refused, begin, open_ones))
        mass *= stage.taken.mean
        course.sent[stage.step] += mass
        course.last_begin = max(course.last_begin, begin)
        course.last_close = max(course.last_close, begin)
        for x in open_ones:
            shown_later = 1 - exp(self._end(x.stage) - self._log(x.stage, begin - x.began))
            if not x.replaced:
                course.late += mass * (1 - stage.fails_later) * shown_later
            if self._stages[x.stage].step is Step.LINE_NOTIFICATION:
                course.doubled[stage.step] += mass * shown_later
        if stage.delays is None:
            course.pieces.append((begin, begin, mass))
            course.over_line += mass if stage.step in LINE_STEPS else 0.0
            return
        shown = mass * (1 - exp(self._end(i)))
        course.shown[stage.step] += shown
        if stage.step is Step.LINE_NOTIFICATION:
            for x in open_ones:
                course.doubled[self._stages[x.stage].step] += shown
        course.last_close = max(course.last_close, begin + self._window(i))
        now_open = (*(_Open(x.stage, x.began, True) for x in open_ones), _Open(i, begin))
        if i == len(self._stages) - 1:
            ended.append((mass, begin, now_open))
            return
        end = begin + stage.wait
        after.append((self._pass(mass, now_open, begin, end), end, now_open))

    def _pass(self, mass: float, open_ones: tuple[_Open, ...], start: int, end: int) -> float:
        """Time passes; proofs come. Answers how likely none has come at the end."""
        if not open_ones or end <= start:
            return mass
        marks = {end}
        for x in open_ones:
            delays = self._stages[x.stage].delays
            assert delays is not None
            marks |= {x.began + cut for cut in delays.cuts if start < x.began + cut < end}
        for mark in sorted(marks):
            falls = [
                self._log(x.stage, mark - x.began) - self._log(x.stage, start - x.began) for x in open_ones
            ]
            if (fall := sum(falls)) < 0:
                came = mass * (1 - exp(fall))
                self.course.pieces.append((start, mark, came))
                mass -= came
                for x, its in zip(open_ones, falls, strict=True):
                    if self._stages[x.stage].step in LINE_STEPS and not x.replaced:
                        self.course.over_line += came * its / fall
            start = mark
        return mass

    def _log(self, stage: int, age: int) -> float:
        """The logarithm of the share whose proof takes longer than `age`."""
        delays, logs = self._stages[stage].delays, self._logs[stage]
        assert delays is not None
        place = bisect_right(delays.cuts, age)
        before = logs[place - 1] if place else 0.0
        if place == len(logs):
            return before
        begin = delays.cuts[place - 1] if place else 0
        return before + (logs[place] - before) * (age - begin) / (delays.cuts[place] - begin)

    def _end(self, stage: int) -> float:
        return self._logs[stage][-1]

    def _window(self, stage: int) -> int:
        delays = self._stages[stage].delays
        assert delays is not None
        return delays.cuts[-1]


def play(stages: tuple[Stage, ...], start: int, deadline: int | None, hold: Hold) -> Course:
    """What comes of a notice whose first step is due at `start`; no step begins at `deadline` or later."""
    return _Player(stages).play(start, deadline, hold)
