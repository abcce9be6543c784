"""Channel access tokens: issued, renewed in time, and issued anew at once where LINE denies one."""

import asyncio
from collections.abc import Callable

import msgspec

from todoke.actions import tokens as actions
from todoke.carriers.line import IssuedToken, LineTokens, SigningKey, parse_private_key
from todoke.clock import Clock
from todoke.core import token_care
from todoke.core.durations import HOUR, MINUTE, SECOND, rfc3339
from todoke.core.token_care import Act, Care, PausedFor, TokenFrom, TokenKind
from todoke.engine.deliver import Ownership
from todoke.engine.loop import Loop, log
from todoke.engine.metrics import TOKENS
from todoke.sealing import CannotUnseal, Seal
from todoke.storage import channels as store
from todoke.storage.channels import Channel
from todoke.storage.database import Database

AT_ONCE = 8
"""Channels whose tokens are asked for at the same time."""
_STOPGAP = (
    "LINE issues no further access token to this channel: 30 are valid, its most. Todoke goes on with tokens of 15 "
    'minutes. Revoke those that nobody uses, or set token_kind to "stateless" for good.'
)


class _Refused(msgspec.Struct, frozen=True):
    """No token came. `final`: asking again changes nothing until somebody sets something right."""

    why: str
    final: bool
    retry_after: int | None = None


class _Got(msgspec.Struct, frozen=True):
    """A token that came, and what to say although it did."""

    issued: IssuedToken
    trouble: str | None = None


class TokenKeeper(Loop):
    """Keeps the tokens of the channels that this process owns; those that were handed in are left alone."""

    name = "tokens"
    heeds_stored_only = True

    def __init__(
        self,
        clock: Clock,
        database: Database,
        line: LineTokens,
        seal: Seal,
        ownership: Ownership,
        use: Callable[[Channel], None],
    ) -> None:
        """`use`: told of a channel whose token has changed, for what is claimed and has not left."""
        super().__init__(clock)
        self._database = database
        self._line = line
        self._seal = seal
        self._ownership = ownership
        self._use = use
        self._told: dict[str, bytes | None] = {}
        self._failures: dict[str, int] = {}
        self._cured: dict[str, int] = {}
        self._keys: dict[str, tuple[bytes, str | None, SigningKey]] = {}
        self._room = asyncio.Semaphore(AT_ONCE)

    async def step(self) -> bool:
        async with self._database.read(quick=True) as tx:
            channels = await store.list_channels(tx)
        mine = [c for c in channels if self._ownership.owns(c.id)]
        for channel in mine:
            self._tell(channel)
        now = self.clock.now()
        kept = [c for c in mine if c.token_from != TokenFrom.GIVEN]
        due = [
            (c, act)
            for c in kept
            if (act := token_care.act_at(care_of(c), now, self._cured.get(c.id))) is not None
        ]
        if not due or not self._ownership.lease_holds():
            # What is due while the lease is in doubt is looked at again at the next turn.
            coming = (token_care.next_at(care_of(c)) for c in kept)
            self.due_at = min((t for t in coming if t is not None and t > now), default=None)
            return False
        results = await asyncio.gather(*(self._do(c, act) for c, act in due), return_exceptions=True)
        for result in results:
            if result is not None:
                raise result
        return True

    def _tell(self, channel: Channel) -> None:
        if self._told.get(channel.id) != channel.access_token:
            self._told[channel.id] = channel.access_token
            self._use(channel)

    async def _do(self, channel: Channel, act: Act) -> None:
        async with self._room:
            match act:
                case Act.ISSUE:
                    await self._renew(channel)
                case Act.STOP:
                    await self._stop(channel)
                case Act.GIVE_UP:
                    await self._give_up(channel)
                case Act.REVOKE:
                    await self._revoke(channel)

    async def _renew(self, channel: Channel) -> None:
        # What LINE counts from its answer on, we count from before our question: earlier is safe.
        now = self.clock.now()
        answer = await self._ask(channel, now)
        if isinstance(answer, _Refused):
            await self._note(channel, answer)
            return
        lasts = answer.issued.expires_in * SECOND
        care = care_of(channel)
        denied = care.paused_for == PausedFor.TOKEN and care.has_token
        async with self._database.write(quick=True) as tx:
            after = await actions.put_token(
                tx,
                channel,
                self._seal.close(answer.issued.access_token),
                now,
                expires_at=now + lasts,
                due_at=token_care.renewal_at(now, lasts, channel.id),
                trouble=answer.trouble,
                before=channel.access_token if _is_ours(channel) else None,
            )
        if after is None:
            return
        TOKENS.labels("issued").inc()
        log.info("token.issued", channel=channel.id, seconds=answer.issued.expires_in)
        if answer.trouble is not None:
            log.warning("token.trouble", channel=channel.id, why=answer.trouble)
        self._failures.pop(channel.id, None)
        if denied and not token_care.is_over(care, now):
            self._cured[channel.id] = now
        self._tell(after)

    async def _ask(self, channel: Channel, now: int) -> _Got | _Refused:
        try:
            if channel.token_from == TokenFrom.SECRET or channel.private_key is None:
                secret = self._seal.open(channel.secret)
                return _judged(
                    await self._line.issue_stateless(channel.line_channel_id, secret), by_secret=True
                )
            key = await self._key(channel, channel.private_key)
        except (CannotUnseal, ValueError) as error:
            return _Refused(str(error), final=True)
        if channel.token_kind == TokenKind.STATELESS:
            return _judged(await self._line.issue_stateless_by_key(channel.line_channel_id, key, now))
        lasts = token_care.V21_LASTS // SECOND
        issued = await self._line.issue_v21(channel.line_channel_id, key, now, lasts)
        if not issued.limit_reached:
            return _judged(issued)
        stopgap = await self._line.issue_stateless_by_key(channel.line_channel_id, key, now)
        return _Got(stopgap, _STOPGAP) if stopgap.ok else _judged(issued)

    async def _key(self, channel: Channel, sealed: bytes) -> SigningKey:
        known = self._keys.get(channel.id)
        if known is None or known[:2] != (sealed, channel.key_id):
            # Checking the key takes some 50 ms: not while notices are sent.
            key = await asyncio.to_thread(parse_private_key, self._seal.open(sealed), channel.key_id)
            self._keys[channel.id] = known = (sealed, channel.key_id, key)
        return known[2]

    async def _note(self, channel: Channel, refused: _Refused) -> None:
        failures = self._failures[channel.id] = self._failures.get(channel.id, 0) + 1
        now = self.clock.now()
        due_at = token_care.retry_at(now, failures, final=refused.final, retry_after=refused.retry_after)
        again = (
            f"Todoke asks again every {token_care.LAST_RETRY // MINUTE} minutes"
            if refused.final
            else "Todoke goes on asking"
        )
        trouble = f"LINE issues no new access token: {refused.why}. {again}."
        stopped = token_care.stop_text(care_of(channel), now, trouble)
        async with self._database.write(quick=True) as tx:
            await actions.put_trouble(tx, channel, trouble, due_at, stopped)
        TOKENS.labels("failed").inc()
        log.warning("token.trouble", channel=channel.id, why=refused.why, next=rfc3339(due_at))

    async def _stop(self, channel: Channel) -> None:
        now = self.clock.now()
        why = token_care.stop_text(care_of(channel), now, channel.token_trouble or "No new one was issued.")
        async with self._database.write(quick=True) as tx:
            stopped = await actions.stop(tx, channel, why, now)
        if stopped:
            log.error("channel.paused", channel=channel.id, why=why, remedy="see todoke doctor")

    async def _give_up(self, channel: Channel) -> None:
        async with self._database.write(quick=True) as tx:
            why = await actions.give_up(tx, channel)
        if why is not None:
            log.error("channel.paused", channel=channel.id, why=why, remedy="see todoke doctor")

    async def _revoke(self, channel: Channel) -> None:
        """Ends the superseded token. Where LINE does not let us, it ends by itself within its day."""
        assert channel.token_before is not None
        try:
            secret, token = self._seal.open(channel.secret), self._seal.open(channel.token_before)
        except CannotUnseal:
            why: str | None = "it was sealed under another TODOKE_SECRET_KEY"
        else:
            why = (await self._line.revoke_v21(channel.line_channel_id, secret, token)).error
        if why is not None:
            log.info("token.not_revoked", channel=channel.id, why=why)
        async with self._database.write(quick=True) as tx:
            await actions.forget_before(tx, channel)


def care_of(channel: Channel) -> Care:
    """What decides about a channel's token."""
    return Care(
        has_token=channel.access_token is not None,
        token_at=channel.token_at,
        expires_at=channel.token_expires_at,
        due_at=channel.token_due_at,
        in_trouble=channel.token_trouble is not None,
        has_before=channel.token_before is not None,
        paused_at=channel.paused_at,
        paused_for=channel.paused_for,
    )


def _is_ours(channel: Channel) -> bool:
    """Whether its token is one of v2.1 that we issued. Of a given one we do not know the end; a stateless one is
    short.
    """
    if channel.token_from != TokenFrom.KEY or channel.token_expires_at is None or channel.token_at is None:
        return False
    return channel.token_expires_at - channel.token_at > HOUR


def _judged(issued: IssuedToken, *, by_secret: bool = False) -> _Got | _Refused:
    if issued.ok:
        return _Got(issued)
    why = issued.error or ""
    if by_secret and not issued.retryable:
        why += (
            "; with LINE Chat Plus the secret here is the switcher secret, which issues no tokens: give the channel a "
            "private_key or an access_token"
        )
    return _Refused(why, final=not issued.retryable, retry_after=issued.retry_after)
