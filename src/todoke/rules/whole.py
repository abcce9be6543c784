"""The whole content check of one account: the project's rules, and what the account has of its own."""

import msgspec

from todoke.core.content.check import ContentCheck
from todoke.core.content.own_rules import stored_rule
from todoke.core.content.rules import Rule
from todoke.core.content.settings import Settings
from todoke.core.content.text import Checker
from todoke.core.errors import InvalidRule
from todoke.rules.checks import load_data
from todoke.rules.load import load_checker, load_names


class Recipe(msgspec.Struct, frozen=True):
    """What a check is made of: the account's settings and its rules, as they are stored (JSON). Two of one version are
    alike.
    """

    settings: str
    own: tuple[str, ...]
    version: str


def content_check(recipe: Recipe) -> ContentCheck:
    """The project's checks with an account's rules and settings."""
    settings = msgspec.json.decode(recipe.settings, type=Settings)
    rules: list[Rule] = []
    for rule in recipe.own:
        try:
            rules.append(stored_rule(msgspec.json.decode(rule)))
        except InvalidRule:
            # Taken by an earlier Todoke whose patterns were others: the rest goes on. GET /v1/content-rules shows it.
            continue
    return ContentCheck(
        [load_checker(), *([Checker(rules, load_names())] if rules else [])],
        load_data(),
        allowed=settings.links,
        off=[x.code for x in settings.off],
        version=recipe.version,
    )
