"""What Todoke says to users about bindings, in the chat and by SMS, and what it understands of them. Four languages.

The pages have words of their own. A business may write its own consent texts; these are for those that it did not.
"""

import re
import unicodedata
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec

from todoke.core.bind_texts import BUTTON, CONSENT, LANGUAGES, SMS, TEXTS, Say
from todoke.core.binding import CODE_DIGITS, CODE_LASTS, WORD_LENGTH, WORD_LETTERS
from todoke.core.durations import MINUTE
from todoke.core.template_values import cleaned

OF_COUNTRY = {"TW": "zh-Hant", "TH": "th", "JP": "ja"}
LINK_WORD = "LINK"
"""Stands before a link's word in the message that the user sends."""
BIND_DATA, UNBIND_DATA, UNBIND_SURELY_DATA = "todoke:bind", "todoke:unbind", "todoke:unbind:yes"
"""Data of postback actions, such as those of a rich menu."""


class Wish(StrEnum):
    """What a user's words ask for."""

    BIND = "bind"
    UNBIND = "unbind"
    CLAIM = "claim"
    """They hold a link's word."""
    CODE = "code"
    """They are the digits of a code."""


class Heard(msgspec.Struct, frozen=True):
    """What was understood; `text` is the word or the digits."""

    wish: Wish
    text: str = ""


_BIND = frozenset({"綁定", "連結", "綁定手機", "ผูก", "ผูกบัญชี", "連携", "れんけい", "link"})
_UNBIND = frozenset(
    {"解除綁定", "取消綁定", "解除連結", "ยกเลิกการผูก", "ยกเลิกผูก", "連携解除", "連携を解除", "unlink"}
)
_LONGEST = 40
_WORD = re.compile(rf"{LINK_WORD} ?([{WORD_LETTERS}]{{{WORD_LENGTH}}})", re.ASCII)
_CODE = re.compile(rf"\d{{{CODE_DIGITS}}}", re.ASCII)


def understood(text: str | None) -> Heard | None:
    """What a message in the chat asks for, if it is the whole message; None: it is not for us."""
    if text is None or len(text) > _LONGEST:
        return None
    plain = " ".join(unicodedata.normalize("NFKC", text).split())
    folded = plain.casefold()
    if folded in _UNBIND:
        return Heard(Wish.UNBIND)
    if folded in _BIND:
        return Heard(Wish.BIND)
    if (found := _WORD.fullmatch(plain.upper())) is not None:
        return Heard(Wish.CLAIM, found[1])
    digits = digits_of(plain)
    return Heard(Wish.CODE, digits) if digits is not None else None


def digits_of(text: str) -> str | None:
    """The digits of a code as people type it: full-width and Thai digits, blanks and dashes between. None: no code."""
    if len(text) > _LONGEST:
        return None
    plain = "".join(str(unicodedata.decimal(c, c)) for c in text if not c.isspace() and c not in "-‐–—－")
    return plain if _CODE.fullmatch(plain) else None


def claiming(word: str) -> str:
    """The message that the user is to send."""
    return f"{LINK_WORD} {word}"


_MINUTES = CODE_LASTS // MINUTE


def sms_text(language: str, brand: str, code: str) -> str:
    """The SMS that brings a code."""
    return _filled(SMS[language], {"brand": cleaned(brand)[:_BRAND_IN_SMS], "code": code, "m": str(_MINUTES)})


_BRAND_IN_SMS = 20
"""Characters: with a longer name the SMS would cost double."""


def consents(own: Mapping[str, str], brand: str) -> dict[str, str]:
    """Language → the text that users agree to: the business's own where it has one; `{brand}` is filled in."""
    return {x: _filled(own.get(x) or CONSENT[x], {"brand": cleaned(brand)}) for x in LANGUAGES}


def _filled(text: str, values: Mapping[str, str]) -> str:
    """Fills in once: a brand that holds `{code}` is shown as just that."""
    return re.sub(r"\{(\w+)\}", lambda found: values.get(found[1], found[0]), text)


_NOBODY = {"zh-Hant": "", "th": "คุณลูกค้า", "ja": "お客様", "en": "there"}
_POLITE_JA = "さん、"


def said(
    say: Say, language: str, *, url: str | None = None, data: str | None = None, **values: str
) -> list[dict[str, Any]]:
    """LINE message objects for one thing to say. `url`: what its button opens; `data`: what it posts back.

    What is filled in loses control characters and marks that turn text around.
    """
    values = {k: cleaned(v) for k, v in values.items()}
    place = LANGUAGES.index(language)
    text = TEXTS[say][place]
    if say is Say.GREETING and not values.get("name"):
        values["name"] = _NOBODY[language]
        # 様 is polite already.
        text = text.replace(_POLITE_JA, "、", 1) if language == "ja" else text
    text = _filled(text, values)
    if url is None and data is None:
        return [{"type": "text", "text": text}]
    label = BUTTON[say][place]
    action = (
        {"type": "uri", "label": label, "uri": url}
        if url is not None
        else {"type": "postback", "label": label, "data": data, "displayText": label}
    )
    bubble = {
        "type": "bubble",
        "body": {
            "type": "box",
            "layout": "vertical",
            "contents": [{"type": "text", "text": text, "wrap": True}],
        },
        "footer": {
            "type": "box",
            "layout": "vertical",
            "contents": [{"type": "button", "style": "primary", "action": action}],
        },
    }
    return [{"type": "flex", "altText": text[:400], "contents": bubble}]
