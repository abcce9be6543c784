"""What a text costs by SMS."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from todoke.core.sms_text import Encoding, SmsSize, segments

GSM, UCS = Encoding.GSM7, Encoding.UCS2


@pytest.mark.parametrize(
    ("text", "encoding", "units", "parts"),
    [
        ("", GSM, 0, 1),
        ("Hello @ £5 Δ ñ à\n", GSM, 17, 1),
        ("a" * 160, GSM, 160, 1),
        ("a" * 161, GSM, 161, 2),
        ("a" * 306, GSM, 306, 2),
        ("a" * 307, GSM, 307, 3),
        ("€", GSM, 2, 1),
        ("[~]{|}^\\\f", GSM, 18, 1),
        ("€" * 80, GSM, 160, 1),
        ("€" * 81, GSM, 162, 2),
        ("`", UCS, 1, 1),  # looks like ASCII's, and is not in the alphabet
        ("ç", UCS, 1, 1),  # only the capital one is
        ("Ç", GSM, 1, 1),
        ("您" * 70, UCS, 70, 1),
        ("您" * 71, UCS, 71, 2),
        ("您" * 134, UCS, 134, 2),
        ("您" * 135, UCS, 135, 3),
        ("พัสดุ", UCS, 5, 1),
        ("😀" * 35, UCS, 70, 1),
        ("😀" * 36, UCS, 72, 2),
        ("a" * 159 + "您", UCS, 160, 3),
    ],
)
def test_size_of_a_text(text: str, encoding: Encoding, units: int, parts: int) -> None:
    assert segments(text) == SmsSize(encoding, units, parts)


def test_an_escape_and_its_character_stay_in_one_part() -> None:
    # 152 units, then one of two units: it does not fit into the 153 and moves on as a whole.
    assert segments("a" * 152 + "€" + "a" * 152) == SmsSize(GSM, 306, 3)
    assert segments("a" * 151 + "€" + "a" * 153) == SmsSize(GSM, 306, 2)


def test_the_halves_of_a_surrogate_pair_stay_in_one_part() -> None:
    assert segments("您" * 66 + "😀" + "您" * 66) == SmsSize(UCS, 134, 3)
    assert segments("您" * 65 + "😀" + "您" * 67) == SmsSize(UCS, 134, 2)


@given(st.text(st.sampled_from("aé€[您😀ก"), max_size=400))
def test_parts_are_as_many_as_a_naive_packing_needs(text: str) -> None:
    ucs = any(c in "您😀ก" for c in text)
    widths = [(2 if c == "😀" else 1) if ucs else (2 if c in "€[" else 1) for c in text]
    alone, in_part = (70, 67) if ucs else (160, 153)
    parts, filled = 1, 0
    if sum(widths) > alone:
        for width in widths:
            if filled + width > in_part:
                parts, filled = parts + 1, 0
            filled += width
    assert segments(text) == SmsSize(UCS if ucs else GSM, sum(widths), parts)
