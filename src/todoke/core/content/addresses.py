"""Finds addresses in texts and takes them apart as browsers and phones do (WHATWG URL, as far as it matters here)."""

import re
from collections.abc import Iterable

import msgspec

HOLE = "\ue000"
"""Stands where a parameter goes."""

INVISIBLE = "\u00ad\u034f\u061c\u180e\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
"""Characters that nobody sees, and that phones drop from an address or a number."""
_INVISIBLE = dict.fromkeys(map(ord, INVISIBLE))
# Full-width forms that can be meant as part of an address, one character for one.
_WIDE = {
    0xFEE0 + ord(c): c for c in "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:/.-_=&%#@~\\"
}
_IDEOGRAPHIC_DOT = re.compile("(?<=[A-Za-z0-9])[。｡](?=[A-Za-z0-9])")
_ASCII = re.compile(r"[\x00-\x7f]*")

_END = "\\s<>\"'`。｡「」『』（）【】［］《》、，！？；"
_WITH_SCHEME = re.compile(
    rf"(?<![A-Za-z0-9])(?P<scheme>https?|hxxps?|ftp|line|javascript|data|file|intent|vbscript|[a-z][a-z0-9+-]{{2,20}})"
    rf":(?P<slashes>[/\\]{{1,4}})(?P<rest>[^{_END}]*)",
    re.IGNORECASE,
)
_WITHOUT_SLASHES = re.compile(
    rf"(?<![A-Za-z0-9])(?P<scheme>mailto|tel|sms|smsto|javascript|data|intent|vbscript):(?P<rest>[^{_END}]+)",
    re.IGNORECASE,
)
# Letters that can stand in a host: Latin ones, and those of scripts that look like them.
_IN_HOST = r"A-Za-z0-9\u00c0-\u024f\u0370-\u03ff\u0400-\u04ff"
_LABEL = rf"[{_IN_HOST}](?:[{_IN_HOST}-]{{0,61}}[{_IN_HOST}])?"
_TRAILING = ".,;:!?)]}'\"*…·"


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """An address, taken apart. `host` is in small letters; `path` begins with a slash, or is empty."""

    written: str
    scheme: str
    """Small letters; empty where none was written."""
    host: str = ""
    port: str = ""
    path: str = ""
    query: str = ""
    user_info: bool = False
    odd: bool = False
    """Backslashes, or too many or too few slashes: browsers mend it, people don't see where it leads."""


class Finder:
    """Finds addresses; `endings` are the last labels that make a word with dots in it an address."""

    def __init__(self, endings: Iterable[str]) -> None:
        ends = "|".join(sorted(map(re.escape, endings), key=len, reverse=True))
        # Not before @, which makes it an e-mail address, nor inside of a path or a longer word; 網址：host is usual.
        self._bare = re.compile(
            rf"(?<![A-Za-z0-9@.\\_%=&?#-])(?<![^/]/)(?P<host>(?:{_LABEL}\.){{1,5}}(?:{ends}))(?![A-Za-z0-9@_-])(?!\.[A-Za-z])"
            rf"(?P<rest>(?::\d{{1,5}})?(?:[/?#][^{_END}]*)?)",
            re.IGNORECASE,
        )

    def find(self, text: str) -> list[Address]:
        """Every address of a text, in order, each once."""
        places: list[int] | None = None
        plain = text
        if not _ASCII.fullmatch(text):
            places = [n for n, c in enumerate(text) if ord(c) not in _INVISIBLE]
            plain = "".join(text[n] for n in places).translate(_WIDE)
            plain = _IDEOGRAPHIC_DOT.sub(".", plain)

        def as_written(at: int, read: str) -> str:
            return read if places is None else text[places[at] : places[at + len(read) - 1] + 1]

        found: dict[int, Address] = {}
        taken: list[tuple[int, int]] = []
        for match in _WITH_SCHEME.finditer(plain):
            taken.append(match.span())
            written = match[0].rstrip(_TRAILING)
            rest = match["rest"][: len(match["rest"]) - (len(match[0]) - len(written))]
            shown = as_written(match.start(), written)
            found[match.start()] = split(shown, match["scheme"].lower(), rest, match["slashes"])
        for match in _WITHOUT_SLASHES.finditer(plain):
            if not _inside(match.start(), taken):
                taken.append(match.span())
                found[match.start()] = Address(
                    written=as_written(match.start(), match[0].rstrip(_TRAILING)),
                    scheme=match["scheme"].lower(),
                    path=match["rest"].rstrip(_TRAILING),
                )
        for match in self._bare.finditer(plain):
            if not _inside(match.start(), taken):
                read = match[0].rstrip(_TRAILING)
                found[match.start()] = split(as_written(match.start(), read), "", read, "//")
        return list(dict.fromkeys(found[at] for at in sorted(found)))


def split(written: str, scheme: str, rest: str, slashes: str) -> Address:
    """Takes apart what stands behind the slashes."""
    authority = re.split(r"[/\\?#]", rest, maxsplit=1)[0]
    tail = rest[len(authority) :]
    path, _, query = tail.partition("#")[0].partition("?")
    user, at, host = authority.rpartition("@")
    name, port = host, ""
    if not host.startswith("["):
        name, _, port = host.partition(":")
    return Address(
        written=written,
        scheme=scheme,
        host=name.lower().rstrip("."),
        port=port,
        path=path.replace("\\", "/"),
        query=query,
        user_info=bool(at and user),
        odd="\\" in authority + slashes + tail[:1] or len(slashes) != 2,
    )


def _inside(at: int, spans: list[tuple[int, int]]) -> bool:
    return any(start <= at < end for start, end in spans)


def in_domain(host: str, domain: str) -> bool:
    """Whether a host is this domain or a part of it."""
    return host == domain or host.endswith("." + domain)
