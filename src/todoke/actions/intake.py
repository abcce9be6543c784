"""Takes notices in: finds channel, template and policy, checks number and parameters, stores."""

from collections.abc import Mapping
from typing import Any

import msgspec

from todoke.actions import announcements, content_check, live, policies
from todoke.actions.live import Gate
from todoke.actions.policies import Choice
from todoke.actions.problems import Invalid as Invalid
from todoke.actions.problems import NotFound as NotFound
from todoke.core import routing
from todoke.core.content.timing import Timing
from todoke.core.phone import Phone
from todoke.core.policy_text import written
from todoke.core.routing import Policy
from todoke.core.standing import Lane
from todoke.core.template import Template
from todoke.core.wanted import Terms, made, refusal_of_template
from todoke.core.wanted import Wanted as Wanted
from todoke.core.wanted import language_of as wanted_language_of
from todoke.ids import Ids
from todoke.storage import channels as channel_store
from todoke.storage import content, new_notices, sources
from todoke.storage import notices as store
from todoke.storage.channels import Channel
from todoke.storage.content import TemplateRow
from todoke.storage.database import Tx
from todoke.storage.desks import Checked, Desks
from todoke.storage.lookup import Lookup, compile_row
from todoke.storage.new_notices import Ready, Shared
from todoke.storage.notices import HELD, NewNotice
from todoke.storage.sources import Source


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """What every notice of one call shares."""

    account_id: str
    channel: Channel
    template_row: TemplateRow
    template: Template
    policy_id: str
    policy: Policy
    choice: Choice
    source: Source | None = None
    """Where the numbers came from, where the call says so."""
    gate: Gate
    """Whom the template's version may reach, as it stood when this was resolved."""
    checked: Checked
    """What the content check says of the template's version, and what checks its values."""
    timing: Timing
    """How its use case stands to the time of what it tells of."""

    def terms(self) -> Terms:
        """What the notices are held to."""
        return Terms(
            region=self.channel.region,
            template=self.template,
            template_id=self.template_row.id,
            version=self.template_row.version,
            keeps=self.policy.deadline,
            gate=self.gate,
            check=self.checked.check,
            values=self.checked.values,
            standing=self.checked.standing,
            timing=self.timing,
        )

    def policy_view(self, deadline: int | None) -> dict[str, Any]:
        """The policy as it is shown: its steps, where it comes from, why it was chosen, and what to mind.

        `deadline`: of the notice, in milliseconds from now.
        """
        chosen = self.choice
        named = {} if chosen.name is None else {"name": chosen.name, "version": chosen.version}
        warnings = routing.never_in_time(self.policy, deadline)
        warnings += content_check.late_duplicate(
            self.checked, self.template, self.policy, self.channel.region
        )
        return {
            **named,
            **written(self.policy),
            "why": chosen.why,
            **({"warnings": warnings} if warnings else {}),
        }


async def resolve(
    tx: Tx,
    account_id: str,
    channel: str,
    template: str,
    policy: str | Mapping[str, Any] | None,
    *,
    source: str | None = None,
    now: int,
    ids: Ids,
    desks: Desks,
    every_number_is_a_test_number: bool,
    store_policy: bool = True,
) -> Target:
    """Finds channel, template, policy and source. Raises NotFound, Invalid, InvalidPolicy or, where the template must
    not be sent, ContentRefused with the place.

    A policy that is given with the call, or taken by default, is stored unless `store_policy` is false. A template's
    name means its newest version on the channel that may reach real recipients, where that matters and there is one.
    """
    found = await channel_store.find_channel(tx, account_id, channel)
    if found is None:
        raise NotFound(
            f"There is no channel {channel[:60]!r}. `todoke channels list` or GET /v1/channels lists them.",
            "/channel",
        )
    row = await content.find_template(tx, account_id, template, found.id)
    if row is None:
        raise NotFound(
            f"There is no template {template[:60]!r}. `todoke templates list` or GET /v1/templates lists them.",
            "/template",
        )
    if row.channel_id != found.id:
        raise NotFound(
            f"The template {row.name} belongs to another channel than {found.name}. "
            "Make it for this channel, or name the other.",
            "/template",
        )
    row, gate = await live.chosen(
        tx,
        found,
        row,
        by_name=row.id != template,
        every_number_is_a_test_number=every_number_is_a_test_number,
    )
    compiled = compile_row(row)
    checked = await content_check.of_version(tx, found, row, compiled, desks, store=store_policy)
    if checked.standing:
        raise refusal_of_template(compiled, row.id, row.version, checked.standing)
    chosen, choice = await policies.chosen(tx, found, row.use_case, policy)
    routing.refuse_for_use_case(chosen, row.use_case)
    known_source = None if source is None else await _usable_source(tx, account_id, source)
    policy_id = ""
    if store_policy:
        policy_id = await policies.stored(tx, account_id, chosen, choice, now, ids)
    return Target(
        account_id=account_id,
        channel=found,
        template_row=row,
        template=compiled,
        policy_id=policy_id,
        policy=chosen,
        choice=choice,
        source=known_source,
        checked=checked,
        timing=await content_check.timing_of(tx, found, row.use_case),
        gate=gate,
    )


async def _usable_source(tx: Tx, account_id: str, name: str) -> Source:
    found = await sources.find(tx, account_id, name)
    if found is None:
        raise NotFound(
            f"There is no source {name[:60]!r}. `todoke sources list` or GET /v1/sources lists them; POST /v1/sources "
            "makes one.",
            "/source",
        )
    if found.ended_at is not None:
        raise Invalid(
            f"The source {found.name} has ended: its numbers may not be used for new notices. Name another source.",
            "/source",
        )
    return found


async def resolve_stored(
    tx: Tx,
    account_id: str,
    channel_id: str,
    template_id: str,
    policy_id: str,
    lookup: Lookup,
    source_id: str | None = None,
) -> Target:
    """The same for what was resolved before, as for the rows of a batch. Its gate is open: whoever stores the notices
    asks `actions.live` in that transaction.
    """
    channel = await channel_store.get_channel(tx, channel_id)
    rows = await content.templates_by_ids(tx, [template_id])
    assert channel is not None
    policies = await lookup.policies(tx, [policy_id])
    compiled = compile_row(rows[0])
    return Target(
        account_id=account_id,
        channel=channel,
        template_row=rows[0],
        template=compiled,
        policy_id=policy_id,
        policy=policies[policy_id],
        choice=Choice(why="chosen for the batch"),
        source=None if source_id is None else (await sources.by_ids(tx, [source_id])).get(source_id),
        gate=live.OPEN,
        checked=await content_check.of_version(tx, channel, rows[0], compiled, lookup.desks),
        timing=await content_check.timing_of(tx, channel, rows[0].use_case),
    )


async def as_checked_now(tx: Tx, target: Target, desks: Desks) -> Target:
    """The same with the content check as it stands now, for what is used over some time."""
    checked = await content_check.of_version(tx, target.channel, target.template_row, target.template, desks)
    return target if checked is target.checked else msgspec.structs.replace(target, checked=checked)


def make_notice(
    target: Target, wanted: Wanted, now: int, ids: Ids, *, even_if_not_live: bool = False
) -> tuple[NewNotice, Phone]:
    """A notice ready to be stored. Raises what `core.wanted.made` raises.

    `even_if_not_live`: for what is only explained and never stored.
    """
    found = made(target.terms(), wanted, now, even_if_not_live=even_if_not_live)
    notice = NewNotice(
        id=ids.new(),
        account_id=target.account_id,
        channel_id=target.channel.id,
        template_id=target.template_row.id,
        policy_id=target.policy_id,
        batch_id=wanted.batch_id,
        reference=found.reference,
        number=found.phone.e164,
        country=found.phone.country,
        parameters=found.parameters,
        created_at=now,
        deadline_at=found.deadline_at,
        due_at=now,
        lane=lane_of(target.policy),
        source_id=None if target.source is None else target.source.id,
        language=found.language,
        event_at=found.event_at,
    )
    return notice, found.phone


def language_of(target: Target, asked: str | None) -> str:
    """Which of the template's languages a notice is in. Raises Invalid for one that it has no texts in."""
    return wanted_language_of(target.template, target.channel.region, asked)


def lane_of(policy: Policy) -> Lane:
    """Which carriers a new notice waits for."""
    return Lane.LINE if policy.steps[0].step in routing.LINE_STEPS else Lane.OTHER


async def insert(tx: Tx, notices: list[NewNotice], now: int, ids: Ids) -> int:
    """Stores notices that `make_notice` made. Answers how many webhooks tell of them."""
    await store.insert_new(tx, notices)
    return await announcements.of_new_notices(tx, notices, now, ids)


def shared(target: Target, batch_id: str, now: int, *, held: bool) -> Shared:
    """What the notices of a list have in common. `held`: its batch holds them back."""
    return Shared(
        account_id=target.account_id,
        channel_id=target.channel.id,
        template_id=target.template_row.id,
        policy_id=target.policy_id,
        batch_id=batch_id,
        source_id=None if target.source is None else target.source.id,
        created_at=now,
        lane=HELD if held else int(lane_of(target.policy)),
    )


async def insert_list(
    tx: Tx, common: Shared, values: list[Any], now: int, ids: Ids, made: Ready | None = None
) -> int:
    """The same of notices that were made of one list, at one time: `values` and `made` as in `storage.new_notices`."""
    await new_notices.insert_list(tx, common, values, made)
    return await announcements.of_stored(tx, lambda: values[:: new_notices.WIDTH], now, ids) if values else 0
