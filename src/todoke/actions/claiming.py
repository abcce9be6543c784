"""Takes what is due in a channel and decides what begins: all by `core.notice.step`, of what stands alike once.

What is decided is a `Plan`. It can be made beside the writers, of what was committed when it was read, and be written
down in the writer's turn if nothing has changed since that it may depend on.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from itertools import chain
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
from todoke.storage.notices import Loaded, Own
from todoke.storage.working import Alike, Kept

_replace = msgspec.structs.replace
_parameters = msgspec.json.Decoder(dict[str, str]).decode
_encode = msgspec.json.Encoder().encode


class Common(msgspec.Struct, frozen=True):
    """What those have in common that are sent alike."""

    begun: Attempt
    """The attempt as it began, but for its id."""
    template_id: str
    template: Template
    """In the notice's language."""
    language: str | None
    user_id: str | None = None
    """Whom a push goes to."""
    endpoint: Endpoint | None = None
    """Where a callback goes."""


class ToSend(msgspec.Struct, frozen=True):
    """A committed attempt whose request may leave now."""

    notice_id: str
    attempt_id: str
    number: str
    reference: str | None
    written: str
    """The parameters as JSON."""
    common: Common

    @property
    def begun(self) -> Attempt:
        """The attempt as it began, but for its id."""
        return self.common.begun

    @property
    def attempt(self) -> Attempt:
        """The attempt with its id."""
        return _replace(self.common.begun, id=self.attempt_id)

    @property
    def template(self) -> Template:
        """In the notice's language."""
        return self.common.template

    @property
    def parameters(self) -> dict[str, str]:
        """Values by name. They are read anew each time."""
        return _parameters(self.written)


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

    def __init__(self, channel: Channel, looked_at: int) -> None:
        self.channel = channel
        self.looked_at = looked_at
        """How many notices."""
        self.to_send: list[ToSend | None] = [None] * looked_at
        """In the order in which they were due."""
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
    first = {
        lane: await store.load_due(tx, channel_id, lane, now, min(x, ALIKE)) for lane, x in limits.items()
    }
    if sum(map(len, first.values())) < ALIKE or await holding.is_sweeping(tx, channel_id):
        return None
    if (same := await _due_alike(tx, channel_id, now, limits, first)) is not None:
        desk = _Desk(channel, [], now, ids, lookup, setup)
        if await desk.decide_same(tx, *same):
            return desk.plan
    rows = await _due(tx, channel_id, now, limits)
    desk = _Desk(channel, rows, now, ids, lookup, setup)
    await desk.decide_alike(tx)
    return None if desk.others else desk.plan


async def _due(tx: Tx, channel_id: str, now: int, limits: Mapping[Lane, int]) -> list[Any]:
    return [
        row for lane, most in limits.items() for row in await store.load_due(tx, channel_id, lane, now, most)
    ]


async def _due_alike(
    tx: Tx, channel_id: str, now: int, limits: Mapping[Lane, int], first: Mapping[Lane, list[Any]]
) -> tuple[Any, list[Own]] | None:
    """One whole row, and of all that are due what is their own, where they are all of one kind. `first`: the first
    rows of each lane.
    """
    filled = [lane for lane, rows in first.items() if rows]
    if len(filled) != 1:
        return None
    lane, like = filled[0], first[filled[0]][0]
    if any(store.kind(row) != store.kind(like) for row in first[lane]):
        return None
    found = await store.load_due_own(tx, channel_id, lane, now, limits[lane], like)
    return None if found is None else (like, found)


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
    return Claimed(plan.channel, to_send, plan.looked_at, plan.illegal, told, plan.moved, plan.alike)


def _changes_of(alike: Sequence[Alike]) -> Iterator[tuple[Notice, Notice]]:
    for before, after, members in alike:
        for kept in members:
            yield kept.loaded(before).notice, kept.loaded(after).notice


class _Desk:
    """Where one claim is decided."""

    def __init__(
        self, channel: Channel, rows: Sequence[Any], now: int, ids: Ids, lookup: Lookup, setup: Setup
    ) -> None:
        self.plan = Plan(channel, len(rows))
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

    async def decide_same(self, tx: Tx, like: Any, owns: Sequence[Own]) -> bool:
        """Decides about notices that are all of one kind, of which `like` is a row. False where that can't be done for
        all of them at once: then nothing is decided.
        """
        await self._read_for(tx, [like], [x[0] for x in owns], [x[2] for x in owns])
        special = self._book.special
        if self._attempts or self._policies[store.policy_id(like)].frequency:
            return False
        if special and any(x[2] in special for x in owns):
            return False
        if (items := await self._begin_alike(tx, like, owns)) is None:
            return False
        self.plan.looked_at, self.plan.to_send = len(owns), [*items]
        return True

    async def _read_for(
        self, tx: Tx, rows: Sequence[Any], notice_ids: Sequence[str], numbers: Sequence[str]
    ) -> None:
        """What is known of notices of the kinds of these rows."""
        policies, templates = {store.policy_id(r) for r in rows}, {store.template_id(r) for r in rows}
        self._policies = await self._lookup.policies(tx, policies)
        self._templates = await self._lookup.templates(tx, templates)
        self._attempts = await store.attempts_of(tx, notice_ids)
        await self._book.read_for(tx, numbers, templates, [self._policies[x] for x in policies])

    async def decide_alike(self, tx: Tx) -> None:
        """Decides about those that are among many of their kind."""
        rows = self._rows
        if not rows:
            return
        await self._read_for(tx, rows, [store.notice_id(r) for r in rows], [store.number(r) for r in rows])
        kinds: dict[Any, list[int]] = {}
        alone, numbers_alone = self._attempts.keys(), self._numbers_alone()
        for at, row in enumerate(rows):
            if store.notice_id(row) in alone or store.number(row) in numbers_alone:
                self.others.append(at)
            elif (places := kinds.get(kind := store.kind(row))) is None:
                kinds[kind] = [at]
            else:
                places.append(at)
        for places in kinds.values():
            items = None
            if len(places) >= ALIKE:
                owns = [store.own(rows[at]) for at in places]
                items = await self._begin_alike(tx, rows[places[0]], owns)
            if items is None:
                self.others += places
                continue
            for at, item in zip(places, items, strict=False):
                self.plan.to_send[at] = item
        self.others.sort()

    def _numbers_alone(self) -> Set[str]:
        special = self._book.special
        if any(x.frequency for x in self._policies.values()):
            # Frequency rules count all that has begun to a number, in the order of the rows.
            rows = self._rows
            special = special | {
                store.number(r) for r in rows if self._policies[store.policy_id(r)].frequency
            }
        return special

    async def _begin_alike(self, tx: Tx, like: Any, owns: Sequence[Own]) -> list[ToSend] | None:
        """Decides about notices that stand alike, and answers what is to be sent of them: of each, or of none. None
        where that is for each of them to say.
        """
        pattern = store.pattern(like, self._policies)
        template = in_language(self._templates[pattern.template_id], pattern.language)
        about = _asked(pattern, store.number(like), template)
        known = await self._book.of(tx, about, self._now)
        if not known.are_common or pattern.notice.state is State.SENDING:
            return None
        try:
            moved, attempt = step(pattern.notice, Due(known.facts, ""), self._now)
        except IllegalTransition:
            return None
        if moved is pattern.notice:
            return None
        if attempt is not None and (attempt.step is not Step.LINE_NOTIFICATION or template.links):
            return None
        after = _replace(pattern, notice=moved)
        if attempt is None:
            self.plan.alike.append(
                Alike(pattern, after, [Kept(x[0], "", after, x[1], x[2], None) for x in owns])
            )
            return []
        common = Common(attempt, pattern.template_id, template, pattern.language)
        members: list[Kept] = []
        to_send: list[ToSend] = []
        new_ids = self._ids.several(len(owns))
        for (notice_id, created_at, number, written, reference), attempt_id in zip(
            owns, new_ids, strict=True
        ):
            members.append(Kept(notice_id, attempt_id, after, created_at, number, None))
            to_send.append(ToSend(notice_id, attempt_id, number, reference, written, common))
        self.plan.alike.append(Alike(pattern, after, members))
        return to_send

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
        written = x.parameters
        if template.links:
            values = with_link(template, _parameters(written), self._setup.bind_link(attempt.id))
            written = _encode(values).decode()
        if attempt.step is Step.SMS:
            self.plan.units[attempt.id] = segments(render_sms(template, _parameters(written))).segments
        common = Common(attempt, x.template_id, template, x.language, known.user_id, self._book.endpoint)
        return ToSend(x.notice.id, attempt.id, x.number, x.reference, written, common)


def _asked(x: Loaded, number: str, template: Template) -> Asked:
    return Asked(
        number=number,
        country=x.country,
        template_id=x.template_id,
        template=template,
        policy=x.notice.policy,
        begun=bool(x.notice.attempts),
    )
