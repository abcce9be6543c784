"""What the doctor sees of the hub: who gets what LINE posts, and who does not."""

from todoke.cli.doctor.findings import Finding
from todoke.core.durations import rfc3339
from todoke.storage import hub as store
from todoke.storage.hub import HubTarget
from todoke.wiring import Base


async def targets(base: Base) -> list[Finding]:
    """One line a target."""
    async with base.database.read() as tx:
        return [
            _target(t, (await store.lag(tx, t)).requests, await store.skipped_last(tx, t.id))
            for t in await store.list_targets(tx)
        ]


def _target(target: HubTarget, waiting: int, skipped: int | None) -> Finding:
    about = f"hub target {target.name}"
    if target.paused_at is not None:
        return Finding(
            "warning",
            about,
            f"is paused ({target.paused_why}); {waiting:,} requests of LINE wait for it, for 30 days at most.",
            f"Let it go on with todoke hub resume {target.id}, or remove it.",
        )
    if target.failing_since is not None:
        return Finding(
            "warning",
            about,
            f"has taken nothing since {rfc3339(target.failing_since)}: {target.last_detail or 'no reason kept'}.",
            f"See that it is up and that its URL is right: todoke hub test {target.id}",
        )
    if skipped is not None and (target.last_taken_at is None or skipped > target.last_taken_at):
        return Finding(
            "warning",
            about,
            f"refuses what LINE posts; the last that was skipped for it was at {rfc3339(skipped)}.",
            f"todoke hub test {target.id} says what it answers; GET /v1/hub-targets/{target.id}/skips lists them.",
        )
    return Finding("ok", about, f"gets what LINE posts; {waiting:,} requests wait for it.")
