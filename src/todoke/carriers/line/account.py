"""What LINE says of an account's set-up: the bot, its webhook endpoint, a token. For `doctor` and `channels`.

Source: Messaging API reference, "Get bot info", "Webhook settings", "Channel access token". Nothing here
raises for what LINE or the network does: each result has either what was asked for, or `error`, a line that
says what to do.
"""

from typing import Any, TypeVar

import aiohttp
import msgspec
from yarl import URL

from todoke.carriers.line.client import base_url, bearer
from todoke.carriers.line.errors import error_line
from todoke.carriers.over_http import NOTHING_LEFT, clean, read_body, timeouts, why_not_connected


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """`error` is None if LINE answered what was asked for; the other fields count only then."""

    # Results are decoded from LINE's answers as they are; these two are ours, no property may fill them.
    error: str | None = msgspec.field(default=None, name="(error)")
    status: int | None = msgspec.field(default=None, name="(status)")
    """The HTTP status, where there was an answer."""

    @property
    def ok(self) -> bool:
        """Whether LINE answered what was asked for."""
        return self.error is None


class BotInfo(Result, frozen=True, kw_only=True, rename="camel"):
    """The LINE Official Account behind a token."""

    user_id: str = ""
    """The bot's own user ID: `destination` in its webhooks."""
    basic_id: str = ""
    """`@…`, as people search for it."""
    display_name: str = ""


class WebhookEndpoint(Result, frozen=True, kw_only=True, rename="camel"):
    """Where LINE posts this channel's events. Unset: `endpoint` is empty and `error` None."""

    endpoint: str = ""
    active: bool = False
    """"Use webhook" in the console; while off, LINE posts nothing and no notice is ever proved delivered."""


class WebhookTest(Result, frozen=True, kw_only=True, rename="camel"):
    """How LINE's own test request to the webhook endpoint went."""

    success: bool = False
    status_code: int = 0
    """What our endpoint answered; 0 or less if it did not answer."""
    reason: str = ""
    """OK, COULD_NOT_CONNECT, REQUEST_TIMEOUT, ERROR_STATUS_CODE or UNCLASSIFIED."""
    detail: str = ""


class TokenInfo(Result, frozen=True, kw_only=True):
    """A channel access token, as LINE knows it."""

    client_id: str = ""
    """The channel id."""
    expires_in: int = 0
    """Seconds."""
    scope: str = ""


R = TypeVar("R", bound=Result)


class LineAccount:
    """Asks LINE about a channel, by its access token. Rare calls: not for the hot path.

    `http` from `make_session`; `api_base` as for LineCarrier. Raises ValueError if `api_base` is no http(s)
    URL.
    """

    def __init__(self, http: aiohttp.ClientSession, api_base: str) -> None:
        self._http = http
        self._base = base_url(api_base)

    async def bot_info(self, token: str) -> BotInfo:
        """`GET /v2/bot/info`: the cheapest proof that a Messaging API token works."""
        return await self._ask(BotInfo, "GET", "/v2/bot/info", token)

    async def get_webhook_endpoint(self, token: str) -> WebhookEndpoint:
        """The endpoint set at LINE; unset (404) is no error."""
        found = await self._ask(WebhookEndpoint, "GET", "/v2/bot/channel/webhook/endpoint", token)
        return WebhookEndpoint(status=404) if found.status == 404 else found

    async def set_webhook_endpoint(self, token: str, url: str) -> WebhookEndpoint:
        """Sets the endpoint: https, at most 500 characters, else LINE says 400. Takes LINE up to a minute to
        follow.
        """
        done = await self._ask(
            WebhookEndpoint, "PUT", "/v2/bot/channel/webhook/endpoint", token, json={"endpoint": url}
        )
        return WebhookEndpoint(endpoint=url, status=done.status) if done.ok else done

    async def test_webhook_endpoint(self, token: str) -> WebhookTest:
        """Lets LINE post an empty webhook to the endpoint that is set. 60 an hour. A failed test is no
        `error`.
        """
        return await self._ask(WebhookTest, "POST", "/v2/bot/channel/webhook/test", token, json={})

    async def verify(self, token: str) -> TokenInfo:
        """Which channel a token belongs to and how long it lives, for all of LINE's kinds of token."""
        # Two endpoints for two kinds of token, and no way to see from outside which kind it is. The one that
        # takes the token in the body comes first: query strings end up in logs.
        first = await self._ask(TokenInfo, "POST", "/v2/oauth/verify", None, data={"access_token": token})
        if first.ok or first.status != 400:
            return first
        return await self._ask(TokenInfo, "GET", "/oauth2/v2.1/verify", None, params={"access_token": token})

    async def _ask(self, kind: type[R], method: str, path: str, token: str | None, **request: Any) -> R:
        headers = {}
        if token is not None:
            authorization = bearer(token)
            if authorization is None:
                return kind(error="the access token is empty or garbled: set it anew")
            headers["Authorization"] = authorization
        try:
            response = await self._http.request(
                method,
                URL(self._base + path),
                headers=headers,
                allow_redirects=False,
                # A webhook test takes LINE as long as our own endpoint takes to answer it.
                timeout=timeouts(15.0),
                **request,
            )
        except NOTHING_LEFT as exc:
            return kind(error=why_not_connected(exc))
        except TimeoutError:
            return kind(error="LINE did not answer within 15 seconds: try again")
        except (
            Exception
        ) as exc:  # whatever else aiohttp lets through: a finding for the reader, not a crash of doctor
            return kind(error=f"the connection to LINE broke ({type(exc).__name__}): try again")
        status = response.status
        body = await read_body(response)
        if not 200 <= status < 300:
            return kind(error=f"{error_line(status, body)}{_REMEDY.get(status, '')}", status=status)
        try:
            found = msgspec.json.decode(body or b"", type=kind)
        except (msgspec.MsgspecError, ValueError, RecursionError) as exc:
            return kind(
                error=f"the answer is not LINE's ({clean(str(exc))}): check the base URL", status=status
            )
        return msgspec.structs.replace(found, status=status)


_REMEDY = {
    401: ": issue a new channel access token and set it",
    403: ": this account may not use this API",
}
