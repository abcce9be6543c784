"""LINE's days, and what comparing our count of a day with LINE's comes to.

Source: LINE notification messages reference, "Get number of sent LINE notification messages"; Messaging API reference,
"Get number of sent push messages". LINE's days are in UTC+9, whatever the account's country, and a message that was
released after midnight counts for the day on which it was shown.
"""

from datetime import date, timedelta
from enum import StrEnum

import msgspec

from todoke.core.durations import DAY, HOUR, MINUTE

OFFSET = 9 * HOUR
"""LINE's days begin so long before those of UTC."""
_EPOCH = date(1970, 1, 1)

HIDDEN_UNDER = 20
"""LINE does not tell counts below this."""
NEAR = 5 * MINUTE
"""What was shown so close to midnight may count for either day: LINE's clock, the event's time and ours differ."""
FIRST = 4 * HOUR
"""LINE is first asked so long after its day is over."""
AGAIN = FIRST + DAY
"""And once more by then: LINE posts events again that it could not post at once, and our count rises."""
LAST = 7 * DAY
"""Nothing is asked by itself later than this after the day is over."""


class Kind(StrEnum):
    """What LINE counts, each by itself."""

    TEMPLATE = "template"
    """Notifications of the template kind, shown."""
    FLEXIBLE = "flexible"
    """Notifications of the flexible kind, shown."""
    PUSH = "push"
    """Pushes: of notices and ordinary messages."""


class Status(StrEnum):
    """What LINE says of its count, or why there is none."""

    READY = "ready"
    UNREADY = "unready"
    """LINE has not counted the day yet."""
    OUT_OF_SERVICE = "out_of_service"
    """The day is before LINE began to count."""
    HIDDEN = "unavailable_for_privacy"
    """Fewer than HIDDEN_UNDER, or none."""
    NOT_ALLOWED = "not_allowed"
    """403: this account may not use this kind, or its count."""
    NO_TOKEN = "no_token"  # noqa: S105
    """Not asked: the channel has no access token, or one that can't be read."""
    REFUSED = "refused"
    """LINE refused the question, as with a revoked access token."""
    NO_ANSWER = "no_answer"
    """LINE did not answer, or could not."""


_TRY_AGAIN = {Status.UNREADY: HOUR, Status.NO_ANSWER: HOUR, Status.NO_TOKEN: DAY, Status.REFUSED: DAY}
_COUNTED = (Status.READY, Status.HIDDEN)


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Our count of one kind on one day beside LINE's, as they stood at `checked_at`."""

    channel_id: str
    day: date
    kind: Kind
    ours: int
    theirs: int | None
    """None unless `status` is ready."""
    status: Status
    detail: str | None = None
    """What LINE said, where it gave no count."""
    checked_at: int

    @property
    def difference(self) -> int | None:
        """LINE's count less ours: above 0, LINE counts more. None where LINE tells no number."""
        return None if self.theirs is None else self.theirs - self.ours

    @property
    def surplus(self) -> int:
        """1: LINE counts more than we; -1: we more than LINE; 0: no difference that can be seen."""
        if self.difference is not None:
            return (self.difference > 0) - (self.difference < 0)
        return -1 if self.status is Status.HIDDEN and self.ours >= HIDDEN_UNDER else 0

    @property
    def next_at(self) -> int | None:
        """When LINE is to be asked once more by itself; None: never."""
        _, end = span(self.day)
        if self.checked_at < end + FIRST:
            return end + FIRST
        if (pause := _TRY_AGAIN.get(self.status)) is not None:
            again = self.checked_at + pause
            return again if again <= end + LAST else None
        return end + AGAIN if self.status in _COUNTED and self.checked_at < end + AGAIN else None


def line_day(at: int) -> date:
    """LINE's day of a time in milliseconds."""
    return _EPOCH + timedelta(days=(at + OFFSET) // DAY)


def span(day: date) -> tuple[int, int]:
    """When LINE's day begins, and when the next one does, in milliseconds."""
    start = (day - _EPOCH).days * DAY - OFFSET
    return start, start + DAY


def parse_day(text: str) -> date:
    """A day such as 2026-08-07. Raises ValueError whose text is fit for people."""
    try:
        if (day := date.fromisoformat(text)).isoformat() == text:
            return day
    except ValueError:
        pass
    raise ValueError(f"{text[:40]!r} is no day. Write year, month and day, such as 2026-08-07.")


def days(since: date, until: date) -> list[date]:
    """Every day from `since` to `until`, both counted."""
    return [since + timedelta(days=i) for i in range((until - since).days + 1)]
