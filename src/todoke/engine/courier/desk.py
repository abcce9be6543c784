"""The courier's side: takes letters, lets them leave, tells what became of them. Ends with the gateway."""

import asyncio
import gc
import json
import os
import traceback
from collections.abc import Iterable
from functools import partial
from typing import Any, assert_never

import uvloop

from todoke.carriers.line.client import LineCarrier
from todoke.carriers.line.transport import Transport
from todoke.clock import monotonic
from todoke.core.template import Template, compile, in_language
from todoke.engine.courier import frames
from todoke.engine.courier.frames import News, Order
from todoke.engine.helper_link import Link, begin, linked, orphaned, own_end, say_why
from todoke.engine.outgoing import InProcess, Letter, Outgoing, Told, Until
from todoke.engine.pacer import TICK_SECONDS, Pacer

MOST_NEWS = 64
"""Answers that are told at once; fewer are told together when a few milliseconds have passed."""
GC_THRESHOLDS = 50_000, 20, 100
"""What comes and goes with each letter is free of cycles, as in the gateway itself."""


class Desk:
    """All ways out, and the link to the gateway."""

    def __init__(self) -> None:
        self.link: Link | None = None
        self._gateway = os.getppid()
        self._departures: InProcess | None = None
        self._transport: Transport | None = None
        self._ways: dict[int, Outgoing] = {}
        self._templates: dict[int, Template] = {}
        self._answers: dict[int, list[Told]] = {}
        """What is to be told, by way."""
        self._waiting = 0
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, link: Link) -> None:
        """Says that letters may come; what came before, the link was not there to answer."""
        self.link = link
        self._tell(frames.Pong())

    def take(self, frame: bytes) -> None:
        """One frame of the gateway's."""
        for order in frames.read_order(frame):
            self._obey(order)

    def _obey(self, order: Order) -> None:
        match order:
            case frames.Post():
                way, templates = self._ways[order.way], self._templates
                letters = [Letter(tag, to, templates[key], values) for tag, to, key, values in order.letters]
                way.hand_over(letters, Until(0, order.leave_by))
            case frames.Use():
                self._ways[order.way].use(order.token, order.access_token, order.rate)
            case frames.Learn():
                template = compile(json.loads(order.spec), stored=True)
                self._templates[order.template] = in_language(template, order.language)
            case frames.Unlearn():
                self._templates.clear()
            case frames.Opened():
                self._open(order)
            case frames.Shut():
                self._ways.pop(order.way).close()
            case frames.Held():
                self._pacer_of(order.channel_id).hold(order.seconds)
            case frames.Ping():
                self._tell(frames.Pong())
            case frames.Hello():
                self._gateway = order.gateway
                self._transport = Transport(order.line_api_base)
                self._departures = InProcess(LineCarrier(self._transport), self._failed)
            case _:
                assert_never(order)

    def _open(self, order: frames.Opened) -> None:
        assert self._departures is not None
        # Nothing is saved up here: until now the gateway has sent at the full pace.
        self._pacer_of(order.channel_id).hold(max(order.held_for, 0.0))
        back = _Back(self, order.way)
        self._ways[order.way] = self._departures.way(order.channel_id, back, self._may_leave)

    def _pacer_of(self, channel_id: str) -> Pacer:
        assert self._departures is not None
        return self._departures.pacer(channel_id)

    def _may_leave(self, until: Until) -> bool:
        # A gateway that was killed has a successor at once, which counts all that was out as unknown.
        return monotonic() < until.leave_by and not orphaned(self._gateway)

    def late(self, way: int, tags: list[str]) -> None:
        self._tell(frames.Late(way, tags))

    def answered(self, way: int, told: Iterable[Told]) -> None:
        mine = self._answers.setdefault(way, [])
        before = len(mine)
        mine += told
        self._waiting += len(mine) - before
        if self._waiting >= MOST_NEWS:
            self._flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(TICK_SECONDS, self._flush)

    def _flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        answers, self._answers, self._waiting = self._answers, {}, 0
        self._tell(*[frames.Answers(way, told) for way, told in answers.items()])

    def met(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """What the event loop met and nobody caught."""
        self._failed("", context.get("exception") or RuntimeError())

    def _failed(self, tag: str, error: BaseException) -> None:
        """Types, files and lines: an exception's text may hold a number."""
        found = traceback.extract_tb(error.__traceback__)[-8:]
        places = " > ".join(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in found)
        self._tell(frames.Failed(tag, type(error).__name__, places))

    def _tell(self, *news: News) -> None:
        if self.link is not None:
            self.link.send(frames.encode(news))

    def stop(self) -> None:
        """Nothing more leaves."""
        for way in self._ways.values():
            way.close()


class _Back:
    """What one way's letters came to."""

    def __init__(self, desk: Desk, way: int) -> None:
        self.answered = partial(desk.answered, way)
        self.late = partial(desk.late, way)


async def _work() -> None:
    ended, desk = asyncio.Event(), Desk()

    def end() -> None:
        desk.stop()
        ended.set()

    asyncio.get_running_loop().set_exception_handler(desk.met)
    desk.begin(await linked(own_end(), desk.take, end, say_why))
    await ended.wait()


def main() -> None:
    """Runs until the gateway closes the link or is gone."""
    begin()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    uvloop.run(_work())
    # Connections that are open are the kernel's to close.
    os._exit(0)
