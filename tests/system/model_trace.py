"""What is brought home from a run of the model test."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from system.model_outside import Outside
from system.model_program import Program, Send

ENDS = frozenset({"delivered", "handed_over", "not_delivered", "cancelled", "refused"})


@dataclass
class Sent:
    """A notice as the test knows it. `marker`: stands in every message of this notice and of no other."""

    id: str
    marker: str
    person: int
    phone: str
    at: int
    send: Send
    cancelled_at: int | None = None


@dataclass
class Trace:
    """All that is known of a run. Times are milliseconds since the epoch, of the virtual clock."""

    program: Program
    outside: Outside
    user_ids: dict[int, str] = field(default_factory=dict)
    sent: list[Sent] = field(default_factory=list)
    moments: set[int] = field(default_factory=set)
    """When the test did something."""
    down: list[tuple[int, int]] = field(default_factory=list)
    """When the gateway was not running, from and to."""
    truth: dict[int, list[tuple[int, bool, bool]]] = field(default_factory=dict)
    """Of each person: since when, whether a friend, whether blocking."""
    seen: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    """The notices as the API showed them on the way."""
    notices: dict[str, Any] = field(default_factory=dict)
    requests: list[dict[str, Any]] = field(default_factory=list)
    ledger: list[dict[str, Any]] = field(default_factory=list)
    texts: list[dict[str, Any]] = field(default_factory=list)
    screens: list[dict[str, Any]] = field(default_factory=list)
    funnel: dict[str, Any] = field(default_factory=dict)
    logged: list[Any] = field(default_factory=list)
