"""Moves notices on by our own will: claims what is due, cancels, takes over. All go through `core.notice.step`."""

import json
from collections.abc import Iterable

import msgspec

from todoke.actions.record import apply
from todoke.core.errors import IllegalTransition
from todoke.core.notice import LEASE, Cancel, Due, Event, Lapsed, Notice, State, step
from todoke.core.routing import Facts, Step
from todoke.core.sms_text import segments
from todoke.core.template import Template, render_sms
from todoke.ids import Ids
from todoke.storage import channels as channel_store
from todoke.storage import notices as store
from todoke.storage.channels import Channel
from todoke.storage.database import Tx
from todoke.storage.lookup import Lookup

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
    illegal: list[str]
    """Moves that the core refused, each with its notice."""


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
        return Claimed(channel, [], 0, [])
    policies = await lookup.policies(tx, {store.policy_id(r) for r in rows})
    loaded = await store.assemble(tx, rows, policies)
    templates = await lookup.templates(tx, {x.template_id for x in loaded})
    changes: list[tuple[Notice, Notice]] = []
    to_send: list[ToSend] = []
    illegal: list[str] = []
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
        try:
            moved, attempt = step(x.notice, event, now)
        except IllegalTransition as error:
            # A defect of ours must not hold the others up; this one is looked at again in an hour.
            illegal.append(error.message)
            changes.append((x.notice, msgspec.structs.replace(x.notice, due_at=now + LEASE)))
            continue
        changes.append((x.notice, moved))
        if attempt is not None:
            parameters = msgspec.json.decode(x.parameters, type=dict[str, str])
            if attempt.step is Step.SMS:
                units[attempt.id] = segments(render_sms(template, parameters)).segments
            to_send.append(ToSend(moved.id, attempt.id, attempt.step, x.number, template, parameters))
    await store.save(tx, changes, units)
    return Claimed(channel, to_send, len(rows), illegal)


async def recover(tx: Tx, channel_id: str, now: int, lookup: Lookup) -> int:
    """After a takeover: what its former owner had out has an unknown outcome. Answers how many there were."""
    rows = await store.load_out(tx, channel_id)
    policies = await lookup.policies(tx, {store.policy_id(r) for r in rows})
    loaded = await store.assemble(tx, rows, policies)
    await store.save(tx, [(x.notice, step(x.notice, Lapsed(), now)[0]) for x in loaded])
    return len(loaded)


async def cancel(tx: Tx, notice_ids: Iterable[str], now: int, lookup: Lookup) -> None:
    """No further step of these notices begins."""
    await apply(tx, {x: [Cancel()] for x in notice_ids}, now, lookup)


async def resume(tx: Tx, channel_id: str, now: int) -> None:
    """Lets a paused channel send again; what was held is due at once."""
    await channel_store.update_channel(tx, channel_id, paused_at=None, paused_why=None)
    await store.release_held(tx, channel_id, now)
