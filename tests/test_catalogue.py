"""The catalogue holds what was published, and no more."""

from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import phonenumbers
import pytest

import line_catalogue


def test_taiwan_has_18_use_cases_thailand_22_and_japan_no_published_list() -> None:
    assert {c: len(line_catalogue.use_cases(c)) for c in line_catalogue.countries()} == {
        "TW": 18,
        "TH": 22,
        "JP": 0,
    }


@pytest.mark.parametrize("country", ["TW", "TH"])
def test_use_cases_are_numbered_in_order_and_their_keys_differ(country: str) -> None:
    cases = line_catalogue.use_cases(country)
    assert [case.number for case in cases] == list(range(1, len(cases) + 1))
    assert len({case.key for case in cases}) == len(cases)


def test_a_use_case_is_found_by_country_and_key() -> None:
    bill = line_catalogue.use_case("TW", "bill")
    assert bill is not None
    assert (bill.number, bill.name, bill.urgency) == (12, "費用確認(帳單)通知", "over 1d")
    assert line_catalogue.use_case("TH", "bill") is None
    assert line_catalogue.use_case("JP", "delivery") is None


@pytest.mark.parametrize("country", ["US", "prices", ""])
def test_a_country_that_is_not_served_is_a_key_error(country: str) -> None:
    with pytest.raises(KeyError):
        line_catalogue.use_cases(country)
    with pytest.raises(KeyError):
        line_catalogue.use_case(country, "delivery")


def test_urgency_is_as_the_deck_names_it() -> None:
    urgencies = {case.key: case.urgency for case in line_catalogue.use_cases("TW")}
    assert (urgencies["outage"], urgencies["purchase_completed"], urgencies["delivery"]) == ("1h", "5m", "1d")
    assert [advice.within for advice in line_catalogue.urgency_advice()] == ["over 1d", "1d", "1h", "5m"]


def test_waits_cover_every_urgency() -> None:
    assert line_catalogue.waits() == {"over 1d": "24h", "1d": "4h", "1h": "sms_first", "5m": "sms_first"}


def test_only_the_keys_of_the_public_reference_are_given() -> None:
    keys = line_catalogue.published_keys()
    assert keys.templates == ("shipment_completed_ja",)
    assert keys.items == ("date_002_ja", "time_range_001_ja", "number_001_ja", "price_001_ja", "name_010_ja")
    assert keys.buttons == ("check_delivery_status_ja", "contact_ja")


def test_money_is_exact_and_only_taiwan_has_prices() -> None:
    prices = {(p.country, p.step): (p.lowest, p.highest, p.currency) for p in line_catalogue.prices()}
    assert prices == {
        ("TW", "line_notification"): (Decimal("0.2"), Decimal("0.2"), "TWD"),
        ("TW", "sms"): (Decimal("0.8"), Decimal("2.0"), "TWD"),
    }


def test_a_late_card_payment_alert_is_unlawful() -> None:
    assert line_catalogue.duplicate_unlawful() == {"card_payment_alert"}


def test_countries_have_true_calling_codes_time_zones_and_a_name_in_each_language() -> None:
    offsets = {"TW": 8, "TH": 7, "JP": 9}
    currencies = {"TW": "TWD", "TH": "THB", "JP": "JPY"}
    for code, country in line_catalogue.countries().items():
        assert country.calling_code == str(phonenumbers.country_code_for_region(code))
        offset = ZoneInfo(country.time_zone).utcoffset(datetime(2026, 8, 10))
        assert offset is not None
        assert offset.total_seconds() == offsets[code] * 3600
        assert country.currency == currencies[code]
        assert set(country.names) == {"zh-Hant", "th", "ja", "en"}
        assert country.language in country.names


@pytest.mark.parametrize(
    ("language", "label"),
    [
        ("ja", "重要なお知らせ"),
        ("th", "การแจ้งเตือนสำคัญ"),
        ("zh-Hant", "重要通知"),
        ("zh-Hans", "重要通知"),
        ("en", "Important notification"),
        ("ko", "Important notification"),
    ],
)
def test_the_label_follows_the_apps_language(language: str, label: str) -> None:
    assert line_catalogue.label(language) == label
