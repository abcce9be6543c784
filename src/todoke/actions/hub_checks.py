"""What may be said about a target of the webhook hub: where it is, what it wants, which headers it gets."""

import json
import re
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

import msgspec

from todoke.actions.intake import Invalid
from todoke.carriers.addresses import objection
from todoke.carriers.line.events import SIGNATURE
from todoke.sealing import Seal

MAX_URL = 2000
MOST_TYPES = 50
MOST_HEADERS = 20
MAX_HEADER = 2000

_TYPE = re.compile(r"[A-Za-z][A-Za-z0-9]{0,49}", re.ASCII)
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}", re.ASCII)
_HEADER_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?", re.ASCII)
# Ours, LINE's, and those that say how a request is sent (RFC 9110, 7.6.1).
_TAKEN_NAMES = frozenset(
    {
        *(
            "host",
            "connection",
            "keep-alive",
            "te",
            "trailer",
            "transfer-encoding",
            "upgrade",
            "expect",
            "date",
        ),
        *("accept", "accept-encoding", "user-agent", "cookie"),
    }
)
_TAKEN_PREFIXES = ("content-", "proxy-", "sec-", "todoke-", SIGNATURE.partition("signature")[0])


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where targets may be: `base_url` is this gateway's own, which no target has."""

    allow_private: bool
    base_url: str


def checked_url(url: str, place: Place) -> str:
    """The URL, if a target may have it. Raises Invalid."""
    if len(url) > MAX_URL:
        raise Invalid(f"The URL has {len(url)} characters; at most {MAX_URL:,} are taken.", "/url")
    if (why_not := objection(url, place.allow_private)) is not None:
        raise Invalid(f"The URL {why_not}.", "/url")
    if _origin(url) == _origin(place.base_url):
        raise Invalid("The URL is this gateway's own: what it passes on would come back for ever.", "/url")
    return url


def _origin(url: str) -> tuple[str | None, int | None]:
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = None
    return (parts.hostname or "").rstrip("."), port or {"http": 80, "https": 443}.get(parts.scheme)


def checked_types(types: Sequence[str] | None) -> str | None:
    """As they are kept; None: all. LINE adds types at any time, so that any word that can be one is taken.

    Raises Invalid.
    """
    if not types:
        return None
    if len(types) > MOST_TYPES:
        raise Invalid(f"At most {MOST_TYPES} types are taken; leave them out for all.", "/types")
    for at, one in enumerate(types):
        if not _TYPE.fullmatch(one):
            raise Invalid(
                f"{one[:60]!r} can't be a type of LINE's events: write it as message or follow.",
                f"/types/{at}",
            )
    return json.dumps(list(dict.fromkeys(types)))


def sealed(headers: Mapping[str, str] | None, seal: Seal) -> bytes | None:
    """Headers as they are kept. Raises Invalid for what can't be sent, or would change how a request is sent."""
    if not headers:
        return None
    if len(headers) > MOST_HEADERS:
        raise Invalid(f"At most {MOST_HEADERS} headers are taken.", "/headers")
    seen: set[str] = set()
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name):
            raise Invalid(f"{name[:60]!r} can't be the name of a header.", "/headers")
        lower = name.lower()
        if lower in _TAKEN_NAMES or lower.startswith(_TAKEN_PREFIXES):
            raise Invalid(
                f"The header {name[:60]} is set by Todoke or by LINE; leave it out.", f"/headers/{name}"
            )
        if lower in seen:
            raise Invalid(f"The header {name[:60]} is there twice.", f"/headers/{name}")
        if len(value) > MAX_HEADER or not _HEADER_VALUE.fullmatch(value):
            raise Invalid(
                f"The value of the header {name[:60]} can't be sent: write up to {MAX_HEADER:,} visible ASCII "
                "characters.",
                f"/headers/{name}",
            )
        seen.add(lower)
    return seal.close(json.dumps(dict(headers)))
