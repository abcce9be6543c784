"""LINE's webhooks: events are signed and posted in batches, logged, and delivered again where the
channel asks for it.

Source: Messaging API, "Receive messages (webhook)", "Redeliver webhooks", "Check webhook error statistics".
"""

from __future__ import annotations

import asyncio
import base64
import hmac
from collections import deque
from functools import partial

import aiohttp
import msgspec

from line_emulator.activity import Activity
from line_emulator.clock import Clock
from line_emulator.faults import API_KINDS, EVENT_KINDS, Fault, Faults
from line_emulator.ids import Ids
from line_emulator.weblog import Post, WebhookLog
from line_emulator.world import Event, World
from line_emulator.world.channels import Channel
from line_emulator.world.ledger import Row

BATCH = 10
LANES = 32
"""Posts of one channel at a time, so that a slow receiver holds up nobody."""
TIMEOUT = 2.0
SPACING = 0.008
"""Real seconds between two posts of a channel that are not full: under load events travel ten in a
request.
"""
REDELIVERY = (60_000, 300_000, 1_800_000, 7_200_000, 21_600_000, 43_200_000)
"""Virtual ms from a failed attempt to the next one. LINE does not disclose its own."""
REORDER_MS = 60_000

_FIRST = b'"deliveryContext":{"isRedelivery":false}'
_AGAIN = b'"deliveryContext":{"isRedelivery":true}'


class Item(msgspec.Struct, gc=False):
    """An event ready to be posted: its JSON, and the ledger row that it reports."""

    wire: bytes
    row: Row | None


class Lane:
    """What waits for one channel's webhook URL."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.queue: deque[Item] = deque()
        self.again: deque[tuple[list[Item], int]] = deque()
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
        self._clock = clock
        self._activity = activity
        self._faults = faults
        self._ids = ids
        self._lanes: dict[str, Lane] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None

    async def stop(self) -> None:
        """Drops what is under way and closes the connections."""
        self.reset(self.world)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    def reset(self, world: World) -> None:
        """Forgets everything that waits; posts under way end as they end."""
        for lane in self._lanes.values():
            if lane.timer is not None:
                lane.timer.cancel()
            self._activity.end(len(lane.queue) + sum(len(items) for items, _ in lane.again))
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
            lane = self._lanes.get(channel.channel_id)
            if lane is None:
                lane = self._lanes[channel.channel_id] = Lane(channel)
            lane.channel = channel
            item = Item(self._wire(event), event.row)
            if self._faults.webhook:
                self._enqueue_with_faults(lane, item)
            else:
                self._enqueue(lane, item)

    def _wire(self, event: Event) -> bytes:
        event_id = self._ids.ulid(event.at)
        row = event.row
        if row is not None:
            data = row.tag if row.tag is not None else row.to.hex()  # type: ignore[union-attr]
            return (
                b'{"type":"delivery","delivery":{"data":%b},"webhookEventId":"%b",%b,"timestamp":%d,"mode":"active"}'
                % (msgspec.json.encode(data), event_id, _FIRST, event.at)
            )
        parts = {
            "type": event.type,
            **(event.extra or {}),
            "webhookEventId": event_id.decode(),
            "deliveryContext": {"isRedelivery": False},
            "timestamp": event.at,
            "source": {"type": "user", "userId": event.user_id},
            "mode": "active",
        }
        if event.replyable:
            parts["replyToken"] = self._ids.reply_token()
        return msgspec.json.encode(parts)

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
            return
        later = partial(self._enqueue, lane, item)
        if "delay" in struck:
            self._clock.call_at(self._clock.now() + (struck["delay"].ms or 0), later)
        elif "reorder" in struck:
            lane.swapped.append(item)
            wait = struck["reorder"].ms or REORDER_MS
            self._clock.call_at(self._clock.now() + wait, partial(self._release, lane, item))
        else:
            later()
        if "duplicate" in struck:
            later()

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
            items, attempt = lane.again.popleft()
            self._start(lane, items, attempt)
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
            self._start(lane, items, 0)

    def _ring(self, lane: Lane) -> None:
        lane.timer = None
        lane.last_start = 0.0
        self._pump(lane)

    def _start(self, lane: Lane, items: list[Item], attempt: int) -> None:
        lane.posts += 1
        lane.last_start = asyncio.get_running_loop().time()
        task = asyncio.get_running_loop().create_task(self._post(lane, items, attempt))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _post(self, lane: Lane, items: list[Item], attempt: int) -> None:
        channel = lane.channel
        try:
            wires = b",".join(item.wire for item in items)
            if attempt:
                wires = wires.replace(_FIRST, _AGAIN)
            body = b'{"destination":"%b","events":[%b]}' % (channel.bot_user_id.encode(), wires)
            post = await self._attempt(channel, body, attempt > 0, len(items))
            if self._lanes.get(channel.channel_id) is not lane:
                return  # A reset came in between: nobody knows of this any more.
            self.log.add(post)
            if post.reason != "could_not_connect":
                for item in items:
                    if item.row is not None and item.row.event_at is None:
                        item.row.event_at = post.at
            if post.reason is not None and channel.redelivery and attempt < len(REDELIVERY):
                due = self._clock.now() + REDELIVERY[attempt]
                self._clock.call_at(due, partial(self._redeliver, lane, items, attempt + 1))
        finally:
            lane.posts -= 1
            self._activity.end(len(items))
        self._pump(lane)

    def _redeliver(self, lane: Lane, items: list[Item], attempt: int) -> None:
        self._activity.begin(len(items))
        lane.again.append((items, attempt))
        self._pump(lane)

    async def _attempt(self, channel: Channel, body: bytes, again: bool, count: int) -> Post:
        post = Post(
            channel_id=channel.channel_id,
            at=self._clock.now(),
            url=channel.webhook_url or "",
            body=body,
            signature=sign(channel.secret, body),
            redelivery=again,
            events=count,
        )
        struck: dict[str, Fault] = {}
        if self._faults.webhook:
            struck = self._faults.strike(self._faults.webhook, API_KINDS, "", channel.channel_id)
        if "latency" in struck:
            await asyncio.sleep((struck["latency"].ms or 0) / 1000)
        if "disconnect_before" in struck:
            post.reason, post.detail = "could_not_connect", "fault on order"
        elif "status_before" in struck:
            post.status, post.reason = struck["status_before"].status or 500, "error_status_code"
        else:
            await self.deliver(post)
            if "disconnect_after" in struck:
                post.status, post.reason, post.detail = None, "request_timeout", "fault on order"
            elif "status_after" in struck:
                post.status, post.reason = struck["status_after"].status or 500, "error_status_code"
        return post

    async def deliver(self, post: Post) -> None:
        """Posts a signed body and notes how the receiver answered: anything but 200 within 2 seconds is
        a failure.
        """
        if self._session is None:
            self._session = aiohttp.ClientSession(
                # Below the 5 seconds after which common servers close an idle connection.
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=3),
                timeout=aiohttp.ClientTimeout(total=TIMEOUT),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": "LineBotWebhook/2.0"},
            )
        headers = {"Content-Type": "application/json; charset=utf-8", "x-line-signature": post.signature}
        try:
            async with self._session.post(
                post.url, data=post.body, headers=headers, allow_redirects=False
            ) as answer:
                post.status = answer.status
                post.reason = None if answer.status == 200 else "error_status_code"
        except TimeoutError:
            post.reason, post.detail = "request_timeout", "no answer within 2 seconds"
        except aiohttp.ClientConnectorError as error:
            post.reason, post.detail = "could_not_connect", str(error)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            post.reason, post.detail = "unclassified", str(error) or type(error).__name__


def sign(secret: str, body: bytes) -> str:
    """`x-line-signature`: base64 of HMAC-SHA256 over the raw body with the channel secret."""
    return base64.b64encode(hmac.digest(secret.encode(), body, "sha256")).decode()
