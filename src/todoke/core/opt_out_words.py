"""What an SMS from a recipient means: stop, go on, or something for a person to read.

The whole text must be the word, give or take politeness, marks, spaces, case and width: "STOP", "ｓｔｏｐ！",
"退訂，謝謝", "配信停止してください", "ยกเลิกครับ". A word inside a longer sentence means nothing here: "please don't stop
the deliveries" is no opt-out. Sources: CTIA, "Messaging Principles and Best Practices" (2023), 5.1.3, for the English
words; for the others what senders in Taiwan, Thailand and Japan print at the end of their messages.

CANCEL, 取消 and キャンセル are left out, though the CTIA has the first: in answer to a notice about a table or a parcel
they mean the table or the parcel.
"""

import unicodedata
from enum import StrEnum

import msgspec

LONGEST = 100
"""Characters of a text that may be a word with politeness; longer ones are not looked at."""


class Meaning(StrEnum):
    """What the recipient wants."""

    OPT_OUT = "opt_out"
    OPT_IN = "opt_in"


class Said(msgspec.Struct, frozen=True):
    """A word of the tables, as it stands there, and what it means."""

    meaning: Meaning
    word: str


OPT_OUT: dict[str, tuple[str, ...]] = {
    "en": (
        *("STOP", "STOPALL", "STOP ALL", "STOP SMS", "UNSUBSCRIBE", "OPT OUT", "OPTOUT", "QUIT", "END"),
        *("REVOKE", "REMOVE ME", "NO MORE SMS"),
    ),
    "zh-Hant": (
        *(
            "退訂",
            "取消訂閱",
            "拒收",
            "停止",
            "退訂簡訊",
            "拒收簡訊",
            "取消簡訊",
            "停止簡訊",
            "停止發送",
            "停止傳送",
        ),
        *("停止訂閱", "停止接收", "拒絕接收", "不再接收", "不要再傳", "不要再傳了", "不要再發", "取消接收"),
    ),
    "zh-Hans": ("退订", "取消订阅", "停止发送", "停止订阅", "拒收短信", "退订短信"),
    "th": (
        *("ยกเลิก", "หยุด", "หยุดส่ง", "เลิกส่ง", "เลิกรับ", "ไม่รับ", "ไม่รับข่าวสาร", "ไม่รับข้อความ", "ไม่ต้องการรับ"),
        *("ยกเลิกรับ", "ยกเลิกรับข่าวสาร", "ยกเลิกรับข้อความ", "ยกเลิกการรับข้อความ", "ยกเลิก SMS", "ยกเลิกรับ SMS"),
        *("หยุดส่งข้อความ", "หยุดส่ง SMS", "หยุดรับ SMS"),
    ),
    "ja": (
        *("配信停止", "停止", "ストップ", "配信拒否", "受信拒否", "拒否", "配信解除", "登録解除"),
        *("購読解除", "配信不要", "配信を停止", "配信停止を", "受信停止", "SMS停止", "SMS配信停止"),
        *("もう送らないで", "送らないで"),
    ),
}
"""By language; which one a text is in does not matter."""
OPT_IN: dict[str, tuple[str, ...]] = {
    "en": ("START", "UNSTOP", "RESUME", "SUBSCRIBE", "OPT IN", "OPTIN"),
    "zh-Hant": (
        "訂閱",
        "重新訂閱",
        "恢復訂閱",
        "恢復",
        "恢復接收",
        "恢復簡訊",
        "開始",
        "開始接收",
        "重新接收",
    ),
    "zh-Hans": ("订阅", "重新订阅", "恢复订阅", "恢复", "开始"),
    "th": ("เริ่ม", "เริ่มใหม่", "เริ่มส่ง", "สมัคร", "สมัครใหม่", "รับข่าวสาร", "รับข้อความ", "รับ SMS"),
    "ja": (
        "再開",
        "配信再開",
        "受信再開",
        "配信を再開",
        "開始",
        "配信開始",
        "スタート",
        "SMS再開",
        "配信希望",
    ),
}
_BEFORE = (
    *("please", "pls", "plz", "kindly"),
    *("請", "请", "麻煩", "我要", "我想", "我想要"),
    *("ขอ", "กรุณา", "โปรด", "ช่วย", "ต้องการ", "รบกวน"),
)
"""Politeness in front of a word …"""
_AFTER = (
    *("please", "pls", "plz", "thanks", "thank you", "thx"),
    *("謝謝", "谢谢", "感謝", "感恩", "拜託"),
    *("ครับ", "คับ", "ค่ะ", "คะ", "ค่า", "นะ", "ด้วย", "หน่อย", "ขอบคุณ"),
    *("お願いします", "お願いいたします", "お願い致します", "おねがいします", "願います", "お願い"),
    *(
        "してください",
        "して下さい",
        "ください",
        "下さい",
        "希望",
        "希望します",
        "を希望します",
        "をお願いします",
        "で",
    ),
)
"""… and behind it."""

# Marks, spaces, signs, control characters and what has no shape mean nothing. Letters, digits and the vowels and tones
# that Thai writes above and below them do.
_DROPPED = frozenset("ZPSC")
_SHAPES = {*range(0xFE00, 0xFE10), 0x20E3}
"""What only says how the character before is drawn, as after emoji."""


def _bare(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text).casefold()
    return "".join(c for c in plain if unicodedata.category(c)[0] not in _DROPPED and ord(c) not in _SHAPES)


def _table(by_language: dict[str, tuple[str, ...]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for words in by_language.values():
        for word in words:
            found.setdefault(_bare(word), word)
    return found


_WORDS = {Meaning.OPT_OUT: _table(OPT_OUT), Meaning.OPT_IN: _table(OPT_IN)}
_FRONT = tuple(_bare(x) for x in _BEFORE)
_BACK = tuple(_bare(x) for x in _AFTER)


def meaning(text: str) -> Said | None:
    """What a text means, if it is one of the words; None for every other text."""
    if len(text) > LONGEST:
        return None
    bare = _bare(text)
    if not bare:
        return None
    for means, words in _WORDS.items():
        if (word := _word_of(bare, words)) is not None:
            return Said(means, word)
    return None


def _word_of(bare: str, words: dict[str, str]) -> str | None:
    """The longest first word of a text that is made of these words and politeness only.

    Reads from the front, keeping for each place how it can be reached: politeness, then words, then politeness.
    """
    begun: list[bool] = [True] + [False] * len(bare)
    ended: list[str | None] = [None] * (len(bare) + 1)
    for at in range(len(bare)):
        if begun[at]:
            for polite in _FRONT:
                if bare.startswith(polite, at):
                    begun[at + len(polite)] = True
            for form, word in words.items():
                if bare.startswith(form, at):
                    ended[at + len(form)] = word
        if (first := ended[at]) is not None:
            for more in (*words, *_BACK):
                if bare.startswith(more, at) and ended[at + len(more)] is None:
                    ended[at + len(more)] = first
    return ended[-1]
