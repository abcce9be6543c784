"""What must become of a notice, from the tables of LINE's documentation: no line of it looks at the programs.

One function, `expected`, takes a user, what they do within four days of the send, and the wait before SMS, and says
what LINE answers, what the user sees and when, when the event comes, and where the notice ends. Times are minutes
after the send. `deck`: the Taiwan sales deck of August 2025 where it disagrees with the documentation.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import NamedTuple

SERVED = ("TW", "TH", "JP")
RECEPTIONS = ("agree", "reject", "not_set")
EARLY, LATE = 2 * 60, 25 * 60
WINDOW = 24 * 60
"""LINE drops what was not consented to, or not verified for, after 24 hours."""
SILENCE = 24 * 60 + 10
"""An attempt without an event is open for ten minutes more."""

ACTS: dict[str, tuple[str, ...]] = {
    "agrees": ("agree",),
    "refuses": ("refuse",),
    "PIN": ("pin",),
    "agrees, PIN": ("agree", "pin"),
    "PIN, agrees": ("pin", "agree"),
    "refuses, agrees": ("refuse", "agree"),
    "blocks": ("block",),
    "blocks, unblocks": ("block", "unblock"),
    "unblocks": ("unblock",),
    "unblocks, agrees, PIN": ("unblock", "agree", "pin"),
    "changes number": ("change_number",),
}
"""What a user may do, each all at once, early (2 hours after the send) or too late (25 hours)."""


class User(NamedTuple):
    """Somebody with LINE on the day of the send."""

    country: str
    reception: str
    verified: bool
    blocked: bool
    privacy: bool


class Story(NamedTuple):
    """A user, and what they do."""

    user: User
    act: str | None = None
    when: int = 0

    @property
    def taps(self) -> tuple[str, ...]:
        return () if self.act is None else ACTS[self.act]


def stories(countries: tuple[str, ...] = SERVED) -> Iterator[Story]:
    """Every combination of country, reception, verified, blocked, privacy policy, act and time of it."""
    doings = [(None, 0), *itertools.product(ACTS, (EARLY, LATE))]
    flags = (True, False)
    for *traits, doing in itertools.product(countries, RECEPTIONS, flags, flags, flags, doings):
        yield Story(User(*traits), *doing)


class Line(NamedTuple):
    """LINE's side. `chat`: what the system account shows, as (minute, kind); the documentation's table alone has it."""

    accepted: bool
    fate: str
    seen_at: int | None
    chat: tuple[tuple[int, str], ...]
    prompt: str | None
    """What the user is asked for right after the send: consent or pin."""


class Attempt(NamedTuple):
    """One attempt as the gateway must show it."""

    step: str
    at: int
    outcome: str
    proof_at: int | None = None
    late_duplicate: bool | None = None


class Notice(NamedTuple):
    """Where the gateway's notice ends."""

    state: str
    ended_at: int
    attempts: tuple[Attempt, ...]


# The user's side at the moment of the send: (reception, verified) → the system account's messages, the open prompt.
# No prompt: the message itself is shown at once, and its event comes.
ON_SEND: dict[tuple[str, bool], tuple[tuple[str, ...], str | None]] = {
    ("agree", True): (("system_received",), None),
    ("agree", False): (("system_received", "pin_request"), "pin"),
    ("not_set", True): (("system_received", "consent_request"), "consent"),
    ("not_set", False): (("consent_request",), "consent"),
}


def can_be_sent(user: User | None, deck: bool = False) -> bool:
    """Whether LINE accepts it; else it answers 422 at once. None: no LINE user has the number."""
    if user is None or user.country not in SERVED or not user.privacy:
        return False
    # The deck lists "reject" among what is known only after 24 hours.
    return user.reception != "reject" or deck


def line_side(story: Story, deck: bool = False) -> Line:
    """What LINE does with a notification to this user."""
    user = story.user
    accepted = can_be_sent(user, deck)
    if not accepted:
        return Line(False, "rejected", None, _after(story), None)
    if user.blocked or user.reception == "reject":
        return _held(story, deck)
    kinds, prompt = ON_SEND[user.reception, user.verified]
    chat = [(0, kind) for kind in kinds]
    if prompt is None:
        return Line(True, "delivered", 0, (*chat, *_after(story)), None)
    fate, seen_at, shown = _pending(story, user.reception, user.verified)
    return Line(True, fate, seen_at, (*chat, *shown), prompt)


def _pending(
    story: Story, reception: str, verified: bool, taps: tuple[str, ...] | None = None
) -> tuple[str, int | None, list[tuple[int, str]]]:
    """A message that waits for consent or PIN, and what the taps make of it: its fate, when it is seen, the chat."""
    fate, seen_at = "pending", None
    chat: list[tuple[int, str]] = []
    if story.when >= WINDOW:
        return "expired", None, list(_after(story))
    for tap in story.taps if taps is None else taps:
        if tap == "agree":
            asked = reception != "agree"
            reception = "agree"
            if fate == "pending" and asked and not verified:
                chat.append((story.when, "pin_request"))
        elif tap == "refuse":
            reception = "reject"
            fate = "refused" if fate == "pending" else fate
        elif tap == "pin":
            verified = True
            chat.append((story.when, "verified"))
        elif tap == "block":
            fate = "blocked" if fate == "pending" else fate
        elif tap == "change_number":
            fate = "number_changed" if fate == "pending" else fate
            chat.append((story.when, "number_changed"))
        if fate == "pending" and reception == "agree" and verified:
            fate, seen_at = "delivered", story.when
            chat.append((story.when, "system_received"))
    return ("expired" if fate == "pending" else fate), seen_at, chat


def _held(story: Story, deck: bool) -> Line:
    """Accepted, and yet nothing arrives: the user blocks the account or (by the deck) rejects notifications.

    The docs: never, not even after unblocking. The deck: it may still come to a user who unblocks or agrees in time.
    """
    user = story.user
    fate = "blocked" if user.blocked else "refused"
    blocked, reception, verified = user.blocked, user.reception, user.verified
    if deck and story.when < WINDOW:
        for position, tap in enumerate(story.taps):
            refuses_anew = tap == "refuse" and reception != "reject"
            if refuses_anew or (tap == "block" and not blocked):
                break  # Refusing and blocking delete for good: what comes after does not revive it.
            blocked = blocked and tap != "unblock"
            reception = "agree" if tap == "agree" else reception
            verified = verified or tap == "pin"
            if not blocked and reception != "reject":
                rest = story.taps[position:]
                fate, seen_at, _ = _pending(story, reception, verified, rest)
                return Line(True, fate, seen_at, (), None)
    return Line(True, fate, None, _after(story), None)


def _after(story: Story) -> tuple[tuple[int, str], ...]:
    """What the system account says of taps alone, where no message waits for them."""
    said = {"pin": "verified", "change_number": "number_changed"}
    return tuple((story.when, said[tap]) for tap in story.taps if tap in said)


def gateway_side(line: Line, wait: int, sms_arrives: bool = True) -> Notice:
    """Where a notice ends under `line_notification` with this wait, then `sms`."""
    if not line.accepted:
        first, sms_at = Attempt("line_notification", 0, "unreachable"), 0
    elif line.seen_at is not None and line.seen_at < wait:
        only = Attempt("line_notification", 0, "delivered", line.seen_at)
        return Notice("delivered", line.seen_at, (only,))
    elif line.seen_at is not None:
        # A duplicate only if the SMS did not surely fail.
        first = Attempt("line_notification", 0, "late", line.seen_at, sms_arrives)
        sms_at = wait
    else:
        first, sms_at = Attempt("line_notification", 0, "silent"), wait
    if sms_arrives:
        sms = Attempt("sms", sms_at, "delivered", sms_at)
        return Notice("delivered", sms_at, (first, sms))
    sms = Attempt("sms", sms_at, "failed")
    if line.seen_at is not None:
        return Notice("delivered", line.seen_at, (first, sms))
    # Not before the last attempt is closed.
    return Notice("not_delivered", SILENCE if line.accepted else sms_at, (first, sms))
