"""Looks at the channels and the carriers once a minute, and raises and clears the alarms."""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from todoke.actions.alarms import clear_alarm, raise_alarm
from todoke.clock import Clock, monotonic
from todoke.core.durations import MINUTE
from todoke.engine import checks
from todoke.engine.checks import Finding, Seen
from todoke.engine.deliver import Ownership
from todoke.engine.loop import Loop, log
from todoke.engine.metrics import ALARMS
from todoke.engine.sms_carriers import SmsCarriers
from todoke.engine.webhook_watch import TestsWebhooks, WebhookWatch
from todoke.ids import Ids
from todoke.sealing import Seal
from todoke.storage import alarms as store
from todoke.storage import channel_hours, channels
from todoke.storage.alarms import Alarm
from todoke.storage.channel_hours import Counts, Place, hour_of
from todoke.storage.database import Database

EVERY = MINUTE
AT_ONCE = 4
"""Channels whose webhooks LINE is asked to test at the same time."""


class _Key(NamedTuple):
    kind: str
    about: str


class _Verdict(NamedTuple):
    account_id: str | None
    finding: Finding | None
    """None: the alarm, if it stands, is over."""


class Watch(Loop):
    """Watches the channels that this process owns, and its SMS carriers.

    Once a minute of the notices' time or of real time, whichever comes first, and at once when a channel is paused or
    goes on. It asks for no time of its own, so that a virtual clock does not stop for it.
    """

    name = "watch"
    heeds_stored_only = True

    def __init__(
        self,
        clock: Clock,
        database: Database,
        ownership: Ownership,
        sms: SmsCarriers,
        line: TestsWebhooks,
        seal: Seal,
        ids: Ids,
        refused: Counter[str],
        posted: Callable[[], None] = lambda: None,
    ) -> None:
        """`refused`: webhooks with a wrong signature since the last look, by channel; `posted`: told when there may
        be webhooks to post.
        """
        super().__init__(clock)
        self._database = database
        self._ownership = ownership
        self._sms = sms
        self._ids = ids
        self._refused = refused
        self._posted = posted
        self._webhooks = WebhookWatch(line, seal)
        self._looked: tuple[int, float] | None = None
        self._paused: dict[str, int] = {}
        self._since: int | None = None
        self._seen_down: set[str] = set()
        self._kinds: set[str] = {*checks.OF_CHANNELS, checks.CARRIER_DOWN}
        self._room = asyncio.Semaphore(AT_ONCE)

    @property
    def until(self) -> int | None:
        return None if self._looked is None else self._looked[0] + EVERY

    async def step(self) -> bool:
        now = self.clock.now()
        async with self._database.read(quick=True) as tx:
            paused = await channels.paused(tx)
        if not self._is_time(now) and paused == self._paused:
            return False
        self._since = now if self._since is None else min(self._since, now)
        await self._count_refused(now)
        async with self._database.read() as tx:
            standing = {_Key(a.kind, a.about): a for a in await store.standing(tx)}
            mine = [c for c in await channels.list_channels(tx) if self._ownership.owns(c.id)]
            seen = [await checks.look(tx, c, now) for c in mine]
        verdicts = self._of_carriers(standing)
        for found in await asyncio.gather(*(self._of_channel(s, standing, now) for s in seen)):
            verdicts |= found
        changed = await self._write_down(verdicts, standing, now)
        async with self._database.read() as tx:
            self._show(await store.count_standing(tx))
        self._looked, self._paused = (now, monotonic()), paused
        return changed

    def _is_time(self, now: int) -> bool:
        """Also where a virtual clock was set back."""
        if self._looked is None:
            return True
        at, really_at = self._looked
        return not 0 <= now - at < EVERY or monotonic() - really_at >= EVERY / 1000

    async def _count_refused(self, now: int) -> None:
        more = {Place(k, hour_of(now)): Counts(bad_signatures=n) for k, n in self._refused.items()}
        if not more:
            return
        self._refused.clear()
        async with self._database.write(quick=True) as tx:
            await channel_hours.add(tx, more)

    async def _of_channel(self, seen: Seen, standing: dict[_Key, Alarm], now: int) -> dict[_Key, _Verdict]:
        channel = seen.channel
        stand = {k.kind: a for k, a in standing.items() if k.about == channel.id}
        found = {
            _Key(kind, channel.id): _Verdict(channel.account_id, finding)
            for kind, finding in checks.judged(seen, frozenset(stand), self._since or now, now).items()
        }
        raised = stand.get(checks.WEBHOOK_TROUBLE)
        async with self._room:
            finding = await self._webhooks.judge(seen, None if raised is None else raised.raised_at, now)
        if not isinstance(finding, bool):
            found[_Key(checks.WEBHOOK_TROUBLE, channel.id)] = _Verdict(channel.account_id, finding)
        return found

    def _of_carriers(self, standing: dict[_Key, Alarm]) -> dict[_Key, _Verdict]:
        down = self._sms.down()
        self._seen_down.update(down)
        found = {
            _Key(checks.CARRIER_DOWN, name): _Verdict(
                None,
                Finding(
                    f"The SMS carrier {name} takes no messages: {why}.",
                    "See that its service is up and that its address and its credentials here are right. Other "
                    "carriers are tried first meanwhile, where there are any.",
                ),
            )
            for name, why in down.items()
        }
        for kind, name in standing:
            if kind == checks.CARRIER_DOWN and name not in down and self._is_up(name):
                found[_Key(kind, name)] = _Verdict(None, None)
        return found

    def _is_up(self, name: str) -> bool:
        """After a restart nothing is known of a carrier until it answers: an alarm of before stands until then."""
        return name not in self._sms.names or name in self._seen_down or self._sms.answered(name)

    async def _write_down(
        self, verdicts: dict[_Key, _Verdict], standing: dict[_Key, Alarm], now: int
    ) -> bool:
        new = {k: v for k, v in verdicts.items() if _differs(v.finding, standing.get(k))}
        if not new:
            return False
        told: list[tuple[_Key, Finding | None]] = []
        async with self._database.write() as tx:
            for key, (account_id, finding) in new.items():
                if finding is None:
                    changed = await clear_alarm(tx, kind=key.kind, about=key.about, now=now, ids=self._ids)
                else:
                    changed = await raise_alarm(
                        tx,
                        kind=key.kind,
                        about=key.about,
                        account_id=account_id,
                        text=finding.text,
                        remedy=finding.remedy,
                        now=now,
                        ids=self._ids,
                    )
                if changed:
                    told.append((key, finding))
        for key, finding in told:
            if finding is None:
                log.info("alarm.cleared", kind=key.kind, about=key.about)
            else:
                log.error("alarm.raised", kind=key.kind, about=key.about, text=finding.text)
        if told:
            self._posted()
        return bool(told)

    def _show(self, counts: dict[str, int]) -> None:
        self._kinds.update(counts)
        for kind in self._kinds:
            ALARMS.labels(kind).set(counts.get(kind, 0))


def _differs(finding: Finding | None, alarm: Alarm | None) -> bool:
    """Whether there is something to write."""
    if finding is None or alarm is None:
        return (finding is None) != (alarm is None)
    return (finding.text, finding.remedy) != (alarm.text, alarm.remedy)
