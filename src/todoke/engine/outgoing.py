"""LINE notifications on their way out: in order, at LINE's rate, so many at once.

The same code wherever they leave from. Kept light: the courier, a process of its own, imports it.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from typing import NamedTuple, Protocol

import msgspec

from todoke.carriers import LineNotification
from todoke.clock import monotonic
from todoke.core.outcome import Answer, Outcome
from todoke.core.template import Template, render_line
from todoke.engine.pacer import Pacer

_parameters = msgspec.json.Decoder(dict[str, str]).decode
AT_ONCE = 128
"""Requests of one channel that may be open at the same time: LINE's 2,000 a second, each 60 ms on its way."""
THROTTLE_SECONDS = 1.0
"""How long nothing leaves after a 429 that names no time."""


class Letter(NamedTuple):
    """One notification. Its attempt is committed."""

    tag: str
    """The delivery tag: the attempt's id."""
    number: str
    template: Template
    """In the notice's language."""
    written: str
    """Its parameters as JSON."""


class Until(NamedTuple):
    """Up to when a letter may leave; what has not left by then comes back."""

    stale_at: int
    """Milliseconds of the notices' clock: then it must be held against the gate again."""
    leave_by: float
    """The same by `monotonic`, which all processes of the machine share, if that clock runs as the machine's; earlier
    where another process may pace the channel by then.
    """


class Told(NamedTuple):
    """What became of a letter's request."""

    tag: str
    token: int
    """Which of the channel's access tokens it left with, as `use` numbered them."""
    answer: Answer


class Back(Protocol):
    """Who hears what became of a channel's letters, each exactly once."""

    def answered(self, told: Iterable[Told]) -> None:
        """LINE answered, or nothing could be sent, or nobody knows."""
        ...

    def late(self, tags: list[str]) -> None:
        """These have surely not left, and will not unless they are handed over again."""
        ...


class Way(Protocol):
    """A channel's way out."""

    def use(self, token: int, access_token: str, rate: float) -> None:
        """From now on with this token and at this rate, also what was handed over before."""
        ...

    def hand_over(self, letters: list[Letter], until: Until) -> None:
        """To be sent in this order, after those before."""
        ...

    def close(self) -> None:
        """Nothing more leaves, and nothing comes back."""
        ...


class Departures(Protocol):
    """Where LINE notifications leave from: this process, or the courier."""

    async def start(self) -> None:
        """Before the first way is opened."""
        ...

    def way(self, channel_id: str, back: Back, may_leave: Callable[[Until], bool]) -> Way:
        """A way out for a channel. `may_leave` is asked in this process, where the letters leave from it."""
        ...

    async def close(self) -> None:
        """Ends what was started. Letters that are out then are not answered."""
        ...


class Begins(Protocol):
    """A carrier that tells its answer by a call."""

    def begin(self, message: LineNotification, tag: str, done: Callable[[Answer], None]) -> None:
        """One request; never raises for what LINE or the network does."""
        ...


def throttled_for(answer: Answer) -> float | None:
    """Seconds for which nothing more should leave after this answer."""
    if answer.outcome is Outcome.THROTTLED and not answer.quota_used_up:
        return (answer.retry_after or 0) / 1000 or THROTTLE_SECONDS
    return None


def broke(error: Exception) -> Answer:
    """The answer where something of ours broke: the request may have left, and anything else could lose a notice."""
    return Answer(outcome=Outcome.UNKNOWN, detail=f"internal error: {type(error).__name__}")


class Outgoing:
    """A channel's letters, in the process that they leave from; a `Way`."""

    def __init__(
        self,
        carrier: Begins,
        pacer: Pacer,
        back: Back,
        may_leave: Callable[[Until], bool],
        failed: Callable[[str, Exception], None],
    ) -> None:
        """`failed`: told of a defect of ours, with the tag that it struck."""
        self._carrier = carrier
        self._pacer = pacer
        self._back = back
        self._may_leave = may_leave
        self._failed = failed
        self._token = (0, "")
        self._waiting: deque[tuple[Letter, Until]] = deque()
        self._open = 0
        self._timer: asyncio.TimerHandle | None = None
        self._pumping = False
        self._closed = False

    def use(self, token: int, access_token: str, rate: float) -> None:
        self._token = (token, access_token)
        self._pacer.set_rate(rate)

    def hand_over(self, letters: Iterable[Letter], until: Until) -> None:
        self._waiting.extend([(letter, until) for letter in letters])
        if self._timer is None:
            self._pump()

    def take_back(self) -> list[tuple[Letter, Until]]:
        """What waits, in its order; it never leaves from here now. What has left is answered as ever."""
        waiting = list(self._waiting)
        self._waiting.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        return waiting

    def close(self) -> None:
        self._closed = True
        self._waiting.clear()
        if self._timer is not None:
            self._timer.cancel()

    def _pump(self) -> None:
        """Lets those leave whose turn has come."""
        self._timer = None
        if self._pumping:
            return
        self._pumping = True
        late: list[str] = []
        try:
            self._let_leave(late)
        finally:
            self._pumping = False
        if late:
            self._back.late(late)

    def _let_leave(self, late: list[str]) -> None:
        now = monotonic()
        while self._waiting and self._open < AT_ONCE:
            letter, until = self._waiting[0]
            if not self._may_leave(until):
                self._waiting.popleft()
                late.append(letter.tag)
            elif self._pacer.passes(now):
                self._waiting.popleft()
                self._leave(letter)
            else:
                self._timer = asyncio.get_running_loop().call_later(self._pacer.delay(now), self._pump)
                break

    def _leave(self, letter: Letter) -> None:
        number, access_token = self._token
        self._open += 1
        done = partial(self._answered, letter.tag, number)
        try:
            flexible, payload = render_line(letter.template, _parameters(letter.written))
            message = LineNotification(
                to=letter.number, flexible=flexible, payload=payload, access_token=access_token
            )
            self._carrier.begin(message, letter.tag, done)
        except Exception as error:
            self._failed(letter.tag, error)
            done(broke(error))

    def _answered(self, tag: str, token: int, answer: Answer) -> None:
        self._open -= 1
        if self._closed:
            return
        if (seconds := throttled_for(answer)) is not None:
            self._pacer.hold(seconds)
        self._back.answered((Told(tag, token, answer),))
        if self._waiting and self._timer is None:
            self._pump()


class InProcess:
    """The departures of one process: letters leave from here."""

    def __init__(self, carrier: Begins, failed: Callable[[str, Exception], None]) -> None:
        self._carrier = carrier
        self._failed = failed
        self._pacers: dict[str, Pacer] = {}

    async def start(self) -> None:
        """Nothing to start."""

    def pacer(self, channel_id: str) -> Pacer:
        """A channel's pace, which outlives its ways."""
        return self._pacers.setdefault(channel_id, Pacer(1.0))

    def way(self, channel_id: str, back: Back, may_leave: Callable[[Until], bool]) -> Outgoing:
        return Outgoing(self._carrier, self.pacer(channel_id), back, may_leave, self._failed)

    async def close(self) -> None:
        """Nothing to end: whoever made the carrier closes it."""
