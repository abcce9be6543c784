"""The limits that the texts of a template must keep when they are filled, and what LINE's actions need.

Limits of notification messages: LINE's reference, "Send LINE notification message" (template and flexible).
Of messages: its message objects (text 5,000, altText 1,500), Flex (bubble 30 KB; carousel 50 KB, 12 bubbles),
"Action objects".
"""

import re

import msgspec

from todoke.core.template_values import URL

SMS_PARTS = 10
"""SMS that one text may take: our own limit, as each is paid."""
_ACTION_URI = re.compile(URL.pattern + r"|tel:[0-9+*#-]+")


class Rule(msgspec.Struct, frozen=True):
    """What holds for the text at one place after it was filled."""

    limit: int
    """In UTF-16 code units; of a Flex container in bytes of JSON; of an SMS the units that surely fit."""
    what: str
    """The place in words, for messages."""
    url: "re.Pattern[str] | None" = None
    sms: bool = False
    container: bool = False


TEXT = Rule(5000, "the text of a message")
ALT_TEXT = Rule(1500, "altText")
EMPHASIZED = Rule(15, "the emphasized item")
ITEM = Rule(300, "an item")
BUTTON = Rule(1000, "the url of a button", URL)
URI = Rule(1000, "the uri of an action", _ACTION_URI)
DATA = Rule(300, "the data of an action")
OF_ACTIONS = {
    "label": Rule(40, "the label of an action"),
    "displayText": Rule(300, "the displayText of an action"),
    "text": Rule(300, "the text of an action"),
    "clipboardText": Rule(1000, "the clipboardText of an action"),
}
LIMITS_OF_ACTIONS = {field: rule.limit for field, rule in OF_ACTIONS.items()}
"""In characters, for Flex Messages; other messages have less room for labels."""
ACTIONS = {
    "uri": ("uri",),
    "postback": ("data",),
    "message": ("text",),
    "datetimepicker": ("data", "mode"),
    "clipboard": ("clipboardText",),
}
"""LINE's kinds of action, and what each needs."""
BUBBLE = Rule(30 * 1024, "a Flex bubble", container=True)
CAROUSEL = Rule(50 * 1024, "a Flex carousel", container=True)
SMS = Rule(67 * SMS_PARTS, "the SMS", sms=True)

Rules = dict[str, Rule]
"""By JSON pointer."""
