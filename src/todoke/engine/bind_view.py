"""What the page of a bind link shows."""

from collections.abc import Mapping

import msgspec

from todoke.core.binding import Next, Why


class OtherNumber(msgspec.Struct, frozen=True):
    """Another number that the user has bound: its binding's id, and the number as people may see it."""

    binding_id: str
    number: str


class View(msgspec.Struct, frozen=True, kw_only=True):
    """What the page of a link shows now. Numbers in it are masked.

    With `next` SORRY, `why` says why the link does not go on; else it is None, or what stood in the way of what was
    just tried: the step `next` can be tried again.
    """

    next: Next
    why: Why | None = None
    language: str | None = None
    """zh-Hant, th, ja or en, as the link or the user's last choice says; None: as the browser says."""
    brand: str = ""
    answers: bool = False
    """Whether the account's chat answers the words that ask for a new link."""
    country: str = "TW"
    """Of the channel: TW, TH or JP. A number that is typed without a country code belongs to it."""
    number: str | None = None
    """None: not known yet."""
    asks_number: bool = False
    """The link came without a number: AGREE asks for it, and until the end `agree` may give another one."""
    number_reason: str | None = None
    """With why BAD_NUMBER: a `core.phone.Reason`."""
    consents: Mapping[str, str] = {}
    """With AGREE: language → the text to agree to; all four languages are in it."""
    consent_version: int = 0
    """What `agree` is to be given back: the version that was shown."""
    word: str | None = None
    """With CHAT: the whole message that the user is to send in the chat, such as `LINK 7F3K9QXW`."""
    chat_url: str | None = None
    """With CHAT: opens the account's chat in LINE with the word ready to send. None: LINE did not tell us how."""
    friend_url: str | None = None
    """With CHAT and NOT_A_FRIEND: opens the account's page in LINE, where it can be added."""
    code_sent_at: int | None = None
    """With CODE: when a code was sent that is good still, ms; None: none is."""
    code_lasts_until: int | None = None
    may_send_at: int | None = None
    """With CODE: from when on a code may be asked for, ms; None: no more of them today, or for this link."""
    tries_left: int = 0
    """With CODE: so many wrong codes may be entered still."""
    others: int | None = 0
    """With CODE: how many other LINE accounts the number is bound to. They end unless the user says that they are
    theirs too. None: that is not told of numbers which were typed in, so that nobody can try numbers out."""
    other_numbers: tuple[OtherNumber, ...] = ()
    """With CODE: what else the user has bound. Those that are not kept end."""
    unbind_url: str | None = None
    """With DONE: the page on which the user can end the binding."""
