"""The content check of whole templates, of values, and its other parts: lengths, limits, notes, timing, own rules."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import line_catalogue
from todoke.core import template as templates
from todoke.core.content.check import About, ContentCheck
from todoke.core.content.codes import CODES, is_hard
from todoke.core.content.links import AllowedDomain
from todoke.core.content.note import NoteCheck, of_policy
from todoke.core.content.own_rules import read_rule
from todoke.core.content.settings import Settings, read_settings
from todoke.core.content.text import Checker
from todoke.core.content.timing import Moment, Timing, last_moment, moment_of, too_often, untimely
from todoke.core.durations import DAY, HOUR, parse_rfc3339
from todoke.core.errors import InvalidRule
from todoke.core.policy_text import parse_policy
from todoke.core.template_values import Type
from todoke.rules import load_checker
from todoke.rules.checks import load_data

DATA = load_data()
RULES = load_checker()
BARE = ContentCheck([Checker(())], DATA)
PARCEL: dict[str, Any] = {
    "name": "parcel",
    "use_case": "delivery",
    "parameters": {
        "order": {"type": "text", "example": "A-17"},
        "at": {"type": "datetime", "example": "2026-08-07 18:30"},
    },
    "flexible": [{"type": "text", "text": "訂單 {{order}} 已於 {{at}} 送達,若已取件請忽略。"}],
    "sms": "訂單 {{order}} 已於 {{at}} 送達,若已取件請忽略。",
}


def found(changes: dict[str, Any] | None = None, check: ContentCheck = BARE, **about: Any) -> dict[str, str]:
    """Code → pointer of what is found in the parcel template with these changes; notes about its use case left out."""
    template = templates.compile(PARCEL | (changes or {}))
    every = check.template(template, About(**{"country": "TW", **about}))
    return {
        x.code: x.pointer for x in every if x.code not in ("use-case-limit", "timing-event", "link-no-list")
    }


VIDEO = {
    "type": "video",
    "url": "https://s.example/v.mp4",
    "previewUrl": "https://s.example/v.png",
    "altContent": {"type": "box", "layout": "vertical", "contents": []},
}


def flex(*contents: Any, alt: str = "包裹已送達", **more: Any) -> list[dict[str, Any]]:
    body = {"type": "box", "layout": "vertical", "contents": list(contents)}
    return [{"type": "flex", "altText": alt, "contents": {"type": "bubble", "body": body, **more}}]


def button(uri: str) -> dict[str, Any]:
    return {"type": "button", "action": {"type": "uri", "label": "查詢", "uri": uri}}


def nested(depth: int) -> dict[str, Any]:
    box: dict[str, Any] = {"type": "text", "text": "x"}
    for _ in range(depth):
        box = {"type": "box", "layout": "vertical", "contents": [box]}
    return box


ITEMS = [{"itemKey": f"k{n}", "content": f"第 {n} 項"} for n in range(15)]


def test_a_good_template_has_no_finding_and_each_flaw_has_its_own_at_its_place() -> None:
    assert found() == {}
    note = " 8/7 送達,若已取件請忽略。"
    noted = {"type": "text", "text": note}

    def of_items(*items: dict[str, str], **more: Any) -> dict[str, Any]:
        return {
            "flexible": None,
            "line_template": {"templateKey": "t", "body": {"items": list(items), **more}},
        }

    cases: list[tuple[dict[str, Any], dict[str, str]]] = [
        ({"sms": "x" * 400 + note}, {"sms-segments": "/sms"}),
        ({"sms": "訂單 {{order}} 已於 {{at}} 送達"}, {"late-note": "/sms"}),
        ({"flexible": flex(button("https://s.example/o/1"), button("https://s.example/o/1"), noted)},
         {"button-duplicate": "/flexible/0/contents/body/contents/1/action/uri"}),
        ({"flexible": flex(noted, alt="通知")}, {"alt-text": "/flexible/0/altText"}),
        ({"flexible": flex(noted, hero=VIDEO)}, {"flexible-media": "/flexible/0/contents/hero"}),
        ({"flexible": flex(noted, {"type": "image", "url": "https://s.example/i.png"})},
         {"flexible-image": "/flexible/0/contents/body/contents/1"}),
        ({"flexible": flex(noted, nested(11))},
         {"flex-depth": "/flexible/0/contents/body/contents/1" + "/contents/0" * 9}),
        (of_items(*ITEMS), {"items-many": "/line_template/body/items"}),
        (of_items(ITEMS[0], ITEMS[1] | {"content": "第 0 項"}),
         {"item-duplicate": "/line_template/body/items/1/content"}),
        (of_items(buttons=[{"buttonKey": "a", "url": "https://s.example/"}]),
         {"link-front-page": "/line_template/body/buttons/0/url"}),
        ({"sms": "{{at}} A123456789 忽略"}, {"personal-national-id": "/sms"}),
        ({"use_case": "card_payment_alert"}, {"duplicate-unlawful": "/use_case"}),
        ({"parameters": PARCEL["parameters"] | {"order": {"type": "url", "example": "https://bit.ly/x"}}},
         {"link-shortener": "/parameters/order/example"}),
        ({"languages": {"th": {"sms": "พัสดุ {{order}} https://bit.ly/x"}}},
         {"late-note": "/languages/th/sms", "link-shortener": "/languages/th/sms"}),
    ]  # fmt: skip
    for changes, expected in cases:
        assert found(changes) == expected, changes


def test_a_finding_of_the_rules_for_text_stands_beside_the_others_and_an_offer_is_told_once() -> None:
    rules = [read_rule({"name": "r", "code": "promotion-link", "in": "links", "any": ["/coupon"], "remedy": "No.",
                        "finds": ["https://a.example/coupon"]}).rule]  # fmt: skip
    check = ContentCheck([Checker(rules)], DATA)
    assert found({"sms": "8/7 忽略 https://s.example/coupon/1"}, check) == {"promotion-link": "/sms"}
    assert found({"sms": "8/7 忽略 https://s.example/coupon/1"}) == {"link-campaign": "/sms"}


def test_an_account_that_has_not_said_which_domains_are_its_own_is_asked_to_once() -> None:
    template = templates.compile(PARCEL | {"sms": "8/7 忽略 https://s.example/1 https://s.example/2"})
    for allowed, asked in (((), ["/sms"]), ((AllowedDomain("s.example"),), [])):
        check = ContentCheck([Checker(())], DATA, allowed=allowed)
        every = check.template(template, About(country="TW"))
        assert [x.pointer for x in every if x.code == "link-no-list"] == asked


def test_what_is_switched_off_is_not_found_unless_it_is_hard() -> None:
    check = ContentCheck([Checker(())], DATA, off=["link-shortener", "personal-national-id"])
    assert found({"sms": "8/7 忽略 https://bit.ly/x A123456789"}, check) == {"personal-national-id": "/sms"}


def test_flex_nested_fifty_deep_is_a_clear_refusal() -> None:
    for depth in (50, 5000):
        node = json.loads('{"type":"box","contents":[' * min(depth, 300) + "]}" * min(depth, 300))
        with pytest.raises(templates.InvalidTemplate, match="nested deeper than 32"):
            templates.compile(PARCEL | {"flexible": flex(node)})


def test_words_that_speak_against_a_use_case_are_a_warning_and_its_limit_a_note() -> None:
    for use_case, text in {
        "reservation": "您預訂的飯店客房 {{order}}",
        "reservation_reminder": "提醒您:ZOOM 線上講座",
        "points_earned": "ＦＲＥＥ ＰＯＩＮＴＳ for you",
        "bill": "Your cart total",
        "delivery": "おすすめ商品はこちら",
        "contract_deadline_reminder": "คูปองหมดอายุ พรุ่งนี้",
    }.items():
        template = templates.compile(PARCEL | {"use_case": use_case, "sms": text})
        every = BARE.template(template, About(country="TW"))
        assert ("use-case-contradiction", "/sms") in [(x.code, x.pointer) for x in every], use_case
        assert [x.severity for x in every if x.code == "use-case-limit"] == ["note"], use_case
        assert "use-case-contradiction" not in found({"use_case": use_case, "sms": text}, country="TH")
    assert found({"use_case": "reservation", "sms": "{{at}} 訂位,請忽略 scarton zoological"}) == {}
    known = {case.key for case in line_catalogue.use_cases("TW")}
    assert set(DATA.limits) <= known


def test_the_note_for_late_duplicates_is_recognised_in_four_languages() -> None:
    notes = NoteCheck(DATA.notes)
    good = {
        "zh-Hant": ["8月7日送達,若已取件,請忽略此訊息。", "08/07 18:30 到貨,如已領取毋須理會"],
        "th": ["มาถึง 7 ส.ค. หากรับแล้ว โปรดละเว้นข้อความนี้", "เวลา 14:30 น. หากชำระแล้ว ขออภัยและโปรดเพิกเฉย"],
        "ja": [
            "8月7日に到着。お受け取り済みの場合は無視してください。",
            "18時30分 行き違いの際はご容赦ください",
        ],
        "en": [
            "Arrived 7 Aug. If collected, please ignore this message.",
            "2026-08-07: no action is needed if paid.",
        ],
    }
    for language, texts in good.items():
        assert [notes.missing(text, []) for text in texts] == [[], []], language
        assert notes.missing(notes.suggestion(language), [Type.DATETIME]) == [], language
    assert notes.missing("{{x}} 送達,請忽略", [Type.DATE]) == []
    assert notes.missing("送達,請忽略", [Type.TEXT]) == ["time"]
    assert notes.missing("已於 8/7 送達", []) == ["ignore"]
    short = parse_policy({"steps": [{"step": "line_notification", "wait": "30m"}, {"step": "sms"}]})
    (said,) = of_policy(short, ["ignore"], "SUGGESTED")
    assert "waits 30m" in said
    assert "SUGGESTED" in said
    long = parse_policy({"steps": [{"step": "line_notification", "wait": "24h"}, {"step": "sms"}]})
    alone = parse_policy({"steps": [{"step": "sms"}]})
    assert (
        of_policy(long, ["ignore"], "x")
        == of_policy(alone, ["ignore"], "x")
        == of_policy(short, [], "x")
        == []
    )


def test_a_time_is_read_with_its_zone_or_in_the_channels_country() -> None:
    assert moment_of("2026-08-10T18:30:00+08:00", "TH") == moment_of("2026-08-10 17:30", "TH")
    day = moment_of("2026-08-10", "JP")
    assert (day.begins, day.ends - day.begins) == (parse_rfc3339("2026-08-09T15:00:00Z"), DAY)
    for bad in ("8月10日 18:30", "2026-02-30", "0001-01-01", "9999-12-31", "2026-08-10T25:00", "", "x" * 999):
        with pytest.raises(ValueError, match="Write"):
            moment_of(bad, "TW")


def test_completion_comes_within_a_day_and_reminders_within_a_week_before_and_twice() -> None:
    at = parse_rfc3339("2026-08-10T10:00:00Z")
    event = Moment(at, at)
    rows = [
        (Timing.COMPLETION, event, at + DAY, None),
        (Timing.COMPLETION, event, at + DAY + 1, "too-late"),
        (Timing.COMPLETION, Moment(at, at + DAY), at + 2 * DAY, None),
        (Timing.COMPLETION, event, at - 30 * DAY, None),
        (Timing.REMINDER, event, at - 7 * DAY, None),
        (Timing.REMINDER, event, at - 7 * DAY - 1, "too-early"),
        (Timing.REMINDER, event, at, None),
        (Timing.REMINDER, event, at + 1, "too-late"),
        (Timing.NONE, event, at + 99 * DAY, None),
        (Timing.REMINDER, None, at, None),
    ]
    for timing, moment, now, reason in rows:
        why = untimely(timing, moment, now, DATA.timing)
        assert (why.reason if why else None) == reason, (timing, now - at)
    assert [bool(too_often(n, DATA.timing)) for n in range(4)] == [False, False, True, True]
    assert last_moment(Timing.COMPLETION, event, DATA.timing) == at + 24 * HOUR
    assert last_moment(Timing.REMINDER, event, DATA.timing) == at


def test_values_are_checked_as_they_meet_the_template() -> None:
    template = templates.compile(
        PARCEL
        | {
            "parameters": {
                "url": {"type": "url", "example": "https://shop.example/t/1"},
                "shop": {"type": "text", "example": "one"},
                "order": {"type": "text", "example": "A-17", "personal": "order_number"},
            },
            "sms": "{{url}} https://{{shop}}.shop.example/t {{order}} 8/7 忽略",
            "flexible": None,
        }
    )
    check = ContentCheck([Checker(())], DATA, allowed=[AllowedDomain("shop.example")])
    good = {"url": "https://shop.example/t/2", "shop": "two", "order": "A123456789"}
    values = check.values(template, "TW")
    assert values.errors(good) == []
    rows = {
        ("url", "https://other.example/t"): "link-off-list",
        ("url", "https://bit.ly/x"): "link-shortener",
        ("shop", "evil.example/x?"): "link-off-list",
        ("shop", "evil.example\\"): "link-user-info",
        ("shop", "4111 1111 1111 1111"): "personal-card-number",
        ("order", "見 http://shop.example/t"): "link-not-https",
    }
    for (name, value), code in rows.items():
        errors = [x for x in values.errors(good | {name: value}) if x.pointer == f"/parameters/{name}"]
        assert code in {x.code for x in errors}, (name, value)
        excused = check.values(template, "TW", [(code, name)])
        assert code not in {x.code for x in excused.errors(good | {name: value})}, (name, value)


def test_a_value_is_read_with_the_word_before_it_and_quoted_without_anybodys_number() -> None:
    template = templates.compile(
        PARCEL
        | {
            "parameters": {"no": {"type": "text", "example": "A-17"}, "x": {"type": "text", "example": "x"}},
            "sms": "個人番号: {{no}}\n{{x}} 8/7 忽略",
            "flexible": None,
        }
    )
    check = ContentCheck([Checker(())], DATA, allowed=[AllowedDomain("shop.example")])
    values = check.values(template, "JP")
    rows = {
        ("no", "1234-5678-9018"): ["personal-national-id"],
        ("x", "1234-5678-9018"): [],  # a parcel's
        ("x", "マイナンバー 123456789018"): ["personal-national-id"],
        ("x", "bit.\u200bly/x"): ["link-shortener"],
        ("x", "https%3A%2F%2Fbit.ly%2Fx"): ["link-shortener"],
        ("x", "网址：bit.ly/x"): ["link-shortener"],
    }
    for (name, value), codes in rows.items():
        assert [x.code for x in values.errors({"no": "A-17", "x": "x"} | {name: value})] == codes, value
    (quoted,) = values.errors({"no": "A-17", "x": "https://evil.example/?n=090-1234-5678"})
    assert "1234" not in quoted.words + quoted.remedy
    assert "5678" in quoted.words


_SEEN = st.fixed_dictionaries(
    {
        "no": st.sampled_from(
            ("A-17", "1234-5678-9018", "1234567890", "123456789018", "マイナンバー 123456789018", "優惠券")
        ),
        "x": st.sampled_from(
            ("x", "1234-5678-9018", "A123456789", "100% off", "信用卡", "https://shop.example/t/12345",
             "https://shop.example/t/54321", "https://shop.example/50000off", "https://bit.ly/12345", "他家電商")
        ),
    }
)  # fmt: skip


@given(st.lists(_SEEN, min_size=2, max_size=8))
def test_what_was_seen_before_changes_nothing_in_what_is_found(notices: list[dict[str, str]]) -> None:
    template = templates.compile(
        PARCEL
        | {
            "parameters": {"no": {"type": "text", "example": "A-17"}, "x": {"type": "text", "example": "x"}},
            "sms": "個人番号: {{no}}\n{{x}} 8/7 忽略",
            "flexible": None,
        }
    )
    check = ContentCheck([RULES, Checker([read_rule(OWN).rule])], DATA)
    values = check.values(template, "JP")
    for notice in notices:
        assert values.errors(notice) == check.values(template, "JP").errors(notice)
        assert values.errors(notice) == [x for x in values.all(notice) if x.severity == "error"]


def test_digits_alone_are_no_sale_and_a_code_to_be_copied_is_read() -> None:
    sale = Checker([read_rule(OWN | {"any": ["1111"], "finds": ["1111"], "passes": []}).rule])
    template = templates.compile(
        PARCEL | {"flexible": flex({"type": "text", "text": "{{order}} {{at}} 忽略"}), "sms": None}
    )
    values = ContentCheck([sale], DATA).values(template, "TW")
    assert values.errors({"order": "1111", "at": "2026-11-11 11:11"}) == []
    assert [x.code for x in values.errors({"order": "1111 購物節", "at": "x"})] == ["own-rival"]
    copied = button("x") | {"action": {"type": "clipboard", "label": "複製", "clipboardText": "他家電商"}}
    check = ContentCheck([Checker([read_rule(OWN).rule])], DATA)
    assert found({"flexible": flex(copied)}, check)["own-rival"].endswith("/clipboardText")


OWN: dict[str, Any] = {
    "name": "no rival", "code": "own-rival", "any": ["他家(電商|商城)"], "remedy": "Leave it out.",
    "finds": ["比他家電商快"], "passes": ["他家附近的門市"],
}  # fmt: skip


def test_a_rule_of_a_business_must_hold_on_its_own_examples() -> None:
    assert read_rule(OWN).rule.code == "own-rival"
    rows: list[tuple[dict[str, Any], str]] = [
        ({"finds": ["沒有"]}, "/finds/0"),
        ({"passes": ["他 家 商 城"]}, "/passes/0"),
        ({"finds": []}, "/finds"),
        ({"name": "a/b"}, "/name"),
        ({"code": "link-off-list"}, "/code"),
        ({"any": ["(a+)+b"]}, "/any/0"),
        ({"any": ["a" * 5000]}, "/any/0"),
        # These end, after years.
        ({"any": ["(a|aa)?" * 18 + "xyz"], "finds": ["a" * 1000]}, "/any/0"),
        ({"any": ["aa.{0,40}a.{0,40}a.{0,40}yz"]}, "/any/0"),
        ({"any": ["他家(電商|商城)"], "near": [".{0,40}a.{0,40}b"] * 10}, "/any"),
        ({"colour": 1}, ""),
        ({"severity": "fatal"}, "/severity"),
    ]
    for changes, pointer in rows:
        with pytest.raises(InvalidRule) as caught:
            read_rule(OWN | changes)
        assert caught.value.pointer == pointer, changes


def test_settings_name_domains_that_are_the_accounts_own_and_no_hard_limit_goes_off() -> None:
    who = {"by": "林雅婷", "why": "Our help desk is there."}
    good = {
        "links": ["Shop.Example", {"domain": "b.example.tw", "use_cases": ["bill"]}],
        "off": [{"code": "link-social", **who}],
    }
    read = read_settings(good, CODES, Settings(), 7)
    assert [x.domain for x in read.links] == ["shop.example", "b.example.tw"]
    assert [(x.code, x.at) for x in read.off] == [("link-social", 7)]
    assert read_settings(good, CODES, read, 99).off == read.off, "since when stays"
    rows: list[tuple[dict[str, Any], str]] = [
        ({"links": ["com.tw"]}, "/links/0/domain"),
        ({"links": ["github.io"]}, "/links/0/domain"),
        ({"links": ["https://shop.example/x"]}, "/links/0/domain"),
        ({"links": ["127.0.0.1"]}, "/links/0/domain"),
        ({"links": ["a.example", "a.example"]}, "/links"),
        ({"off": [{"code": "nonsense", **who}]}, "/off/0/code"),
        ({"off": [{"code": "personal-card-number", **who}]}, "/off/0/code"),
        ({"off": [{"code": "link-social", "by": "x", "why": who["why"]}]}, "/off/0/by"),
        ({"off": [{"code": "link-social", "by": "林雅婷", "why": "----------"}]}, "/off/0/why"),
    ]
    for settings, pointer in rows:
        with pytest.raises(InvalidRule) as caught:
            read_settings(settings, CODES, Settings(), 0)
        assert caught.value.pointer == pointer, settings


def test_the_documentation_lists_every_code_with_what_it_is_and_whether_it_can_be_overruled() -> None:
    text = (Path(__file__).parents[2] / "docs" / "content-check.md").read_text()
    for code, meant in CODES.items():
        hard = "no" if is_hard(code) else "yes"
        assert f"| `{code}` | {meant.severity} | {meant.what} | {hard} |" in text, code
