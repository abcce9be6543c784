"""Stored versions of templates and policies, read once and kept: a version never changes."""

from collections.abc import Iterable

import msgspec

from todoke.core import template as templates
from todoke.core.routing import Policy
from todoke.core.template import Template
from todoke.storage import content
from todoke.storage.content import TemplateRow
from todoke.storage.database import Tx
from todoke.storage.desks import Desks
from todoke.storage.working import Working

_KEPT = 10_000


class Lookup:
    """Compiled templates and decoded policies by id. Forgets all when it has grown beyond reason."""

    def __init__(self) -> None:
        self._templates: dict[str, Template] = {}
        self._policies: dict[str, Policy] = {}
        self.desks = Desks()
        """The content checks of accounts."""
        self.working = Working()
        """Notices that were committed here just now."""

    async def policies(self, tx: Tx, ids: Iterable[str]) -> dict[str, Policy]:
        """All kept policies, these among them."""
        missing = set(ids) - self._policies.keys()
        if missing:
            if len(self._policies) > _KEPT:
                self._policies.clear()
                missing = set(ids)
            for row in await content.policies_by_ids(tx, missing):
                self._policies[row.id] = decode_policy(row.spec)
        return self._policies

    async def templates(self, tx: Tx, ids: Iterable[str]) -> dict[str, Template]:
        """All kept templates, these among them."""
        missing = set(ids) - self._templates.keys()
        if missing:
            if len(self._templates) > _KEPT:
                self._templates.clear()
                missing = set(ids)
            for row in await content.templates_by_ids(tx, missing):
                self._templates[row.id] = compile_row(row)
        return self._templates


def compile_row(row: TemplateRow) -> Template:
    """The template of a stored version."""
    return templates.compile(msgspec.json.decode(row.spec), stored=True)


def encode_policy(policy: Policy) -> str:
    """As it is stored; equal policies give equal texts, and those of before a field was added stay the same."""
    fields = msgspec.structs.asdict(policy)
    if not policy.trust_links:
        del fields["trust_links"]
    return msgspec.json.encode(fields).decode()


def decode_policy(text: str) -> Policy:
    """The policy of a stored version."""
    return msgspec.json.decode(text, type=Policy)
