"""Which SMS from a recipient is an opt-out, and which is not."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from todoke.core.opt_out_words import LONGEST, OPT_IN, OPT_OUT, Meaning, meaning

OUT = sorted({word for words in OPT_OUT.values() for word in words})
IN = sorted({word for words in OPT_IN.values() for word in words})
MARKS = st.text(
    st.sampled_from(" \t\n\r　。、，．.!！?？~～…・「」\"'()（）-—_*#@🙏🏻❤️\u200b\ufeff"), max_size=6
)


def full_width(text: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


def means(text: str) -> str | None:
    said = meaning(text)
    return None if said is None else str(said.meaning)


@pytest.mark.parametrize("word", OUT)
def test_every_word_of_the_table_opts_out(word: str) -> None:
    assert means(word) == "opt_out"


@pytest.mark.parametrize("word", IN)
def test_every_word_of_the_other_table_opts_in(word: str) -> None:
    assert means(word) == "opt_in"


def test_every_served_country_and_english_has_its_words() -> None:
    assert set(OPT_OUT) == set(OPT_IN) == {"en", "zh-Hant", "zh-Hans", "th", "ja"}
    for wanted in ("STOP", "UNSUBSCRIBE", "退訂", "取消訂閱", "拒收", "ยกเลิก", "หยุด", "配信停止", "停止"):
        assert wanted in OUT
    for wanted in ("START", "再開"):
        assert wanted in IN


@given(st.sampled_from(OUT + IN), MARKS, MARKS, st.booleans())
def test_case_width_spaces_and_marks_change_nothing(word: str, before: str, after: str, wide: bool) -> None:
    shown = full_width(word.lower()) if wide else word.title()
    assert means(before + shown + after) == means(word)


@given(st.sampled_from(OUT), st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"]))
def test_however_a_phone_composes_its_characters_it_is_the_same_word(word: str, form: str) -> None:
    assert means(unicodedata.normalize(form, word)) == "opt_out"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        "Please stop",
        "stop, thank you!",
        "S T O P",
        "un-subscribe",
        "ＳＴＯＰ　ＡＬＬ",
        "ｽﾄｯﾌﾟ",
        "Stop stop STOP!!!",
        "STOP 退訂",
        "請停止，謝謝",
        "我要退訂",
        "麻煩取消訂閱🙏",
        "「拒收」",
        "ขอยกเลิกครับ",
        "ยกเลิกด้วยนะคะ",
        "กรุณาหยุดส่งข้อความค่ะ",
        "配信停止お願いします。",
        "配信停止を希望します",
        "停止してください",
        "配信停止でお願いします",
        "配信 停止",
    ],
)
def test_politeness_around_the_word_is_no_sentence(text: str) -> None:
    assert means(text) == "opt_out"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "？？？",
        "🙏",
        "please",
        "ครับ",
        "thank you",
        "please don't stop",
        "do not stop the deliveries",
        "Where does the bus stop?",
        "The shop is at the END of the road",
        "I will start tomorrow and stop later",
        "stop start",
        "cancel",
        "取消",
        "キャンセル",
        "取消訂位",
        "不要停止",
        "包裹停止配送了嗎",
        "請問如何退訂這個服務",
        "停止しないでください",
        "配信停止の方法を教えてください",
        "ห้ามหยุด",
        "ไม่ยกเลิก",
        "ยกเลิกการจองโต๊ะ",
        "stopp",
        "nonstop",
        "12345",
        "0912345678",
        "STOP 0912345678",
        "s\u0301top",
    ],
)
def test_everything_else_is_for_a_person_to_read(text: str) -> None:
    assert meaning(text) is None


@given(st.sampled_from(OUT), st.sampled_from(["ไม่", "不", "別", "don't ", "Don’t ", "nicht "]))
def test_a_word_that_is_denied_opts_nobody_out(word: str, denial: str) -> None:
    denied = denial + word
    assert meaning(denied) is None or denied in OUT


@given(st.sampled_from(OUT), st.text("abcdefg王小明ก ", min_size=3, max_size=40))
def test_a_word_inside_a_longer_text_opts_nobody_out(word: str, more: str) -> None:
    letters = "".join(c for c in more if not c.isspace())
    if len(letters) > 2:
        assert meaning(f"{letters} {word} {letters}") is None


@given(st.text(max_size=300))
def test_whatever_somebody_writes_there_is_an_answer(text: str) -> None:
    said = meaning(text)
    assert said is None or said.word in OUT + IN
    assert said is None or len(text) <= LONGEST


def test_the_longest_texts_of_words_alone_are_read_at_once() -> None:
    assert means("停止" * (LONGEST // 2)) == "opt_out"
    assert meaning("停止" * LONGEST) is None
    assert meaning("停止" * 49 + "x") is None


@given(st.sampled_from(OUT))
def test_the_same_word_is_told_as_the_table_writes_it(word: str) -> None:
    said = meaning(full_width(word.lower()))
    assert said is not None
    assert said.meaning is Meaning.OPT_OUT
    assert meaning(said.word) == said
