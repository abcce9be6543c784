"""How a bind link moves.

`step(link, event, now)` is the only place where a link changes; TRANSITIONS holds every move that may happen. What
users do out of turn (an old page, a double click, a late event of LINE's) is no error: it changes nothing, and the
answer says why.
"""

from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from todoke.core.binding import DIALOGS_OF_LINK, ENDS, TRIES, Link, State, Why, why_over
from todoke.core.errors import IllegalTransition


class Opened(msgspec.Struct, frozen=True):
    """The page was opened."""


class Agreed(msgspec.Struct, frozen=True, kw_only=True):
    """The user agreed to the consent text. `number`: typed, where the link asks for it. `word`: a new one."""

    number: str | None
    language: str
    consent: str
    consent_version: int
    word: str


class Claimed(msgspec.Struct, frozen=True):
    """A LINE user sent the word."""

    user_id: str


class Asked(msgspec.Struct, frozen=True):
    """LINE will be asked for a link token. `nonce`: a new one, for a link that has none."""

    nonce: str


class Linked(msgspec.Struct, frozen=True):
    """LINE told that the account link succeeded, by this user, from the browser with this mark."""

    user_id: str | None
    browser: str | None = None


class LinkFailed(msgspec.Struct, frozen=True):
    """LINE told that it failed: the dialog was opened by another LINE user."""


class CodeMade(msgspec.Struct, frozen=True, kw_only=True):
    """A code is to be sent. `sent_today`: how many went in 24 hours to the number or to the user, the larger one."""

    code: str
    sent_today: int
    keeps_others: bool = False
    keeps_numbers: tuple[str, ...] = ()


class CodeUnsent(msgspec.Struct, frozen=True):
    """The code surely did not leave; it is not counted."""

    code: str


class CodeEntered(msgspec.Struct, frozen=True):
    """The user entered a code; `binding_id` is the binding's, should it be the right one."""

    code: str
    binding_id: str


class Trusted(msgspec.Struct, frozen=True):
    """No code is needed: `needs_code` said so."""

    binding_id: str


class Died(msgspec.Struct, frozen=True):
    """Something else ended it."""

    why: Why


Event = (
    Opened
    | Agreed
    | Claimed
    | Asked
    | Linked
    | LinkFailed
    | CodeMade
    | CodeUnsent
    | CodeEntered
    | Trusted
    | Died
)

_SAME = {state: frozenset({state}) for state in State}
_DEAD = frozenset({State.DEAD})

TRANSITIONS: dict[tuple[State, type], frozenset[State]] = {
    (State.OPEN, Opened): _SAME[State.OPEN],
    (State.OPEN, Agreed): frozenset({State.OPEN, State.AGREED, State.CLAIMED}),
    (State.OPEN, Died): _DEAD,
    (State.AGREED, Opened): _SAME[State.AGREED],
    (State.AGREED, Agreed): _SAME[State.AGREED],
    (State.AGREED, Claimed): frozenset({State.AGREED, State.CLAIMED}),
    (State.AGREED, Died): _DEAD,
    (State.CLAIMED, Opened): _SAME[State.CLAIMED],
    (State.CLAIMED, Agreed): _SAME[State.CLAIMED],
    (State.CLAIMED, Claimed): _SAME[State.CLAIMED],
    (State.CLAIMED, Asked): _SAME[State.CLAIMED],
    (State.CLAIMED, Linked): frozenset({State.LINKED, State.DEAD}),
    (State.CLAIMED, LinkFailed): _DEAD,
    (State.CLAIMED, Died): _DEAD,
    (State.LINKED, Opened): _SAME[State.LINKED],
    (State.LINKED, Agreed): _SAME[State.LINKED],
    (State.LINKED, Claimed): _SAME[State.LINKED],
    # The user goes on in another browser: LINE confirms them there, and the one before is shown nothing more.
    (State.LINKED, Asked): _SAME[State.LINKED],
    (State.LINKED, Linked): frozenset({State.LINKED, State.DEAD}),
    # A second dialog for the same link was opened, by another LINE user: somebody passed the link on.
    (State.LINKED, LinkFailed): _DEAD,
    (State.LINKED, CodeMade): _SAME[State.LINKED],
    (State.LINKED, CodeUnsent): _SAME[State.LINKED],
    (State.LINKED, CodeEntered): frozenset({State.LINKED, State.BOUND, State.DEAD}),
    (State.LINKED, Trusted): frozenset({State.BOUND}),
    (State.LINKED, Died): _DEAD,
}
"""Every move: (state, event) → the states that may follow. A link that has ended never leaves its end."""


class Moved(NamedTuple):
    """A link after an event, and why that did not do what was wanted; None: it did."""

    link: Link
    why: Why | None = None


def step(link: Link, event: Event, now: int) -> Moved:
    """Moves a link. What is not legal now changes nothing but the end of a link whose time is over."""
    if link.state in ENDS:
        return Moved(link, why_over(link))
    if now >= link.expires_at:
        dead = replace(link, state=State.DEAD, why=Why.EXPIRED, ended_at=link.expires_at, code=None)
        return Moved(dead, Why.EXPIRED)
    legal = TRANSITIONS.get((link.state, type(event)))
    if legal is None:
        return Moved(link, Why.OUT_OF_TURN)
    moved = _after(link, event, now)
    if moved.link.state not in legal:
        raise IllegalTransition(f"{link.state} → {moved.link.state} by {type(event).__name__}")
    return moved


def _after(link: Link, event: Event, now: int) -> Moved:
    match event:
        case Opened():
            return Moved(link if link.opened_at is not None else replace(link, opened_at=now))
        case Agreed():
            return _agreed(link, event, now)
        case Claimed(user_id):
            return _claimed(link, user_id, now)
        case Asked(nonce):
            if link.dialogs >= DIALOGS_OF_LINK:
                return Moved(link, Why.TOO_OFTEN)
            # One nonce a link: whichever of two dialogs is finished, its event is the link's.
            return Moved(replace(link, nonce=link.nonce or nonce, dialogs=link.dialogs + 1))
        case Linked(user_id, browser):
            if user_id != link.user_id:
                return _dead(link, Why.NOT_YOURS, now)
            at = now if link.linked_at is None else link.linked_at
            return Moved(replace(link, state=State.LINKED, linked_at=at, browser=browser))
        case LinkFailed():
            return _dead(link, Why.NOT_YOURS, now)
        case CodeMade():
            return _code_made(link, event, now)
        case CodeUnsent(code):
            if code != link.code:
                return Moved(link, Why.OUT_OF_TURN)
            # The pause before the next one stays: nobody shall knock at a carrier that is down all the time.
            return Moved(replace(link, code=None, codes_sent=link.codes_sent - 1))
        case CodeEntered():
            return _code_entered(link, event, now)
        case Trusted(binding_id):
            return _bound(link, binding_id, now)
        case Died(why):
            return _dead(link, why, now)


def _dead(link: Link, why: Why, now: int) -> Moved:
    return Moved(replace(link, state=State.DEAD, why=why, ended_at=now, code=None), why)


def _bound(link: Link, binding_id: str, now: int) -> Moved:
    return Moved(replace(link, state=State.BOUND, ended_at=now, code=None, binding_id=binding_id))


def _agreed(link: Link, event: Agreed, now: int) -> Moved:
    number = event.number if link.may_change_number else link.number
    if number is None:
        return Moved(link, Why.BAD_NUMBER)
    if link.state is not State.OPEN and (number == link.number or not link.may_change_number):
        return Moved(replace(link, language=event.language), Why.OUT_OF_TURN)
    known = link.user_id is not None
    state = link.state
    if state is State.OPEN:
        state = State.CLAIMED if known else State.AGREED
    return Moved(
        replace(
            link,
            state=state,
            number=number,
            language=event.language,
            consent=event.consent,
            consent_version=event.consent_version,
            word=link.word if known or link.word is not None else event.word,
            opened_at=now if link.opened_at is None else link.opened_at,
            agreed_at=now,
            claimed_at=now if known and link.claimed_at is None else link.claimed_at,
            code=None,
        )
    )


def _claimed(link: Link, user_id: str, now: int) -> Moved:
    if link.user_id is None:
        return Moved(replace(link, state=State.CLAIMED, user_id=user_id, claimed_at=now))
    return Moved(link, None if link.user_id == user_id else Why.IN_USE)


def _code_made(link: Link, event: CodeMade, now: int) -> Moved:
    at = link.may_send_at(event.sent_today, now)
    if at is None:
        return Moved(link, Why.TOO_MANY_CODES)
    if at > now:
        return Moved(link, Why.TOO_SOON)
    return Moved(
        replace(
            link,
            code=event.code,
            code_at=now,
            codes_sent=link.codes_sent + 1,
            keeps_others=event.keeps_others,
            keeps_numbers=event.keeps_numbers,
        )
    )


def _code_entered(link: Link, event: CodeEntered, now: int) -> Moved:
    if link.code_lasts_until(now) is None:
        return Moved(link, Why.NO_CODE)
    if event.code == link.code:
        return _bound(link, event.binding_id, now)
    tries = link.code_tries + 1
    if tries >= TRIES:
        return _dead(replace(link, code_tries=tries), Why.TOO_MANY_TRIES, now)
    return Moved(replace(link, code_tries=tries), Why.WRONG_CODE)
