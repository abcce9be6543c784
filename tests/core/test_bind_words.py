"""What users write into the chat, and what they are told: in four languages, and nothing half filled in."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from todoke.core.bind_texts import BUTTON, CONSENT, LANGUAGES, SMS, TEXTS, Say
from todoke.core.bind_words import Heard, Wish, claiming, consents, digits_of, said, sms_text, understood
from todoke.core.message import check
from todoke.core.sms_text import segments

WORD = "7F3K9QXW"
VALUES = {"brand": "好店", "number": "0912•••678", "left": "3"}


@pytest.mark.parametrize(
    ("text", "heard"),
    [
        ("綁定", Heard(Wish.BIND)),
        (" 連携 ", Heard(Wish.BIND)),
        ("ผูก", Heard(Wish.BIND)),
        ("LINK", Heard(Wish.BIND)),
        ("ｌｉｎｋ", Heard(Wish.BIND)),
        ("Unlink", Heard(Wish.UNBIND)),
        ("解除綁定", Heard(Wish.UNBIND)),
        ("ยกเลิกการผูก", Heard(Wish.UNBIND)),
        ("連携解除", Heard(Wish.UNBIND)),
        (claiming("ACDEFGHJ"), Heard(Wish.CLAIM, "ACDEFGHJ")),
        ("link  acdefghj\n", Heard(Wish.CLAIM, "ACDEFGHJ")),
        ("012345", Heard(Wish.CODE, "012345")),
        ("๐๑๒ ๓๔๕", Heard(Wish.CODE, "012345")),
        ("012-345", Heard(Wish.CODE, "012345")),
    ],
)
def test_what_is_for_us_is_understood_however_it_is_typed(text: str, heard: Heard) -> None:
    assert understood(text) == heard


@pytest.mark.parametrize(
    "text",
    [None, "", "please link me", "LINK", "01234", "0123456", "link 12", "x" * 5000, "1" * 5000, "\ud800"],
)
def test_all_else_is_somebody_elses(text: str | None) -> None:
    heard = understood(text)
    assert heard is None or (text == "LINK" and heard.wish is Wish.BIND)


@given(st.text(max_size=60))
def test_no_text_is_too_strange_to_look_at(text: str) -> None:
    heard = understood(text)
    assert heard is None or heard.wish in Wish
    digits = digits_of(text)
    assert digits is None or re.fullmatch(r"[0-9]{6}", digits)


def test_every_text_is_there_in_every_language_with_the_same_things_to_fill_in() -> None:
    for texts in [*TEXTS.values(), *BUTTON.values()]:
        assert len(set(texts)) == len(LANGUAGES)
        assert len({tuple(sorted(re.findall(r"\{\w+\}", x))) for x in texts}) == 1
    assert set(TEXTS) == set(Say)
    assert set(SMS) == set(CONSENT) == set(LANGUAGES)
    for x in BUTTON.values():
        # LINE: "Action objects": a label has 20 characters at most on most of them.
        assert all(len(label) <= 20 for label in x)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("say", list(Say))
def test_what_is_said_can_be_sent_and_nothing_is_left_open(say: Say, language: str) -> None:
    url = "https://example.com/b/x" if say in BUTTON else None
    for name in ("小明", ""):
        messages = said(say, language, url=url, name=name, **VALUES)
        check(messages)
        assert not re.search(r"\{\w+\}", str(messages))


def test_what_a_brand_or_a_name_holds_is_shown_as_it_is() -> None:
    (message,) = said(Say.GREETING, "en", name="{brand}", brand="{number}")
    assert "Hello {brand}, welcome to “{number}”" in message["text"]
    assert "{code}" in sms_text("en", "{code}", "123456")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_sms_is_a_single_one_and_names_brand_and_code(language: str) -> None:
    text = sms_text(language, "好物配送", "012345")
    assert "好物配送" in text
    assert "012345" in text
    if language != "en":
        assert segments(text).segments == 1
    assert segments(sms_text("en", "Parcels", "012345")).segments == 1


def test_a_business_may_say_it_in_its_own_words_and_the_rest_stays() -> None:
    texts = consents({"ja": "{brand}に同意します。"}, "A{b}")
    assert texts["ja"] == "A{b}に同意します。"
    assert "A{b}" in texts["th"]
    assert list(texts) == list(LANGUAGES)
