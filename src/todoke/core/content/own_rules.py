"""Rules of a business: the form of the project's own, with examples that must hold before a rule is taken."""

from collections.abc import Mapping
from typing import Any

import msgspec

from todoke.core.content.codes import CODES
from todoke.core.content.effort import ways
from todoke.core.content.rules import KINDS, Rule, compile_rule
from todoke.core.content.text import Checker
from todoke.core.errors import InvalidRule

MOST_EXAMPLES = 50
LONGEST_EXAMPLE = 1000
LONGEST_NAME = 100
LONGEST_CODE = 40
MOST_WAYS = 3_000
"""Of one pattern: how often it may be tried at one place of a text."""
MOST_WAYS_OF_ALL = 10_000


class Own(msgspec.Struct, frozen=True):
    """A rule of a business that its examples have been tried on."""

    name: str
    rule: Rule
    spec: dict[str, Any]


def read_rule(data: Any) -> Own:
    """One rule: `name`, the fields of a rule, `finds` and `passes`. Raises InvalidRule with the place.

    `finds`: texts in which it must find something, at least one; `passes`: texts in which it must not.
    """
    if not isinstance(data, Mapping):
        raise InvalidRule("A rule is an object with name, code, any, remedy and finds", "")
    try:
        msgspec.json.encode(data)
    except (UnicodeEncodeError, TypeError, RecursionError):
        raise InvalidRule("The rule holds halves of characters, or something that is no JSON", "") from None
    name = data.get("name")
    if (
        not isinstance(name, str)
        or not name.strip()
        or len(name) > LONGEST_NAME
        or not name.isprintable()
        or "/" in name
    ):
        raise InvalidRule(
            f"A rule needs a name of 1 to {LONGEST_NAME} printable characters, without a slash", "/name"
        )
    finds, passes = _examples(data, "finds"), _examples(data, "passes")
    if not finds:
        raise InvalidRule("finds has at least one text in which the rule must find something", "/finds")
    spec = {k: v for k, v in data.items() if k not in ("name", "finds", "passes")}
    rule = compile_rule(spec)
    if len(rule.code) > LONGEST_CODE:
        raise InvalidRule(f"code has at most {LONGEST_CODE} characters", "/code")
    if rule.code in CODES:
        raise InvalidRule(f"{rule.code} is the code of another check: take one of your own", "/code")
    _refuse_endless(spec)
    checker = Checker([rule])
    use_case = next(iter(sorted(rule.use_cases)), None)
    for n, text in enumerate(finds):
        if not checker.check_text(text, use_case=use_case):
            raise InvalidRule(
                "The rule finds nothing in this text, and should: mend its patterns, or the text",
                f"/finds/{n}",
            )
    for n, text in enumerate(passes):
        if found := checker.check_text(text, use_case=use_case):
            raise InvalidRule(
                f"The rule finds {found[0].words[:40]!r} in this text, and should not: mend it, or add unless",
                f"/passes/{n}",
            )
    return Own(name.strip(), rule, {**spec, "finds": finds, **({"passes": passes} if passes else {})})


def _refuse_endless(spec: Mapping[str, Any]) -> None:
    """A search that takes minutes would hold up everybody's notices."""
    total = 0
    for kind in KINDS:
        for n, source in enumerate(spec.get(kind) or []):
            total += (tries := ways(source))
            if tries > MOST_WAYS:
                raise InvalidRule(
                    f"This pattern could be tried in {tries} ways at each place, and {MOST_WAYS} are the most: "
                    "take out a gap or a `?`, or write several patterns",
                    f"/{kind}/{n}",
                )
    if total > MOST_WAYS_OF_ALL:
        raise InvalidRule("These patterns have too many gaps together: make several rules of them", "/any")


def stored_rule(spec: Mapping[str, Any]) -> Rule:
    """The rule of what `read_rule` took before; its examples are not tried again."""
    return compile_rule({k: v for k, v in spec.items() if k not in ("name", "finds", "passes")})


def _examples(data: Mapping[str, Any], field: str) -> list[str]:
    found = data.get(field, [])
    if not isinstance(found, list) or len(found) > MOST_EXAMPLES:
        raise InvalidRule(f"{field} is a list of at most {MOST_EXAMPLES} texts", f"/{field}")
    for n, text in enumerate(found):
        if not isinstance(text, str) or not text.strip() or len(text) > LONGEST_EXAMPLE:
            raise InvalidRule(f"A text of 1 to {LONGEST_EXAMPLE} characters", f"/{field}/{n}")
    return found
