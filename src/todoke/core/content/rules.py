"""Rules of the content check as data, and what they are compiled to.

A rule says: one of these patterns (`any`) in a text is a finding with this code, if one of `near` stands in the same
sentence, unless one of `unless` touches it, one of `unless_near` stands in the same sentence, or one of `unless_text`
stands near it in whatever sentence. `docs/content-check.md`
has the form with examples; the project's rules are in `todoke.rules`, those of a business come through the same
function.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from todoke.core.content.finding import Severity
from todoke.core.content.patterns import Patterns, read_pattern
from todoke.core.errors import InvalidRule

LANGUAGES = ("zh-Hant", "th", "ja", "en")
MOST_PATTERNS = 200
"""Patterns of one kind in a rule."""
MOST_RULES = 500
_CODE = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+){0,6}")
_KEY = re.compile(r"[a-z0-9_]{1,64}")
KINDS = ("any", "near", "unless", "unless_near", "unless_text")
"""Lists of patterns in a rule."""
_FIELDS = (
    *("code", "severity", "languages", "in", "any", "near", "unless", "unless_near", "unless_text"),
    *("use_cases", "not_use_cases", "remedy"),
)


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that is ready to be used."""

    code: str
    severity: Severity
    languages: frozenset[str]
    """Empty for all."""
    links: bool
    """Whether it looks at the path of links in place of the text."""
    any: tuple[Patterns, ...]
    """What is looked for, each pattern by itself."""
    near: Patterns
    """The surroundings, which are looked at only where one of `any` matches."""
    unless: Patterns
    unless_near: Patterns
    unless_text: Patterns
    use_cases: frozenset[str]
    """Empty for all."""
    not_use_cases: frozenset[str]
    remedy: str

    def holds_for(self, use_case: str | None) -> bool:
        """Whether a text of this use case is looked at; an unknown use case is looked at by all rules."""
        if use_case is None:
            return not self.use_cases
        return use_case not in self.not_use_cases and (not self.use_cases or use_case in self.use_cases)


def compile_rule(
    data: Any,
    pointer: str = "",
    remedies: Mapping[str, Mapping[str, str]] | None = None,
    *,
    tested: bool = False,
) -> Rule:
    """One rule from its JSON form. `remedies` has severity and remedy for codes that a rule may leave out.

    `tested`: its patterns are known to be sound, and those of the surroundings are not read before they are wanted.
    Raises InvalidRule with the place and what to write.
    """
    if not isinstance(data, Mapping):
        raise InvalidRule("A rule is an object with code, any and remedy", pointer)
    if unknown := [str(key)[:40] for key in data if key not in _FIELDS]:
        raise InvalidRule(f"{unknown[0]} is no part of a rule: there are {', '.join(_FIELDS)}", pointer)
    code = data.get("code")
    if not isinstance(code, str) or len(code) > 64 or not _CODE.fullmatch(code):
        raise InvalidRule(
            "code is a short word such as price-off: small letters, digits and hyphens", f"{pointer}/code"
        )
    known = (remedies or {}).get(code, {})
    severity = data.get("severity", known.get("severity", "error"))
    if severity not in list(Severity):
        raise InvalidRule(f"severity is one of {', '.join(Severity)}", f"{pointer}/severity")
    remedy = data.get("remedy", known.get("remedy"))
    if not isinstance(remedy, str) or not 1 <= len(remedy.strip()) <= 500:
        raise InvalidRule("remedy says in 1 to 500 characters what to do about it", f"{pointer}/remedy")
    where = data.get("in", "text")
    if where not in ("text", "links"):
        raise InvalidRule("in is text or links", f"{pointer}/in")
    sources = {kind: _list(data, kind, pointer) for kind in KINDS}
    if not sources["any"]:
        raise InvalidRule("any has at least one pattern: what to look for", f"{pointer}/any")
    looked_for = tuple(read_pattern(x, f"{pointer}/any/{n}") for n, x in enumerate(sources.pop("any")))
    for kind in sources if not tested else ():
        for n, source in enumerate(sources[kind]):
            read_pattern(source, f"{pointer}/{kind}/{n}", looked_for=False)
    return Rule(
        code=code,
        severity=Severity(severity),
        languages=_words(data, "languages", pointer, LANGUAGES),
        links=where == "links",
        any=looked_for,
        **{kind: Patterns(found) for kind, found in sources.items()},
        use_cases=_words(data, "use_cases", pointer),
        not_use_cases=_words(data, "not_use_cases", pointer),
        remedy=remedy.strip(),
    )


def compile_rules(
    data: Any, pointer: str = "", remedies: Mapping[str, Mapping[str, str]] | None = None
) -> tuple[Rule, ...]:
    """A list of rules. Raises InvalidRule."""
    if not isinstance(data, Sequence) or isinstance(data, str) or len(data) > MOST_RULES:
        raise InvalidRule(f"Rules are a list of at most {MOST_RULES}", pointer)
    return tuple(compile_rule(rule, f"{pointer}/{n}", remedies) for n, rule in enumerate(data))


def _list(data: Mapping[str, Any], key: str, pointer: str) -> list[str]:
    found = data.get(key, [])
    if (
        not isinstance(found, list)
        or not all(isinstance(x, str) for x in found)
        or len(found) > MOST_PATTERNS
    ):
        raise InvalidRule(f"{key} is a list of at most {MOST_PATTERNS} texts", f"{pointer}/{key}")
    return found


def _words(data: Mapping[str, Any], key: str, pointer: str, known: Sequence[str] = ()) -> frozenset[str]:
    found = _list(data, key, pointer)
    for n, word in enumerate(found):
        if known and word not in known:
            raise InvalidRule(f"{word[:40]} is not one of {', '.join(known)}", f"{pointer}/{key}/{n}")
        if not known and not _KEY.fullmatch(word):
            raise InvalidRule(f"{word[:40]} is no key of a use case, such as bill", f"{pointer}/{key}/{n}")
    return frozenset(found)
