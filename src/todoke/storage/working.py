"""Notices that this process has just committed, kept until the next thing happens to them.

Most answers and delivery events concern a notice that was claimed here a moment ago: then it need not be read again.
Whoever saves a notice from here must hold it against the row (`storage.notice_changes.save` does): another process may
have moved it meanwhile.
"""

from collections.abc import Iterable

from todoke.core.notice import END_STATES
from todoke.storage.notices import Loaded, Owner

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

    def owner(self, attempt_id: str) -> Owner | None:
        """Whose an attempt is, where its notice is here."""
        loaded = self._notices.get(self._of_attempt.get(attempt_id, ""))
        if loaded is None:
            return None
        attempt = loaded.notice.attempts[0]
        return Owner(loaded.notice.id, loaded.channel_id, attempt.step, attempt.carrier)

    def keep(self, committed: Iterable[Loaded]) -> None:
        """These, as they were committed.

        Only those with one attempt: whatever becomes of that changes the notice's row, against which `save` holds it.
        Of several, another process may write one down and leave the row as it was. What has ended is forgotten, for
        little happens to it any more.
        """
        for loaded in committed:
            notice = loaded.notice
            self.forget((notice.id,))
            if notice.state not in END_STATES and len(notice.attempts) == 1:
                self._notices[notice.id] = loaded
                self._of_attempt[notice.attempts[0].id] = notice.id
        if len(self._notices) > self._most:
            # Many at a time: to find the oldest of a dict takes longer the more were taken before.
            surplus = len(self._notices) - self._most + self._most // 10
            self.forget([x for x, _ in zip(self._notices, range(surplus), strict=False)])

    def forget(self, notice_ids: Iterable[str]) -> None:
        for notice_id in notice_ids:
            loaded = self._notices.pop(notice_id, None)
            if loaded is not None:
                del self._of_attempt[loaded.notice.attempts[0].id]

    def clear(self) -> None:
        self._notices.clear()
        self._of_attempt.clear()
