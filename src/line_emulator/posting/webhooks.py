"""LINE's webhooks: events are signed and posted in batches, logged, and delivered again where the
channel asks for it.

Source: Messaging API, "Receive messages (webhook)", "Redeliver webhooks", "Check webhook error statistics".
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Protocol

import msgspec

from line_emulator.clockwork.activity import Activity
from line_emulator.clockwork.clock import Clock
from line_emulator.faults import DEFAULT_MS, EVENT_KINDS, Fault, Faults
from line_emulator.ids import Ids
from line_emulator.posting.poster import Poster
from line_emulator.posting.wire import body_of, event_json, redelivered
from line_emulator.weblog import Post, WebhookLog
from line_emulator.world import Event, World
from line_emulator.world.channels import Channel
from line_emulator.world.commands import Command, RenewReplyTokens
from line_emulator.world.ledger import Row

BATCH = 10
LANES = 32
"""Posts of one channel at a time, so that a slow receiver holds up nobody."""
SPACING = 0.008
"""Real seconds between two posts of a channel that are not full: under load events travel ten in a
request.
"""
REDELIVERY = (60_000, 300_000, 1_800_000, 7_200_000, 21_600_000, 43_200_000)
"""Virtual ms from a failed attempt to the next one. LINE does not disclose its own."""
REORDER_MS = DEFAULT_MS["reorder"]


class Item(msgspec.Struct, gc=False):
    """An event ready to be posted: its number, its JSON, and the ledger row that it reports. `late`: by a fault on
    order it is posted some time after it happened.
    """

    number: int
    wire: bytes
    row: Row | None
    late: bool = False


class Diary(Protocol):
    """Who must know what became of events, by their numbers. Times in virtual ms."""

    def arrived(self, numbers: tuple[int, ...], at: int) -> None:
        """They were posted so that they may have arrived."""

    def ended(self, numbers: tuple[int, ...]) -> None:
        """They need nothing more."""

    def due_again(self, numbers: tuple[int, ...], attempt: int, due: int) -> None:
        """They will be delivered again."""

    def due_later(self, number: int, due: int) -> None:
        """By a fault on order it will be posted later."""

    def doubled(self, number: int) -> None:
        """By a fault on order it will be posted once more."""


class Backlog(Protocol):
    """Who takes events instead of the lanes, while a former run is repeated."""

    def take(self, channel: Channel, item: Item) -> None:
        """One event of that run."""


class Lane:
    """What waits for one channel's webhook URL."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.queue: deque[Item] = deque()
        self.again: deque[tuple[list[Item], int, int]] = deque()
        self.posts = 0
        self.last_start = 0.0
        self.timer: asyncio.TimerHandle | None = None
        self.swapped: list[Item] = []


class Webhooks:
    """Posts events. Events of one body may be of several users; LINE promises no order, and neither does
    this.
    """

    def __init__(
        self, world: World, clock: Clock, activity: Activity, faults: Faults, ids: Ids, log: WebhookLog
    ) -> None:
        self.world = world
        self.log = log
        self.diary: Diary | None = None
        self.backlog: Backlog | None = None
        self.poster = Poster(clock, faults)
        self.do: Callable[[Command], object] = lambda command: None
        self._clock = clock
        self._activity = activity
        self._faults = faults
        self._ids = ids
        self._lanes: dict[str, Lane] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def stop(self) -> None:
        """Drops what is under way and closes the connections."""
        self.reset(self.world)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.poster.stop()

    def reset(self, world: World) -> None:
        """Forgets everything that waits; posts under way end as they end."""
        for lane in self._lanes.values():
            if lane.timer is not None:
                lane.timer.cancel()
            self._activity.end(len(lane.queue) + sum(len(items) for items, _, _ in lane.again))
            lane.queue.clear()
            lane.again.clear()
        self._lanes.clear()
        self.log.clear()
        self.world = world

    def emit(self, events: list[Event]) -> None:
        """Takes events out of the world. One for a channel without a webhook URL is lost, as with LINE."""
        for event in events:
            channel = self.world.channels[event.channel_id]
            if channel.webhook_url is None or not channel.webhook_active:
                continue
            number = self._ids.event_no()
            event_id = self._ids.ulid(event.at, number)
            item = Item(
                number, event_json(event, event_id, channel.webhook_mode, event.reply_token), event.row
            )
            if self.backlog is not None:
                self.backlog.take(channel, item)
                continue
            lane = self._lane(channel)
            if self._faults.webhook:
                self._enqueue_with_faults(lane, item)
            else:
                self._enqueue(lane, item)

    def resume(self, channel: Channel, items: list[Item], attempt: int, due: int | None) -> None:
        """Takes up events of a former run: at once, or at virtual time `due`."""
        lane = self._lane(channel)
        if due is None:
            for item in items:
                self._enqueue(lane, item)
        else:
            self._clock.call_at(due, partial(self._redeliver, lane, items, attempt, 0))

    def _lane(self, channel: Channel) -> Lane:
        lane = self._lanes.get(channel.channel_id)
        if lane is None:
            lane = self._lanes[channel.channel_id] = Lane(channel)
        lane.channel = channel
        return lane

    def _enqueue(self, lane: Lane, item: Item) -> None:
        self._activity.begin()
        lane.queue.append(item)
        self._pump(lane)
        if lane.swapped:
            held, lane.swapped = lane.swapped, []
            for late in held:
                self._enqueue(lane, late)

    def _enqueue_with_faults(self, lane: Lane, item: Item) -> None:
        struck = self._faults.strike(self._faults.webhook, EVENT_KINDS, "", lane.channel.channel_id)
        if "drop" in struck:
            if self.diary is not None:
                self.diary.ended((item.number,))
            return
        self._send_off(lane, item, struck)
        if "duplicate" in struck:
            if self.diary is not None:
                self.diary.doubled(item.number)
            self._enqueue(lane, item)

    def _send_off(self, lane: Lane, item: Item, struck: dict[str, Fault]) -> None:
        if "delay" in struck:
            due = self._clock.now() + (struck["delay"].ms or 0)
            self._clock.call_at(due, partial(self._enqueue, lane, item))
        elif "reorder" in struck:
            due = self._clock.now() + (struck["reorder"].ms or REORDER_MS)
            lane.swapped.append(item)
            self._clock.call_at(due, partial(self._release, lane, item))
        else:
            self._enqueue(lane, item)
            return
        item.late = True
        if self.diary is not None:
            self.diary.due_later(item.number, due)

    def _release(self, lane: Lane, item: Item) -> None:
        """No other event overtook this one in time: it comes by itself."""
        if item in lane.swapped:
            lane.swapped.remove(item)
            self._enqueue(lane, item)

    def _pump(self, lane: Lane) -> None:
        """Starts posts: at once when the channel is idle, else when ten events are together or the
        spacing is over.
        """
        while lane.again and lane.posts < LANES:
            self._start(lane, *lane.again.popleft())
        while lane.queue and lane.posts < LANES:
            if len(lane.queue) < BATCH:
                if lane.posts or lane.timer is not None:
                    return
                loop = asyncio.get_running_loop()
                wait = lane.last_start + SPACING - loop.time()
                if wait > 0:
                    lane.timer = loop.call_later(wait, self._ring, lane)
                    return
            items = [lane.queue.popleft() for _ in range(min(BATCH, len(lane.queue)))]
            self._start(lane, items, 0, 0)

    def _ring(self, lane: Lane) -> None:
        lane.timer = None
        lane.last_start = 0.0
        self._pump(lane)

    def _start(self, lane: Lane, items: list[Item], attempt: int, first: int) -> None:
        lane.posts += 1
        lane.last_start = asyncio.get_running_loop().time()
        task = asyncio.get_running_loop().create_task(self._post(lane, items, attempt, first))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _post(self, lane: Lane, items: list[Item], attempt: int, first: int) -> None:
        channel = lane.channel
        try:
            body = body_of(channel, [item.wire for item in items])
            if attempt:
                body = redelivered(body)
            again = attempt > 0 or any(item.late for item in items)
            if again and self._lanes.get(channel.channel_id) is lane:
                self._renew(channel, body)
            post = await self.poster.attempt(channel, body, attempt > 0, len(items))
            if self._lanes.get(channel.channel_id) is not lane:
                return  # A reset came in between: nobody knows of this any more.
            post.attempt, post.first = attempt + 1, first
            post.rows = tuple(item.row for item in items if item.row is not None)
            post.numbers = tuple(item.number for item in items)
            self._enter(post)
            self._go_on(lane, items, attempt, post)
        finally:
            lane.posts -= 1
            self._activity.end(len(items))
        self._pump(lane)

    def _go_on(self, lane: Lane, items: list[Item], attempt: int, post: Post) -> None:
        """Plans the redelivery of what failed, if there is to be one."""
        channel = lane.channel
        waits = REDELIVERY if channel.redelivery_schedule is None else channel.redelivery_schedule
        if post.reason is not None and channel.redelivery and attempt < len(waits):
            due = self._clock.now() + waits[attempt]
            self._clock.call_at(due, partial(self._redeliver, lane, items, attempt + 1, post.first))
            if self.diary is not None:
                self.diary.due_again(post.numbers, attempt + 1, due)
        elif self.diary is not None:
            self.diary.ended(post.numbers)

    def _redeliver(self, lane: Lane, items: list[Item], attempt: int, first: int) -> None:
        self._activity.begin(len(items))
        lane.again.append((items, attempt, first))
        self._pump(lane)

    def _enter(self, post: Post) -> None:
        """Notes a post, and for the rows that it reports when their event may first have arrived."""
        self.log.add(post)
        if post.reason != "could_not_connect":
            for row in post.rows:
                if row.event_at is None:
                    row.event_at = post.at
            if self.diary is not None and post.numbers:
                self.diary.arrived(post.numbers, post.at)

    async def redeliver(self, known: Post, channel: Channel) -> Post:
        """Posts the events of a post again, by hand: the same event ids, marked as a redelivery, to the webhook URL
        and with the secret that the channel has now.
        """
        world = self.world
        earlier = sum(post.first == known.first for post in self.log.before(None))
        self._activity.begin()
        try:
            body = redelivered(known.body)
            self._renew(channel, body)
            post = await self.poster.attempt(channel, body, True, known.events)
        finally:
            self._activity.end()
        post.attempt, post.first, post.by_hand, post.rows = earlier + 1, known.first, True, known.rows
        post.numbers = known.numbers
        if self.world is world:
            self._enter(post)
        return post

    def _renew(self, channel: Channel, body: bytes) -> None:
        """The minute of the reply tokens in this body begins (again) now."""
        events = msgspec.json.decode(body)["events"]
        tokens = tuple(event["replyToken"] for event in events if "replyToken" in event)
        if tokens:
            self.do(RenewReplyTokens(channel.channel_id, tokens))
