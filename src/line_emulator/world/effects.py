"""What comes out of the world: an answer or a refusal, and the events that LINE would post to webhooks."""

from __future__ import annotations

from typing import Any

import msgspec

from line_emulator.world.ledger import Row
from line_emulator.world.problems import Problem


class Event(msgspec.Struct, gc=False):
    """One webhook event, before it gets its id. `at` in ms since the epoch.

    `user_id` None: the event has no `source` (a delivery). `extra`: the event's own properties.
    `anonymous`: its `source` does not name the user. `replyable`: it carries a reply token; `handle` gives it one
    as `reply_token`. `row`: the ledger row whose delivery it reports.
    """

    channel_id: str
    type: str
    at: int
    user_id: str | None = None
    extra: dict[str, Any] | None = None
    replyable: bool = False
    row: Row | None = None
    anonymous: bool = False
    reply_token: str | None = None


class Effects(msgspec.Struct):
    """The result of one command. Exactly one of `value` and `problem` speaks; `events` are to be posted."""

    value: Any = None
    problem: Problem | None = None
    events: list[Event] = []
