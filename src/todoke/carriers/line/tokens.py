"""Channel access tokens: issued by secret or by a signed assertion, revoked, counted.

Source: Messaging API reference, "Channel access token"; LINE's channel-access-token.yml (line-openapi). A failure is
`retryable` (network, 429, 5xx) or final: what was given is wrong, and asking again changes nothing.
"""

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from todoke.carriers.line.asking import Asker, R, Result
from todoke.carriers.line.heads import bearer
from todoke.carriers.line.signing import LONGEST_TOKEN, SigningKey

_JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_GRANT = {"grant_type": "client_credentials"}
_LONGEST_TEXT = 4000
_HUNDRED_YEARS = 100 * 366 * 86_400


class IssuedToken(Result, frozen=True, kw_only=True):
    """A new channel access token. Printing it shows no token."""

    access_token: Annotated[str, msgspec.Meta(max_length=_LONGEST_TEXT)] = ""
    expires_in: Annotated[int, msgspec.Meta(ge=0, le=_HUNDRED_YEARS)] = 0
    """Seconds from now on."""
    key_id: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    """Of a token of v2.1: LINE's name for it, as in `KeyIds`."""

    @property
    def limit_reached(self) -> bool:
        """Whether LINE refused because 30 tokens of v2.1 are valid; that ends as they end or are revoked."""
        return self.status == 400 and "maximum number of access tokens" in (self.error or "")

    def __post_init__(self) -> None:
        if self.error is None and (bearer(self.access_token) is None or self.expires_in < 1):
            raise ValueError("there is no usable access_token in it, or no expires_in")

    def __repr__(self) -> str:
        said = f"expires_in={self.expires_in}" if self.ok else f"error={self.error!r}"
        return (
            f"IssuedToken({said}, status={self.status}, retryable={self.retryable}, key_id={self.key_id!r})"
        )

    def __rich_repr__(self) -> Any:  # Rich would else list all fields.
        yield repr(self)


class Revoked(Result, frozen=True, kw_only=True):
    """Whether LINE revoked a token. LINE says so too of one that was not valid any more, or another channel's."""


class KeyIds(Result, frozen=True, kw_only=True):
    """The key ids of a channel's valid tokens of v2.1; at most 30."""

    kids: tuple[Annotated[str, msgspec.Meta(max_length=200)], ...] | None = None

    def __post_init__(self) -> None:
        if self.error is None and self.kids is None:
            raise ValueError("kids is missing")

    @property
    def key_ids(self) -> tuple[str, ...]:
        """The key ids; none with an `error`."""
        return self.kids or ()


class LineTokens(Asker):
    """Issues and revokes channel access tokens. Rare calls; none of them is repeated here.

    A token that LINE issued in an answer that was lost stays valid unseen. Of v2.1 there may be 30 at a time, so
    repeat `issue_v21` sparingly; of stateless ones there may be any number.
    """

    async def issue_stateless(self, channel_id: str, secret: str) -> IssuedToken:
        """`POST /oauth2/v3/token` with the channel secret: for 15 minutes, can't be revoked."""
        form = {**_GRANT, "client_id": channel_id, "client_secret": secret}
        return await self._post(IssuedToken, "/oauth2/v3/token", form, _BY_SECRET)

    async def issue_stateless_by_key(self, channel_id: str, key: SigningKey, now: int) -> IssuedToken:
        """The same with an assertion instead of the secret. `now`: ms since the epoch."""
        form = {**_GRANT, **_asserted(key.assertion(channel_id, now))}
        return await self._post(IssuedToken, "/oauth2/v3/token", form, _BY_KEY)

    async def issue_v21(
        self, channel_id: str, key: SigningKey, now: int, lasts: int = LONGEST_TOKEN
    ) -> IssuedToken:
        """`POST /oauth2/v2.1/token`: for `lasts` seconds, 1 to 30 days (else ValueError). `now`: ms."""
        form = {**_GRANT, **_asserted(key.assertion(channel_id, now, lasts))}
        return await self._post(IssuedToken, "/oauth2/v2.1/token", form, _BY_KEY)

    async def revoke_v21(self, channel_id: str, secret: str, token: str) -> Revoked:
        """`POST /oauth2/v2.1/revoke`: at once and for good."""
        form = {"client_id": channel_id, "client_secret": secret, "access_token": token}
        return await self._post(Revoked, "/oauth2/v2.1/revoke", form, _BY_SECRET, empty=True)

    async def valid_key_ids(self, channel_id: str, key: SigningKey, now: int) -> KeyIds:
        """`GET /oauth2/v2.1/tokens/kid`: which tokens of v2.1 are valid. `now`: ms."""
        # LINE takes the assertion in the query here, and only there.
        params = _asserted(key.assertion(channel_id, now))
        return await self.ask(KeyIds, "GET", "/oauth2/v2.1/tokens/kid", None, remedies=_BY_KEY, params=params)

    async def _post(
        self, kind: type[R], path: str, form: dict[str, str], remedies: Mapping[int, str], empty: bool = False
    ) -> R:
        return await self.ask(kind, "POST", path, None, remedies=remedies, empty=empty, data=form)


def _asserted(assertion: str) -> dict[str, str]:
    return {"client_assertion_type": _JWT_BEARER, "client_assertion": assertion}


_SET_ANEW = ": set the channel id and the channel secret that the LINE Developers Console shows now"
_CHECK_KEY = (
    ": see that channel id, private key and its kid belong together, that the key is registered in the LINE "
    "Developers Console and this machine's clock is right; at most 30 such tokens may be valid at once"
)
_BY_SECRET = {status: _SET_ANEW for status in (400, 401, 403)}
_BY_KEY = {status: _CHECK_KEY for status in (400, 401, 403, 404)}
