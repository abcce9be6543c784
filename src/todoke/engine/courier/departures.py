"""The gateway's side of the courier: hands letters over, hears what became of them, bears with its end."""

import asyncio
from collections.abc import Callable, Iterable

import msgspec

from todoke.clock import monotonic
from todoke.core.outcome import Answer, Outcome
from todoke.core.template import Template
from todoke.engine.courier import frames
from todoke.engine.courier.frames import Order
from todoke.engine.helpers import Helper
from todoke.engine.loop import log
from todoke.engine.outgoing import Back, Letter, Told, Until, throttled_for

MODULE = "todoke.engine.courier"
MOST_TEMPLATES = 500
"""Taught to a courier before it forgets them all."""
PING_SECONDS = 1.0
DEAF = 10
"""Unanswered pings, one each second, after which a courier is taken for stuck."""
STARTS = 30
"""More of them while it starts, which takes half a second where the machine has nothing else to do."""
LOST = Answer(
    outcome=Outcome.UNKNOWN,
    detail="the process that sends to LINE ended before it told the answer; the message may have been taken",
)


class CourierDepartures:
    """An `Departures` whose letters leave from the courier."""

    def __init__(self, line_api_base: str, gateway: int) -> None:
        """`gateway`: this process's id."""
        self._hello = frames.Hello(line_api_base, gateway)
        self.helper = Helper(MODULE, took=self._take, began=self._began, lost=self._lost)
        self._ways: dict[int, CourierWay] = {}
        self._opened = 0
        self._taught: dict[int, tuple[int, Template]] = {}
        self._learnt = 0
        self._held: dict[str, float] = {}
        self._unheard = 0
        self._pinging: asyncio.Task[None] | None = None

    async def start(self) -> None:
        await self.helper.start()
        self._pinging = asyncio.create_task(self._ping(), name="courier")

    async def close(self) -> None:
        if self._pinging is not None:
            self._pinging.cancel()
        await self.helper.close()

    def way(self, channel_id: str, back: Back, may_leave: Callable[[Until], bool]) -> "CourierWay":
        """`may_leave` is for outboxes of this process; the courier goes by `Until` itself."""
        self._opened += 1
        way = self._ways[self._opened] = CourierWay(self, self._opened, channel_id, back)
        self.send([self.opening(way)])
        return way

    def opening(self, way: "CourierWay") -> Order:
        return frames.Opened(way.number, way.channel_id, self._held.get(way.channel_id, 0.0) - monotonic())

    def forget(self, way: "CourierWay") -> None:
        if self._ways.pop(way.number, None) is not None:
            self.send([frames.Shut(way.number)])

    def send(self, orders: list[Order]) -> bool:
        """False where no courier runs; the next one is told all that it must know."""
        return self.helper.send(frames.encode(orders))

    def named(self, letters: list[Letter], orders: list[Order]) -> list[frames.Named]:
        """The letters with numbers for their templates; `orders` teach the courier those that it does not know yet."""
        if len(self._taught) >= MOST_TEMPLATES:
            self._taught.clear()
            orders.append(frames.Unlearn())
        return [(x.tag, x.number, self._key_of(x.template, orders), x.parameters) for x in letters]

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
        """LINE has asked this channel to wait: a new courier must know."""
        self._held[channel_id] = monotonic() + seconds

    def _began(self) -> None:
        self._taught.clear()
        self._unheard = -STARTS
        self.send([self._hello])
        for way in list(self._ways.values()):
            way.begin()

    def _lost(self) -> None:
        for way in list(self._ways.values()):
            way.lost()

    def _take(self, frame: bytes) -> None:
        self._unheard = 0
        for news in frames.read_news(frame):
            match news:
                case frames.Answers():
                    self._answered(news.answers)
                case frames.Late():
                    if (way := self._ways.get(news.way)) is not None:
                        way.late(news.tags)
                case frames.Failed():
                    log.error("send.error", attempt=news.tag, error=news.error, failure=[news.places])

    def _answered(self, answers: Iterable[frames.Flat]) -> None:
        told: dict[int, list[Told]] = {}
        for number, tag, token, outcome, status, detail, request_id, used_up, retry_after in answers:
            answer = Answer(
                outcome=outcome,
                status=status,
                detail=detail,
                request_id=request_id,
                quota_used_up=used_up,
                retry_after=retry_after,
            )
            told.setdefault(number, []).append(Told(tag, token, answer))
        for number, each in told.items():
            if (way := self._ways.get(number)) is not None:
                way.answered(each)

    async def _ping(self) -> None:
        """Ends a courier that is stuck. Each second by itself, so that a stall of our own is none of its."""
        while True:
            await asyncio.sleep(PING_SECONDS)
            if self._unheard >= DEAF:
                log.error("courier.stuck", remedy="it is ended, and a new one started")
                self._unheard = 0
                self.helper.kill()
            elif self.send([frames.Ping()]):
                self._unheard += 1


class CourierWay:
    """A channel's way out by the courier."""

    def __init__(self, departures: CourierDepartures, number: int, channel_id: str, back: Back) -> None:
        self.number = number
        self.channel_id = channel_id
        self._departures = departures
        self._back = back
        self._use = frames.Use(number, 0, "", 1.0)
        self._out: set[str] = set()
        """Tags that the courier has, and has not told of."""
        self._kept: list[tuple[list[Letter], Until]] = []
        """What came while no courier ran. It has surely not left."""

    def use(self, token: int, access_token: str, rate: float) -> None:
        self._use = frames.Use(self.number, token, access_token, rate)
        self._departures.send([self._use])

    def hand_over(self, letters: list[Letter], until: Until) -> None:
        orders: list[Order] = []
        named = self._departures.named(letters, orders)
        orders.append(frames.Post(self.number, until.leave_by, named))
        if self._departures.send(orders):
            self._out.update(x.tag for x in letters)
        else:
            self._kept.append((letters, until))

    def close(self) -> None:
        self._departures.forget(self)

    def begin(self) -> None:
        """A courier has started that knows nothing."""
        self._departures.send([self._departures.opening(self), self._use])
        kept, self._kept = self._kept, []
        for letters, until in kept:
            self.hand_over(letters, until)

    def lost(self) -> None:
        """The courier is gone. What it had may have left: nobody must send it again."""
        out, self._out = self._out, set()
        self._back.answered([Told(tag, self._use.token, LOST) for tag in out])

    def late(self, tags: list[str]) -> None:
        self._out.difference_update(tags)
        self._back.late(tags)

    def answered(self, told: list[Told]) -> None:
        for tag, _, answer in told:
            self._out.discard(tag)
            if (seconds := throttled_for(answer)) is not None:
                self._departures.hold(self.channel_id, seconds)
        self._back.answered(told)
