"""Takes what is due in a channel and decides what begins: all by `core.notice.step`, of what stands alike once.

What is decided is a `Plan`. It can be made beside the writers, of what was committed when it was read, and be written
down in the writer's turn if nothing has changed since that it may depend on.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from itertools import chain, repeat
from typing import Any

import msgspec

from todoke.actions import announcements, batch_tally, holding
from todoke.actions.advance import cancel, owned_channel
from todoke.actions.decisions import Decisions
from todoke.actions.facts import Asked, FactBook, Known, Setup
from todoke.core.errors import IllegalTransition
from todoke.core.notice import LEASE, Attempt, Due, Notice, State, step
from todoke.core.routing import Policy, Step
from todoke.core.sms_text import segments
from todoke.core.standing import Lane
from todoke.core.template import Template, in_language, render_sms, with_link
from todoke.ids import Ids
from todoke.storage import batch_states, notice_changes
from todoke.storage import notices as store
from todoke.storage.channels import Channel
from todoke.storage.database import Tx
from todoke.storage.endpoints import Endpoint
from todoke.storage.lookup import Lookup
from todoke.storage.notice_changes import ALIKE
from todoke.storage.notices import Loaded
from todoke.storage.working import Alike, Kept

_replace = msgspec.structs.replace
_parameters = msgspec.json.Decoder(dict[str, str]).decode


class ToSend(msgspec.Struct, frozen=True):
    """A committed attempt whose request may leave now."""

    notice_id: str
    attempt_id: str
    begun: Attempt
    """The attempt as it began, but for its id: those that began alike share it."""
    number: str
    reference: str | None
    template_id: str
    template: Template
    """In the notice's language."""
    parameters: dict[str, str]
    language: str | None
    user_id: str | None
    """Whom a push goes to."""
    endpoint: Endpoint | None
    """Where a callback goes."""

    @property
    def attempt(self) -> Attempt:
        """The attempt with its id."""
        return _replace(self.begun, id=self.attempt_id)


class Claimed(msgspec.Struct, frozen=True):
    """What a claim came to."""

    channel: Channel
    to_send: list[ToSend]
    looked_at: int
    illegal: list[str]
    """Moves that the core refused, each with its notice."""
    announced: int = 0
    """Webhooks that were queued."""
    moved: list[Loaded] = []
    alike: list[Alike] = []
    """The notices as they are now, one by one or many of a kind, for whoever keeps them once this is committed."""


class Plan:
    """What becomes of the notices that are due."""

    def __init__(self, channel: Channel, rows: Sequence[Any]) -> None:
        self.channel = channel
        self.rows = rows
        self.to_send: list[ToSend | None] = [None] * len(rows)
        """In the order of the rows."""
        self.loaded: list[Loaded] = []
        self.changes: list[tuple[Notice, Notice]] = []
        self.moved: list[Loaded] = []
        self.illegal: list[str] = []
        self.units: dict[str, int] = {}
        self.alike: list[Alike] = []


async def claim(
    tx: Tx,
    channel_id: str,
    fence: int,
    now: int,
    limits: Mapping[Lane, int],
    ids: Ids,
    lookup: Lookup,
    setup: Setup,
) -> Claimed:
    """Takes what is due in a channel and writes down the attempts that begin. Commit before sending any.

    `limits`: how many of each lane at most.
    """
    channel = await owned_channel(tx, channel_id, fence)
    rows = await _due(tx, channel_id, now, limits)
    rows, to_cancel = await holding.sift(tx, channel_id, rows, now) if rows else (rows, ())
    if to_cancel:
        await cancel(tx, to_cancel, now, lookup, ids)
    desk = _Desk(channel, rows, now, ids, lookup, setup)
    await desk.decide_alike(tx)
    await desk.decide_others(tx)
    return await write(tx, desk.plan, now, ids)


async def ahead(
    tx: Tx,
    channel_id: str,
    fence: int,
    now: int,
    limits: Mapping[Lane, int],
    ids: Ids,
    lookup: Lookup,
    setup: Setup,
) -> Plan | None:
    """Decides what `claim` would, without writing anything. None where that takes more than what many have in common:
    then `claim` must decide, in the writer's turn.
    """
    channel = await owned_channel(tx, channel_id, fence)
    rows = await _due(tx, channel_id, now, limits)
    if len(rows) < ALIKE or await holding.is_sweeping(tx, channel_id):
        return None
    desk = _Desk(channel, rows, now, ids, lookup, setup)
    await desk.decide_alike(tx)
    return None if desk.others else desk.plan


async def _due(tx: Tx, channel_id: str, now: int, limits: Mapping[Lane, int]) -> list[Any]:
    return [
        row for lane, most in limits.items() for row in await store.load_due(tx, channel_id, lane, now, most)
    ]


async def write(tx: Tx, plan: Plan, now: int, ids: Ids) -> Claimed:
    """Writes a plan down. Raises Stale where a notice is not as it was when it was made."""
    for before, after, members in plan.alike:
        attempt_ids = [x.attempt_id for x in members] if after.notice.attempts else ()
        await notice_changes.begin_alike(
            tx, before.notice, after.notice, [x.notice_id for x in members], attempt_ids
        )
    await notice_changes.save(tx, plan.changes, plan.units)
    counts = [
        *((b.batch_id, b.notice, a.notice, len(each)) for b, a, each in plan.alike),
        *((x.batch_id, b, a, 1) for x, (b, a) in zip(plan.loaded, plan.changes, strict=True)),
    ]
    await batch_states.add(tx, batch_tally.of_changes(counts))
    changes = chain(_changes_of(plan.alike), plan.changes)
    told = await announcements.of_notices(tx, changes, now, ids) if counts else 0
    to_send = [x for x in plan.to_send if x is not None]
    return Claimed(plan.channel, to_send, len(plan.rows), plan.illegal, told, plan.moved, plan.alike)


def _changes_of(alike: Sequence[Alike]) -> Iterator[tuple[Notice, Notice]]:
    for before, after, members in alike:
        for kept in members:
            yield kept.loaded(before).notice, kept.loaded(after).notice


class _Desk:
    """Where one claim is decided."""

    def __init__(
        self, channel: Channel, rows: Sequence[Any], now: int, ids: Ids, lookup: Lookup, setup: Setup
    ) -> None:
        self.plan = Plan(channel, rows)
        self.others: list[int] = []
        """The places of rows that are decided one by one."""
        self._rows = rows
        self._now = now
        self._ids = ids
        self._lookup = lookup
        self._setup = setup
        self._book = FactBook(channel, setup)
        self._policies: Mapping[str, Policy] = {}
        self._templates: Mapping[str, Template] = {}
        self._attempts: Mapping[str, Sequence[Attempt]] = {}

    async def decide_alike(self, tx: Tx) -> None:
        """Decides about those that are among many of their kind."""
        rows = self._rows
        if not rows:
            return
        self._policies = await self._lookup.policies(tx, {store.policy_id(r) for r in rows})
        self._templates = await self._lookup.templates(tx, {store.template_id(r) for r in rows})
        self._attempts = await store.attempts_of(tx, [store.notice_id(r) for r in rows])
        used = [self._policies[x] for x in {store.policy_id(r) for r in rows}]
        await self._book.read_for(
            tx, [store.number(r) for r in rows], {store.template_id(r) for r in rows}, used
        )
        kinds: dict[Any, list[int]] = {}
        alone, numbers_alone = self._attempts.keys(), self._numbers_alone(used)
        for at, row in enumerate(rows):
            if store.notice_id(row) in alone or store.number(row) in numbers_alone:
                self.others.append(at)
            elif (places := kinds.get(kind := store.kind(row))) is None:
                kinds[kind] = [at]
            else:
                places.append(at)
        for places in kinds.values():
            if len(places) < ALIKE or not await self._begin_alike(tx, places):
                self.others += places
        self.others.sort()

    def _numbers_alone(self, used: Sequence[Policy]) -> Set[str]:
        special = self._book.special
        if any(x.frequency for x in used):
            # Frequency rules count all that has begun to a number, in the order of the rows.
            rows = self._rows
            special = special | {
                store.number(r) for r in rows if self._policies[store.policy_id(r)].frequency
            }
        return special

    async def _begin_alike(self, tx: Tx, places: Sequence[int]) -> bool:
        """Decides about notices that stand alike. False where that is for each of them to say."""
        first = self._rows[places[0]]
        pattern = store.pattern(first, self._policies)
        template = in_language(self._templates[pattern.template_id], pattern.language)
        about = _asked(pattern, store.number(first), template)
        known = await self._book.of(tx, about, self._now)
        if not known.are_common or pattern.notice.state is State.SENDING:
            return False
        try:
            moved, attempt = step(pattern.notice, Due(known.facts, ""), self._now)
        except IllegalTransition:
            return False
        if moved is pattern.notice:
            return False
        if attempt is not None and (attempt.step is not Step.LINE_NOTIFICATION or template.links):
            return False
        after = _replace(pattern, notice=moved)
        members: list[Kept] = []
        new_ids = self._ids.several(len(places)) if attempt is not None else repeat("")
        plan = self.plan
        for at, attempt_id in zip(places, new_ids, strict=False):
            notice_id, created_at, number, parameters, reference = store.own(self._rows[at])
            members.append(Kept(notice_id, attempt_id, after, created_at, number, None))
            if attempt is not None:
                plan.to_send[at] = ToSend(
                    notice_id,
                    attempt_id,
                    attempt,
                    number,
                    reference,
                    pattern.template_id,
                    template,
                    _parameters(parameters),
                    pattern.language,
                    None,
                    None,
                )
        plan.alike.append(Alike(pattern, after, members))
        return True

    async def decide_others(self, tx: Tx) -> None:
        """Decides about the rest, one by one."""
        plan = self.plan
        rows = [self._rows[at] for at in self.others]
        plan.loaded = store.whole(rows, self._attempts, self._policies)
        decide = Decisions(self._ids.several(len(rows)), self._now)
        for at, row, x in zip(self.others, rows, plan.loaded, strict=True):
            template = in_language(self._templates[x.template_id], x.language)
            about = _asked(x, x.number, template)
            known = await self._book.of(tx, about, self._now)
            try:
                moved, attempt = decide(x.notice, known, store.standing(row))
            except IllegalTransition as error:
                # A defect of ours must not hold the others up; this one is looked at again in an hour.
                plan.illegal.append(error.message)
                plan.changes.append((x.notice, _replace(x.notice, due_at=self._now + LEASE)))
                continue
            plan.changes.append((x.notice, moved))
            plan.moved.append(store.with_notice(x, moved))
            if attempt is not None:
                self._book.began(about, attempt.carrier)
                plan.to_send[at] = self._to_send(x, attempt, template, known)

    def _to_send(self, x: Loaded, attempt: Attempt, template: Template, known: Known) -> ToSend:
        parameters = _parameters(x.parameters)
        if template.links:
            parameters = with_link(template, parameters, self._setup.bind_link(attempt.id))
        if attempt.step is Step.SMS:
            self.plan.units[attempt.id] = segments(render_sms(template, parameters)).segments
        return ToSend(
            x.notice.id,
            attempt.id,
            attempt,
            x.number,
            x.reference,
            x.template_id,
            template,
            parameters,
            x.language,
            known.user_id,
            self._book.endpoint,
        )


def _asked(x: Loaded, number: str, template: Template) -> Asked:
    return Asked(
        number=number,
        country=x.country,
        template_id=x.template_id,
        template=template,
        policy=x.notice.policy,
        begun=bool(x.notice.attempts),
    )
