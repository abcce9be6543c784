"""Moves notices on by our own will: claims what is due, cancels, takes over. All go through `core.notice.step`."""

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from todoke.actions import announcements, batch_tally, holding
from todoke.actions.facts import Asked, FactBook, Known, Setup
from todoke.actions.record import apply
from todoke.core.errors import IllegalTransition
from todoke.core.notice import LEASE, Attempt, Cancel, Due, Event, Lapsed, Notice, State, step
from todoke.core.routing import Facts, Step
from todoke.core.sms_text import segments
from todoke.core.standing import Lane
from todoke.core.template import Template, in_language, render_sms, with_link
from todoke.ids import Ids
from todoke.storage import batch_holds, batch_states, notice_changes
from todoke.storage import channels as channel_store
from todoke.storage import messages as message_store
from todoke.storage import notices as store
from todoke.storage.batch_states import HELD
from todoke.storage.channels import Channel
from todoke.storage.database import Tx
from todoke.storage.endpoints import Endpoint
from todoke.storage.lookup import Lookup
from todoke.storage.notices import Loaded

_replace = msgspec.structs.replace
_parameters = msgspec.json.Decoder(dict[str, str]).decode


class LostChannel(Exception):
    """Another process paces this channel now; nothing of ours may leave for it any more."""


class ToSend(msgspec.Struct, frozen=True):
    """A committed attempt whose request may leave now."""

    notice_id: str
    attempt: Attempt
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
    """The notices as they are now, for whoever keeps them once this is committed."""


async def owned_channel(tx: Tx, channel_id: str, fence: int) -> Channel:
    """The channel, if its fencing number is still ours. Raises LostChannel otherwise."""
    channel = await channel_store.get_channel(tx, channel_id)
    if channel is None or channel.fence != fence:
        raise LostChannel(channel_id)
    return channel


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
    rows = [
        row for lane, most in limits.items() for row in await store.load_due(tx, channel_id, lane, now, most)
    ]
    if not rows:
        return Claimed(channel, [], 0, [])
    looked_at = len(rows)
    rows, to_cancel = await holding.sift(tx, channel_id, rows, now)
    if to_cancel:
        await cancel(tx, to_cancel, now, lookup, ids)
    policies = await lookup.policies(tx, {store.policy_id(r) for r in rows})
    loaded = await store.assemble(tx, rows, policies)
    templates = await lookup.templates(tx, {x.template_id for x in loaded})
    asked = [_asked(x, in_language(templates[x.template_id], x.language)) for x in loaded]
    book = FactBook(channel, setup)
    await book.read(tx, asked)
    changes: list[tuple[Notice, Notice]] = []
    to_send: list[ToSend] = []
    moved_on: list[Loaded] = []
    illegal: list[str] = []
    units: dict[str, int] = {}
    decide = Decisions(ids.several(len(loaded)), now)
    for row, x, about in zip(rows, loaded, asked, strict=True):
        known = await book.of(tx, about, now)
        try:
            moved, attempt = decide(x.notice, known, store.standing(row))
        except IllegalTransition as error:
            # A defect of ours must not hold the others up; this one is looked at again in an hour.
            illegal.append(error.message)
            changes.append((x.notice, msgspec.structs.replace(x.notice, due_at=now + LEASE)))
            continue
        changes.append((x.notice, moved))
        moved_on.append(store.with_notice(x, moved))
        if attempt is None:
            continue
        book.began(about, attempt.carrier)
        parameters = _parameters(x.parameters)
        if about.template.links:
            parameters = with_link(about.template, parameters, setup.bind_link(attempt.id))
        if attempt.step is Step.SMS:
            units[attempt.id] = segments(render_sms(about.template, parameters)).segments
        to_send.append(
            ToSend(
                moved.id,
                attempt,
                x.number,
                x.reference,
                x.template_id,
                about.template,
                parameters,
                x.language,
                known.user_id,
                book.endpoint,
            )
        )
    await notice_changes.save(tx, changes, units)
    await batch_states.add(
        tx, batch_tally.of_changes((x.batch_id, b, a) for x, (b, a) in zip(loaded, changes, strict=True))
    )
    told = await announcements.of_notices(tx, changes, now, ids)
    return Claimed(channel, to_send, looked_at, illegal, told, moved_on)


class Decisions:
    """What becomes of the notices of one claim. Those that stand alike, of which nothing has been tried and whose facts
    are the same, are decided by one of them: `step` looks at nothing else.
    """

    def __init__(self, ids: Iterator[str], now: int) -> None:
        """`ids`: for the attempts that begin, as many as there may be."""
        self._ids = ids
        self._now = now
        self._known: dict[tuple[object, ...], tuple[Notice, Attempt | None]] = {}

    def __call__(self, notice: Notice, known: Known, standing: object) -> tuple[Notice, Attempt | None]:
        """`standing`: all of the notice that `step` may look at, but its attempts. Raises IllegalTransition."""
        if notice.attempts or not known.are_common:
            return self._decide(notice, known.facts)
        # Facts that are common live as long as the claim: their identity is theirs alone.
        alike = (standing, id(known.facts))
        decided = self._known.get(alike)
        if decided is None:
            decided = self._known[alike] = self._decide(notice, known.facts)
            return decided
        moved, attempt = decided
        if attempt is None:
            return _replace(moved, id=notice.id, created_at=notice.created_at), None
        attempt = _replace(attempt, id=next(self._ids))
        return _replace(moved, id=notice.id, created_at=notice.created_at, attempts=(attempt,)), attempt

    def _decide(self, notice: Notice, facts: Facts) -> tuple[Notice, Attempt | None]:
        # Nothing of ours is out for as long as a lease lasts: its sender died.
        event: Event = Lapsed() if notice.state is State.SENDING else Due(facts, next(self._ids))
        return step(notice, event, self._now)


def _asked(x: Loaded, template: Template) -> Asked:
    return Asked(
        number=x.number,
        country=x.country,
        template_id=x.template_id,
        template=template,
        policy=x.notice.policy,
        begun=bool(x.notice.attempts),
    )


async def recover(tx: Tx, channel_id: str, now: int, lookup: Lookup, ids: Ids) -> int:
    """After a takeover: what its former owner had out has an unknown outcome. Answers how many there were."""
    rows = await store.load_out(tx, channel_id)
    policies = await lookup.policies(tx, {store.policy_id(r) for r in rows})
    loaded = await store.assemble(tx, rows, policies)
    changes = [(x.notice, step(x.notice, Lapsed(), now)[0]) for x in loaded]
    await notice_changes.save(tx, changes)
    await batch_states.add(
        tx, batch_tally.of_changes((x.batch_id, b, a) for x, (b, a) in zip(loaded, changes, strict=True))
    )
    await announcements.of_notices(tx, changes, now, ids)
    await message_store.release_out(tx, channel_id, now)
    return len(loaded)


async def cancel(tx: Tx, notice_ids: Iterable[str], now: int, lookup: Lookup, ids: Ids) -> None:
    """No further step of these notices begins."""
    meant = list(notice_ids)
    held = await batch_holds.held_by_batch(tx, meant)
    await apply(tx, {x: [Cancel()] for x in meant}, now, lookup, ids)
    await batch_states.add(tx, {(batch_id, HELD): -count for batch_id, count in held.items()})


async def resume(tx: Tx, channel_id: str, now: int) -> None:
    """Lets a paused channel send again; what was held is due at once."""
    await channel_store.update_channel(tx, channel_id, paused_at=None, paused_why=None, paused_for=None)
    await store.release_held(tx, channel_id, now)
    await message_store.release_held(tx, channel_id, now)
