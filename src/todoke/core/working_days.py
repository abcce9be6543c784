"""Working days of the countries that LINE notifications serve: when an answer from LINE is to be expected.

The holidays are those of the library `holidays` (https://github.com/vacanza/holidays, MIT), which follows what each
government publishes: in Taiwan the days off that are moved and the Saturdays that are worked for them (補行上班日), in
Thailand the days in lieu and the bridges, in Japan the substitutes. For Japan the days on which its banks close
(31 December to 3 January) count as days off too: offices do the same. What a government decides later than the
library's release is not in it: an estimate, not a promise.
"""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from todoke.core.routing import UTC_OFFSET

if TYPE_CHECKING:
    from holidays import HolidayBase

FIRST, LAST = 10, 20
"""LINE's review takes 10 to 20 working days."""
_CATEGORIES = {"JP": ("public", "bank")}


@lru_cache(maxsize=8)
def _calendar(country: str) -> "HolidayBase":
    # Takes 50 ms to import and is asked for a few times a month: not when the program starts.
    from holidays import country_holidays  # noqa: PLC0415

    return country_holidays(country, categories=_CATEGORIES.get(country))


def local_date(country: str, at: int) -> date:
    """The date in a country (TW, TH, JP) at a time in milliseconds since the epoch."""
    return datetime.fromtimestamp((at + UTC_OFFSET[country]) / 1000, UTC).date()


def is_working_day(country: str, day: date) -> bool:
    """Whether offices work there on that day, by the calendar as far as it is known."""
    return bool(_calendar(country).is_working_day(day))


def after_working_days(country: str, day: date, count: int) -> date:
    """The day on which so many working days have passed; `day` itself is not counted."""
    while count > 0:
        day += timedelta(days=1)
        count -= is_working_day(country, day)
    return day


def answer_expected(country: str, submitted_at: int) -> tuple[date, date]:
    """Between which days LINE's answer to what was submitted at a time (in milliseconds) is to be expected."""
    day = local_date(country, submitted_at)
    first = after_working_days(country, day, FIRST)
    return first, after_working_days(country, first, LAST - FIRST)


def is_overdue(country: str, answer_until: date, now: int) -> bool:
    """Whether the last day on which an answer was to be expected is over there."""
    return local_date(country, now) > answer_until
