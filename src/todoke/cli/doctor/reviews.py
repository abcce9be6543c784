"""What the doctor sees of reviews: channels whose templates may not reach real recipients, answers that are overdue."""

from collections.abc import Iterable, Sequence
from datetime import date

from todoke.cli.doctor.findings import Finding
from todoke.core.review import Review, State
from todoke.core.working_days import is_overdue
from todoke.storage import applications as store
from todoke.storage.applications import Application, Standing
from todoke.storage.channels import Channel
from todoke.wiring import Base


async def reviews(base: Base, channels: Sequence[Channel], now: int) -> list[Finding]:
    """Nothing where LINE's side is on loopback: every number is a test number then."""
    if base.settings.line_is_emulated:
        return []
    found: list[Finding] = []
    async with base.database.read() as tx:
        for channel in channels:
            standings = await store.standings_of_channel(tx, channel.id)
            if channel.mode == "live":
                found += _not_live(channel, standings)
            rows = await store.applications(tx, channel.account_id, channel_id=channel.id)
            found += [_overdue(channel, x) for x in rows if _waits_too_long(channel, x, now)]
    return found


def _not_live(channel: Channel, standings: Sequence[Standing]) -> Iterable[Finding]:
    states = {x.use_case: x.state for x in standings}
    for use_case, state in sorted(states.items()):
        names = ", ".join(sorted({x.name for x in standings if x.use_case == use_case}))
        if state is None:
            yield Finding(
                "warning",
                f"channel {channel.name}",
                f"nobody has applied for {use_case}: its templates ({names}) reach test numbers only.",
                f"todoke use-cases apply {use_case} --channel {channel.name!r} --by NAME; docs/review.md says how on, "
                "also for what LINE opened before this version.",
            )
        elif state != State.LIVE:
            yield Finding(
                "note",
                f"channel {channel.name}",
                f"the application for {use_case} is at {state}: its templates ({names}) reach test numbers only.",
                f"todoke use-cases show {use_case}",
            )
    approved = {x.name for x in standings if x.review == Review.APPROVED}
    for name in sorted({x.name for x in standings if x.state == State.LIVE} - approved):
        yield Finding(
            "warning",
            f"template {name}",
            f"no version of it is approved, so on channel {channel.name} it reaches test numbers only.",
            f"todoke templates move {name!r} in_review --by NAME --why WHY, and on when LINE answers.",
        )


def _waits_too_long(channel: Channel, row: Application, now: int) -> bool:
    if row.state != State.IN_REVIEW or row.answer_until is None:
        return False
    return is_overdue(channel.region, date.fromisoformat(row.answer_until), now)


def _overdue(channel: Channel, row: Application) -> Finding:
    return Finding(
        "warning",
        f"channel {channel.name}",
        f"LINE's answer for {row.key} was to be expected until {row.answer_until}.",
        "Ask LINE, or the partner who handed it in.",
    )
