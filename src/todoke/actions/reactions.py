"""What follows from what carriers told, in the transaction in which it is written down."""

from collections.abc import Sequence

from todoke.actions.friends import FRIEND_EVENTS
from todoke.actions.proofs import Found
from todoke.carriers import EventKind
from todoke.ids import Ids
from todoke.storage.database import Tx

HEARD = FRIEND_EVENTS | {EventKind.MESSAGE, EventKind.POSTBACK, EventKind.LINKED, EventKind.SMS}
"""Events of users that something may follow from."""


class Reactions:
    """Answers users, and tells the business's systems."""

    def __init__(self, ids: Ids) -> None:
        self._ids = ids

    async def to_events(self, tx: Tx, heard: Sequence[Found], now: int) -> None:
        """What users did, each event once, after the friend registry knows of it."""
