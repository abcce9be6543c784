"""The gateway's side of the courier: hands letters over, hears what became of them, bears with its end.

The courier is started when there is much to send. Until it is up, and whenever it is gone, letters leave from here.
"""

import asyncio
from collections.abc import Callable, Iterable
from itertools import groupby
from operator import itemgetter

import msgspec

from todoke.clock import monotonic
from todoke.core.outcome import Answer, Outcome
from todoke.core.template import Template
from todoke.engine.courier import frames
from todoke.engine.courier.frames import Order
from todoke.engine.helpers import Helper
from todoke.engine.loop import log
from todoke.engine.outgoing import Back, InProcess, Letter, Told, Until, throttled_for

MODULE = "todoke.engine.courier"
MOST_TEMPLATES = 500
"""Taught to a courier before it forgets them all."""
PING_SECONDS = 1.0
DEAF = 10
"""Unanswered pings, one each second, after which a courier is taken for stuck."""
STARTS = 30
"""More of them while it starts, which takes half a second where the machine has nothing else to do."""
FEW = 20
"""Letters within a second for which no courier is started: it takes 30 MB, and a tenth of a second of a core."""
RESTS_SECONDS = 60.0
"""Without a letter, after which a courier ends."""
LOST = Answer(
    outcome=Outcome.UNKNOWN,
    detail="the process that sends to LINE ended before it told the answer; the message may have been taken",
)


class CourierDepartures:
    """An `Departures` whose letters leave from the courier."""

    def __init__(self, line_api_base: str, gateway: int, here: InProcess) -> None:
        """`gateway`: this process's id; `here`: sends while no courier is up."""
        self.here = here
        self._hello = frames.Hello(line_api_base, gateway)
        self.helper = self._new_helper()
        self._ways: dict[int, CourierWay] = {}
        self._opened = 0
        self._taught: dict[int, tuple[int, Template]] = {}
        self._learnt = 0
        self._held: dict[str, float] = {}
        self.is_up = False
        """Whether the courier has said anything: what goes to one that never comes up must not count as sent."""
        self._from_here = 0
        """Letters that were to leave from here since the last look."""
        self._unheard = 0
        self._needed_at = monotonic()
        """When letters were last handed over, or so many that a courier is worth it."""
        self._pinging: asyncio.Task[None] | None = None
        self._resting: asyncio.Task[None] | None = None

    def _new_helper(self) -> Helper:
        return Helper(MODULE, took=self._take, began=self._began, lost=self._lost)

    async def start(self) -> None:
        """The courier itself starts when there is much to send."""
        self._pinging = asyncio.create_task(self._ping(), name="courier")

    async def close(self) -> None:
        if self._pinging is not None:
            self._pinging.cancel()
        await self.helper.close()
        if self._resting is not None:
            await self._resting

    def way(self, channel_id: str, back: Back, may_leave: Callable[[Until], bool]) -> "CourierWay":
        """`may_leave` is for what leaves from here; the courier goes by `Until` itself."""
        self._opened += 1
        way = self._ways[self._opened] = CourierWay(self, self._opened, channel_id, back, may_leave)
        self.send([self.opening(way)])
        return way

    def opening(self, way: "CourierWay") -> Order:
        return frames.Opened(way.number, way.channel_id, self._held.get(way.channel_id, 0.0) - monotonic())

    def forget(self, way: "CourierWay") -> None:
        if self._ways.pop(way.number, None) is not None:
            self.send([frames.Shut(way.number)])

    def send(self, orders: list[Order]) -> bool:
        """False where no courier is up; the next one is told all that it must know."""
        return self.is_up and self._put(orders)

    def _put(self, orders: list[Order]) -> bool:
        return self.helper.send(frames.encode(orders))

    def hand_over(self, orders: list[Order]) -> bool:
        """The same for letters."""
        self._needed_at = monotonic()
        return self.send(orders)

    def leave_here(self, letters: int) -> None:
        """So many could not be handed over."""
        self._from_here += letters
        if self._from_here > FEW:
            self._needed_at = monotonic()
            self.helper.start_soon()

    def named(self, letters: list[Letter], orders: list[Order]) -> list[frames.Named]:
        """The letters with numbers for their templates; `orders` teach the courier those that it does not know yet."""
        if len(self._taught) >= MOST_TEMPLATES:
            self._taught.clear()
            orders.append(frames.Unlearn())
        named: list[frames.Named] = []
        key, of = 0, None
        for tag, number, template, written in letters:
            if template is not of:
                key, of = self._key_of(template, orders), template
            named.append((tag, number, key, written))
        return named

    def _key_of(self, template: Template, orders: list[Order]) -> int:
        # By identity: templates are kept by the process, and comparing or hashing one costs more than sending it.
        known = self._taught.get(id(template))
        if known is not None:
            return known[0]
        self._learnt += 1
        self._taught[id(template)] = (self._learnt, template)
        orders.append(frames.Learn(self._learnt, msgspec.json.encode(template.spec), template.language))
        return self._learnt

    def hold(self, channel_id: str, seconds: float) -> None:
        """LINE has asked this channel to wait, wherever it was asked from."""
        self._held[channel_id] = monotonic() + seconds
        self.here.pacer(channel_id).hold(seconds)
        self.send([frames.Held(channel_id, seconds)])

    def _began(self) -> None:
        # It says when it is up.
        self.is_up = False
        self._unheard = -STARTS
        self._put([self._hello])

    def _came_up(self) -> None:
        self.is_up = True
        self._taught.clear()
        for way in list(self._ways.values()):
            way.begin()

    def _lost(self) -> None:
        self.is_up = False
        for way in list(self._ways.values()):
            way.lost()

    def _take(self, frame: bytes) -> None:
        self._unheard = 0
        if not self.is_up:
            self._came_up()
        for news in frames.read_news(frame):
            match news:
                case frames.Answers():
                    if (way := self._ways.get(news.way)) is not None:
                        way.answered(news.told)
                case frames.Late():
                    if (way := self._ways.get(news.way)) is not None:
                        way.late(news.tags)
                case frames.Failed():
                    log.error("send.error", attempt=news.tag, error=news.error, failure=[news.places])

    async def _ping(self) -> None:
        """Ends a courier that is stuck. Each second by itself, so that a stall of our own is none of its."""
        while True:
            await asyncio.sleep(PING_SECONDS)
            self._from_here = 0
            if self._unheard >= DEAF:
                log.error("courier.stuck", remedy="it is ended, and a new one started")
                self._unheard = 0
                self.helper.kill()
            elif self._is_idle():
                self._rest()
            elif self._put([frames.Ping()]):
                self._unheard += 1

    def _is_idle(self) -> bool:
        if self.helper.pid is None or monotonic() - self._needed_at < RESTS_SECONDS:
            return False
        return not any(way.is_out for way in self._ways.values())

    def _rest(self) -> None:
        """Ends a courier that has nothing; letters that come from now on leave from here."""
        idle, self.helper = self.helper, self._new_helper()
        self.is_up, self._unheard = False, 0
        self._resting = asyncio.create_task(idle.close(), name="courier rests")


class CourierWay:
    """A channel's way out by the courier, or from here while there is none. The `Back` of what leaves from here."""

    def __init__(
        self,
        departures: CourierDepartures,
        number: int,
        channel_id: str,
        back: Back,
        may_leave: Callable[[Until], bool],
    ) -> None:
        self.number = number
        self.channel_id = channel_id
        self._departures = departures
        self._back = back
        self._here = departures.here.way(channel_id, self, may_leave)
        self._use = frames.Use(number, 0, "", 1.0)
        self._out: set[str] = set()
        """Tags that the courier has, and has not told of."""
        self._leaves_there = False
        """Whether the last letters were the courier's."""

    @property
    def is_out(self) -> bool:
        """Whether the courier has anything of it."""
        return bool(self._out)

    def use(self, token: int, access_token: str, rate: float) -> None:
        self._use = frames.Use(self.number, token, access_token, rate)
        self._here.use(token, access_token, rate)
        self._departures.send([self._use])

    def hand_over(self, letters: list[Letter], until: Until) -> None:
        if self._hand_on(letters, until):
            self._leaves_there = True
            return
        if self._leaves_there:
            # What the pace has saved up while nothing left from here, the courier has used.
            self._departures.here.pacer(self.channel_id).hold(0)
            self._leaves_there = False
        self._here.hand_over(letters, until)
        self._departures.leave_here(len(letters))

    def _hand_on(self, letters: list[Letter], until: Until) -> bool:
        if not self._departures.is_up:
            return False
        orders: list[Order] = []
        named = self._departures.named(letters, orders)
        orders.append(frames.Post(self.number, until.leave_by, named))
        if not self._departures.hand_over(orders):
            return False
        self._out.update(x.tag for x in letters)
        return True

    def close(self) -> None:
        self._here.close()
        self._departures.forget(self)

    def begin(self) -> None:
        """A courier is up that knows nothing. What waits here has surely not left."""
        self._departures.send([self._departures.opening(self), self._use])
        for until, waiting in groupby(self._here.take_back(), itemgetter(1)):
            self.hand_over([letter for letter, _ in waiting], until)

    def lost(self) -> None:
        """The courier is gone. What it had may have left: nobody must send it again."""
        out, self._out = self._out, set()
        self._back.answered([Told(tag, self._use.token, LOST) for tag in out])

    def late(self, tags: list[str]) -> None:
        self._out.difference_update(tags)
        self._back.late(tags)

    def answered(self, told: Iterable[Told]) -> None:
        told = list(told)
        self._out.difference_update([x.tag for x in told])
        for _, _, answer in told:
            if answer.outcome is Outcome.THROTTLED and (seconds := throttled_for(answer)) is not None:
                self._departures.hold(self.channel_id, seconds)
        self._back.answered(told)
