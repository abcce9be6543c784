"""Notices that this process has just committed, kept until the next thing happens to them.

Most answers and delivery events concern a notice that was claimed here a moment ago: then it need not be read again.
Whoever saves a notice from here must hold it against the row (`storage.notice_changes.save` does): another process may
have moved it meanwhile.
"""

from collections.abc import Iterable
from itertools import islice

from todoke.storage.notices import Loaded

MOST = 20_000
"""Notices that are kept, of about a kilobyte each; the oldest go first."""


class Working:
    """By id, and by their attempts' ids. Nothing in it is uncommitted."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._notices: dict[str, Loaded] = {}
        self._of_attempt: dict[str, str] = {}

    def get(self, notice_id: str) -> Loaded | None:
        return self._notices.get(notice_id)

    def of_attempt(self, attempt_id: str) -> Loaded | None:
        """The notice whose attempt that is."""
        return self._notices.get(self._of_attempt.get(attempt_id, ""))

    def keep(self, committed: Iterable[Loaded]) -> None:
        """These, as they were committed.

        Only those with one attempt: whatever becomes of that changes the notice's row, against which `save` holds it.
        Of several, another process may write one down and leave the row as it was. What has ended is forgotten, for
        little happens to it any more.
        """
        notices, of_attempt = self._notices, self._of_attempt
        for loaded in committed:
            notice = loaded.notice
            if notice.ended_at is not None or len(notice.attempts) != 1:
                self._forget(notice.id)
                continue
            # The only attempt stays the same one.
            if notice.id not in notices:
                of_attempt[notice.attempts[0].id] = notice.id
            notices[notice.id] = loaded
        if len(notices) > self._most:
            # Many at a time: to find the oldest of a dict takes longer the more were taken before.
            surplus = len(notices) - self._most + self._most // 10
            for notice_id in list(islice(notices, surplus)):
                self._forget(notice_id)

    def _forget(self, notice_id: str) -> None:
        loaded = self._notices.pop(notice_id, None)
        if loaded is not None:
            del self._of_attempt[loaded.notice.attempts[0].id]

    def clear(self) -> None:
        self._notices.clear()
        self._of_attempt.clear()
