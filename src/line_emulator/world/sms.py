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
    the phone. `reply_url`: where the sender hears answers to it, with `reply_token`; None: it can't be answered.
    `own`: an answer of the phone's user, from their number to a sender.
    """

    message_id: str
    to: str
    sender: str
    text: str
    at: int
    reference: str | None = None
    pin: str | None = None
    delivered: bool = True
    reply_url: str | None = None
    reply_token: str | None = None
    own: bool = False


class Answered(msgspec.Struct, gc=False):
    """An answer of a user (`sms`), and where its recipient hears it."""

    sms: Sms
    url: str
    token: str | None


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

    def answerable(self, phone: str, sender: str | None = None) -> Sms | None:
        """The newest message to this phone that can be answered: from this sender, or from anybody."""
        for sms in reversed(self.inboxes.get(phone, [])):
            if sms.reply_url is not None and sender in (None, sms.sender):
                return sms
        return None

    def answer(self, sms: Sms) -> None:
        """Keeps an answer of the phone's user, in the thread of whom it went to."""
        self.inboxes.setdefault(sms.sender, []).append(sms)

    def move(self, phone: str, to: str, proof: str | None) -> None:
        """An inbox goes with its owner to another address, without the messages that carry this PIN."""
        inbox = self.inboxes.pop(phone, [])
        kept = [sms for sms in inbox if sms.pin is not None and sms.pin == proof]
        if kept:
            self.inboxes[phone] = kept
        if len(kept) < len(inbox):
            self.inboxes.setdefault(to, []).extend(sms for sms in inbox if sms not in kept)
