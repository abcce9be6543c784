"""What an account says of its contents: which domains are its own, and which findings it does not want."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec

from todoke.core.content.codes import is_hard
from todoke.core.content.links import AllowedDomain
from todoke.core.errors import InvalidRule
from todoke.core.template_values import FORBIDDEN

MOST_DOMAINS = 200
MOST_OFF = 100
SHORTEST_WHY = 10
LONGEST_WHY = 1000
LONGEST_NAME = 100
_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.){1,8}[a-z][a-z0-9-]{0,61}[a-z0-9]")
_USE_CASE = re.compile(r"[a-z0-9_]{1,60}")
# Under these anybody may have a name: allowing one would allow everybody's.
_PUBLIC = re.compile(
    r"(?:com|net|org|edu|gov|idv|co|or|ne|ac|go|gr|ad|in|mi|game|ebiz|club)\.[a-z]{2}"
    r"|(?:github|gitlab)\.io|web\.app|firebaseapp\.com|herokuapp\.com|vercel\.app|netlify\.app|pages\.dev"
    r"|blogspot\.com|wordpress\.com|wixsite\.com|myshopify\.com|amazonaws\.com|cloudfront\.net|appspot\.com"
)


class SwitchedOff(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of finding that the account does not want, on whose word and why."""

    code: str
    by: str
    why: str
    at: int = 0
    """When that was said, in milliseconds."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All of it."""

    links: tuple[AllowedDomain, ...] = ()
    off: tuple[SwitchedOff, ...] = ()


def read_settings(data: Any, known: Collection[str], before: Settings, now: int) -> Settings:
    """Settings as they are asked for. `known`: the codes that there are. Raises InvalidRule with the place."""
    if not isinstance(data, Mapping):
        raise InvalidRule("Settings are an object with links and off", "")
    links = tuple(_domain(x, f"/links/{n}") for n, x in enumerate(_list(data, "links", MOST_DOMAINS)))
    if len({x.domain for x in links}) < len(links):
        raise InvalidRule("A domain stands in the list twice: name all its use cases in one entry", "/links")
    since = {(x.code, x.by, x.why): x.at for x in before.off}
    off = []
    for n, entry in enumerate(_list(data, "off", MOST_OFF)):
        found = _off(entry, f"/off/{n}", known)
        off.append(msgspec.structs.replace(found, at=since.get((found.code, found.by, found.why), now)))
    return Settings(links=links, off=tuple(off))


def person(value: Any, pointer: str) -> str:
    """The name of a person who answers for something. Raises InvalidRule."""
    name = value.strip() if isinstance(value, str) else ""
    if not 2 <= len(name) <= LONGEST_NAME or not name.isprintable():
        raise InvalidRule(
            f"by names the person who answers for it, in 2 to {LONGEST_NAME} characters", pointer
        )
    return name


def reason(value: Any, pointer: str) -> str:
    """Why, in words that somebody can judge later. Raises InvalidRule."""
    why = value.strip() if isinstance(value, str) else ""
    if not SHORTEST_WHY <= len(why) <= LONGEST_WHY or FORBIDDEN.search(why) or len(set(why)) < 4:
        raise InvalidRule(
            f"why says in {SHORTEST_WHY} to {LONGEST_WHY} characters what speaks for it", pointer
        )
    return why


def _list(data: Mapping[str, Any], field: str, most: int) -> Sequence[Any]:
    found = data.get(field) or []
    if not isinstance(found, list) or len(found) > most:
        raise InvalidRule(f"{field} is a list of at most {most}", f"/{field}")
    return found


def _domain(entry: Any, pointer: str) -> AllowedDomain:
    if isinstance(entry, str):
        entry = {"domain": entry}
    if not isinstance(entry, Mapping) or set(entry) - {"domain", "use_cases"}:
        raise InvalidRule('A domain is {"domain": "shop.example", "use_cases": ["delivery"]}', pointer)
    domain = str(entry.get("domain", "")).strip().lower().rstrip(".")
    if not domain.isascii():
        try:
            domain = domain.encode("idna").decode("ascii")
        except UnicodeError:
            domain = ""
    if not _DOMAIN.fullmatch(domain):
        raise InvalidRule(
            "A domain is a host's name such as shop.example, without https:// and path", f"{pointer}/domain"
        )
    if _PUBLIC.fullmatch(domain):
        raise InvalidRule(
            f"Anybody may have a name under {domain}: write your own, such as shop.{domain}",
            f"{pointer}/domain",
        )
    use_cases = entry.get("use_cases") or []
    if not isinstance(use_cases, list) or len(use_cases) > 60:
        raise InvalidRule(
            "use_cases is a list of keys, such as delivery; leave it out for all", f"{pointer}/use_cases"
        )
    for n, key in enumerate(use_cases):
        if not isinstance(key, str) or not _USE_CASE.fullmatch(key):
            raise InvalidRule("This is no key of a use case, such as delivery", f"{pointer}/use_cases/{n}")
    return AllowedDomain(domain, tuple(use_cases))


def _off(entry: Any, pointer: str, known: Collection[str]) -> SwitchedOff:
    if not isinstance(entry, Mapping) or set(entry) - {"code", "by", "why", "at"}:
        raise InvalidRule('What is switched off is {"code": "…", "by": "…", "why": "…"}', pointer)
    code = str(entry.get("code", ""))[:64]
    if code not in known:
        raise InvalidRule(
            f"There is no finding {code!r}. docs/content-check.md lists them", f"{pointer}/code"
        )
    if is_hard(code):
        raise InvalidRule(
            f"{code} is a limit of LINE or of the law: it can't be switched off", f"{pointer}/code"
        )
    return SwitchedOff(
        code=code, by=person(entry.get("by"), f"{pointer}/by"), why=reason(entry.get("why"), f"{pointer}/why")
    )
