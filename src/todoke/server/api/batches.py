"""/v1/batches: how batches stand, and pausing, resuming, cancelling and planning them."""

from typing import Any

from fastapi import APIRouter

from todoke.actions import batch_plans
from todoke.actions import batches as actions
from todoke.server.api.batch_view import EXAMPLE, found_batch, view_of, views_of
from todoke.server.api.models import answer, problems
from todoke.server.api.models.batches import PlanPatch
from todoke.server.auth import Account
from todoke.server.services import Parts, Services
from todoke.storage import batches as store
from todoke.storage.batches import Batch
from todoke.storage.channels import get_channel
from todoke.storage.database import Tx

router = APIRouter(prefix="/v1/batches", tags=["Batches"])


@router.get(
    "",
    summary="List batches, the newest first",
    description="The newest 100, each with how many of its notices are in which state.",
    responses=problems(401),
)
async def list_batches(account: Account, parts: Parts) -> dict[str, Any]:
    async with parts.database.read() as tx:
        return {"batches": await views_of(tx, await store.list_batches(tx, account), parts)}


@router.get(
    "/{batch_id}",
    summary="Read a batch",
    description=(
        "`state` is preparing, reading, scheduled, paused, sending, cancelling, cancelled, failed or ended; "
        "`accepted` and `refused` add up to `rows`. `duplicates` counts accepted rows that repeat another one's number "
        "and parameters. `begun`: notices whose first request has left; `held`: those that their plan or a pause holds "
        "back; `held_up_by`: what nothing more leaves for just now. `time_left` is until the last first request has "
        "left: null where nobody can say, with `why`. `ends_at_most`: when the last proof may come."
    ),
    responses={200: answer(EXAMPLE), **problems(401, 404)},
)
async def get_batch(batch_id: str, account: Account, parts: Parts) -> dict[str, Any]:
    async with parts.database.read() as tx:
        return await view_of(tx, await found_batch(tx, account, batch_id), parts)


@router.post(
    "/{batch_id}/pause",
    summary="Pause a batch",
    description=(
        "From the answer on no first request of its notices begins. Notices that have begun go on to their end, later "
        "steps too; so does the reading of the file. Deadlines go on."
    ),
    responses={200: answer({**EXAMPLE, "state": "paused"}), **problems(401, 404, 409)},
)
async def pause_batch(batch_id: str, account: Account, parts: Parts) -> dict[str, Any]:
    async with parts.database.write() as tx:
        batch = await found_batch(tx, account, batch_id)
        await actions.pause(tx, batch, parts.clock.now(), parts.ids)
        view = await _again(tx, batch, parts)
    parts.wake()
    return view


@router.post(
    "/{batch_id}/resume",
    summary="Let a paused batch go on",
    description="By its plan: what the pause kept back is not sent all at once where there is a rate.",
    responses={200: answer(EXAMPLE), **problems(401, 404, 409)},
)
async def resume_batch(batch_id: str, account: Account, parts: Parts) -> dict[str, Any]:
    async with parts.database.write() as tx:
        batch = await found_batch(tx, account, batch_id)
        await actions.resume(tx, batch, parts.clock.now(), parts.ids)
        view = await _again(tx, batch, parts)
    parts.wake()
    return view


@router.patch(
    "/{batch_id}",
    summary="Change the plan of a batch",
    description=(
        "Also while it runs: what has been let go and has not begun is held again where the new plan says so. What is "
        "left out stays, null takes it away."
    ),
    responses={200: answer(EXAMPLE), **problems(401, 404, 409, 422)},
)
async def change_plan(batch_id: str, body: PlanPatch, account: Account, parts: Parts) -> dict[str, Any]:
    now = parts.clock.now()
    async with parts.database.write() as tx:
        batch = await found_batch(tx, account, batch_id)
        changes = batch_plans.columns_of(body.given(), now, batch.starts_at)
        channel = await get_channel(tx, batch.channel_id)
        assert channel is not None
        await actions.change_plan(tx, batch, changes, channel.region, now)
        view = await _again(tx, batch, parts)
    parts.wake()
    return view


@router.post(
    "/{batch_id}/cancel",
    summary="Cancel a batch",
    description=(
        "From the answer on the rest of the file is not read, and no further step of its notices begins. A long "
        "batch's notices are cancelled one portion after the other: `state` is cancelling meanwhile. What carriers "
        "have taken may still arrive."
    ),
    responses={200: answer({**EXAMPLE, "state": "cancelling"}), **problems(401, 404)},
)
async def cancel_batch(batch_id: str, account: Account, parts: Parts) -> dict[str, Any]:
    async with parts.database.write() as tx:
        batch = await found_batch(tx, account, batch_id)
        await actions.cancel_batch(tx, batch, parts.clock.now(), parts.lookup, parts.ids)
        view = await _again(tx, batch, parts)
    parts.wake()
    return view


async def _again(tx: Tx, batch: Batch, parts: Services) -> dict[str, Any]:
    after = await store.get_batch(tx, batch.id)
    assert after is not None
    return await view_of(tx, after, parts)
