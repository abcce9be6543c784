"""How good a list is before it is sent: what is known of its numbers, counted a few hundred at a time."""

from collections.abc import Iterable
from itertools import islice
from typing import Any

from todoke.core import list_score
from todoke.core.bound import relied_on
from todoke.core.list_score import Known, Sums
from todoke.core.number_health import record
from todoke.core.routing import LINE_STEPS, Policy, Step
from todoke.core.suppression import Scope
from todoke.reports.number_health import health_of
from todoke.storage import binding_doubts, silence, suppressions
from todoke.storage.bind_settings import settings_of
from todoke.storage.channels import Channel
from todoke.storage.database import Database

MOST = 5_000
"""Numbers that are looked at; of a longer list so many, spread over all of it."""
_AT_ONCE = 250


async def of_numbers(
    database: Database, channel: Channel, policy: Policy, numbers: Iterable[str], before: int
) -> dict[str, Any]:
    """The score of these numbers by what was seen of them before that time; a portion in each transaction."""
    steps = {x.step for x in policy.steps}
    async with database.read() as tx:
        lasts = (await settings_of(tx, channel.id)).binding_lasts
    sums = Sums()
    rest = iter(dict.fromkeys(numbers))
    while portion := list(islice(rest, _AT_ONCE)):
        async with database.read() as tx:
            tries = await silence.tries_of(tx, channel.account_id, portion)
            scopes = await suppressions.scopes_of(tx, channel.account_id, portion)
            holders = await binding_doubts.holders_of(tx, channel.account_id, channel.provider, portion)
        tried: dict[str, list[silence.Tried]] = {}
        for x in tries:
            if x.at < before:
                tried.setdefault(x.number, []).append(x)
        nothing = record((), before)
        for number in portion:
            held = holders.get(number, [])
            known = Known(
                health=health_of(tried[number], before) if number in tried else nothing,
                suppressed=Scope.ALL in scopes.get(number, ()),
                no_sms=Scope.SMS in scopes.get(number, ()),
                bound=any(relied_on(x, lasts, before) for x in held),
                in_doubt=bool(held) and not any(relied_on(x, lasts, before) for x in held),
            )
            sums.add(known)
    view = list_score.view(sums, has_line=bool(steps & LINE_STEPS), has_sms=Step.SMS in steps)
    return {"numbers": sums.numbers, **view}
