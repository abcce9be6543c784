"""From a committed attempt to its carrier's message, and the carrier's answer."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from todoke.actions.claiming import ToSend
from todoke.actions.endpoints import open_secrets
from todoke.actions.facts import Setup
from todoke.carriers import Carrier, LinePush, LineReply, Posting, SmsMessage
from todoke.clock import wall
from todoke.core.durations import rfc3339
from todoke.core.outcome import Answer, Outcome
from todoke.core.routing import Step
from todoke.core.template import render_push, render_sms
from todoke.engine.loop import log
from todoke.engine.outgoing import Departures, throttled_for
from todoke.engine.pacer import Pacer
from todoke.engine.sms_carriers import SmsCarriers
from todoke.ids import as_uuid
from todoke.sealing import Seal
from todoke.storage.channels import Channel
from todoke.storage.endpoints import Endpoint

_encode = msgspec.json.Encoder().encode


WhyNoMore = Callable[[], Awaitable[str | None]]
"""Tells why an attempt must not leave any more, in words; None: it may."""


async def never() -> None:
    """Nothing forbids it."""


def send_failed(tag: str, error: Exception) -> None:
    """Logs a defect of ours that a request met."""
    log.error("send.error", attempt=tag, error=type(error).__name__, exc_info=error)


def held_back(why: str) -> Answer:
    """The answer for an attempt that was not made after all: what is next is decided when it is claimed again."""
    return Answer(outcome=Outcome.THROTTLED, detail=f"not sent: {why}")


class Outlets:
    """The carriers, and what they offer to every notice."""

    def __init__(
        self,
        *,
        line: Departures,
        push: Carrier[LinePush],
        reply: Carrier[LineReply],
        sms: SmsCarriers,
        callback: Carrier[Posting],
        setup: Setup,
    ) -> None:
        self.line = line
        self.push = push
        self.reply = reply
        self.sms = sms
        self.callback = callback
        self.setup = setup


class Pacers:
    """The paces of one channel, beside that of its notifications: LINE counts each of its endpoints for itself."""

    def __init__(self, rate: float) -> None:
        self.pushes = Pacer(rate)
        self.replies = Pacer(rate)

    def set_rate(self, rate: float) -> None:
        self.pushes.set_rate(rate)
        self.replies.set_rate(rate)


class PacerBook:
    """The paces of all channels, by channel id; whoever sends for a channel shares them."""

    def __init__(self) -> None:
        self._pacers: dict[str, Pacers] = {}

    def of(self, channel: Channel) -> Pacers:
        """A channel's paces, at the rate that the channel has now."""
        found = self._pacers.get(channel.id)
        if found is None:
            found = self._pacers[channel.id] = Pacers(channel.rate)
        found.set_rate(channel.rate)
        return found


async def paced(
    pacer: Pacer,
    carrier: Carrier[Any],
    message: object,
    tag: str,
    patience: float | None = None,
    why_no_more: WhyNoMore = never,
) -> Answer:
    """Sends at LINE's rate. After a 429 nothing more leaves for as long as LINE asks.

    `patience`: seconds after which what has not had its turn is given up, unsent; None: it waits. `why_no_more` is
    asked when its turn has come.
    """
    if patience is None:
        await pacer.turn()
    else:
        try:
            async with asyncio.timeout(patience):
                await pacer.turn()
        except TimeoutError:
            return Answer(
                outcome=Outcome.THROTTLED, detail="not sent: the channel's rate left no room in time"
            )
    if (why := await why_no_more()) is not None:
        return held_back(why)
    answer = await carrier.send(message, tag)
    if (seconds := throttled_for(answer)) is not None:
        pacer.hold(seconds)
    return answer


class Sender:
    """Sends what one channel has to send."""

    def __init__(self, outlets: Outlets, pacers: Pacers, seal: Seal) -> None:
        self._outlets = outlets
        self._pacers = pacers
        self._seal = seal

    async def send(self, item: ToSend, access_token: str, why_no_more: WhyNoMore = never) -> Answer:
        """One request to the carrier of the attempt's step, unless it must not leave any more."""
        tag = item.attempt_id
        if (why := await why_no_more()) is not None:
            return held_back(why)
        match item.begun.step:
            case Step.LINE_NOTIFICATION:
                raise AssertionError("LINE notifications leave by `Departures`")
            case Step.LINE_PUSH:
                assert item.common.user_id is not None
                messages = render_push(item.template, item.parameters)["messages"]
                push = LinePush(
                    user_id=item.common.user_id,
                    messages=messages,
                    retry_key=as_uuid(item.notice_id),
                    access_token=access_token,
                )
                return await paced(
                    self._pacers.pushes, self._outlets.push, push, tag, why_no_more=why_no_more
                )
            case Step.SMS:
                assert item.begun.carrier is not None
                text = render_sms(item.template, item.parameters)
                return await self._outlets.sms.send(
                    item.begun.carrier, SmsMessage(to=item.number, text=text), tag
                )
            case Step.CALLBACK:
                assert item.common.endpoint is not None
                return await self._outlets.callback.send(self._posting(item, item.common.endpoint), tag)

    def _posting(self, item: ToSend, endpoint: Endpoint) -> Posting:
        """The callback step's webhook. It names the number in full: reaching it is the receiver's task."""
        data = {
            "notice": item.notice_id,
            "delivery_tag": item.attempt_id,
            "reference": item.reference,
            "to": item.number,
            "template": item.template.name,
            "use_case": item.template.use_case,
            "language": item.common.language,
            "parameters": item.parameters,
        }
        if "sms" in item.template.forms:
            data["text"] = render_sms(item.template, item.parameters)
        secret, old_secret = open_secrets(
            endpoint.secret, endpoint.old_secret, endpoint.old_secret_until, self._seal, item.begun.at
        )
        return Posting(
            url=endpoint.url,
            secret=secret,
            old_secret=old_secret,
            id=f"{item.notice_id}-{item.begun.step_index}",
            # By the machine's time: receivers refuse what is some minutes old, and their clocks are real.
            at=wall(),
            body=_encode({"type": "callback", "timestamp": rfc3339(item.begun.at), "data": data}),
        )
