"""Takes notices in: finds channel, template and policy, checks number and parameters, stores."""

from collections.abc import Mapping
from typing import Any

import msgspec

import line_catalogue
from todoke.actions import announcements, content_check, live, policies
from todoke.actions.live import Gate
from todoke.actions.policies import Choice
from todoke.actions.problems import Invalid as Invalid
from todoke.actions.problems import NotFound as NotFound
from todoke.core import routing
from todoke.core.content.timing import Timing
from todoke.core.durations import DAY, parse_duration, parse_rfc3339
from todoke.core.languages import chosen
from todoke.core.phone import Phone, parse
from todoke.core.policy_text import written
from todoke.core.routing import Policy
from todoke.core.standing import Lane
from todoke.core.template import Template, check_parameters, in_language
from todoke.ids import Ids
from todoke.storage import channels as channel_store
from todoke.storage import content, new_notices, sources
from todoke.storage import notices as store
from todoke.storage.channels import Channel
from todoke.storage.content import TemplateRow
from todoke.storage.database import Tx
from todoke.storage.desks import Checked, Desks
from todoke.storage.lookup import Lookup, compile_row
from todoke.storage.notices import NewNotice
from todoke.storage.sources import Source

MAX_REFERENCE = 100


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


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A notice as it is asked for."""

    to: str
    parameters: Mapping[str, Any]
    reference: str | None = None
    deadline: str | None = None
    batch_id: str | None = None
    language: str | None = None
    event_at: str | None = None
    """When that is which it tells of."""


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
        raise content_check.refusal_of_template(row, checked.standing)
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
    """A notice ready to be stored. Raises InvalidNumber, InvalidParameters (ContentRefused), Invalid, Untimely or
    NotLive with the place.

    `even_if_not_live`: for what is only explained and never stored.
    """
    phone = parse(wanted.to, target.channel.region)
    language = language_of(target, wanted.language)
    if target.checked.standing:
        raise content_check.refusal_of_template(target.template_row, target.checked.standing)
    parameters = check_parameters(in_language(target.template, language), wanted.parameters)
    content_check.refuse_values(target.checked, parameters)
    reference = wanted.reference
    if reference is not None and (len(reference) > MAX_REFERENCE or not reference.isprintable()):
        raise Invalid(f"A reference has at most {MAX_REFERENCE} printable characters.", "/reference")
    if not even_if_not_live and (why := target.gate.why_not(phone.e164)) is not None:
        raise live.refusal(why, phone.e164)
    deadline_at = _deadline_at(wanted.deadline, target.policy, now)
    event, last = content_check.timed(
        target.checked,
        target.timing,
        target.template,
        parameters,
        wanted.event_at,
        target.channel.region,
        now,
    )
    if last is not None and (deadline_at is None or last < deadline_at):
        # No step begins once the notice would come too late: not after quiet hours, retries or a pause either.
        deadline_at = last
    notice = NewNotice(
        id=ids.new(),
        account_id=target.account_id,
        channel_id=target.channel.id,
        template_id=target.template_row.id,
        policy_id=target.policy_id,
        batch_id=wanted.batch_id,
        reference=reference or None,
        number=phone.e164,
        country=phone.country,
        parameters=msgspec.json.encode(parameters).decode(),
        created_at=now,
        deadline_at=deadline_at,
        due_at=now,
        lane=lane_of(target.policy),
        source_id=None if target.source is None else target.source.id,
        language=language,
        event_at=None if event is None else event.begins,
    )
    return notice, phone


def language_of(target: Target, asked: str | None) -> str:
    """Which of the template's languages a notice is in: the nearest to what was asked for, the template's own where
    nothing was. Raises Invalid for a language that it has no texts in.
    """
    template = target.template
    own = template.language or line_catalogue.countries()[target.channel.region].language
    if asked is None or not asked.strip():
        return own
    has = template.languages if template.language is not None else (own, *template.languages)
    if (found := chosen(asked, has)) is None:
        raise Invalid(
            f"The template {template.name} has no texts in {asked.strip()[:40]!r}, only in {', '.join(has)}. Ask for "
            "one of these, or leave language out.",
            "/language",
        )
    return found


def lane_of(policy: Policy) -> Lane:
    """Which carriers a new notice waits for."""
    return Lane.LINE if policy.steps[0].step in routing.LINE_STEPS else Lane.OTHER


def deadline_of(policy: Policy, now: int) -> int | None:
    """The deadline of a notice that says none itself."""
    return None if policy.deadline is None else now + policy.deadline


def _deadline_at(deadline: str | None, policy: Policy, now: int) -> int | None:
    if deadline is None:
        return deadline_of(policy, now)
    try:
        at = parse_rfc3339(deadline) if "T" in deadline else now + parse_duration(deadline)
    except ValueError as error:
        remedy = "A deadline is a duration such as 24h, or a time such as 2026-08-07T18:00:00Z."
        raise Invalid(f"{error} {remedy}", "/deadline") from None
    if not now < at <= now + 30 * DAY:
        raise Invalid("A deadline lies in the future, at most 30 days ahead.", "/deadline")
    return at


async def insert(tx: Tx, notices: list[NewNotice], now: int, ids: Ids) -> int:
    """Stores notices that `make_notice` made. Answers how many webhooks tell of them."""
    await store.insert_new(tx, notices)
    return await announcements.of_new_notices(tx, notices, now, ids)


async def insert_list(tx: Tx, notices: list[NewNotice], now: int, ids: Ids) -> int:
    """The same of notices that were made of one list, at one time."""
    await new_notices.insert_list(tx, notices)
    return await announcements.of_new_notices(tx, notices, now, ids)
