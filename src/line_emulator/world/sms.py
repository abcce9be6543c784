"""Text messages: what the emulator's carrier took, and each phone's inbox, which also holds LINE's PINs."""

from __future__ import annotations

import msgspec

_PIN_TEXTS = {
    "en": "LINE: {code} is your verification code. It is valid for 10 minutes.",
    "ja": "LINE：認証番号は {code} です。10分間有効です。",
    "th": "LINE: รหัสยืนยันของคุณคือ {code} ใช้ได้ภายใน 10 นาที",
    "zh-Hant": "LINE：您的驗證碼為 {code}，10 分鐘內有效。",
    "zh-Hans": "LINE：您的验证码为 {code}，10 分钟内有效。",
}


def pin_text(language: str, code: str) -> str:
    """What LINE's text message with a PIN says, in this project's own words."""
    return _PIN_TEXTS.get(language, _PIN_TEXTS["en"]).format(code=code)


class Sms(msgspec.Struct, gc=False):
    """One text message. `at` in ms; `pin`: the code it carries, if from LINE; `delivered`: it reached
    the phone.
    """

    message_id: str
    to: str
    sender: str
    text: str
    at: int
    reference: str | None = None
    pin: str | None = None
    delivered: bool = True


class SmsBook:
    """All text messages: `taken` by the carrier, in order, and `inboxes` by number."""

    def __init__(self) -> None:
        self.taken: list[Sms] = []
        self.inboxes: dict[str, list[Sms]] = {}
        self.by_reference: dict[str, list[Sms]] = {}

    def take(self, sms: Sms) -> None:
        """The carrier takes it; it reaches the inbox if the phone can be reached."""
        self.taken.append(sms)
        if sms.reference is not None:
            self.by_reference.setdefault(sms.reference, []).append(sms)
        if sms.delivered:
            self.put(sms)

    def put(self, sms: Sms) -> None:
        """Puts it into the inbox of its number."""
        self.inboxes.setdefault(sms.to, []).append(sms)
