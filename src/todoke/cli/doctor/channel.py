"""What the doctor sees of one channel: its token, its webhook, friends, quota, what it has not sent."""

import aiohttp

from todoke.actions.friend_sync import State
from todoke.carriers.line import LineAccount, LineCounts
from todoke.cli.doctor.findings import Finding, about, many, roughly
from todoke.cli.doctor.token import Tokens
from todoke.cli.doctor.webhook import explain
from todoke.core.durations import MINUTE
from todoke.core.token_care import PausedFor, TokenFrom
from todoke.storage import friend_syncs, health
from todoke.storage.channels import Channel
from todoke.wiring import Base

LATE = 15 * MINUTE
"""So long may work be due before it counts as left undone."""
NEARLY = 0.9


class Examination:
    """All that is looked at in one channel. `now`: the time that notices live in."""

    def __init__(
        self,
        base: Base,
        channel: Channel,
        http: aiohttp.ClientSession,
        *,
        now: int,
        gateway_runs: bool,
        line_answers: bool,
    ) -> None:
        self._base = base
        self._channel = channel
        self._now = now
        self._gateway_runs = gateway_runs
        self._line_answers = line_answers
        self._found = about(f"channel {channel.name}")
        self._line = LineAccount(http, base.settings.line_api_base)
        self._counts = LineCounts(http, base.settings.line_api_base)
        self._tokens = Tokens(base, channel, http, self._found, now=now, gateway_runs=gateway_runs)

    async def findings(self) -> list[Finding]:
        found = self._paused()
        if self._line_answers:
            token, of_token = await self._tokens.examine()
            found += of_token
            if token is not None:
                found += await self._webhook(token)
                found += await self._quota(token)
        if self._channel.access_token is not None:
            found += await self._friends()
        found += await self._backlog()
        return found

    def _paused(self) -> list[Finding]:
        if self._channel.paused_at is None:
            return []
        remedy = f"Set it right, then: todoke channels resume {self._channel.name!r}"
        ours = self._channel.token_from != TokenFrom.GIVEN
        if ours and self._channel.paused_for == PausedFor.TOKEN:
            remedy = "It goes on by itself once LINE issues a token to the running gateway."
        return [self._found("error", f"is paused: {self._channel.paused_why}", remedy)]

    async def _webhook(self, token: str) -> list[Finding]:
        wanted = f"{self._base.settings.base_url}/line/{self._channel.line_channel_id}/webhook"
        connect = f"todoke channels connect {self._channel.name!r}"
        endpoint = await self._line.get_webhook_endpoint(token)
        if not endpoint.ok:
            return [self._found("warning", f"its webhook URL can't be read: {endpoint.error}.")]
        if endpoint.endpoint != wanted:
            now = f"is {endpoint.endpoint}, not {wanted}" if endpoint.endpoint else "is not set"
            return [self._found("error", f"its webhook URL at LINE {now}: no delivery event comes.", connect)]
        if not endpoint.active:
            remedy = 'LINE Developers Console, Messaging API, Webhook settings: switch on "Use webhook".'
            return [
                self._found(
                    "error", "use of its webhook is switched off at LINE: no delivery event comes.", remedy
                )
            ]
        tested = await self._line.test_webhook_endpoint(token)
        return [explain(tested, wanted, self._found, gateway_runs=self._gateway_runs)]

    async def _friends(self) -> list[Finding]:
        async with self._base.database.read() as tx:
            sync = await friend_syncs.get(tx, self._channel.id)
        if sync is None:
            text = (
                "its friends have not been read from LINE yet; until then only follow events tell who is one."
            )
            return [self._found("note", text, "A running gateway reads them, or: todoke friends sync")]
        match sync.state:
            case State.FINISHED:
                return [self._found("ok", f"its friends are known: LINE listed {sync.found:,}.")]
            case State.UNVERIFIED:
                text = (
                    "LINE gives its list of friends to verified accounts only; follow events tell who is one."
                )
                return [self._found("note", text)]
            case State.DENIED | State.WAITING:
                return [
                    self._found("warning", f"reading its friends fails: {sync.error}", "It is tried again.")
                ]
            case State.QUEUED:
                return [self._found("note", "its friends will be read from LINE shortly.")]
        return [self._found("note", f"its friends are being read from LINE: {sync.found:,} so far.")]

    async def _quota(self, token: str) -> list[Finding]:
        quota, used = await self._counts.quota(token), await self._counts.quota_consumption(token)
        if not quota.ok or not used.ok or quota.limit is None or used.total_usage is None:
            return []
        text = f"{used.total_usage:,} of this month's {quota.limit:,} ordinary messages (pushes) are used"
        if used.total_usage >= quota.limit * NEARLY:
            remedy = "Take a larger plan at LINE: beyond it pushes are refused; notification messages go on."
            return [self._found("warning", f"{text}.", remedy)]
        return [self._found("ok", f"{text}.")]

    async def _backlog(self) -> list[Finding]:
        async with self._base.database.read() as tx:
            late = await health.backlog(tx, self._channel.id, self._now - LATE)
        if late is None:
            return []
        count = (
            many(late.late, "notice") if late.late < health.MOST_COUNTED else f"over {late.late:,} notices"
        )
        since = roughly(self._now - late.oldest)
        text = f"{count} waited for the next step too long, the first since {since}."
        return [
            self._found(
                "warning",
                text,
                "See that the gateway runs and that the channel's rate is enough; after a stop this shrinks by itself.",
            )
        ]
