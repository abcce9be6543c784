"""Takes notices in: finds channel, template and policy, checks number and parameters, stores."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import msgspec

import line_catalogue
from todoke.actions import announcements
from todoke.core import routing
from todoke.core.durations import DAY, parse_duration, parse_rfc3339
from todoke.core.errors import InvalidPolicy, TodokeError
from todoke.core.phone import Phone, parse
from todoke.core.policy_text import parse_policy, written
from todoke.core.routing import Policy
from todoke.core.standing import Lane
from todoke.core.template import Template, check_parameters
from todoke.ids import Ids
from todoke.storage import channels as channel_store
from todoke.storage import content, sources
from todoke.storage import notices as store
from todoke.storage.channels import Channel
from todoke.storage.content import PolicyRow, TemplateRow
from todoke.storage.database import Tx
from todoke.storage.lookup import Lookup, compile_row, decode_policy, encode_policy
from todoke.storage.notices import NewNotice
from todoke.storage.sources import Source

MAX_REFERENCE = 100


class NotFound(TodokeError):
    """Something named in the input does not exist in this account."""

    code = "not-found"


class Invalid(TodokeError):
    """A field of the input that can't be used."""

    code = "invalid"


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """What every notice of one call shares."""

    account_id: str
    channel: Channel
    template_row: TemplateRow
    template: Template
    policy_id: str
    policy: Policy
    choice: "Choice"
    source: Source | None = None
    """Where the numbers came from, where the call says so."""

    def policy_view(self, deadline: int | None) -> dict[str, Any]:
        """The policy as it is shown: its steps, where it comes from, why it was chosen, and what to mind.

        `deadline`: of the notice, in milliseconds from now.
        """
        chosen = self.choice
        named = {} if chosen.name is None else {"name": chosen.name, "version": chosen.version}
        warnings = routing.never_in_time(self.policy, deadline)
        return {
            **named,
            **written(self.policy),
            "why": chosen.why,
            **({"warnings": warnings} if warnings else {}),
        }


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """Which policy was chosen, and why, in words."""

    why: str
    name: str | None = None
    version: int | None = None


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A notice as it is asked for."""

    to: str
    parameters: Mapping[str, Any]
    reference: str | None = None
    deadline: str | None = None
    batch_id: str | None = None


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
    store_policy: bool = True,
) -> Target:
    """Finds channel, template, policy and source. Raises NotFound, Invalid or InvalidPolicy with the place.

    A policy that is given with the call, or taken by default, is stored unless `store_policy` is false.
    """
    found = await channel_store.find_channel(tx, account_id, channel)
    if found is None:
        raise NotFound(
            f"There is no channel {channel[:60]!r}. `todoke channels list` or GET /v1/channels lists them.",
            "/channel",
        )
    row = await content.find_template(tx, account_id, template)
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
    urgency = urgency_of(found.region, row.use_case)
    if isinstance(policy, str):
        named = await content.latest_policy(tx, account_id, policy)
        if named is None:
            raise NotFound(
                f"There is no policy {policy[:60]!r}. `todoke policies list` or GET /v1/policies lists them.",
                "/policy",
            )
        chosen = routing.complete(decode_policy(named.spec), urgency)
        why = f"policy {named.name}, version {named.version}"
        choice = Choice(why=why, name=named.name, version=named.version)
    elif policy is not None:
        chosen = routing.complete(parse_policy(policy, "/policy"), urgency)
        choice = Choice(why="given with the call")
    else:
        chosen, why = _default(found.region, row.use_case, urgency)
        choice = Choice(why=why)
    routing.refuse_for_use_case(chosen, row.use_case)
    known_source = None if source is None else await _usable_source(tx, account_id, source)
    policy_id = await _policy_id(tx, account_id, chosen, choice, now, ids) if store_policy else ""
    return Target(
        account_id=account_id,
        channel=found,
        template_row=row,
        template=compile_row(row),
        policy_id=policy_id,
        policy=chosen,
        choice=choice,
        source=known_source,
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
    """The same for what was resolved before, as for the rows of a batch."""
    channel = await channel_store.get_channel(tx, channel_id)
    rows = await content.templates_by_ids(tx, [template_id])
    assert channel is not None
    policies = await lookup.policies(tx, [policy_id])
    return Target(
        account_id=account_id,
        channel=channel,
        template_row=rows[0],
        template=compile_row(rows[0]),
        policy_id=policy_id,
        policy=policies[policy_id],
        choice=Choice(why="chosen for the batch"),
        source=None if source_id is None else (await sources.by_ids(tx, [source_id])).get(source_id),
    )


def urgency_of(region: str, use_case: str) -> line_catalogue.Urgency:
    """How soon a user must have such a notice; a day for use cases that the catalogue does not list."""
    found = line_catalogue.use_case(region, use_case)
    return found.urgency if found else "1d"


def _default(region: str, use_case: str, urgency: line_catalogue.Urgency) -> tuple[Policy, str]:
    if use_case in line_catalogue.duplicate_unlawful():
        sms = Policy((routing.PolicyStep(routing.Step.SMS),))
        return routing.complete(sms, urgency), f"{use_case} allows no duplicate: SMS alone"
    known = line_catalogue.use_case(region, use_case) is not None
    source = f"the use case {use_case}" if known else f"{use_case} is not in the catalogue, so it"
    choice = routing.default_policy(urgency, source)
    return choice.policy, choice.why


async def _policy_id(tx: Tx, account_id: str, policy: Policy, choice: Choice, now: int, ids: Ids) -> str:
    spec = encode_policy(policy)
    digest = sha256(f"{spec}\0{choice.name}\0{choice.version}\0{choice.why}".encode()).hexdigest()
    if (known := await content.unnamed_policy(tx, account_id, digest)) is not None:
        return known
    row = PolicyRow(
        id=ids.new(),
        account_id=account_id,
        name=None,
        version=1,
        digest=digest,
        spec=spec,
        of_name=choice.name,
        of_version=choice.version,
        why=choice.why,
        created_at=now,
    )
    await content.insert_policy(tx, row)
    return row.id


def make_notice(target: Target, wanted: Wanted, now: int, ids: Ids) -> tuple[NewNotice, Phone]:
    """A notice ready to be stored. Raises InvalidNumber, InvalidParameters or Invalid with the place."""
    phone = parse(wanted.to, target.channel.region)
    parameters = check_parameters(target.template, wanted.parameters)
    reference = wanted.reference
    if reference is not None and (len(reference) > MAX_REFERENCE or not reference.isprintable()):
        raise Invalid(f"A reference has at most {MAX_REFERENCE} printable characters.", "/reference")
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
        deadline_at=_deadline_at(wanted.deadline, target.policy, now),
        due_at=now,
        lane=Lane.LINE if target.policy.steps[0].step in routing.LINE_STEPS else Lane.OTHER,
        source_id=None if target.source is None else target.source.id,
    )
    return notice, phone


def _deadline_at(deadline: str | None, policy: Policy, now: int) -> int | None:
    if deadline is None:
        return None if policy.deadline is None else now + policy.deadline
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


async def create_policy(
    tx: Tx, account_id: str, spec: Mapping[str, Any], now: int, ids: Ids
) -> tuple[PolicyRow, Policy]:
    """A named policy, or the next version of it. Raises InvalidPolicy."""
    name = spec.get("name")
    if not isinstance(name, str) or not name.strip() or len(name) > 100 or not name.isprintable():
        raise InvalidPolicy("A policy needs a name of 1 to 100 printable characters.", "/name")
    policy = parse_policy(spec)
    text = encode_policy(policy)
    before = await content.latest_policy(tx, account_id, name)
    if before is not None and before.spec == text:
        return before, policy
    row = PolicyRow(
        id=ids.new(),
        account_id=account_id,
        name=name,
        version=before.version + 1 if before else 1,
        digest=sha256(text.encode()).hexdigest(),
        spec=text,
        created_at=now,
    )
    await content.insert_policy(tx, row)
    return row, policy
