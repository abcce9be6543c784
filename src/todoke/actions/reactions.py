"""What follows from what carriers told, in the transaction in which it is written down."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from todoke.actions import opt_outs
from todoke.actions.friends import FRIEND_EVENTS
from todoke.actions.proofs import Found
from todoke.carriers import EventKind
from todoke.ids import Ids
from todoke.storage.database import Tx

HEARD = FRIEND_EVENTS | {EventKind.MESSAGE, EventKind.POSTBACK, EventKind.LINKED, EventKind.SMS}
"""Events of users that something may follow from."""


class Hears(Protocol):
    """Somebody who follows what users do."""

    async def hear(self, tx: Tx, heard: Sequence[Found], now: int) -> None: ...


class Reactions:
    """Answers users, and tells the business's systems."""

    def __init__(
        self,
        ids: Ids,
        *,
        on_words: Callable[[opt_outs.Heard], None] = lambda _: None,
        bind_talk: Hears | None = None,
        archived: Callable[[str], Awaitable[Sequence[str]]] = opt_outs.no_archive,
    ) -> None:
        """`on_words` is told what became of words that came by SMS. `bind_talk` answers users in the chat.
        `archived`: a number → the accounts that had notices to it long ago.
        """
        self._archived = archived
        self._ids = ids
        self._bind_talk = bind_talk
        self._on_words = on_words

    @property
    def ids(self) -> Ids:
        """For what is made in the same transaction."""
        return self._ids

    async def to_events(self, tx: Tx, heard: Sequence[Found], now: int) -> int:
        """What users did, each event once, after the friend registry knows of it.

        Answers how many webhooks were queued.
        """
        told = 0
        if words := [x for x in heard if x.event.kind is EventKind.SMS]:
            came = await opt_outs.hear(tx, words, now, self._ids, self._archived)
            self._on_words(came)
            told += came.told
        if self._bind_talk is not None:
            await self._bind_talk.hear(tx, heard, now)
        return told
