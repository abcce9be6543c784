"""The webhook hub's rules: which request may go to a target now, when it is tried again, when it is given up.

Requests leave in the order in which they came, many at a time, but never two at once that concern the same user,
group or room: what comes later for one waits until what came before is taken or skipped.
"""

from enum import StrEnum
from typing import Generic

from todoke.core.durations import MINUTE, SECOND
from todoke.core.hub_queue import Queue, R
from todoke.core.outcome import Answer, Outcome

WINDOW = 64
"""Requests to one target that may be open at the same time."""
MOST_OPEN = 256
"""Requests of one target that are read and not done with: out, due later, or waiting for one before them."""
LONGEST_PAUSE = 5 * MINUTE
REFUSALS = frozenset({400, 413, 415, 422})
"""Answers that say no to this one body."""
GONE = 410
"""The target wants no more at all."""
REFUSED_TRIES = 3
"""So often is a body sent that the target refuses, then it is skipped."""
STUBBORN_TRIES = 12
"""So often may a request fail otherwise while the target takes others in between; then it is skipped."""
SEVERAL = 3
"""When so many requests failed and none was taken in between, it is the target."""
MOST_SKIPS = 10
"""After so many skips in a row with nothing taken in between, it is not the bodies that are wrong."""
TOO_MANY = 429
_IN_BETWEEN = frozenset({TOO_MANY, 502, 503, 504})
"""Answers that come from in front of a target that is down, or overloaded."""
FAILING_IS_ALARM = 15 * MINUTE


class Fate(StrEnum):
    """What became of a request at a target."""

    TAKEN = "taken"
    AGAIN = "failed"
    """It is tried again later."""
    SKIPPED = "skipped"
    GONE = "gone"
    """The target wants no more; it is paused, and the request stays."""


def pause_after(tries: int) -> int:
    """How long after so many failures the next try is made: 1 second, doubled each time, up to 5 minutes."""
    return min(SECOND << min(tries - 1, 20), LONGEST_PAUSE)


def _unreached(answer: Answer) -> bool:
    """Nothing of the request has left: there was no connection."""
    return answer.outcome is Outcome.FAILED and answer.status is None


class Pace:
    """How much a target may get at once. It is halved with failures, and one at a time while nothing is taken."""

    def __init__(self, fails: int = 0) -> None:
        """`fails`: how often in a row it had failed before this process looked after it."""
        self.fails = fails
        self.hold_until = 0
        self._down = fails > 0
        self._ill: set[int] = set()
        self._asked_until = 0
        self._width = 1 if fails else WINDOW
        self._sent = 0
        self._judged = 0

    def room(self, out: int, now: int) -> int:
        """How many more may leave now, with so many out."""
        if now < self.hold_until:
            return 0
        return max((1 if self.fails else self._width) - out, 0)

    def sent(self) -> int:
        """Notes that one leaves; the number is handed to `failed`."""
        self._sent += 1
        return self._sent

    def took(self) -> bool:
        """One was taken. Whether the target is back, after it was gone."""
        back, self._down = self._down and self.fails > 1, False
        self._ill.clear()
        self.fails = 0
        self.hold_until = self._asked_until
        self._width = min(self._width + 1, WINDOW)
        return back

    def failed(self, number: int, request_id: int, answer: Answer, now: int) -> None:
        """One was not. Those that were out together count as one failure.

        Where nobody can be reached, or several failed in a row, nothing leaves for a while. One that fails alone holds
        up no other.
        """
        if answer.retry_after:
            self._asked_until = max(self._asked_until, now + answer.retry_after)
        if number > self._judged:
            self._judged = self._sent
            self.fails += 1
            self._width = max(self._width // 2, 1)
        # One that left before another was taken says little: the target was there after it.
        if self.fails:
            self._ill.add(request_id)
            self._down = self._down or _unreached(answer) or len(self._ill) >= SEVERAL
        if self._down:
            self.hold_until = max(self.hold_until, now + pause_after(self.fails))
        self.hold_until = max(self.hold_until, self._asked_until)


class Course(Generic[R]):
    """All that is decided about one target."""

    def __init__(self, *, fails: int = 0, failing_since: int | None = None) -> None:
        self.queue: Queue[R] = Queue()
        self.pace = Pace(fails)
        self.failing_since = failing_since
        """Since when nothing is taken."""
        self._taken = 0
        self._skips = 0
        self._out = 0

    @property
    def out(self) -> int:
        """Requests that are on their way."""
        return self._out

    def next(self, now: int) -> tuple[R, int] | None:
        """A request that leaves now, and the number to hand to `answered`; None: none may."""
        if not self.pace.room(self._out, now):
            return None
        request = self.queue.take(now, least_tried=self.pace.fails > 0)
        if request is None:
            return None
        self._out += 1
        return request, self.pace.sent()

    def drop(self, request: R) -> None:
        """One that `next` gave is not sent at all."""
        self._out -= 1
        self.queue.done(request)

    def answered(self, request: R, number: int, answer: Answer, now: int) -> Fate:
        """What a request came to."""
        self._out -= 1
        if answer.outcome is Outcome.ACCEPTED:
            self._took(request)
            return Fate.TAKEN
        if answer.status == GONE:
            self.queue.again(request, now)
            return Fate.GONE
        # A target that refuses everything is ill itself.
        refused = answer.status in REFUSALS and self._skips < MOST_SKIPS
        request.tries += 1
        request.refusals += refused
        request.strikes += not refused and self._only_this_one(request, answer)
        request.taken_before = self._taken
        if request.refusals >= REFUSED_TRIES or request.strikes >= STUBBORN_TRIES:
            self._skip(request)
            return Fate.SKIPPED
        if not refused:
            self.failing_since = now if self.failing_since is None else self.failing_since
            self.pace.failed(number, request.id, answer, now)
        self.queue.again(request, now + max(pause_after(request.tries), answer.retry_after or 0))
        return Fate.AGAIN

    def _took(self, request: R) -> None:
        self._taken += 1
        self._skips = 0
        self.failing_since = None
        self.queue.done(request)
        if self.pace.took():
            self.queue.hurry()

    def _skip(self, request: R) -> None:
        self._skips += 1
        self.queue.done(request)
        if not self.queue:
            self.failing_since = None

    def _only_this_one(self, request: R, answer: Answer) -> bool:
        """Whether it looks as if the request, and not the target, is at fault."""
        if _unreached(answer) or answer.status == TOO_MANY:
            return False
        if request.tries > 1 and self._taken > request.taken_before:
            return True
        holds_up_all = len(self.queue) >= MOST_OPEN and self.queue.roots == 1
        return holds_up_all and answer.status is not None and answer.status not in _IN_BETWEEN

    def due_at(self, now: int) -> int | None:
        """When the next may leave that can't now; None where that depends on no time."""
        if self.queue.ready:
            return self.pace.hold_until if self.pace.hold_until > now else None
        due = self.queue.next_due
        return None if due is None else max(due, self.pace.hold_until)
