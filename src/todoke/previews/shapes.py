"""The words in which a preview is told: who sends, what each phone shows. Data only."""

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

Viewer = Literal["friend", "non_friend"]


class Sender(msgspec.Struct, frozen=True):
    """Who the messages come from."""

    name: str
    country: str
    """TW, TH or JP: it decides the prices."""
    badge: Literal["grey", "blue", "green"] = "blue"
    """Of an unverified, a verified, a premium account. LINE wants a verified one for notifications."""
    sms_sender: str | None = None
    """What the phone shows as the sender of an SMS; the name where left out."""


class Shown(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One message, on one phone."""

    step: str
    """A step, or `system`: what LINE itself writes to whoever gets a notification."""
    form: str | None = None
    viewer: Viewer | None = None
    notification: dict[str, Any] | None = None
    """LINE's template kind: template_key, title, body and labels."""
    messages: Sequence[Any] | None = None
    """LINE's message objects."""
    alt: str | None = None
    """What the list of chats shows, and the phone while it is locked."""
    text: str | None = None
    encoding: str | None = None
    units: int | None = None
    segments: int | None = None
    price: dict[str, Any] | None = None
    """amount, currency and, of a range, amount_at_most. None where it is unknown or there is none."""
    leads_to: Sequence[tuple[str, str]] = ()
    """Labels and addresses of buttons and links."""


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """All messages in one language of the template, on phones that speak it."""

    language: str
    """As the template writes it."""
    lang: str
    """For HTML: with the place where a script has forms of its own there."""
    phone: str
    """The language of the phone's own words: zh-Hant, zh-Hans, th, ja or en."""
    label: str
    """What stands beside the account's name on a notification."""
    shown: tuple[Shown, ...]
    phone_words: dict[str, str]


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """A template version as its recipients see it. JSON of it is all that the page draws."""

    template: str
    version: int | None
    use_case: str
    sender: Sender
    captions: str
    """The language of what stands around the phones."""
    examples: bool
    """Whether the parameters' examples fill it."""
    sections: tuple[Section, ...]
