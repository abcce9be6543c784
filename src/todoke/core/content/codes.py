"""The codes of all findings but those of the rules for text: how grave each is, and whether a person may overrule it.

A *hard* one is a limit of LINE's or of the law that no reason lifts: it can be neither overruled nor switched off.
`docs/content-check.md` lists them; a test holds the list.
"""

import msgspec

from todoke.core.content.finding import Finding, Severity

QUOTED = 80
"""Characters of `words`."""


class Code(msgspec.Struct, frozen=True):
    """A kind of finding."""

    severity: Severity
    what: str
    """In a few words, for the documentation."""
    hard: bool = False


_E, _W, _N = Severity.ERROR, Severity.WARNING, Severity.NOTE

CODES: dict[str, Code] = {
    "control-characters": Code(_E, "control characters, or marks that turn the order of a text around", hard=True),
    "link-not-https": Code(_E, "an address without https"),
    "link-no-scheme": Code(_W, "an address without https:// in front"),
    "link-scheme": Code(_E, "an address that is neither web page nor LIFF, phone or mail", hard=True),
    "link-user-info": Code(_E, "a user name before the host, which hides the host", hard=True),
    "link-ip": Code(_E, "a number in place of a host's name"),
    "link-lookalike": Code(_E, "a host that looks like another one, or is not written in plain letters"),
    "link-host-parameter": Code(_E, "a parameter in the host of an address"),
    "link-shortener": Code(_E, "a shortened address"),
    "link-off-list": Code(_E, "a domain that is not on the account's list, or not for this use case"),
    "link-campaign": Code(_E, "an address of a campaign, a sale or coupons"),
    "link-campaign-maybe": Code(_W, "an address that may be of a campaign"),
    "link-store": Code(_W, "an app store"),
    "link-social": Code(_W, "a social network"),
    "link-front-page": Code(_W, "a front page in place of the page about this very thing"),
    "link-line": Code(_N, "an address in LINE other than the account's LIFF app"),
    "link-contact": Code(_N, "a button or text that calls or mails"),
    "link-tracking": Code(_N, "a part of an address that counts who came by an advertisement"),
    "link-no-list": Code(_N, "the account has no list of domains yet"),
    "sms-segments": Code(_N, "a text of three or more SMS"),
    "items-many": Code(_N, "more items than fit on a phone's screen"),
    "item-duplicate": Code(_W, "two items that say the same"),
    "button-duplicate": Code(_W, "two buttons to one address"),
    "alt-text": Code(_W, "a Flex message whose alt text does not say what it is about"),
    "flex-depth": Code(_W, "Flex boxes deeper than phones draw well"),
    "flexible-media": Code(_E, "video or audio in a notification", hard=True),
    "flexible-image": Code(_W, "an image in a notification"),
    "key-not-granted": Code(_E, "a key that LINE did not grant to the channel; a note where no list was imported"),
    "use-case-limit": Code(_N, "what LINE's list says the use case is for"),
    "use-case-contradiction": Code(_W, "words that speak against the use case"),
    "duplicate-unlawful": Code(_W, "forms for two steps in a use case that allows no duplicate"),
    "personal-national-id": Code(_E, "a national identity number", hard=True),
    "personal-national-id-maybe": Code(_W, "digits that may be a national identity number"),
    "personal-card-number": Code(_E, "a full card number", hard=True),
    "personal-unmasked": Code(_W, "personal data in full that is usually masked"),
    "personal-forbidden": Code(_E, "a parameter that must not stand in any notice", hard=True),
    "personal-undeclared": Code(_N, "a long number that does not say what it is, and may look like a card's"),
    "no-verification-forbidden": Code(_E, "personal data that must be absent without phone verification", hard=True),
    "no-verification-unmasked": Code(_E, "personal data that must be masked without phone verification", hard=True),
    "no-verification-undeclared": Code(_N, "a parameter that does not say whether it is personal"),
    "late-note": Code(_W, "no time of the event, or no word that the message may be ignored if that is done"),
    "timing-event": Code(_N, "no parameter says when the event is, so the timing can't be checked"),
}  # fmt: skip


def finding(code: str, pointer: str, words: str, remedy: str) -> Finding:
    """A finding of a code in CODES."""
    return Finding(code, CODES[code].severity, pointer, words[:QUOTED], remedy.rstrip(".") + ".")


def is_hard(code: str) -> bool:
    """Whether nobody may overrule it or switch it off."""
    return code in CODES and CODES[code].hard
