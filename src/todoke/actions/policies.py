"""Policies: which one a call means and why, and those that have names."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import msgspec

import line_catalogue
from todoke.actions.problems import NotFound
from todoke.core import routing
from todoke.core.errors import InvalidPolicy
from todoke.core.policy_text import parse_policy
from todoke.core.routing import Policy
from todoke.ids import Ids
from todoke.storage import applications, content
from todoke.storage.channels import Channel
from todoke.storage.content import PolicyRow
from todoke.storage.database import Tx
from todoke.storage.lookup import decode_policy, encode_policy


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """Which policy was chosen, and why, in words."""

    why: str
    name: str | None = None
    version: int | None = None


async def chosen(
    tx: Tx, channel: Channel, use_case: str, policy: str | Mapping[str, Any] | None
) -> tuple[Policy, Choice]:
    """The policy that a call means by a name, a policy of its own, or nothing; and why it is this one.

    Raises NotFound or InvalidPolicy.
    """
    urgency = await urgency_on(tx, channel, use_case)
    if isinstance(policy, str):
        named = await content.latest_policy(tx, channel.account_id, policy)
        if named is None:
            raise NotFound(
                f"There is no policy {policy[:60]!r}. `todoke policies list` or GET /v1/policies lists them.",
                "/policy",
            )
        why = f"policy {named.name}, version {named.version}"
        complete = routing.complete(decode_policy(named.spec), urgency)
        return complete, Choice(why=why, name=named.name, version=named.version)
    if policy is not None:
        return routing.complete(parse_policy(policy, "/policy"), urgency), Choice(why="given with the call")
    default, why = _default(channel.region, use_case, urgency)
    return default, Choice(why=why)


def urgency_of(region: str, use_case: str) -> line_catalogue.Urgency:
    """How soon a user must have such a notice; a day for use cases that the catalogue does not list."""
    found = line_catalogue.use_case(region, use_case)
    return found.urgency if found else "1d"


async def urgency_on(tx: Tx, channel: Channel, use_case: str) -> line_catalogue.Urgency:
    """The same on a channel: of a use case of its own the application says it."""
    if line_catalogue.use_case(channel.region, use_case) is None:
        own = await applications.applications(tx, channel.account_id, key=use_case, channel_id=channel.id)
        if own and own[0].urgency is not None:
            urgency: line_catalogue.Urgency = msgspec.convert(own[0].urgency, line_catalogue.Urgency)
            return urgency
    return urgency_of(channel.region, use_case)


def _default(region: str, use_case: str, urgency: line_catalogue.Urgency) -> tuple[Policy, str]:
    if use_case in line_catalogue.duplicate_unlawful():
        sms = Policy((routing.PolicyStep(routing.Step.SMS),))
        return routing.complete(sms, urgency), f"{use_case} allows no duplicate: SMS alone"
    known = line_catalogue.use_case(region, use_case) is not None
    source = f"the use case {use_case}" if known else f"{use_case} is not in the catalogue, so it"
    choice = routing.default_policy(urgency, source)
    return choice.policy, choice.why


async def stored(tx: Tx, account_id: str, policy: Policy, choice: Choice, now: int, ids: Ids) -> str:
    """The id of a policy without a name; it is stored unless it is there already."""
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
