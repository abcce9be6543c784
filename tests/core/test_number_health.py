"""The word for a number follows from what carriers said of it last."""

import pytest

from todoke.core.durations import DAY
from todoke.core.number_health import Health, Result, record

NOW = 1_800_000_000_000


def line(days: int, **said: bool) -> Result:
    """Over LINE, so many days ago: shown, refused (422), silent, or matched only."""
    at = NOW - days * DAY
    shown = said.pop("shown", False)
    matched = not said.get("refused", False)
    return Result(
        at=at, line=True, matched=matched, shown_at=at + 1000 if shown else None, channel_id="C", **said
    )


def sms(days: int, *, came: bool) -> Result:
    at = NOW - days * DAY
    return Result(at=at, line=False, shown_at=at + 1000 if came else None, refused=not came, carrier="relay")


@pytest.mark.parametrize(
    ("results", "word"),
    [
        ([], Health.UNKNOWN),
        ([line(3)], Health.UNKNOWN),
        ([line(3, refused=True)], Health.UNKNOWN),
        ([line(3, silent=True)], Health.UNKNOWN),
        ([line(3, shown=True)], Health.FRESH),
        ([line(3, refused=True), sms(3, came=True)], Health.FRESH),
        ([line(30, shown=True), line(3, refused=True), sms(3, came=True)], Health.FRESH),
        ([line(30, shown=True), line(3, silent=True)], Health.FRESH),
        ([line(30, shown=True), *(line(x, silent=True) for x in (9, 6, 3))], Health.STALE),
        ([line(30, shown=True), line(3, refused=True)], Health.STALE),
        ([line(200, shown=True)], Health.STALE),
        ([line(30, shown=True), sms(3, came=False)], Health.STALE),
        ([line(3, refused=True), sms(3, came=False)], Health.BAD),
        ([sms(3, came=False)], Health.BAD),
        ([line(30, shown=True), line(3, refused=True), sms(3, came=False)], Health.BAD),
        ([line(9, refused=True), sms(9, came=False), line(3, shown=True)], Health.FRESH),
    ],
)
def test_a_number_has_the_word_that_its_last_results_give(results: list[Result], word: Health) -> None:
    found = record(results, NOW)
    assert (found.word, bool(found.why)) == (word, True)


def test_the_last_of_each_kind_is_told_whatever_the_order() -> None:
    found = record([sms(1, came=True), line(9, shown=True), line(2, refused=True), line(5, silent=True)], NOW)
    assert [
        None if x is None else (NOW - x.at) // DAY for x in (found.shown, found.unmatched, found.silent)
    ] == [9, 2, 5]
    assert found.matched is not None
    assert (NOW - found.matched.at) // DAY == 5
    assert found.sms_received is not None
    assert (found.sms_received.carrier, found.sms_failed) == ("relay", None)


@pytest.mark.parametrize(("days", "says"), [(0, "today"), (1, "a day ago"), (3, "3 days ago")])
def test_when_a_message_reached_it_is_said_as_people_say_it(days: int, says: str) -> None:
    assert record([line(days, shown=True)], NOW).why == f"a message reached it over LINE {says}"
