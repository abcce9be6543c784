"""What becomes of a channel's access tokens: a new one stored, a failure noted, the channel paused or let go on.

Each write holds only if the channel is as it was when LINE was asked: `seen`. What somebody set meanwhile stays.
"""

from todoke.actions.advance import resume
from todoke.core.token_care import PausedFor
from todoke.storage import channels as store
from todoke.storage.channels import Channel
from todoke.storage.database import Tx

_ASKED_WITH = ("fence", "secret", "private_key", "key_id", "token_from", "token_kind", "access_token")


async def _still(tx: Tx, seen: Channel) -> Channel | None:
    """The channel as it is now, if a token for it is still to be had in the same way and by us."""
    now = await store.get_channel(tx, seen.id)
    if now is None or any(getattr(now, x) != getattr(seen, x) for x in _ASKED_WITH):
        return None
    return now


async def put_token(
    tx: Tx,
    seen: Channel,
    token: bytes,
    now: int,
    *,
    expires_at: int,
    due_at: int,
    trouble: str | None = None,
    before: bytes | None = None,
) -> Channel | None:
    """Gives a channel its new token, sealed. One that waited for it sends again, also what was held.

    `before`: the sealed token that is to be revoked now. Answers the channel; None if the token came too late for it.
    """
    channel = await _still(tx, seen)
    if channel is None:
        return None
    await store.update_channel(
        tx,
        channel.id,
        access_token=token,
        token_at=now,
        token_expires_at=expires_at,
        token_due_at=due_at,
        token_trouble=trouble,
        token_before=before,
    )
    if channel.paused_for == PausedFor.TOKEN:
        await resume(tx, channel.id, now)
    return await store.get_channel(tx, channel.id)


async def put_trouble(tx: Tx, seen: Channel, trouble: str, due_at: int, stopped: str | None) -> None:
    """Notes why no token was issued, and when the next try is due.

    `stopped`: why the channel can't send, where it waits for this token.
    """
    channel = await _still(tx, seen)
    if channel is None:
        return
    await store.update_channel(tx, channel.id, token_trouble=trouble, token_due_at=due_at)
    if stopped is not None and channel.paused_for == PausedFor.TOKEN:
        await store.update_channel(tx, channel.id, paused_why=stopped)


async def stop(tx: Tx, seen: Channel, why: str, now: int) -> bool:
    """Pauses a channel whose token is over. Whether it was running before."""
    channel = await _still(tx, seen)
    if channel is None or channel.paused_at is not None:
        return False
    await store.update_channel(
        tx, channel.id, paused_at=now, paused_why=why, paused_for=PausedFor.TOKEN.value
    )
    return True


async def give_up(tx: Tx, seen: Channel) -> str | None:
    """Leaves a channel paused until somebody resumes it: LINE denies what it issues. Answers why, if it did."""
    channel = await _still(tx, seen)
    if channel is None or channel.paused_for != PausedFor.TOKEN:
        return None
    why = (
        f"{channel.paused_why} A new access token was denied as well. See that channel id and account are right at "
        "LINE and that its IP allow-list names this machine, then resume the channel."
    )
    await store.update_channel(tx, channel.id, paused_why=why, paused_for=PausedFor.PERSON.value)
    return why


async def forget_before(tx: Tx, seen: Channel) -> None:
    """The superseded token is revoked, or can't be."""
    channel = await store.get_channel(tx, seen.id)
    if channel is not None and channel.token_before == seen.token_before:
        await store.update_channel(tx, channel.id, token_before=None)
