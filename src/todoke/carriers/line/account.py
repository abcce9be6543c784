"""What LINE says of an account's set-up: the bot, its webhook endpoint, a token. For `doctor` and `channels`.

Source: Messaging API reference, "Get bot info", "Webhook settings", "Channel access token".
"""

from todoke.carriers.line.asking import Asker, Result


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


class LineAccount(Asker):
    """Asks LINE about a channel's set-up, by its access token."""

    async def bot_info(self, token: str) -> BotInfo:
        """`GET /v2/bot/info`: the cheapest proof that a Messaging API token works."""
        return await self.ask(BotInfo, "GET", "/v2/bot/info", token)

    async def get_webhook_endpoint(self, token: str) -> WebhookEndpoint:
        """The endpoint set at LINE; unset (404) is no error."""
        found = await self.ask(WebhookEndpoint, "GET", "/v2/bot/channel/webhook/endpoint", token)
        return WebhookEndpoint(status=404) if found.status == 404 else found

    async def set_webhook_endpoint(self, token: str, url: str) -> WebhookEndpoint:
        """Sets the endpoint: https, at most 500 characters, else LINE says 400. Takes LINE up to a minute to
        follow.
        """
        done = await self.ask(
            WebhookEndpoint, "PUT", "/v2/bot/channel/webhook/endpoint", token, json={"endpoint": url}
        )
        return WebhookEndpoint(endpoint=url, status=done.status) if done.ok else done

    async def test_webhook_endpoint(self, token: str) -> WebhookTest:
        """Lets LINE post an empty webhook to the endpoint that is set. 60 an hour. A failed test is no
        `error`.
        """
        return await self.ask(WebhookTest, "POST", "/v2/bot/channel/webhook/test", token, json={})

    async def verify(self, token: str) -> TokenInfo:
        """Which channel a token belongs to and how long it lives, for all of LINE's kinds of token."""
        # Two endpoints for two kinds of token, and no way to see from outside which kind it is. The one that
        # takes the token in the body comes first: query strings end up in logs.
        first = await self.ask(TokenInfo, "POST", "/v2/oauth/verify", None, data={"access_token": token})
        if first.ok or first.status != 400:
            return first
        return await self.ask(TokenInfo, "GET", "/oauth2/v2.1/verify", None, params={"access_token": token})
