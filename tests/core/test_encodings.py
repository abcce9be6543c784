"""Which encoding a list is in: short lists of the three countries, and what can't be told."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from todoke.core.encodings import CODECS, NAMES, guess, named

TAIWAN = (
    "手機,姓名\n0912345678,王小明\n",
    "phone,name\n0912345678,林\n",
    "phone,name\n0912345678,陳懿璇\n",
    "phone,name\n0912345678,張簡 先生\n",
    "手機號碼,客戶,訂單編號\n0911222333,許蓋功,A1\n",
    "phone,name,address\n0912,黃淑芬,高雄市左營區博愛二路 777 號 3 樓\n",
    "name\n歐陽娜娜\n",
    "phone,name\n0912345678,蔡依林\n0922,周杰倫\n0933,張惠妹\n",
    "收件人行動電話;收件人姓名\n",
)
JAPAN = (
    "携帯電話,氏名\r\n090-1234-5678,山田太郎\r\n",
    "phone,name\n09012345678,髙橋ソ\n",
    "phone,name\n09012345678,ﾔﾏﾀﾞ ﾀﾛｳ\n",
    "phone,name\n090,さくら\n",
    "ﾃﾞﾝﾜ,ﾅﾏｴ\n090,ｽｽﾞｷ ｲﾁﾛｳ\n",
    "phone,name\n090,サトウ ハナコ\n",
    "phone,name\n090,鈴木\n",
    "phone,name\n090,林\n",
    "phone,name,addr\n090,渡邉 翔太,東京都港区六本木1丁目\n",
    "phone,name\n090,ﾅｶﾑﾗ ﾕｷ\n",
)
THAILAND = (
    "เบอร์โทร,ชื่อ\n0812345678,สมชาย ใจดี\n",
    "phone,name\n0812345678,สมหญิง\n",
    "phone,name\n081,นภา\n",
    "โทรศัพท์;ชื่อลูกค้า;ที่อยู่\n081;คุณวิชัย;กรุงเทพฯ\n",
    "phone,name\n081,กมล\n",
    "phone,name\n๐๘๑๒๓๔๕๖๗๘,ธนพล ศรีสุข\n",
    "phone,name\n081,ชัย\n",
    "phone,name\n081,บุญมี\n081,อรอนงค์\n",
)
TABLE = (("big5", "TW", TAIWAN), ("shift_jis", "JP", JAPAN), ("tis-620", "TH", THAILAND))


def test_short_lists_of_the_three_countries_are_read_as_what_they_are() -> None:
    wrong = []
    for encoding, region, texts in TABLE:
        for text in texts:
            for written in (encoding, "utf-8", "utf-16-le", "utf-16-be"):
                found = guess(text.encode(CODECS[written]), region=region)
                if found.encoding != written or found.sureness == "unsure":
                    wrong.append((text, written, found))
    assert wrong == []


def test_a_channel_in_another_country_does_not_make_a_list_that_countrys() -> None:
    """Where it comes from tips the scales only where they hang level."""
    wrong = [
        (text, region)
        for encoding, home, texts in TABLE
        for text in (t for t in texts if len(t) > 22)
        for region in ("TW", "JP", "TH")
        if region != home
        and (found := guess(text.encode(CODECS[encoding]), region=region)).encoding != encoding
        and found.sureness == "sure"
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("encoding", "leads", "trails", "surnames"),
    [
        ("big5", range(0xA4, 0xC6), (*range(0x40, 0x7F), *range(0xA1, 0xFF)), "陳林黃張李王吳劉蔡楊"),
        ("shift_jis", range(0x89, 0x98), (*range(0x40, 0x7F), *range(0x80, 0xFD)), "佐鈴高田山小中加"),
    ],
)
def test_five_names_of_any_characters_are_enough(
    encoding: str, leads: range, trails: tuple[int, ...], surnames: str
) -> None:
    chance = random.Random(7)

    def name() -> bytes:
        given = b"".join(bytes((chance.choice(leads), chance.choice(trails))) for _ in range(2))
        return chance.choice(surnames).encode(CODECS[encoding]) + given

    found = [
        guess(b"phone,name\n" + b"".join(b"0912345678,%s\n" % name() for _ in range(5))) for _ in range(200)
    ]
    right = [x for x in found if x.encoding == encoding and x.sureness != "unsure"]
    assert len(right) >= 190
    assert not [x for x in found if x.encoding != encoding and x.sureness == "sure"]


def test_what_reads_as_no_text_in_any_encoding_is_told_to_be_unsure() -> None:
    for sample in (
        b"a\n\xb1\xff\x90\xe9\n",
        b"\xff\xff\xff\n",
        b"a\n" + bytes(range(128, 256)),
    ):
        assert guess(sample).sureness == "unsure", sample


def test_two_readings_that_are_about_as_likely_are_both_named() -> None:
    found = guess("phone,name\n090,ｻﾄｳ ﾊﾅｺ\n".encode("cp932"))
    assert (found.sureness, {found.encoding, *found.others}) == ("likely", {"shift_jis", "tis-620"})


def test_ascii_is_utf_8_and_marks_are_believed() -> None:
    assert guess(b"phone,name\n0912345678,Lin\n").ascii
    for mark, encoding in (
        (b"\xef\xbb\xbf", "utf-8"),
        (b"\xff\xfe", "utf-16-le"),
        (b"\xfe\xff", "utf-16-be"),
    ):
        found = guess(mark + "手機".encode(encoding))
        assert (found.encoding, found.sureness, found.bom) == (encoding, "sure", len(mark))


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("UTF-8", "utf-8"),
        ("cp950", "big5"),
        ("MS950", "big5"),
        ("Shift-JIS", "shift_jis"),
        ("windows_31j", "shift_jis"),
        ("CP874", "tis-620"),
        ("TIS620", "tis-620"),
        ("UTF16", "utf-16"),
        ("GBK", "gb18030"),
        ("EUC_JP", "euc-jp"),
        ("klingon", None),
        ("", None),
        ("rot13", None),
    ],
)
def test_encodings_go_by_the_names_that_people_use(name: str, meant: str | None) -> None:
    assert named(name) == meant
    assert meant is None or meant in NAMES


@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_get_an_answer_that_can_be_read(sample: bytes, cut: bool) -> None:
    found = guess(sample, cut=cut)
    assert found.encoding in CODECS
    if found.sureness == "sure" and not found.bom and not cut and not found.encoding.startswith("utf-16"):
        lines = sample.replace(b"\r", b"\n").split(b"\n")
        text = [line.decode(CODECS[found.encoding], "replace") for line in lines]
        assert sum("\ufffd" in line for line in text) <= len(text) * 0.02 + sum(
            b"\xef\xbf\xbd" in x for x in lines
        )
