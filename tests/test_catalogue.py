"""The catalogue holds what was published, and no more."""

import re
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import phonenumbers
import pytest

import line_catalogue

LANGUAGES = {"zh-Hant", "th", "ja", "en"}


def test_taiwan_has_18_use_cases_thailand_22_and_japan_those_of_the_page_that_is_known() -> None:
    assert {c: len(line_catalogue.use_cases(c)) for c in line_catalogue.countries()} == {
        "TW": 18,
        "TH": 22,
        "JP": 10,
    }


@pytest.mark.parametrize("country", ["TW", "TH", "JP"])
def test_use_cases_are_numbered_in_order_and_named_in_four_languages(country: str) -> None:
    cases = line_catalogue.use_cases(country)
    assert [case.number for case in cases] == list(range(1, len(cases) + 1))
    assert len({case.key for case in cases}) == len(cases)
    own = {"TW": "zh-Hant", "TH": "en", "JP": "ja"}[country]  # LINE's page for Thailand is in English.
    for case in cases:
        assert set(case.names) == LANGUAGES, case.key
        assert case.names[own] == case.name
        assert set(case.limit_texts) in (set(), LANGUAGES), case.key
        texts = [*case.names.values(), *case.limit_texts.values()]
        assert all(text == text.strip() and text for text in texts), case.key
        for language, script in (("th", "[ก-๙]"), ("ja", "[ぁ-んァ-ヶ一-龯]"), ("zh-Hant", "[一-龯]")):
            for texts_of in (case.names, case.limit_texts):
                assert language not in texts_of or re.search(script, texts_of[language]), (case.key, language)
        # What people write for a use case means it, in any of the languages, and nothing else.
        for name in (*case.names.values(), case.key, case.name.upper()):
            found = line_catalogue.use_case_named(country, name)
            assert found is not None
            assert found.key == case.key


def test_limits_are_lines_own_and_only_taiwan_has_them() -> None:
    limited = {case.key: case.limits for case in line_catalogue.use_cases("TW") if case.limits}
    assert len(limited) == 13
    assert limited["reservation"] == "only restaurant tables, offline services, offline events"
    assert limited["points_earned"] == "not points given away by a promotion"
    assert not any(case.limits for c in ("TH", "JP") for case in line_catalogue.use_cases(c))


def test_reminders_and_completions_are_told_apart() -> None:
    timing = {(c, case.key): case.timing for c in ("TW", "TH") for case in line_catalogue.use_cases(c)}
    assert {key for (_, key), kind in timing.items() if kind == "reminder"} == {
        *("reservation_reminder", "rental_expiry", "contract_deadline_reminder", "payment_reminder"),
        *("transport_reminder", "departure_notice", "expiration_notice"),
    }
    assert all(kind == "completion" for (_, key), kind in timing.items() if key.endswith("_completed"))
    assert timing["TW", "otp_member_application"] == timing["TH", "contact_center"] == "none"


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


def test_published_keys_are_japans_each_with_its_source_and_no_other_key_is_published() -> None:
    keys = line_catalogue.published_keys()
    assert (len(keys.templates), len(keys.items), len(keys.buttons)) == (11, 15, 8)
    assert len({(x.kind, x.key) for x in keys.keys}) == len(keys.keys) == 34
    # Those of the examples in LINE's reference.
    assert {x.key for x in keys.keys if "examples" in x.source} == {
        *("shipment_completed_ja", "date_002_ja", "time_range_001_ja", "number_001_ja", "price_001_ja"),
        "name_010_ja",
    }
    cases = {case.key: case for case in line_catalogue.use_cases("JP")}
    for x in keys.keys:
        assert x.country == "JP"
        assert x.source.startswith("https://developers.line.biz/")
        assert line_catalogue.is_published("JP", x.kind, x.key)
        assert not line_catalogue.is_published("TW", x.kind, x.key)
        assert x.use_case is None or cases[x.use_case].name == x.name
        assert line_catalogue.key_label(x.key)
    assert not line_catalogue.is_published("JP", "button", "date_002_ja")
    assert not line_catalogue.is_published("JP", "template", "example_reserve")
    # LINE's own words where its page has them, else the project's reading.
    assert line_catalogue.key_label("check_delivery_status_ja") == "配達状況を確認する"
    assert line_catalogue.key_label("shipment_completed_ja") == "発送完了のお知らせ"
    assert line_catalogue.key_label("example_reserve") is None


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
