"""The gate: why a template's version may not reach real recipients, asked when a notice is taken in and before every
attempt.

A version that is not live reaches test numbers only: those of the channel, and all where LINE's side is on loopback. A
channel in test mode reaches no other numbers at all, whatever is live.
"""

import json
from collections.abc import Collection

from todoke.core.errors import NotLive as NotLive
from todoke.core.gate import OPEN as OPEN
from todoke.core.gate import Gate as Gate
from todoke.core.gate import refusal as refusal
from todoke.core.review import NOT_LIVE, Review, State, why_not_live
from todoke.storage import applications as store
from todoke.storage.channels import Channel
from todoke.storage.content import TemplateRow
from todoke.storage.database import Tx


def test_numbers_of(channel: Channel) -> frozenset[str]:
    """The numbers that a channel's templates may reach before they are live."""
    return frozenset(json.loads(channel.test_numbers))


def is_gated(channel: Channel, *, every_number_is_a_test_number: bool) -> bool:
    """Whether it matters on this channel what is live: one in test mode reaches its test numbers only, anyway."""
    return channel.mode == "live" and not every_number_is_a_test_number


async def not_live(tx: Tx, template_ids: Collection[str]) -> dict[str, str]:
    """Those of these versions that may not reach real recipients now, each with the reason and the remedy."""
    if not template_ids:
        return {}
    # What is not found must not go out either.
    reasons: dict[str, str | None] = dict.fromkeys(
        template_ids, NOT_LIVE + "its template is not there any more"
    )
    for x in await store.standings(tx, template_ids):
        version = f"version {x.version} of {x.name}"
        reasons[x.template_id] = why_not_live(x.state, x.review, x.use_case, version)
    return {template_id: why for template_id, why in reasons.items() if why is not None}


async def why_no_more(
    tx: Tx, channel: Channel, template_id: str, number: str, *, every_number_is_a_test_number: bool
) -> str | None:
    """Why what was about to leave for a number must not leave any more; None if it may."""
    if every_number_is_a_test_number or number in test_numbers_of(channel):
        return None
    if channel.mode != "live":
        return "the channel is in test mode and the number is none of its test numbers"
    return (await not_live(tx, [template_id])).get(template_id)


async def gate(tx: Tx, channel: Channel, template_id: str, *, every_number_is_a_test_number: bool) -> Gate:
    """The gate for a template's version on a channel as it stands now."""
    if not is_gated(channel, every_number_is_a_test_number=every_number_is_a_test_number):
        return OPEN
    why = (await not_live(tx, [template_id])).get(template_id)
    return OPEN if why is None else Gate(why, test_numbers_of(channel))


async def chosen(
    tx: Tx, channel: Channel, row: TemplateRow, *, by_name: bool, every_number_is_a_test_number: bool
) -> tuple[TemplateRow, Gate]:
    """Which version is meant, and its gate. `row`: that of the id, or the newest of the name.

    On a gated channel a name means its newest live version, else the newest.
    """
    if not is_gated(channel, every_number_is_a_test_number=every_number_is_a_test_number):
        return row, OPEN
    if by_name and (found := await store.newest_live(tx, channel.id, row.name, Review.APPROVED, State.LIVE)):
        return found, OPEN
    return row, await gate(tx, channel, row.id, every_number_is_a_test_number=every_number_is_a_test_number)
