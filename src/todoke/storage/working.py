"""Notices that this process has just committed, kept until the next thing happens to them.

Most answers and delivery events concern a notice that was claimed here a moment ago: then it need not be read again.
Whoever saves a notice from here must hold it against the row (`storage.notice_changes` does): another process may
have moved it meanwhile.
"""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import NamedTuple

import msgspec

from todoke.storage.notices import Loaded

MOST = 20_000
"""Notices that are kept, of some hundred bytes each; the oldest go first."""
_replace = msgspec.structs.replace


class Kept(NamedTuple):
    """A notice with one attempt. Those that were decided together share a `pattern`."""

    notice_id: str
    attempt_id: str
    pattern: Loaded
    """All that is not said here. Of a notice that shares it the ids in it are empty, and so is the number."""
    created_at: int
    number: str
    request_id: str | None

    def loaded(self, pattern: Loaded | None = None) -> Loaded:
        """The notice whole, but for what is only for sending; with another pattern, as it would be with that."""
        pattern = pattern or self.pattern
        notice = pattern.notice
        if notice.id:
            return pattern
        attempts = tuple(
            [_replace(x, id=self.attempt_id, request_id=self.request_id) for x in notice.attempts]
        )
        notice = _replace(notice, id=self.notice_id, created_at=self.created_at, attempts=attempts)
        return _replace(pattern, notice=notice, number=self.number)


class Alike(NamedTuple):
    """Notices to which the same has happened: what they were and are, but for what `members` tell."""

    before: Loaded
    after: Loaded
    members: Sequence[Kept]
    """As they are now."""


class Working:
    """By id, and by their attempts' ids. Nothing in it is uncommitted."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._notices: dict[str, Kept] = {}
        self._of_attempt: dict[str, str] = {}

    def get(self, notice_id: str) -> Loaded | None:
        kept = self._notices.get(notice_id)
        return None if kept is None else kept.loaded()

    def kept(self, notice_id: str) -> Kept | None:
        return self._notices.get(notice_id)

    def of_attempt(self, attempt_id: str) -> Kept | None:
        """The notice whose attempt that is."""
        return self._notices.get(self._of_attempt.get(attempt_id, ""))

    def keep(self, committed: Iterable[Loaded], alike: Iterable[Alike] = ()) -> None:
        """These, as they were committed.

        Only those with one attempt: whatever becomes of that changes the notice's row, against which it is held when
        it is saved. Of several, another process may write one down and leave the row as it was. What has ended is
        forgotten, for little happens to it any more.
        """
        notices, of_attempt = self._notices, self._of_attempt
        for loaded in committed:
            notice = loaded.notice
            if notice.ended_at is not None or len(notice.attempts) != 1:
                self._forget(notice.id)
                continue
            attempt = notice.attempts[0]
            of_attempt[attempt.id] = notice.id
            notices[notice.id] = Kept(
                notice.id, attempt.id, loaded, notice.created_at, loaded.number, attempt.request_id
            )
        for _, after, members in alike:
            if after.notice.ended_at is not None or len(after.notice.attempts) != 1:
                for kept in members:
                    self._forget(kept.notice_id)
                continue
            for kept in members:
                notices[kept.notice_id] = kept
                of_attempt[kept.attempt_id] = kept.notice_id
        if len(notices) > self._most:
            # Many at a time: to find the oldest of a dict takes longer the more were taken before.
            surplus = len(notices) - self._most + self._most // 10
            for notice_id in list(islice(notices, surplus)):
                self._forget(notice_id)

    def _forget(self, notice_id: str) -> None:
        kept = self._notices.pop(notice_id, None)
        if kept is not None:
            del self._of_attempt[kept.attempt_id]

    def clear(self) -> None:
        self._notices.clear()
        self._of_attempt.clear()
