"""Takes single notices in: all that wait at the same time share one transaction and one durable commit."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

from todoke.actions import intake, reminders
from todoke.actions.facts import Setup
from todoke.actions.intake import Wanted
from todoke.actions.refusals import refused_numbers, suppressed
from todoke.clock import Clock
from todoke.core.durations import DAY, rfc3339
from todoke.core.errors import TodokeError
from todoke.engine.metrics import ACCEPTED
from todoke.ids import Ids
from todoke.server.idempotent import Key, to_remember
from todoke.server.known import Known, KnownTarget, named
from todoke.server.new_notice import answer_of
from todoke.server.problems import Problem
from todoke.storage import config_version, idempotency
from todoke.storage.database import UNUSABLE, Database, Tx
from todoke.storage.idempotency import Remembered
from todoke.storage.lookup import Lookup
from todoke.storage.notices import NewNotice

MOST_TOGETHER = 128
"""Notices of one transaction: the others wait some 10 ms for these."""
MOST_WAITING = 2000
"""Half a second's work. Who comes then is told to come again."""


class Stranger(Exception):
    """The API key does not open an account any more."""


class Asked:
    """A notice that somebody waits for. `api_key`: with which it was asked for."""

    __slots__ = (
        "account",
        "api_key",
        "digest",
        "done",
        "key",
        "known",
        "notice",
        "policy",
        "wanted",
        "where",
    )

    def __init__(
        self,
        api_key: str,
        where: tuple[str, str, str | None],
        policy: str | Mapping[str, Any] | None,
        wanted: Wanted,
        key: Key | None,
        digest: str,
    ) -> None:
        """`where`: channel, template and source as they were named."""
        self.api_key = api_key
        self.where = where
        self.policy = policy
        self.wanted = wanted
        self.key = key
        self.digest = digest
        self.account = ""
        self.known: KnownTarget | None = None
        self.notice: NewNotice | None = None
        self.done: asyncio.Future[Taken] = asyncio.get_running_loop().create_future()


class Taken(NamedTuple):
    """The answer: its body; `before`, where it was given to the same Idempotency-Key before."""

    body: bytes
    before: Remembered | None = None


class Stored(NamedTuple):
    """What a transaction came to, to be told once it is committed."""

    told: list[tuple[Asked, Taken | Exception]]
    later: list[Asked]
    """Those whose Idempotency-Key another one of this transaction has: the next one finds its answer."""
    channels: set[str]
    announced: int
    accepted: int


class NoticeWriter:
    """Answers each once it is durably stored. What is wrong with one harms none of the others."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        ids: Ids,
        lookup: Lookup,
        setup: Setup,
        known: Known,
        stored: Callable[[Collection[str], int], None],
    ) -> None:
        """`stored`: told on which channels there are new notices, and how many webhooks tell of them."""
        self._database = database
        self._clock = clock
        self._ids = ids
        self._lookup = lookup
        self._setup = setup
        self._known = known
        self._stored = stored
        self._waiting: list[Asked] = []
        self._writing: asyncio.Task[None] | None = None

    def put(self, asked: Asked) -> asyncio.Future[Taken]:
        """Ends when it is durably stored, or with why it was not: a TodokeError or Problem, Stranger, or what the
        database raised.
        """
        if len(self._waiting) >= MOST_WAITING:
            problem = Problem(
                503,
                "overloaded",
                f"{MOST_WAITING:,} notices wait to be taken in: nothing was done with this one. Try again after the "
                "seconds of Retry-After, with fewer requests at a time.",
                Retry_After="1",
            )
            asked.done.set_exception(problem)
            return asked.done
        self._waiting.append(asked)
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        return asked.done

    async def _write(self) -> None:
        while self._waiting:
            group: list[Asked] = []
            try:
                stored = await self._together(group)
            except UNUSABLE as error:
                _tell_all(group or self._next(), error)
                continue
            except Exception:
                # Nothing of it was stored. Whichever it was that failed, it fails alone now.
                for asked in group or self._next():
                    try:
                        alone = await self._together([asked])
                    except Exception as error:
                        _tell_all([asked], error)
                    else:
                        self._tell(alone)
                continue
            self._tell(stored)
            self._waiting[:0] = stored.later

    def _next(self) -> list[Asked]:
        group, self._waiting = self._waiting[:MOST_TOGETHER], self._waiting[MOST_TOGETHER:]
        return group

    async def _together(self, group: list[Asked]) -> Stored:
        """One transaction. Where it raises, nothing was stored. An empty group is filled with those who wait when it is
        our turn.
        """
        try:
            async with self._database.write(quick=True) as tx:
                if not group:
                    group += self._next()
                self._database.leave_plans()
                return await self._store(tx, group)
        except BaseException:
            self._known.forget()
            raise

    def _tell(self, stored: Stored) -> None:
        """What is durable now."""
        for asked, came in stored.told:
            if asked.done.done():
                continue
            if isinstance(came, Taken):
                asked.done.set_result(came)
            else:
                asked.done.set_exception(came)
        ACCEPTED.inc(stored.accepted)
        if stored.channels:
            self._stored(stored.channels, stored.announced)

    async def _store(self, tx: Tx, group: Sequence[Asked]) -> Stored:
        now = self._clock.now()
        self._known.at(await config_version.current(tx))
        told: list[tuple[Asked, Taken | Exception]] = []
        new, later = await self._not_answered_before(
            tx, await self._with_accounts(tx, group, told), now, told
        )
        made: list[Asked] = []
        for asked in new:
            try:
                await self._make(tx, asked, now)
            except (TodokeError, Problem) as error:
                told.append((asked, error))
            else:
                made.append(asked)
        made = await _not_refused(tx, made, told)
        notices = [x.notice for x in made if x.notice is not None]
        announced = await intake.insert(tx, notices, now, self._ids) if notices else 0
        entries: list[Remembered] = []
        at = rfc3339(now)
        for asked in made:
            assert asked.notice is not None
            assert asked.known is not None
            body = answer_of(asked.notice, asked.known, at)
            told.append((asked, Taken(body)))
            if asked.key is not None:
                entries.append(to_remember(asked.account, asked.key, asked.digest, body.decode(), now))
        await idempotency.remember_many(tx, entries)
        return Stored(told, later, {x.channel_id for x in notices}, announced, len(notices))

    async def _with_accounts(
        self, tx: Tx, group: Sequence[Asked], told: list[tuple[Asked, Taken | Exception]]
    ) -> list[Asked]:
        kept: list[Asked] = []
        for asked in group:
            account = await self._known.account(tx, asked.api_key)
            if account is None:
                told.append((asked, Stranger()))
            else:
                asked.account = account
                kept.append(asked)
        return kept

    async def _not_answered_before(
        self, tx: Tx, group: list[Asked], now: int, told: list[tuple[Asked, Taken | Exception]]
    ) -> tuple[list[Asked], list[Asked]]:
        """Those to be done now, and those that have to wait for what becomes of these."""
        keyed: dict[str, list[Key]] = defaultdict(list)
        for asked in group:
            if asked.key is not None:
                keyed[asked.account].append(asked.key)
        if not keyed:
            return group, []
        answered: dict[tuple[str, str], Remembered] = {}
        for account, keys in keyed.items():
            both = [text for key in keys for text in key]
            found = await idempotency.recall_many(tx, account, both, now - DAY)
            answered.update({(account, key): entry for key, entry in found.items()})
        new: list[Asked] = []
        later: list[Asked] = []
        taken: set[tuple[str, str]] = set()
        for asked in group:
            if asked.key is None:
                new.append(asked)
                continue
            mine = (asked.account, asked.key.kept)
            before = answered.get(mine) or answered.get((asked.account, asked.key.given))
            if before is not None:
                told.append((asked, Taken(b"", before)))
            elif mine in taken:
                later.append(asked)
            else:
                taken.add(mine)
                new.append(asked)
        return new, later

    async def _make(self, tx: Tx, asked: Asked, now: int) -> None:
        channel, template, source = asked.where
        name = named(asked.account, channel, template, asked.policy, source)
        known = self._known.target(name)
        if known is None:
            target = await intake.resolve(
                tx,
                asked.account,
                channel,
                template,
                asked.policy,
                source=source,
                now=now,
                ids=self._ids,
                desks=self._lookup.desks,
                every_number_is_a_test_number=self._setup.every_number_is_a_test_number,
            )
            known = self._known.keep(name, target)
        asked.known = known
        asked.notice, _ = intake.make_notice(known.target, asked.wanted, now, self._ids)


async def _not_refused(tx: Tx, made: list[Asked], told: list[tuple[Asked, Taken | Exception]]) -> list[Asked]:
    """Those whose recipients may get something, and have not had it too often."""
    by_account: dict[str, list[Asked]] = defaultdict(list)
    for asked in made:
        by_account[asked.account].append(asked)
    errors: dict[int, TodokeError] = {}
    for account, asking in by_account.items():
        refused = await refused_numbers(tx, account, [x.notice.number for x in asking if x.notice])
        if refused:
            errors |= {
                id(x): suppressed(refused[x.notice.number], "/to")
                for x in asking
                if x.notice and x.notice.number in refused
            }
    pairs = [(x.known.target, x.notice) for x in made if x.known and x.notice and id(x) not in errors]
    too_often = await reminders.refused(tx, pairs)
    kept: list[Asked] = []
    for asked in made:
        error = errors.get(id(asked)) or too_often.get(asked.notice.id if asked.notice else "")
        if error is None:
            kept.append(asked)
        else:
            told.append((asked, error))
    return kept


def _tell_all(group: Sequence[Asked], error: Exception) -> None:
    for asked in group:
        if not asked.done.done():
            asked.done.set_exception(error)
