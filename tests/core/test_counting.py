"""LINE's days, and when a count is asked for again."""

from __future__ import annotations

from datetime import date

import pytest

from todoke.core.counting import Comparison, Kind, Status, days, line_day, parse_day, span
from todoke.core.durations import DAY, HOUR, parse_rfc3339

TODAY = date(2026, 8, 7)
END = parse_rfc3339("2026-08-07T15:00:00Z")


def compared(
    checked_at: int, status: Status = Status.READY, theirs: int | None = None, ours: int = 0
) -> Comparison:
    return Comparison(
        channel_id="C",
        day=TODAY,
        kind=Kind.PUSH,
        ours=ours,
        theirs=theirs,
        status=status,
        checked_at=checked_at,
    )


def test_a_day_of_line_ends_at_three_in_the_afternoon_utc() -> None:
    assert span(TODAY) == (END - DAY, END)
    assert (line_day(END - DAY), line_day(END - 1), line_day(END)) == (TODAY, TODAY, date(2026, 8, 8))
    assert days(date(2026, 7, 31), date(2026, 8, 2)) == [
        date(2026, 7, 31),
        date(2026, 8, 1),
        date(2026, 8, 2),
    ]


@pytest.mark.parametrize(
    "text", ["", "20260807", "2026-W32-5", "2026-02-30", "7 August", "2026-08-07T00:00:00Z"]
)
def test_what_is_no_day_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="such as 2026-08-07"):
        parse_day(text)
    assert parse_day("2026-08-07") == TODAY


@pytest.mark.parametrize(
    ("checked_after", "status", "again_after"),
    [
        # Asked by hand while the day was not over: at the usual time all the same.
        (-HOUR, Status.UNREADY, 4 * HOUR),
        (4 * HOUR, Status.READY, 28 * HOUR),
        (4 * HOUR, Status.HIDDEN, 28 * HOUR),
        (28 * HOUR, Status.READY, None),
        (4 * HOUR, Status.UNREADY, 5 * HOUR),
        (4 * HOUR, Status.NO_ANSWER, 5 * HOUR),
        (30 * HOUR, Status.UNREADY, 31 * HOUR),
        (7 * DAY, Status.UNREADY, None),
        (4 * HOUR, Status.NO_TOKEN, 28 * HOUR),
        (4 * HOUR, Status.REFUSED, 28 * HOUR),
        (4 * HOUR, Status.NOT_ALLOWED, None),
        (4 * HOUR, Status.OUT_OF_SERVICE, None),
    ],
)
def test_a_count_is_asked_for_again_until_it_is_known_and_once_more_a_day_later(
    checked_after: int, status: Status, again_after: int | None
) -> None:
    wanted = None if again_after is None else END + again_after
    assert compared(END + checked_after, status).next_at == wanted


def test_every_status_comes_to_an_end() -> None:
    for status in Status:
        at, rounds = END, 0
        while (following := compared(at, status).next_at) is not None:
            assert following > at
            at, rounds = following, rounds + 1
        assert rounds <= 7 * 24


@pytest.mark.parametrize(
    ("status", "ours", "theirs", "surplus"),
    [
        (Status.READY, 3, 4, 1),
        (Status.READY, 4, 3, -1),
        (Status.READY, 3, 3, 0),
        (Status.HIDDEN, 19, None, 0),
        (Status.HIDDEN, 20, None, -1),
        (Status.UNREADY, 20, None, 0),
    ],
)
def test_who_counts_more(status: Status, ours: int, theirs: int | None, surplus: int) -> None:
    assert compared(END, status, theirs, ours).surplus == surplus
