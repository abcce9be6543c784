"""Ties a LINE user to the business's own user: link tokens, and the addresses that a user's phone opens on the way.

Source: Messaging API, "Link user account"; Messaging API reference, "Issue link token"; "Use LINE features with the
LINE URL scheme" (Opening a chat screen with the official account, Sharing a LINE Official Account's profile).
"""

import re
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import quote

from yarl import URL

from todoke.carriers.line.account import BotInfo
from todoke.carriers.line.asking import Asker, Result
from todoke.carriers.line.friends import Profile

if TYPE_CHECKING:
    from todoke.carriers.sessions import Http

ACCESS_HOST = "https://access.line.me"
CHAT_HOST = "https://line.me"
_USER_ID = re.compile(r"U[0-9a-f]{32}", re.ASCII)
_BASIC_ID = re.compile(r"@[A-Za-z0-9._-]{1,39}", re.ASCII)
_LINK_TOKEN = re.compile(r"[\x21-\x7e]{1,500}", re.ASCII)


class LinkToken(Result, frozen=True, kw_only=True, rename="camel"):
    """A token for one account link: valid for 10 minutes, used once."""

    link_token: str = ""

    def __post_init__(self) -> None:
        if self.error is None and not _LINK_TOKEN.fullmatch(self.link_token):
            raise ValueError("linkToken is missing or garbled")

    def __repr__(self) -> str:
        return f"LinkToken(ok={self.ok}, error={self.error!r}, status={self.status})"

    @property
    def not_a_friend(self) -> bool:
        """Whether LINE gives none because the user is no friend of the account, or not there."""
        return self.status == 404

    @property
    def denied(self) -> bool:
        """Whether LINE does not take the channel's access token for this."""
        return self.status in (401, 403)


class BasicId(Result, frozen=True, kw_only=True):
    """An account's LINE ID, `@` included."""

    basic_id: str = ""


class DisplayName(Result, frozen=True, kw_only=True):
    """A user's name, as they show it; None where LINE shows this account no profile of theirs."""

    name: str | None = None


class LineLinking(Asker):
    """Asks LINE what linking an account needs, and makes the addresses that the user opens. Rare calls.

    `http` from `make_session`; `line_api_base` as for LineCarrier. Where that is on loopback, so is LINE: the
    addresses lead there, with the same paths.
    """

    def __init__(self, http: "Http", line_api_base: str) -> None:
        super().__init__(http, line_api_base)
        self._emulated = _is_loopback(URL(self._base).host or "")
        self._access = self._base if self._emulated else ACCESS_HOST
        self._chat = self._base if self._emulated else CHAT_HOST

    @property
    def emulated(self) -> bool:
        """Whether LINE is an emulator on this machine."""
        return self._emulated

    async def link_token(self, user_id: str, access_token: str) -> LinkToken:
        """`POST /v2/bot/user/{userId}/linkToken`: for friends of the account only."""
        if not _USER_ID.fullmatch(user_id):
            return LinkToken(error="not asked: a user ID of LINE is U and 32 of 0-9 and a-f")
        path = f"/v2/bot/user/{user_id}/linkToken"
        return await self.ask(LinkToken, "POST", path, access_token, remedies=_TOKEN_REMEDIES)

    async def basic_id(self, access_token: str) -> BasicId:
        """`GET /v2/bot/info`: the account's own LINE ID, which the addresses below name."""
        found = await self.ask(BotInfo, "GET", "/v2/bot/info", access_token)
        if found.ok and not _BASIC_ID.fullmatch(found.basic_id):
            return BasicId(
                error="LINE's answer holds no LINE ID of the account: check the base URL", status=found.status
            )
        return BasicId(
            basic_id=found.basic_id,
            error=found.error,
            status=found.status,
            retryable=found.retryable,
            retry_after=found.retry_after,
        )

    async def display_name(self, user_id: str, access_token: str) -> DisplayName:
        """`GET /v2/bot/profile/{userId}`: a user without a profile for this account (404) is no error."""
        if not _USER_ID.fullmatch(user_id):
            return DisplayName(error="not asked: a user ID of LINE is U and 32 of 0-9 and a-f")
        found = await self.ask(Profile, "GET", f"/v2/bot/profile/{user_id}", access_token)
        if found.ok:
            return DisplayName(name=found.display_name or None, status=found.status)
        if found.unknown:
            return DisplayName(status=found.status)
        return DisplayName(
            error=found.error,
            status=found.status,
            retryable=found.retryable,
            retry_after=found.retry_after,
        )

    def dialog_url(self, link_token: str, nonce: str) -> str:
        """Where the user's phone is sent to link: LINE then posts an accountLink event with this nonce.

        `nonce`: hard to guess, used once, 10 to 255 characters (LINE: "Link user account").
        """
        query = f"linkToken={quote(link_token, safe='')}&nonce={quote(nonce, safe='')}"
        return f"{self._access}/dialog/bot/accountLink?{query}"

    def chat_url(self, basic_id: str, text: str) -> str:
        """Opens the account's chat with `text` written but not sent; to others than friends it offers to add it."""
        return f"{self._chat}/R/oaMessage/{quote(basic_id, safe='')}/?{quote(text, safe='')}"

    def friend_url(self, basic_id: str) -> str:
        """Shows the account's profile with the button that adds it."""
        return f"{self._chat}/R/ti/p/{quote(basic_id, safe='')}"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


_TOKEN_REMEDIES = {404: ": the user is no friend of this account"}
