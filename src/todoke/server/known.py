"""What requests look up again and again, kept for as long as nothing that it stands on has changed.

All of it is good for one config version (storage/config_version.py), which whoever uses it has read in the same
transaction: so a suspended template or a revoked key holds from the next request on, whichever process changed it.
"""

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import msgspec

from todoke.actions.channels import account_of_key
from todoke.actions.intake import Target
from todoke.storage.database import Tx

_KEPT = 1000
_VIEWS = 64


class KnownTarget:
    """A target, and its policy as answers show it."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self._views: dict[int | None, msgspec.Raw] = {}

    def policy_view(self, deadline: int | None) -> msgspec.Raw:
        """`Target.policy_view`, encoded."""
        view = self._views.get(deadline)
        if view is None:
            if len(self._views) >= _VIEWS:
                self._views.clear()
            view = msgspec.Raw(msgspec.json.encode(self.target.policy_view(deadline)))
            self._views[deadline] = view
        return view


Name = tuple[str, str, str, str | bytes | None, str | None]


def named(
    account_id: str, channel: str, template: str, policy: str | Mapping[str, Any] | None, source: str | None
) -> Name:
    """What a target is kept under: all that it is found by."""
    if policy is not None and not isinstance(policy, str):
        # Half a character, which JSON may hold, has no place in UTF-8.
        return account_id, channel, template, json.dumps(policy, sort_keys=True).encode(), source
    return account_id, channel, template, policy, source


class Known:
    """Accounts by their keys, and targets, of one config version."""

    def __init__(self) -> None:
        self._version = 0
        self._accounts: dict[str, str] = {}
        self._targets: dict[Name, KnownTarget] = {}
        self._met: set[str] = set()

    def at(self, version: int) -> None:
        """From here on only what holds at this version."""
        if version != self._version:
            self.forget()
            self._version = version

    def forget(self) -> None:
        """Whatever is kept: it may have been read in a transaction that was not committed."""
        self._version = 0
        self._accounts.clear()
        self._targets.clear()

    def meet(self, key: str) -> None:
        """A key opened an account a moment ago: whoever comes with it is no stranger."""
        if len(self._met) >= _KEPT:
            self._met.clear()
        self._met.add(sha256(key.encode()).hexdigest())

    def has_met(self, key: str) -> bool:
        """Whether a key did so at some time. It may have been revoked since."""
        return sha256(key.encode()).hexdigest() in self._met

    async def account(self, tx: Tx, key: str) -> str | None:
        """The account that a key opens now."""
        digest = sha256(key.encode()).hexdigest()
        found = self._accounts.get(digest)
        if found is None:
            found = await account_of_key(tx, key)
            if found is not None:
                self._accounts[digest] = found
        return found

    def target(self, name: Name) -> KnownTarget | None:
        return self._targets.get(name)

    def keep(self, name: Name, target: Target) -> KnownTarget:
        if len(self._targets) >= _KEPT:
            self._targets.clear()
        known = self._targets[name] = KnownTarget(target)
        return known
