"""One question to LINE and its answer as a value: what all the rare calls share. Not for the hot path.

Nothing here raises for what LINE or the network does: each result has either what was asked for, or `error`, a
line that says what to do.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from yarl import URL

from todoke.carriers.cleaning import MAX_ANSWER, clean, retry_after
from todoke.carriers.line.errors import error_line
from todoke.carriers.line.heads import base_url, bearer
from todoke.carriers.over_http import loaded, nothing_left, read_body, timeouts, why_not_connected

if TYPE_CHECKING:
    import aiohttp

    from todoke.carriers.sessions import Http

SECONDS = 15.0
"""A webhook test takes LINE as long as our own endpoint takes to answer it."""


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """`error` is None if LINE answered what was asked for; the other fields count only then."""

    # Results are decoded from LINE's answers as they are; these are ours, no property may fill them.
    error: str | None = msgspec.field(default=None, name="(error)")
    status: int | None = msgspec.field(default=None, name="(status)")
    """The HTTP status, where there was an answer."""
    retryable: bool = msgspec.field(default=False, name="(retryable)")
    """With `error`: the same question may be answered later (network, 429, 5xx). Else it is final: something must
    be set right first."""
    retry_after: int | None = msgspec.field(default=None, name="(retry_after)")
    """With `retryable`: milliseconds that LINE asks us to wait."""

    @property
    def ok(self) -> bool:
        """Whether LINE answered what was asked for."""
        return self.error is None


R = TypeVar("R", bound=Result)


class Asker:
    """Asks LINE, with or without an access token.

    `http` from `make_session`; `api_base` as for LineCarrier. Raises ValueError if `api_base` is no http(s) URL.
    """

    def __init__(self, http: "Http", api_base: str) -> None:
        self._http = http
        self._base = base_url(api_base)

    async def ask(
        self,
        kind: type[R],
        method: str,
        path: str,
        token: str | None,
        *,
        remedies: Mapping[int, str] | None = None,
        most: int = MAX_ANSWER,
        empty: bool = False,
        **request: Any,
    ) -> R:
        """One request. `remedies`: what to do about a status, instead of what is said of it by default; `most`: bytes
        of the answer that are read; `empty`: an answer without a body is what was asked for.
        """
        headers = {}
        if token is not None:
            authorization = bearer(token)
            if authorization is None:
                return kind(error="the access token is empty or garbled: set it anew")
            headers["Authorization"] = authorization
        await loaded()
        try:
            response = await self._http.request(
                method,
                URL(self._base + path),
                headers=headers,
                allow_redirects=False,
                timeout=timeouts(SECONDS),
                **request,
            )
        except Exception as exc:  # whatever aiohttp lets through: a finding for the reader, not a crash
            if nothing_left(exc):
                return kind(error=why_not_connected(exc), retryable=True)
            if isinstance(exc, TimeoutError):
                return kind(
                    error=f"LINE did not answer within {SECONDS:.0f} seconds: try again", retryable=True
                )
            return kind(
                error=f"the connection to LINE broke ({type(exc).__name__}): try again", retryable=True
            )
        body = await read_body(response, most)
        if not 200 <= response.status < 300:
            return _refused(kind, response, body, remedies or {})
        return _answered(kind, response.status, body, empty)


def _refused(
    kind: type[R], response: "aiohttp.ClientResponse", body: bytes | None, remedies: Mapping[int, str]
) -> R:
    status = response.status
    retryable = status == 429 or status >= 500
    remedy = remedies.get(status) or _REMEDY.get(status) or (": try again later" if retryable else "")
    said = error_line(status, body)
    return kind(
        error=f"{said.rstrip('.')}{remedy}" if remedy else said,
        status=status,
        retryable=retryable,
        retry_after=retry_after(response.headers) if retryable else None,
    )


def _answered(kind: type[R], status: int, body: bytes | None, empty: bool) -> R:
    if empty:
        return kind(status=status)
    if body is None:
        return kind(error="the answer broke off: try again", status=status, retryable=True)
    try:
        found = msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, ValueError, RecursionError) as exc:
        return kind(error=f"the answer is not LINE's ({clean(str(exc))}): check the base URL", status=status)
    return msgspec.structs.replace(found, status=status)


_REMEDY = {
    401: ": issue a new channel access token and set it",
    403: ": this account may not use this API",
}
