"""Bind links: a user's own way to bind a number to their LINE account, step by step. What there is to say of one.

How a link moves is in `bind_moves`. The account link comes before the code, so that nobody can have another person's
code entered for their own LINE account by passing a link on (LINE: Messaging API, "Link user account").
"""

from enum import StrEnum

import msgspec

from todoke.core.durations import DAY, MINUTE

LINK_LASTS = 7 * DAY
PERSONAL_LASTS = DAY
"""Of a link that was made for one LINE user."""
BINDING_LASTS = 180 * DAY
"""How long a binding counts from its last confirmation, unless the channel says otherwise."""
CODE_DIGITS = 6
CODE_LASTS = 10 * MINUTE
CODE_PAUSE = MINUTE
"""Between two codes for one link."""
TRIES = 5
"""Wrong codes of one link; then it is dead."""
CODES_OF_LINK = 3
CODES_A_DAY = 5
"""For one number, and for one LINE user, in 24 hours."""
LINKS_A_DAY = 10
"""Personal links of one LINE user in 24 hours; then the chat is silent."""
FRESH = 10 * MINUTE
"""How long after success the page that is open says so."""
KEEP_LINKS = 180 * DAY
"""How long a link that is over is kept, for the report."""
WORD_LETTERS = "ACDEFGHJKMNPQRTUVWXY34679"
"""What words are made of: nothing that looks like another one."""
WORD_LENGTH = 8
NONCE_LENGTH = 43
"""Characters of a link's nonce; in what LINE is given the browser's mark stands behind them."""
DIALOGS_OF_LINK = 20
"""How often one link may lead to LINE's dialog."""
CHAT_ANSWERS_AN_HOUR = 20
"""Answers to one LINE user in one channel; then the chat is silent."""
KEEP_ANSWERS = 30 * DAY
"""How long what was answered in the chat is kept."""


class State(StrEnum):
    """Where a link stands."""

    OPEN = "open"
    AGREED = "agreed"
    """The user agreed to the consent text; which LINE user it is, is not known yet."""
    CLAIMED = "claimed"
    """The user agreed, and a LINE user has shown in the chat, or by how the link was made, that it is theirs."""
    LINKED = "linked"
    """LINE confirmed that user: the account link succeeded. What is missing is the code."""
    BOUND = "bound"
    DEAD = "dead"


class Way(StrEnum):
    """Where a link stood."""

    SMS = "sms"
    NOTIFICATION = "notification"
    PUSH = "push"
    FOLLOW = "follow"
    MENU = "menu"
    CHAT = "chat"
    API = "api"


ENDS = frozenset({State.BOUND, State.DEAD})


class Next(StrEnum):
    """What the page asks of the user next."""

    AGREE = "agree"
    CHAT = "chat"
    """Open LINE and send the word."""
    LINK = "link"
    """Confirm in LINE: `Binder.line_url`."""
    CODE = "code"
    """Have a code sent, and enter it."""
    DONE = "done"
    UNBIND = "unbind"
    """Confirm that the binding shall end."""
    UNBOUND = "unbound"
    SORRY = "sorry"
    """The link does not go on; `why` says why."""


class Why(StrEnum):
    """Why a link does not go on, or why what was tried did not work."""

    # The end of a link, or no link at all.
    FORGED = "forged"
    """The address is not one that Todoke made, or was not copied whole."""
    EXPIRED = "expired"
    GONE = "gone"
    """We made its address, and nothing is kept of it: its time is long over, or it was erased."""
    USED = "used"
    NOT_YOURS = "not_yours"
    """It was opened in LINE by another LINE account than it was made for."""
    TOO_MANY_TRIES = "too_many_tries"
    """Too many wrong codes."""
    REPLACED = "replaced"
    """A newer link of the same user took its place."""
    ERASED = "erased"
    """The data of the person whom it was for were erased."""
    SUPPRESSED = "suppressed"
    """Nothing may be sent to the number: its owner, or the business, said so."""
    NO_CHANNEL = "no_channel"
    """The channel is gone."""
    # What can be tried again.
    BAD_NUMBER = "bad_number"
    NOT_A_TEST_NUMBER = "not_a_test_number"
    """The channel is being tested, and only its test numbers may be bound."""
    CONSENT_CHANGED = "consent_changed"
    """The text was changed while the user read it: here is the new one."""
    OUT_OF_TURN = "out_of_turn"
    """This step is not the next one (an old page, a double click): here is the one that is."""
    IN_USE = "in_use"
    """Another LINE user has shown this link's word before."""
    OTHER_BROWSER = "other_browser"
    """LINE confirmed the user in another browser than this one, so here it has to confirm them too."""
    TOO_OFTEN = "too_often"
    """LINE's dialog was opened too often for this link."""
    NOT_A_FRIEND = "not_a_friend"
    """The user must add the account in LINE first."""
    LINE_DOWN = "line_down"
    """LINE did not answer as it should: try again in a moment."""
    SMS_SUPPRESSED = "sms_suppressed"
    """The number's owner, or the business, said that it is to get no SMS."""
    TOO_SOON = "too_soon"
    """A code was sent less than a minute ago."""
    TOO_MANY_CODES = "too_many_codes"
    """No more codes for this link, or none today for this number or LINE user."""
    NO_SMS = "no_sms"
    """There is no way to send an SMS to this country: the binding can't be made."""
    SMS_FAILED = "sms_failed"
    """No carrier took the SMS: try again in a moment."""
    SMS_UNKNOWN = "sms_unknown"
    """The carrier did not answer: the SMS may come; another one may be asked for in a minute."""
    NO_CODE = "no_code"
    """No code is good now: it is too old, or none was sent. Ask for a new one."""
    WRONG_CODE = "wrong_code"


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """A bind link. Times are milliseconds since the epoch."""

    id: str
    way: Way
    created_at: int
    expires_at: int
    number: str | None = None
    """E.164 with the plus sign."""
    user_id: str | None = None
    asks_number: bool = False
    trusted: bool = False
    """The policy of its notice trusts links that came by LINE notification: no code, if nothing contradicts."""
    language: str | None = None
    word: str | None = None
    state: State = State.OPEN
    why: Why | None = None
    """Why it is dead."""
    nonce: str | None = None
    dialogs: int = 0
    """How often LINE's dialog was asked for."""
    browser: str | None = None
    """The mark of the browser from which LINE confirmed the user last; nobody else's shows or takes codes."""
    consent_version: int | None = None
    consent: str | None = None
    keeps_others: bool = False
    keeps_numbers: tuple[str, ...] = ()
    code: str | None = None
    """Keyed hash of the code that was sent last."""
    code_at: int | None = None
    code_tries: int = 0
    codes_sent: int = 0
    opened_at: int | None = None
    agreed_at: int | None = None
    claimed_at: int | None = None
    linked_at: int | None = None
    ended_at: int | None = None
    binding_id: str | None = None

    @property
    def may_change_number(self) -> bool:
        """Whether the user may type a number still. Not once a code went out: codes are counted by number."""
        return self.asks_number and self.codes_sent == 0 and self.state not in ENDS

    def is_confirmed_in(self, mark: str | None) -> bool:
        """Whether LINE confirmed the user from the browser with this mark."""
        return mark is not None and mark == self.browser

    def over(self, now: int) -> bool:
        """Whether it has ended, or its time is over."""
        return self.state in ENDS or now >= self.expires_at

    def code_lasts_until(self, now: int) -> int | None:
        """Until when the code that was sent last is good; None: none is."""
        if self.code is None or self.code_at is None or now >= self.code_at + CODE_LASTS:
            return None
        return self.code_at + CODE_LASTS

    def may_send_at(self, sent_today: int, now: int) -> int | None:
        """From when on a code may be sent; None: no more of them. `sent_today` as in CodeMade."""
        if self.codes_sent >= CODES_OF_LINK or sent_today >= CODES_A_DAY:
            return None
        return now if self.code_at is None else max(now, self.code_at + CODE_PAUSE)


def why_over(link: Link) -> Why:
    """Why a link that has ended does not go on."""
    return Why.USED if link.state is State.BOUND else link.why or Why.EXPIRED


def needs_code(link: Link, contradicted: bool) -> bool:
    """Whether a link that LINE has confirmed wants a code too.

    Not where the policy trusts links that came by LINE notification, for LINE brings those to the number's own phone
    only, and nothing contradicts. `contradicted`: the number is bound to another user, or the user to another number.
    """
    return contradicted or link.asks_number or not (link.trusted and link.way is Way.NOTIFICATION)


def shown(link: Link, now: int) -> tuple[Next, Why | None]:
    """What the page of a link shows: what is next, and with SORRY why. For a while after success: DONE."""
    if link.state is State.BOUND and now < (link.ended_at or 0) + FRESH:
        return Next.DONE, None
    if link.state in ENDS:
        return Next.SORRY, why_over(link)
    if now >= link.expires_at:
        return Next.SORRY, Why.EXPIRED
    return _NEXT[link.state], None


_NEXT = {
    State.OPEN: Next.AGREE,
    State.AGREED: Next.CHAT,
    State.CLAIMED: Next.LINK,
    State.LINKED: Next.CODE,
}


def counts(confirmed_at: int, doubted_at: int | None, lasts: int, now: int) -> bool:
    """Whether a binding may be relied on: not in doubt, and confirmed not too long ago."""
    return doubted_at is None and now < confirmed_at + lasts
