"""Durations and times as people and JSON write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from todoke.core.durations import format_duration, parse_duration, parse_rfc3339, rfc3339


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [("90s", 90_000), ("30m", 1_800_000), ("24h", 86_400_000), ("7d", 604_800_000), ("1s", 1000)],
)
def test_a_duration_is_a_whole_number_and_a_unit(text: str, milliseconds: int) -> None:
    assert parse_duration(text) == milliseconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "s",
        "0s",
        "-1h",
        "+1h",
        "1.5h",
        "1 h",
        " 1h",
        "1h ",
        "1H",
        "h1",
        "30",
        "1w",
        "٣h",
        "１h",
        "1e3s",
        "1_0s",
        "12345678901s",
        None,
        30,
        1.5,
        ["1h"],
        {"h": 1},
        True,
    ],
)
def test_anything_else_is_refused_with_the_value_and_an_example(text: object) -> None:
    with pytest.raises(ValueError, match=r"is no duration.*such as 30m") as error:
        parse_duration(text)
    assert repr(str(text)[:40]) in str(error.value)


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, "0s"),
        (999, "0s"),
        (1500, "1s"),
        (60_000, "1m"),
        (90_000, "90s"),
        (14_400_000, "4h"),
        (86_400_000, "1d"),
        (90_000_000, "25h"),
        (24 * 3_600_000 + 600_000, "1450m"),
    ],
)
def test_a_duration_is_written_in_the_largest_unit_that_fits(milliseconds: int, text: str) -> None:
    assert format_duration(milliseconds) == text


@given(st.integers(1, 999_999_999))
def test_a_duration_of_whole_seconds_survives_being_written(seconds: int) -> None:
    assert parse_duration(format_duration(seconds * 1000)) == seconds * 1000


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2026-08-07T09:30:00Z", 1_786_095_000_000),
        ("2026-08-07T17:30:00+08:00", 1_786_095_000_000),
        ("2026-08-07T17:30:00.123+08:00", 1_786_095_000_123),
        ("2026-08-06T23:30:00-10:00", 1_786_095_000_000),
    ],
)
def test_a_time_is_rfc_3339_with_a_zone(text: str, milliseconds: int) -> None:
    assert parse_rfc3339(text) == milliseconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tomorrow",
        "2026-08-07",
        "2026-08-07T09:30:00",
        "2026-13-07T09:30:00Z",
        "2026-02-30T00:00:00Z",
        "2026-08-07T09:30:00+99:00",
        "1786095000",
        "x" * 1000,
    ],
)
def test_a_time_without_a_zone_or_no_time_at_all_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no time.*2026-08-07T09:30:00Z") as error:
        parse_rfc3339(text)
    assert len(str(error.value)) < 150


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
def test_the_ends_of_the_calendar_are_times_too(text: str) -> None:
    assert isinstance(parse_rfc3339(text), int)


@given(st.integers(0, 4_102_444_800_000))
def test_a_time_survives_being_written(milliseconds: int) -> None:
    text = rfc3339(milliseconds)
    assert text.endswith("Z")
    assert parse_rfc3339(text) == milliseconds


def test_a_time_is_written_in_utc_with_milliseconds() -> None:
    assert rfc3339(1_786_095_000_007) == "2026-08-07T09:30:00.007Z"
