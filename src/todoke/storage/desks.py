"""The content checks of accounts, and what is known of their templates' versions, kept by each process.

All of it is good for one version of an account's rules and settings, which is asked for each time: one small look-up.
So what one process changes holds in all of them from the next notice on.
"""

import asyncio
import hashlib

import msgspec

from todoke.core.content.check import ContentCheck
from todoke.core.content.finding import Finding
from todoke.core.content.settings import Settings
from todoke.core.content.values import ValuesCheck
from todoke.rules import rules_version
from todoke.rules.checks import load_data
from todoke.rules.whole import Recipe, content_check
from todoke.storage import content_rules as store
from todoke.storage.content_rules import OwnRule
from todoke.storage.database import Tx

_KEPT = 1000


class Checked(msgspec.Struct, frozen=True):
    """A template's version, as the content check sees it now."""

    check: ContentCheck
    findings: tuple[Finding, ...]
    standing: tuple[Finding, ...]
    """The errors that nobody has overruled."""
    values: ValuesCheck

    @property
    def sendable(self) -> bool:
        return not self.standing


class Desks:
    """What this process keeps."""

    def __init__(self) -> None:
        self.turn = asyncio.Semaphore(2)
        """For what is checked outside of any notice: many at once would leave the notices no time."""
        self._loading: asyncio.Task[object] | None = None
        self._accounts: dict[str, tuple[int, ContentCheck]] = {}
        self._templates: dict[str, tuple[int, Checked]] = {}
        self._recipes: dict[str, Recipe] = {}

    def load(self) -> None:
        """Begins to read the rules that come with Todoke: that takes seconds, which no notice should wait for."""
        if self._loading is None:
            self._loading = asyncio.create_task(asyncio.to_thread(built_in))

    async def check(self, tx: Tx, account_id: str) -> ContentCheck:
        """The check of an account, as its rules and settings stand now."""
        return (await self.current(tx, account_id))[1]

    async def current(self, tx: Tx, account_id: str) -> tuple[int, ContentCheck]:
        """The same, and the version of all that is kept of the account."""
        if self._loading is None or not self._loading.done():
            self.load()
            assert self._loading is not None
            await asyncio.shield(self._loading)
        version = await store.version(tx, account_id)
        kept = self._accounts.get(account_id)
        if kept is not None and kept[0] == version:
            return kept
        if len(self._accounts) >= _KEPT:
            self._accounts.clear()
            self._recipes.clear()
        settings = await store.settings(tx, account_id)
        own = await store.rules(tx, account_id)
        recipe = recipe_of(settings, own)
        # An overruling counts the version up, too, and leaves rules and settings as they are.
        same = kept is not None and kept[1].version == recipe.version
        if kept is not None and same:
            made = kept[1]
        else:
            # Two hundred rules take half a second, and others are waiting.
            made = await asyncio.to_thread(content_check, recipe)
        self._accounts[account_id] = version, made
        self._recipes[account_id] = recipe
        return version, made

    def recipe(self, account_id: str, check: ContentCheck) -> Recipe | None:
        """What a check of an account is made of; None where it is the current one no more."""
        found = self._recipes.get(account_id)
        return found if found is not None and found.version == check.version else None

    def kept(self, template_id: str, version: int) -> Checked | None:
        """What is known of a template's version, if it is of this version of the account's."""
        found = self._templates.get(template_id)
        return found[1] if found is not None and found[0] == version else None

    def keep(self, template_id: str, version: int, checked: Checked) -> None:
        if len(self._templates) >= _KEPT:
            self._templates.clear()
        self._templates[template_id] = version, checked


def read(row: store.SettingsRow) -> Settings:
    """The settings of a row."""
    return msgspec.json.decode(row.spec, type=Settings)


def digest_of(settings: store.SettingsRow, own: list[OwnRule]) -> str:
    """Which rules and settings these are: equal ones have equal names."""
    theirs = (
        "\0".join([settings.spec, *sorted(rule.spec for rule in own)]) if own or settings.spec != "{}" else ""
    )
    mine = hashlib.sha256(theirs.encode()).hexdigest()[:12] if theirs else "0"
    return f"{rules_version()}.{load_data().version}.{mine}"


def recipe_of(settings: store.SettingsRow, own: list[OwnRule]) -> Recipe:
    """What the check of these rules and settings is made of."""
    return Recipe(settings.spec, tuple(rule.spec for rule in own), digest_of(settings, own))


def built_in() -> ContentCheck:
    """What comes with Todoke, without any account's rules."""
    return content_check(recipe_of(store.SettingsRow(account_id=""), []))
