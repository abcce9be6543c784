"""One scenario being played: the notice, the phone, the clock, and the pictures taken on the way."""

import asyncio
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from todoke.cli.acceptance.scenarios import WAIT, Scenario
from todoke.cli.acceptance.stage import Stage
from todoke.cli.acceptance.subject import Subject
from todoke.cli.acceptance.texts import Texts
from todoke.cli.acceptance.world import World
from todoke_client import Todoke

LINE_CHAT = ".chat-line:has(.avatar.system)"
OTHER_CHAT = ".chat-line:not(:has(.avatar.system))"
MOST_PICTURES = 4
"""Of one long notice."""


class Beat(NamedTuple):
    """A moment worth a picture. `at`: virtual time."""

    caption: str
    at: str
    picture: bytes


class Person(NamedTuple):
    """The recipient: made up, like the numbers. `user_id`: None where the number has no LINE user."""

    number: str
    new_number: str
    user_id: str | None


class Play:
    """What the acts of `acts` are written with."""

    def __init__(
        self,
        scenario: Scenario,
        subject: Subject,
        person: Person,
        *,
        channel_id: str,
        world: World,
        todoke: Todoke,
        stage: Stage,
        texts: Texts,
    ) -> None:
        self.scenario = scenario
        self.subject = subject
        self.person = person
        self.channel_id = channel_id
        self.world = world
        self.stage = stage
        self.beats: list[Beat] = []
        self.acts: list[tuple[str, str]] = []
        self.notice_id = ""
        self._todoke = todoke
        self._texts = texts

    async def beat(self, caption: str, **values: str) -> None:
        """A picture with a caption; it is held in the film."""
        words = self._texts.caption(caption, **values)
        at = await self.world.now()
        picture = await self.stage.still(words, local(at, self.subject.time_zone))
        self.beats.append(Beat(words, at, picture))

    async def did(self, what: str) -> None:
        """Notes an act of the user for the timeline: `did.WHAT` of the words."""
        self.acts.append((await self.world.now(), what))

    async def ready(self) -> None:
        """The phone before anything was sent."""
        traits = self.scenario.user or {}
        words = {
            "reception": self._texts.word(f"reception.{traits.get('reception', 'not_set')}"),
            "check": self._texts.word("check.yes" if traits.get("verified") else "check.no"),
        }
        await self.beat("ready_friend" if self.scenario.friend else "ready", **words)

    async def send(self) -> None:
        """Sends the notice through the gateway, as a business's system would."""
        request: dict[str, Any] = {
            "channel": self.subject.channel,
            "template": self.subject.name,
            "to": self.person.number,
            "parameters": self.subject.parameters,
            "policy": {"steps": list(self.scenario.steps)},
            "reference": f"{self.subject.reference}-{self.scenario.number}",
        }
        sent = await asyncio.to_thread(self._todoke.send, **request)
        self.notice_id = sent["id"]
        await self.settle()

    async def settle(self) -> None:
        """A second passes: whatever was due is done."""
        await self.world.advance("1s")

    async def wait(self, duration: str) -> None:
        await self.world.advance(duration)

    async def wait_for_next_step(self) -> None:
        """LINE's time is over, and the next step has left."""
        await self.world.advance(WAIT)
        await self.world.advance("1m")

    async def wait_until_over(self) -> None:
        """No event can come any more: LINE's 24 hours, and the ten minutes that the gateway adds."""
        await self.world.advance("24h")
        await self.world.advance("15m")
        await self.stage.uncovered()

    # What the user does, tap by tap

    async def open_line_chat(self) -> None:
        await self.stage.tap(LINE_CHAT)
        await self.stage.sees(".notice")

    async def open_account_chat(self) -> None:
        await self.stage.tap(OTHER_CHAT)
        await self.stage.sees(".messages")

    async def leave_chat(self) -> None:
        await self.stage.tap(".bar-button.back")
        await self.stage.sees(".page .bar.large")

    async def open_prompt(self) -> None:
        """From LINE's chat to what LINE asks: consent, or the check of the number."""
        await self.stage.tap(".notice-button")
        await self.stage.sees(".page.step")

    async def agree(self) -> None:
        await self.did("agree")
        await self.stage.tap(".step-foot .primary")
        await self.settle()

    async def refuse(self) -> None:
        await self.did("refuse")
        await self.stage.tap(".step-foot .secondary")
        await self.settle()

    async def pass_check(self) -> None:
        """From the screen of the check: code by SMS, read it in the inbox, enter it."""
        await self.beat("pin_send")
        await self.did("request_pin")
        await self.stage.tap(".step-scroll .primary")
        await self.settle()
        await self.stage.tap(".sms-link")
        await self.stage.sees(".text-bubble")
        await self.beat("pin_sms")
        await self.stage.tap(".to-line")
        await self.stage.write(".field.code", await self.newest_pin())
        await self.beat("pin_enter")
        await self.did("enter_pin")
        await self.stage.tap(".code-form .primary")
        await self.settle()
        await self.stage.sees(".step-sign")
        await self.beat("pin_done")
        await self.stage.tap(".step-scroll .primary")

    async def basic_id(self) -> str:
        """By which a search in LINE finds the account."""
        screen = await self.world.screen(self.person.number)
        return next(str(c["basic_id"]) for c in screen["channels"] if c["channel_id"] == self.channel_id)

    async def newest_pin(self) -> str:
        """The newest code in the user's inbox, which the user reads there."""
        screen = await self.world.screen(self.person.user_id or self.person.number)
        return str([sms["pin"] for sms in screen["sms"] if sms.get("pin")][-1])

    async def see_notice(self, caption: str) -> None:
        """The notice from its beginning, in as many pictures as it takes."""
        newest = ".messages > li.theirs >> nth=-1"
        await self.stage.sees(newest)
        await self.stage.uncovered()
        more = await self.stage.to_start(newest)
        await self.beat(caption)
        for _ in range(MOST_PICTURES - 1):
            if not more or not await self.stage.further():
                break
            await self.beat("shown_next")

    async def see_sms(self, caption: str) -> None:
        """The business's SMS in the inbox."""
        await self.stage.go("#/sms")
        await self.stage.tap(".chat-line")
        await self.stage.sees(".text-bubble")
        await self.beat(caption)


def local(at: str, zone: str) -> str:
    """A time in a country's zone, as people everywhere read it: `2026-12-03 13:00:01`."""
    there = datetime.fromisoformat(at).astimezone(ZoneInfo(zone))
    return there.strftime("%Y-%m-%d %H:%M:%S")
