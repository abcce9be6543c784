"""How one SMS becomes messages of SMPP: as many parts as are paid, nothing torn apart."""

import pytest
from aiosmpplib.codec import GSM7BitCodec
from hypothesis import given
from hypothesis import strategies as st

from carriers.smsc import declared, sms
from todoke.carriers.smpp.messages import Unfit, split, submits
from todoke.carriers.smpp.pdu import HEADER
from todoke.core.sms_text import Encoding, segments

GSM = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHXYZÄÖÑÜ§¿abcxyzäöñüà"
EXTENDED = "\f^{}\\[~]|€"
texts = st.one_of(
    st.text(st.sampled_from(GSM), min_size=1, max_size=700),
    st.text(st.sampled_from("a" + EXTENDED), min_size=1, max_size=700),
    st.text(st.sampled_from("a包裹ส📦🏠"), min_size=1, max_size=400),
    st.text(min_size=1, max_size=400),
)


def bodies(text: str, **changes: object) -> list[tuple[int, int, bytes]]:
    """esm_class, data_coding and short_message of each submit_sm."""
    found = []
    for submit in submits(declared(2775, **changes), sms(text), 7):
        pdu = submit.pdu()
        assert HEADER.unpack(pdu[:16])[0] == len(pdu)
        start = pdu.index(b"886912345678\0") + len("886912345678\0")
        esm_class, coding, length = pdu[start], pdu[start + 7], pdu[start + 9]
        assert length == len(pdu) - start - 10
        found.append((esm_class, coding, pdu[start + 10 :]))
    return found


@given(texts)
def test_there_are_as_many_parts_as_are_paid_and_together_they_are_the_text(text: str) -> None:
    size = segments(text)
    try:
        parts = bodies(text)
    except Unfit:
        assert any("\ud800" <= char <= "\udfff" for char in text)
        return
    assert len(parts) == size.segments
    plain = []
    for number, (esm_class, coding, octets) in enumerate(parts, 1):
        assert coding == (0 if size.encoding is Encoding.GSM7 else 8)
        if len(parts) == 1:
            assert (esm_class, len(octets) <= 160) == (0, True)
        else:
            assert (esm_class, octets[:6]) == (0x40, bytes((5, 0, 3, 7, len(parts), number)))
            octets = octets[6:]
            assert len(octets) <= (153 if coding == 0 else 134)
        # Each part can be read by itself: no escape without its character, no half of a pair.
        plain.append(GSM7BitCodec().decode(octets)[0] if coding == 0 else octets.decode("utf-16-be"))
    assert "".join(plain) == text


@pytest.mark.parametrize(
    ("text", "lengths"),
    [
        ("a" * 152 + "€" + "b" * 20, [152, 22]),
        ("a" * 151 + "€" + "b" * 20, [153, 20]),
        ("包" * 66 + "📦" + "裹" * 10, [132, 24]),
        ("包" * 65 + "📦" + "裹" * 10, [134, 20]),
    ],
)
def test_what_belongs_together_stays_in_one_part(text: str, lengths: list[int]) -> None:
    assert [len(part) for part in split(text, segments(text).encoding)] == lengths


def test_without_gsm7_everything_is_ucs2() -> None:
    assert bodies("Hello", encodings=["ucs2"]) == [(0, 8, "Hello".encode("utf-16-be"))]
    assert len(bodies("a" * 71, encodings=["ucs2"])) == 2


def test_more_parts_than_the_header_can_count_are_refused() -> None:
    assert len(bodies("a" * 153 * 255)) == 255
    with pytest.raises(Unfit, match="256 parts"):
        bodies("a" * (153 * 255 + 1))


def test_a_payload_over_64_kib_is_refused() -> None:
    with pytest.raises(Unfit, match="64 KiB"):
        submits(declared(2775, long_messages="payload"), sms("a" * 65_536), 0)
    (one,) = submits(declared(2775, long_messages="payload"), sms("a" * 65_535), 0)
    assert one.pdu().endswith(b"a" * 65_535)
