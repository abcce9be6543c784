"""What the doctor sees of a channel's access token and secret."""

import asyncio
from collections.abc import Callable

import aiohttp

from todoke.carriers.line import BotInfo, IssuedToken, LineAccount, LineTokens, parse_private_key
from todoke.cli.doctor.findings import Finding, roughly
from todoke.core.durations import DAY, SECOND
from todoke.core.token_care import PausedFor, TokenFrom
from todoke.sealing import CannotUnseal
from todoke.storage.channels import Channel
from todoke.wiring import Base

SOON = 7 * DAY
"""A given token that ends within it is a warning: nobody but people renews it."""
NEVER = 10 * 365 * DAY
_MADE = {
    TokenFrom.GIVEN: "it was given",
    TokenFrom.KEY: "issued with the private key",
    TokenFrom.SECRET: "issued with the secret",
}


class Tokens:
    """Tries the token that is stored; where that is over, one that LINE issues for the purpose."""

    def __init__(
        self,
        base: Base,
        channel: Channel,
        http: aiohttp.ClientSession,
        found: Callable[..., Finding],
        *,
        now: int,
        gateway_runs: bool,
    ) -> None:
        self._base = base
        self._channel = channel
        self._found = found
        self._now = now
        self._runs = gateway_runs
        self._line = LineAccount(http, base.settings.line_api_base)
        self._tokens = LineTokens(http, base.settings.line_api_base)

    async def examine(self) -> tuple[str | None, list[Finding]]:
        """A token that works, if there is one, and what there is to say."""
        try:
            token, found = await self._token()
            found += await self._secret()
        except CannotUnseal as error:
            return None, [self._found("error", str(error))]
        if self._channel.token_trouble is not None and self._channel.paused_at is None:
            found.append(self._found("warning", self._channel.token_trouble))
        return token, found

    async def _token(self) -> tuple[str | None, list[Finding]]:
        channel = self._channel
        given = channel.token_from == TokenFrom.GIVEN
        is_over = channel.token_expires_at is not None and channel.token_expires_at <= self._now
        if channel.access_token is None or is_over:
            if given:
                return None, [self._found("error", "has no access token.", self._set_one())]
            return await self._of_now(
                "has no access token" if channel.access_token is None else "its access token is over"
            )
        token = self._base.seal.open(channel.access_token)
        info = await self._line.bot_info(token)
        if info.ok:
            return token, [await self._works(token, info)]
        if info.status == 401 and not given:
            return await self._of_now("LINE denies its access token")
        return None, [self._denied(info)]

    async def _works(self, token: str, info: BotInfo) -> Finding:
        made = _MADE[TokenFrom(self._channel.token_from)]
        text = f"its access token works for {info.display_name or info.basic_id}; {made}"
        if self._channel.token_from != TokenFrom.GIVEN:
            ends = (self._channel.token_expires_at or self._now) - self._now
            return self._found("ok", f"{text}, ends in {roughly(ends)} and is renewed before.")
        known = await self._line.verify(token)
        if not known.ok or known.expires_in * SECOND > NEVER:
            return self._found("ok", f"{text}{', and does not end' if known.ok else ''}.")
        ends = known.expires_in * SECOND
        level = "warning" if ends < SOON else "ok"
        return self._found(
            level, f"{text}, ends in {roughly(ends)}.", f"Todoke does not renew it. {self._set_one()}"
        )

    async def _of_now(self, what: str) -> tuple[str | None, list[Finding]]:
        """Whether LINE would issue one; the channel's own is left to the gateway."""
        channel = self._channel
        issued = await self._issue()
        if (issued is None or not issued.ok) and channel.paused_for == PausedFor.TOKEN:
            return None, []  # That it is paused says so already.
        if issued is None or not issued.ok:
            why = "its private key can't be read" if issued is None else issued.error
            remedy = "" if issued is not None and issued.retryable else self._set_one()
            return None, [self._found("error", f"{what}, and LINE issues none: {why}.", remedy)]
        if self._runs:
            return issued.access_token, [
                self._found("note", f"{what}; the gateway is about to issue a new one.")
            ]
        return issued.access_token, [
            self._found("warning", f"{what}; LINE would issue a new one.", "Start the gateway: todoke serve")
        ]

    async def _issue(self) -> IssuedToken | None:
        channel = self._channel
        if channel.token_from == TokenFrom.SECRET:
            return await self._tokens.issue_stateless(
                channel.line_channel_id, self._base.seal.open(channel.secret)
            )
        if channel.private_key is None:
            return None
        text = self._base.seal.open(channel.private_key)
        try:
            key = await asyncio.to_thread(parse_private_key, text, channel.key_id)
        except ValueError:
            return None
        return await self._tokens.issue_stateless_by_key(channel.line_channel_id, key, self._now)

    def _denied(self, info: BotInfo) -> Finding:
        if info.status is None:
            where = self._base.settings.line_api_base
            remedy = "See that this machine reaches it, and TODOKE_LINE_API_BASE."
            return self._found("error", f"LINE at {where}: {info.error}.", remedy)
        if info.status == 403:
            return self._found(
                "error",
                f"LINE answers 403 to this machine: {info.error}.",
                "If the channel has an IP allow-list (LINE Developers Console, Security), add this machine's address.",
            )
        return self._found("error", f"its access token does not work: {info.error}.", self._set_one())

    async def _secret(self) -> list[Finding]:
        """Whether LINE takes the secret for the channel's own. The switcher secret of LINE Chat Plus it does not."""
        if self._channel.token_from == TokenFrom.SECRET:
            return []
        secret = self._base.seal.open(self._channel.secret)
        issued = await self._tokens.issue_stateless(self._channel.line_channel_id, secret)
        if issued.ok or issued.status is None or issued.retryable:
            return []
        return [
            self._found(
                "note",
                "LINE does not take its secret for the channel secret: right only with LINE Chat Plus, whose switcher "
                "secret signs the webhooks.",
                "Else set the channel secret that the LINE Developers Console shows.",
            )
        ]

    def _set_one(self) -> str:
        name = self._channel.name
        return f"Set one: todoke channels token {name!r} FILE; with a private key Todoke renews it itself."
