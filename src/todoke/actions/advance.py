"""Moves notices on: claims what is due, records what became of it. All go through `core.notice.step`."""

import json
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from todoke.core.notice import Answered, Cancel, Due, Event, Lapsed, NoProof, Notice, Proof, State, step
from todoke.core.outcome import Answer, Outcome
from todoke.core.routing import Facts, Step
from todoke.core.sms_text import segments
from todoke.core.template import Template, render_sms
from todoke.ids import Ids
from todoke.storage import channels as channel_store
from todoke.storage import content
from todoke.storage import notices as store
from todoke.storage.channels import Channel
from todoke.storage.database import Tx
from todoke.storage.lookup import Lookup
from todoke.storage.notices import Loaded

LINE_FORMS = ("line_template", "flexible")


class LostChannel(Exception):
    """Another process paces this channel now; nothing of ours may leave for it any more."""


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """What the process offers to every notice: carriers, and whether any number may be written to."""

    sms_carrier: bool
    sms_gives_proof: bool
    every_number_is_a_test_number: bool


class ToSend(msgspec.Struct, frozen=True):
    """A committed attempt whose request may leave now."""

    notice_id: str
    attempt_id: str
    step: Step
    number: str
    template: Template
    parameters: dict[str, str]


class Claimed(msgspec.Struct, frozen=True):
    """What a claim came to."""

    channel: Channel
    to_send: list[ToSend]
    looked_at: int


class Recorded(msgspec.Struct):
    """What recording came to."""

    unknown_tags: int = 0
    late_duplicates: int = 0
    paused: list[str] = []
    """Why channels were paused just now, one text each."""


def facts_for(channel: Channel, template: Template, number: str, country: str, setup: Setup) -> Facts:
    """What routing must know of this notice."""
    allowed = (
        setup.every_number_is_a_test_number
        or channel.mode == "live"
        or number in json.loads(channel.test_numbers)
    )
    return Facts(
        country=country,
        channel_paused=channel.paused_at is not None,
        number_allowed=allowed,
        has_line_form=not template.forms.isdisjoint(LINE_FORMS),
        has_sms_form="sms" in template.forms,
        sms_carrier=setup.sms_carrier,
        sms_gives_proof=setup.sms_gives_proof,
    )


async def owned_channel(tx: Tx, channel_id: str, fence: int) -> Channel:
    """The channel, if its fencing number is still ours. Raises LostChannel otherwise."""
    channel = await channel_store.get_channel(tx, channel_id)
    if channel is None or channel.fence != fence:
        raise LostChannel(channel_id)
    return channel


async def claim(
    tx: Tx, channel_id: str, fence: int, now: int, limit: int, ids: Ids, lookup: Lookup, setup: Setup
) -> Claimed:
    """Takes what is due in a channel and writes down the attempts that begin. Commit before sending any."""
    channel = await owned_channel(tx, channel_id, fence)
    rows = await store.load_due(tx, channel_id, now, limit)
    if not rows:
        return Claimed(channel, [], 0)
    policies = await lookup.policies(tx, {store.policy_id(r) for r in rows})
    loaded = await store.assemble(tx, rows, policies)
    templates = await lookup.templates(tx, {x.template_id for x in loaded})
    changes: list[tuple[Notice, Notice]] = []
    to_send: list[ToSend] = []
    units: dict[str, int] = {}
    facts_of: dict[tuple[str, str], Facts] = {}
    everyone = setup.every_number_is_a_test_number or channel.mode == "live"
    for x in loaded:
        template = templates[x.template_id]
        key = (x.template_id, x.country) if everyone else (x.template_id, x.number)
        if (facts := facts_of.get(key)) is None:
            facts = facts_of[key] = facts_for(channel, template, x.number, x.country, setup)
        # Nothing of ours is out for as long as a lease lasts: its sender died.
        event: Event = Lapsed() if x.notice.state is State.SENDING else Due(facts, ids.new())
        moved, attempt = step(x.notice, event, now)
        changes.append((x.notice, moved))
        if attempt is not None:
            parameters = msgspec.json.decode(x.parameters, type=dict[str, str])
            if attempt.step is Step.SMS:
                units[attempt.id] = segments(render_sms(template, parameters)).segments
            to_send.append(ToSend(moved.id, attempt.id, attempt.step, x.number, template, parameters))
    await store.save(tx, changes, units)
    return Claimed(channel, to_send, len(rows))


async def record_answers(
    tx: Tx, answers: Sequence[tuple[str, str, Answer]], now: int, lookup: Lookup
) -> Recorded:
    """Writes down what carriers answered: (notice id, attempt id, answer)."""
    events: dict[str, list[Event]] = {}
    for notice_id, attempt_id, answer in answers:
        events.setdefault(notice_id, []).append(Answered(attempt_id, answer))
    loaded, result = await _apply(tx, events, now, lookup)
    denied: set[str] = set()
    for notice_id, _, answer in answers:
        x = loaded.get(notice_id)
        if x is None:
            continue
        if answer.outcome is Outcome.DENIED and x.channel_id not in denied:
            denied.add(x.channel_id)
            why = f"LINE answered {answer.status}: {answer.detail or 'no reason given'}"
            if await pause(tx, x.channel_id, now, why):
                result.paused.append(why)
        elif answer.outcome is Outcome.INVALID:
            await content.flag_template(
                tx, x.template_id, now, f"{answer.status}: {answer.detail or ''}"[:500]
            )
    return result


async def record_proofs(
    tx: Tx, proofs: Iterable[tuple[str, int, bool, str | None]], now: int, lookup: Lookup
) -> Recorded:
    """Writes down what events prove: (delivery tag, time, reached or not, the carrier's words).

    In place of the tag stands the carrier's own message id where its receipts carry only that.
    """
    proofs = list(proofs)
    notice_of = await store.notice_ids_of(tx, {p[0] for p in proofs})
    tag_of: dict[str, str] = {}
    if foreign := {p[0] for p in proofs} - notice_of.keys():
        tag_of = await store.tags_of_requests(tx, foreign)
        notice_of |= await store.notice_ids_of(tx, tag_of.values())
    events: dict[str, list[Event]] = {}
    unknown = 0
    for name, at, reached, detail in proofs:
        tag = tag_of.get(name, name)
        if (notice_id := notice_of.get(tag)) is None:
            unknown += 1
        else:
            events.setdefault(notice_id, []).append(Proof(tag, at) if reached else NoProof(tag, at, detail))
    _, result = await _apply(tx, events, now, lookup)
    result.unknown_tags = unknown
    return result


async def recover(tx: Tx, channel_id: str, now: int, lookup: Lookup) -> int:
    """After a takeover: what its former owner had out has an unknown outcome. Answers how many there were."""
    rows = await store.load_out(tx, channel_id)
    policies = await lookup.policies(tx, {store.policy_id(r) for r in rows})
    loaded = await store.assemble(tx, rows, policies)
    await store.save(tx, [(x.notice, step(x.notice, Lapsed(), now)[0]) for x in loaded])
    return len(loaded)


async def cancel(tx: Tx, notice_ids: Iterable[str], now: int, lookup: Lookup) -> None:
    """No further step of these notices begins."""
    await _apply(tx, {x: [Cancel()] for x in notice_ids}, now, lookup)


async def pause(tx: Tx, channel_id: str, now: int, why: str) -> bool:
    """Stops LINE steps of a channel; its notices stay queued. Whether it was running before."""
    channel = await channel_store.get_channel(tx, channel_id)
    if channel is None or channel.paused_at is not None:
        return False
    await channel_store.update_channel(tx, channel_id, paused_at=now, paused_why=why)
    return True


async def resume(tx: Tx, channel_id: str, now: int) -> None:
    """Lets a paused channel send again; what was held is due at once."""
    await channel_store.update_channel(tx, channel_id, paused_at=None, paused_why=None)
    await store.release_held(tx, channel_id, now)


async def _apply(
    tx: Tx, events: Mapping[str, Sequence[Event]], now: int, lookup: Lookup
) -> tuple[dict[str, Loaded], Recorded]:
    result = Recorded()
    if not events:
        return {}, result
    rows = await store.load_by_ids(tx, events)
    policies = await lookup.policies(tx, {store.policy_id(r) for r in rows})
    loaded = {x.notice.id: x for x in await store.assemble(tx, rows, policies)}
    changes: list[tuple[Notice, Notice]] = []
    for notice_id, x in loaded.items():
        moved = x.notice
        for event in events[notice_id]:
            moved, _ = step(moved, event, now)
        changes.append((x.notice, moved))
        # One that the later step's sure failure takes back is not counted down: counters only rise.
        result.late_duplicates += max(_doubled(moved) - _doubled(x.notice), 0)
    await store.save(tx, changes)
    return loaded, result


def _doubled(notice: Notice) -> int:
    return sum(a.late_duplicate for a in notice.attempts) if len(notice.attempts) > 1 else 0
