"""What the content check finds in texts: the labelled sets, spellings, exceptions, and the quick way for values."""

import json
from pathlib import Path
from unittest.mock import patch

import pytest
from bench import content as figures
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from todoke.core.content import Severity
from todoke.core.content.patterns import read_pattern
from todoke.core.content.rules import compile_rules
from todoke.core.content.second_look import SecondLook
from todoke.core.content.text import LONGEST, Checker
from todoke.core.content.tone import Tone, grams_of
from todoke.core.errors import InvalidRule
from todoke.core.template import compile
from todoke.rules import load_checker, load_rules, rules_version
from todoke.storage.desks import built_in

CHECKER = load_checker()
TUNED = [json.loads(x) for x in (figures.DATA / "tuned.jsonl").read_text(encoding="utf-8").splitlines()]


def codes(text: str, **known: str) -> set[str]:
    return {finding.code for finding in CHECKER.check_text(text, **known)}


@pytest.mark.parametrize(
    ("names", "least_recall", "most_alarms"),
    [(figures.SETS[:-1], 0.95, 0.05), (("unseen",), 0.90, 0.08)],
)
def test_the_labelled_sets_are_told_apart(
    names: tuple[str, ...], least_recall: float, most_alarms: float
) -> None:
    messages = [message for name in names for message in figures.read(name, CHECKER)]
    recall, alarms, bad, good = figures.rates(messages)
    wrong = [(message.id, message.found) for message in messages if message.violates != bool(message.found)]
    assert recall >= least_recall, wrong
    assert alarms <= most_alarms, wrong
    assert bad + good >= 200


def test_the_labelled_set_is_as_large_and_as_wide_as_it_says() -> None:
    assert len(TUNED) >= 480
    assert {row["language"] for row in TUNED} == {"zh-Hant", "th", "ja", "en"}
    cases = {(row["country"], row["use_case"]) for row in TUNED}
    assert len({case for country, case in cases if country == "TW"}) >= 18
    assert len({case for country, case in cases if country == "TH"}) >= 22
    allowed = sum(row["label"] == "allowed" for row in TUNED)
    assert 0.4 < allowed / len(TUNED) < 0.6
    assert all(row["why"] and row["kind"] and row["part"] for row in TUNED)
    assert len({row["text"] for row in TUNED}) == len(TUNED)


SPELLINGS = {
    "包裹到了，優 惠　券 等您": "優 惠　券",
    "包裹到了，優\u200b惠\u2060券 等您": "優\u200b惠\u2060券",
    "包裹到了，优惠券等您": "优惠券",
    "包裹到了，優惠卷等您": "優惠卷",
    "包裹到了，優🔥惠🔥券等您": "優🔥惠🔥券",
    "parcel here, ｃｏｕｐｏｎ inside": "ｃｏｕｐｏｎ",
    "parcel here, c-o-u-p-o-n inside": "c-o-u-p-o-n",
    "parcel here, cou.pon inside": "cou.pon",
    "parcel here, c0up0n inside": "c0up0n",
    "parcel here, сoupоn inside": "сoupоn",
    "parcel here, ⓒⓞⓤⓟⓞⓝ inside": "ⓒⓞⓤⓟⓞⓝ",
    "parcel here, 🅲🅾🆄🅿🅾🅽 inside": "🅲🅾🆄🅿🅾🅽",
    "parcel here, c̶o̶u̶p̶o̶n̶ inside": "c̶o̶u̶p̶o̶n̶",
    "parcel here, couuuupon inside": "couuuupon",
    "พัสดุถึงแล้ว ค ู ป อ ง": "ค ู ป อ ง",
    "พัสดุถึงแล้ว คูู\u200bปอง": "คูู\u200bปอง",
    "発送しました。ｸｰﾎﾟﾝ配布": "ｸｰﾎﾟﾝ",
    "発送しました。ク一ポン配布": "ク一ポン",
    "発送しました。くーぽん配布": "くーぽん",
    "発送しました。ク・ー・ポ・ン配布": "ク・ー・ポ・ン",
}


def test_a_word_is_found_in_every_disguise_and_quoted_as_written() -> None:
    for text, words in SPELLINGS.items():
        found = [x for x in CHECKER.check_text(text, pointer="/sms") if x.code == "coupon"]
        assert found, text
        assert found[0].words.strip("̶") == words.strip("̶")
        assert (found[0].severity, found[0].pointer) == (Severity.ERROR, "/sms")
        assert found[0].remedy


def test_what_only_looks_like_advertising_is_let_through() -> None:
    for text in (
        "您的骨折復健預約為 8/16 10:00", "列車將於折返站停靠", "《折扣的藝術》已寄出", "本次使用購物金折抵 200 元",
        "小計: 1,200\n折扣: -120\n應付: 1,080", "驗證碼 482913", "セールスフォース研修を予約しました",
        "メッセージをお送りします", "ポイント利用 300pt", "point of sale receipt 0031", "Discount: -$5",
        "toll-free 1234",
        "โปรดชำระภายใน 25 ส.ค.", "ใช้ลดหย่อนภาษีได้", "โปรแกรมของคุณ", "https://shop.example/o/SALE50",
    ):  # fmt: skip
        assert not [x for x in CHECKER.check_text(text) if x.severity == Severity.ERROR], text


def test_a_link_is_read_by_the_rules_for_links_only() -> None:
    assert codes("看訂單 https://shop.example/o/1?utm_campaign=notice") == set()
    assert codes("看訂單 https://shop.example/coupons") == {"promotion-link"}
    assert codes("看訂單 https://shop.example/cou%70ons/1") == {"promotion-link"}
    assert "coupon" in codes("https://shop.example/優惠券")


def test_a_text_is_checked_in_its_language_and_whatever_it_mixes_in() -> None:
    assert codes("พัสดุถึงแล้ว รับคูปอง", language="en") & codes("包裹已到 Flash Sale", language="zh-Hant") == set()
    assert "coupon" in codes("พัสดุถึงแล้ว รับคูปอง", language="en")
    assert "price-off" in codes("包裹已到 Flash Sale", language="zh-Hant")
    assert "coupon" in codes("優惠券 クーポン คูปอง", country="TW")


def test_fixed_text_is_read_with_digits_and_words_in_its_holes() -> None:
    assert [x.code for x in CHECKER.check_fixed("全館 {{n}} 折", pointer="/sms")] == ["price-off"]
    assert [x.code for x in CHECKER.check_fixed("Take {{n}}% off")] == ["price-off"]
    assert CHECKER.check_fixed("您的包裹 {{number}} 將於 {{date}} 送達，應付 {{amount}} 元") == []
    assert [x.code for x in CHECKER.check_fixed("Hello {{word}}", {"word": "coupon"})] == ["coupon"]


def test_a_value_and_the_text_beside_it_are_read_together() -> None:
    assert CHECKER.check_joints("本店的優{{x}}", {"x": "惠券"}, pointer="/sms")[0].words == "優惠券"
    assert CHECKER.check_joints("本店的{{x}}", {"x": "地址"}) == []
    assert CHECKER.check_values({"x": "券"}) == []


def test_what_is_checked_of_a_huge_text_is_its_beginning() -> None:
    for piece in ("優-", "s a", "8 折", "\u0e39"):
        huge = piece * (1_000_000 // len(piece))
        found = CHECKER.check_values({"x": huge}, pointer="")
        assert found == CHECKER.check_text(huge[:LONGEST], pointer="/x")


_JOINS = st.sampled_from(
    ["", "", "", " ", "-", ".", "・", "\u200b", "\u3000", "*", "🔥", "\u0e48", "、", "\n", "%2", "/"]
)
_PIECES = st.one_of(
    st.sampled_from(sorted({c for row in TUNED for c in row["text"]})),
    st.sampled_from([row["text"] for row in TUNED]).flatmap(
        lambda text: st.integers(0, len(text) - 1).flatmap(
            lambda at: st.integers(1, 14).map(lambda length: text[at : at + length])
        )
    ),
    st.sampled_from(["coupon", "SALE", "d1scount", "fr33", "ｆｒｅｅ", "c0up0n", "$ale", "www.a.example/sale",
                     "lin.ee/x", "é", "〇",
                     "優惠券", "クーポン", "力ード", "割 引",
                     "ส่วนลด", "เเถม", "ฟรี", "https://a.example/sale", "https://a.example/%73ale", "http://",
                     "50%", "折"]),
)  # fmt: skip


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(_PIECES, _JOINS, st.booleans()), max_size=6), st.booleans())
def test_the_quick_way_gives_of_a_value_what_the_full_check_gives(
    pieces: list[tuple[str, str, bool]], link: bool
) -> None:
    value = ("https://x.example/" if link else "") + "".join(
        (join.join(piece) if apart else piece) + join for piece, join, apart in pieces
    )
    with patch("todoke.core.content.text.SHORT", -1):  # no pattern is left out for what its skeleton lacks
        full = CHECKER.check_text(value, pointer="/x")
    assert CHECKER.check_text(value, pointer="/x") == full
    assert CHECKER.check_values({"a": "A-1", "x": value}, pointer="") == full
    assert CHECKER.may_find(value) or not full


def test_the_rules_of_the_project_are_complete() -> None:
    rules = load_rules()
    listed = (Path(__file__).parents[2] / "docs" / "content-check.md").read_text(encoding="utf-8")
    assert {rule.code for rule in rules if f"`{rule.code}`" not in listed} == set()
    for language in ("zh-Hant", "th", "ja", "en"):
        errors = {rule.code for rule in rules if language in rule.languages and rule.severity == "error"}
        assert len(errors) >= 10, language
    assert len(rules_version()) == 12
    # What stands beside the words looked for is read when it is first wanted: a mistake in it shows here.
    for rule in rules:
        for beside in (rule.near, rule.unless, rule.unless_near, rule.unless_text):
            for source in beside.sources:
                read_pattern(source, rule.code, looked_for=False)


BROKEN = (
    ({"any": ["a*b"]}, "/0/any/0"), ({"any": ["(ab)+"]}, "/0/any/0"), ({"any": ["(a{1,9}){2,9}"]}, "/0/any/0"),
    ({"any": ["ab{1,99}"]}, "/0/any/0"), ({"any": ["(ab"]}, "/0/any/0"), ({"any": ["ab)"]}, "/0/any/0"),
    ({"any": ["[ab"]}, "/0/any/0"), ({"any": ["a|"]}, "/0/any/0"), ({"any": [".."]}, "/0/any/0"),
    ({"any": ["(?=ab)cd"]}, "/0/any/0"), ({"any": [r"ab\1"]}, "/0/any/0"), ({"any": ["ab" * 700]}, "/0/any/0"),
    ({"any": ["("] * 3}, "/0/any/0"), ({"any": ["(" * 9 + "ab" + ")" * 9]}, "/0/any/0"), ({"any": []}, "/0/any"),
    ({"any": "ab"}, "/0/any"), ({"any": ["a.{0,9}b.{0,9}c.{0,9}d.{0,9}e.{0,9}ff"]}, "/0/any/0"),
    ({"code": "Not A Word"}, "/0/code"), ({"severity": "fatal"}, "/0/severity"), 
    ({"languages": ["fr"]}, "/0/languages/0"),
    ({"remedy": " "}, "/0/remedy"), ({"colour": 1}, "/0"), ({"use_cases": ["A B"]}, "/0/use_cases/0"), 
    ({"in": "images"}, "/0/in"),
)  # fmt: skip


def test_a_rule_that_could_run_away_or_says_nothing_is_refused_with_its_place() -> None:
    for part, pointer in BROKEN:
        with pytest.raises(InvalidRule) as refused:
            compile_rules([{"code": "house", "remedy": "Leave it out.", "any": ["abc"], **part}])
        assert refused.value.pointer == pointer, part
        assert len(refused.value.message) < 400


def test_a_rule_of_a_business_holds_where_it_says() -> None:
    own = Checker(
        compile_rules(
            [
                {
                    "code": "rival",
                    "remedy": "Name no rival.",
                    "any": ["蝦皮", "(acme|apex) corp"],
                    "severity": "warning",
                },
                {
                    "code": "fee",
                    "remedy": "State it.",
                    "any": ["手續費"],
                    "use_cases": ["bill"],
                    "unless_near": ["免收"],
                },
            ]
        )
    )
    assert [(x.code, x.severity, x.words) for x in own.check_text("在蝦-皮 or ACME  Corp")] == [
        ("rival", "warning", "蝦-皮"), ("rival", "warning", "ACME  Corp")
    ]  # fmt: skip
    assert own.check_text("手續費 10 元", use_case="delivery") == []
    assert own.check_text("免收手續費", use_case="bill") == []
    assert [x.code for x in own.check_text("手續費 10 元", use_case="bill")] == ["fee"]


@settings(max_examples=300)
@given(
    st.one_of(
        st.from_regex(r"[0-9]{3,16}", fullmatch=True),
        st.from_regex(r"[A-Z]{1,3}[0-9]{6,9}(-[0-9]{1,5})?", fullmatch=True),
        st.from_regex(r"(NT\$|฿|¥)?[1-9][0-9]{0,2}(,[0-9]{3})?(\.00)?( 元| บาท|円)?", fullmatch=True),
        st.from_regex(
            r"20[0-9]{2}[-/](0[1-9]|1[0-2])[-/](0[1-9]|[12][0-9])( [0-2][0-9]:[0-5][0-9])?", fullmatch=True
        ),
        st.from_regex(r"•{4}[0-9]{4}", fullmatch=True),
    )
)
def test_no_number_amount_or_date_is_taken_for_a_campaign(value: str) -> None:
    for text in (value, f"單號 {value} 已送達", f"เลขที่ {value} ถึงแล้ว"):
        assert CHECKER.check_text(text) == []


SOLD = Checker(
    compile_rules([{"code": "coupon", "severity": "error", "any": ["coupon"], "remedy": "Take it out."}])
).rules
LONG = "Your parcel 4711 has come to the shop on Main Street. {} Please bring your code until Friday."


@pytest.mark.parametrize(
    ("bias", "text", "expected"),
    [
        (-9, LONG.format("The coupon was used."), [("coupon", "warning")]),
        (0, LONG.format("The coupon was used."), [("coupon", "error")]),
        (9, LONG.format("The coupon was used."), [("coupon", "error")]),
        (9, LONG.format("It is yours."), [("reads-like-advertising", "error")]),
        (0, LONG.format("It is yours."), []),
        # Too short to say anything about, or no text at all.
        (-9, "A coupon for you!", [("coupon", "error")]),
        (9, "Your parcel has come.", []),
        (9, "https://shop.example/orders/4711?" + "x" * 80, []),
    ],
)
def test_the_second_look_weighs_what_the_rules_found(
    bias: float, text: str, expected: list[tuple[str, str]]
) -> None:
    checker = Checker(SOLD, second=SecondLook(lambda: Tone(bias, {}), "Say only what concerns the order."))
    assert [(x.code, x.severity) for x in checker.check_text(text)] == expected
    assert [(x.code, x.severity) for x in checker.check_values({"x": text})] == expected


def test_an_advertisement_in_a_long_honest_text_is_not_lost_in_it() -> None:
    words = [a + b + c for a in "bdfghjkmnprst" for b in "aeiou" for c in "klmnrstvwz"]
    honest = " ".join(words[:300]) + ". "
    plain = dict.fromkeys(grams_of(" ".join(words)), (-100, 100))
    tone = Tone(0, {**plain, **dict.fromkeys(("coup", "oupo", "upon"), (9500, 100))})
    checker = Checker(SOLD, second=SecondLook(lambda: tone, "Say only what concerns the order."))
    text = f"{honest} coupon {' '.join(words[300:])}"
    assert tone.of(text) < 0.08
    assert [x.severity for x in checker.check_text(text)] == [Severity.ERROR]


def test_many_notices_looked_at_together_are_harmless_only_where_each_is() -> None:
    """`harmless` may be unsure, never wrong; and of plain values it is sure."""
    notices = [{"name": "王小明", "note": text} for text in (m["text"] for m in TUNED[::15])]
    notices += [{"name": f"王{n}", "note": f"TW2026{n:06}"} for n in range(200)]
    notices += [
        {"name": name, "note": note}
        for name in ("A12345678", "9", "限時特", "1234567", "https://shop.example/1")
        for note in ("價", "A123456789", "4111 1111 1111 1111", "bit.ly/x", "", "好\n7", "％", "%6c")
    ]
    notices = notices[::2] + notices[1::2]
    template = compile({
        "name": "t", "use_case": "delivery", "sms": "{{name}} {{note}}",
        "parameters": {x: {"type": "text", "example": "x"} for x in ("name", "note")},
    })  # fmt: skip
    together, alone = (built_in().values(template, "TW") for _ in range(2))
    for _ in range(2):
        sure = together.harmless(notices)
        found = [bool(alone.errors(values)) for values in notices]
        assert not [x for x, is_sure, is_bad in zip(notices, sure, found, strict=True) if is_sure and is_bad]
        assert sum(sure) > 200
        assert sum(found) > 10
