"""Why a notification stayed silent: from signs to likelihoods, never to a fact.

LINE tells nobody why no delivery event came (LINE notification messages, "Behavior when receiving": the user blocks the
account, did not agree to notifications, or did not pass the check by SMS; "Changing the number" drops what waited).
What the gateway has seen of the number and the channel speaks for one cause or another: each such sign multiplies the
odds of the causes by its weights, as if signs were independent of each other (naive Bayes). The weights are data, in
one table, each with the reason for it. Which signs there are is found by `core.silence_signs`.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum

import msgspec


class Cause(StrEnum):
    """Why a notification that LINE took, or may have taken, had no delivery event."""

    BLOCKED = "blocked"
    """The user blocks this account: nothing of it arrives, ever."""
    NO_CONSENT = "no_consent"
    """The user has not agreed to notifications, or refuses them: one setting for all accounts of LINE."""
    NO_VERIFICATION = "no_verification"
    """The user did not pass the check of the number by SMS, which lasts 180 days and counts for all accounts."""
    NUMBER_CHANGED = "number_changed"
    """The number was given up while the message waited, or its user left LINE."""
    UNSEEN = "unseen"
    """It may have been shown: its event did not reach this gateway, or LINE never got the request."""
    UNKNOWN = "unknown"
    """Nothing speaks for one of them, or what does cancels out."""


CAUSES = tuple(c for c in Cause if c is not Cause.UNKNOWN)

PRIOR: Mapping[Cause, float] = {
    # LINE publishes no shares. After a refusal or a change of number the next request is a 422, so few silences are
    # theirs; our own losses are rare where redelivery is on. Alone this is never an answer: see `judge`.
    Cause.BLOCKED: 0.30,
    Cause.NO_CONSENT: 0.22,
    Cause.NO_VERIFICATION: 0.28,
    Cause.NUMBER_CHANGED: 0.06,
    Cause.UNSEEN: 0.14,
}

MARGIN = 1.2
"""The first cause must be so many times as likely as the second; else what speaks for them cancels out."""


class Sign(StrEnum):
    """Something that the gateway has seen and that speaks for a cause, or against one."""

    UNANSWERED = "unanswered"
    EVENTS_SURELY_MISSING = "events_surely_missing"
    EVENTS_PERHAPS_MISSING = "events_perhaps_missing"
    EVENTS_CAME = "events_came"
    WEBHOOK_ALARM = "webhook_alarm"
    SHOWN_ELSEWHERE_MEANWHILE = "shown_elsewhere_meanwhile"
    SHOWN_ELSEWHERE_AFTER = "shown_elsewhere_after"
    BEGAN_HERE_ALONE = "began_here_alone"
    SILENT_ELSEWHERE = "silent_elsewhere"
    STOPPED_EVERYWHERE = "stopped_everywhere"
    BETWEEN_SHOWN = "between_shown"
    SHOWN_NEXT = "shown_next"
    RUN_ENDED = "run_ended"
    SILENT_NEXT = "silent_next"
    SILENT_AROUND = "silent_around"
    RELEASED_FIRST = "released_first"
    RELEASED_AGAIN = "released_again"
    NEVER_SHOWN = "never_shown"
    SHOWN_BEFORE = "shown_before"
    LONG_AGO = "long_ago"
    PROVED_LATELY = "proved_lately"
    UNMATCHED_AFTER_NEVER_SHOWN = "unmatched_after_never_shown"
    UNMATCHED_AFTER_SHOWN = "unmatched_after_shown"
    MATCHED_AGAIN = "matched_again"
    STILL_MATCHED = "still_matched"
    SMS_FAILED = "sms_failed"
    SMS_RECEIVED = "sms_received"
    UNFOLLOWED = "unfollowed"
    UNLISTED = "unlisted"
    FRIEND = "friend"
    MOVED = "moved"


def _weights(
    blocked: float, consent: float, verification: float, number: float, unseen: float
) -> tuple[float, ...]:
    return (blocked, consent, verification, number, unseen)


# Over 1 speaks for a cause, under 1 against it. Columns: blocked, no_consent, no_verification, number_changed, unseen.
# Pages: "Behavior" = LINE notification messages, "Behavior when receiving"; "Webhooks" = Receive messages (webhook);
# "Block" = Messaging API reference, follow and unfollow events.
TABLE: Mapping[Sign, tuple[float, ...]] = {
    # LINE has no retry key for notifications, so a lost answer stays lost: half of such requests never arrived.
    Sign.UNANSWERED: _weights(0.8, 0.8, 0.8, 0.8, 8),
    # Webhooks: no order, no guarantee. All the users of an hour don't fall silent together by their own acts.
    Sign.EVENTS_SURELY_MISSING: _weights(1, 1, 1, 1, 40),
    Sign.EVENTS_PERHAPS_MISSING: _weights(1, 1, 1, 1, 8),
    # One event may still be lost alone, but that is rare.
    Sign.EVENTS_CAME: _weights(1, 1, 1, 1, 0.3),
    # LINE's own test of the address failed, or its signatures did not fit: what was posted meanwhile is lost.
    Sign.WEBHOOK_ALARM: _weights(1, 1, 1, 1, 6),
    # Behavior: consent and the check count for all accounts, and passing them releases whatever waits. What was shown
    # by another account in these 24 hours would have brought this one too, unless this account is blocked, or it came
    # and only its event was lost.
    Sign.SHOWN_ELSEWHERE_MEANWHILE: _weights(12, 0.03, 0.03, 0.05, 8),
    # The same with some days between: the user may have agreed, or been checked, by another business in between.
    Sign.SHOWN_ELSEWHERE_AFTER: _weights(5, 0.15, 0.15, 0.05, 4),
    # One of several silences in a row; the first of them came while another account was still shown.
    Sign.BEGAN_HERE_ALONE: _weights(5, 0.4, 0.5, 0.8, 0.6),
    # What holds for all accounts silences all of them. A block is one account's.
    Sign.SILENT_ELSEWHERE: _weights(0.35, 2.5, 2.5, 1.5, 0.7),
    # Consent, once given, stays (Behavior: a setting never returns to not set); the check lapses after 180 days.
    Sign.STOPPED_EVERYWHERE: _weights(0.35, 1.1, 5, 2, 0.5),
    # Nobody blocks and unblocks, or loses and regains the check, between two messages, as often as an event is lost.
    Sign.BETWEEN_SHOWN: _weights(0.25, 0.1, 0.15, 0.02, 5),
    Sign.SHOWN_NEXT: _weights(0.3, 0.4, 0.4, 0.03, 2.5),
    # After several silences in a row: a block that was lifted, or a check passed elsewhere. Two lost events are rarer.
    Sign.RUN_ENDED: _weights(1, 0.6, 0.6, 0.03, 0.5),
    # Two lost events of one user in a row are rarer than one cause that lasts.
    Sign.SILENT_NEXT: _weights(1, 1, 1, 0.8, 0.4),
    # What silenced the one before and the one after held in between too, whether events were lost just then or not.
    Sign.SILENT_AROUND: _weights(1, 1, 1, 0.3, 0.02),
    # Behavior: what is shown hours after its request waited for consent or the check; so probably did this one. Who
    # was never shown anything was asked for consent; who was, had given it, and was asked for the check.
    Sign.RELEASED_FIRST: _weights(0.4, 5, 3, 0.02, 0.3),
    Sign.RELEASED_AGAIN: _weights(0.4, 1.5, 5, 0.02, 0.3),
    # Nothing was ever shown to this number: the question was never answered. Accounts from before app 8.9 (2018), the
    # larger part, start without consent (Behavior), and are asked for that before the check.
    Sign.NEVER_SHOWN: _weights(0.7, 3, 1.5, 0.5, 0.25),
    # Something was shown, so consent was given; since then it can only have been withdrawn in the settings.
    Sign.SHOWN_BEFORE: _weights(1, 0.3, 1, 1, 1),
    # Behavior: the check lasts 180 days.
    Sign.LONG_AGO: _weights(1, 0.7, 8, 1.5, 0.8),
    # A message that had waited was shown: consent, or the check, was given just then.
    Sign.PROVED_LATELY: _weights(1, 0.5, 0.4, 1, 1),
    # 422 (Errors): no LINE user has the number, or the user rejects. Who was asked for the first time and refused is on
    # reject from then on; who had agreed long before more likely gave the number up.
    Sign.UNMATCHED_AFTER_NEVER_SHOWN: _weights(0.5, 6, 0.4, 2.5, 0.4),
    Sign.UNMATCHED_AFTER_SHOWN: _weights(0.5, 2.5, 0.4, 9, 0.4),
    # Who rejects can agree again in the settings; a number that was given up finds a new owner after months only.
    Sign.MATCHED_AGAIN: _weights(1, 3, 1, 0.3, 1),
    # LINE took a later request: the number is a LINE user's still.
    Sign.STILL_MATCHED: _weights(1, 1, 1, 0.04, 1),
    # The SMS network does not know the number any more, or its phone is off for days.
    Sign.SMS_FAILED: _weights(0.9, 0.9, 0.9, 6, 0.9),
    # The number is in use; not said by whom.
    Sign.SMS_RECEIVED: _weights(1, 1, 1, 0.7, 1),
    # Block: an unfollow event says that the user blocks the account.
    Sign.UNFOLLOWED: _weights(30, 0.7, 0.7, 0.7, 0.5),
    # The followers list leaves out who blocks the account, but also who shares no profile.
    Sign.UNLISTED: _weights(4, 1, 1, 1.5, 1),
    # Who blocks is told of by an event; one can be lost, and hiding and deleting an account sends none.
    Sign.FRIEND: _weights(0.15, 1, 1, 1, 1),
    # The same LINE user has confirmed another number since.
    Sign.MOVED: _weights(0.8, 0.8, 0.8, 15, 0.8),
}


class Observed(msgspec.Struct, frozen=True):
    """A sign that is there, in words for people: no number, no hash, no user ID."""

    sign: Sign
    text: str


class Likely(msgspec.Struct, frozen=True, kw_only=True):
    """One cause: how likely it is (0 to 1), what speaks for it, and what against."""

    cause: Cause
    likelihood: float
    evidence: tuple[str, ...] = ()
    against: tuple[str, ...] = ()


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """The causes, the likeliest first; their likelihoods add up to 1.

    `has_evidence`: something was seen that speaks for a cause. What only speaks against one is no evidence by this
    word, for what it leaves over would be chosen by the prior alone. This is the one place that decides it.
    """

    causes: tuple[Likely, ...]
    has_evidence: bool

    @property
    def first(self) -> Cause:
        return self.causes[0].cause


NO_EVIDENCE = "nothing that the gateway has seen speaks for one cause or another"
CANCELS_OUT = "what speaks for one cause is balanced by what speaks for another"


def judge(observed: Sequence[Observed]) -> Verdict:
    """The likelihoods of the causes after these signs.

    The first is `unknown`, with a likelihood of 1, where there is no evidence or it cancels out.
    """
    has_evidence = any(max(TABLE[x.sign]) > 1 for x in observed)
    if not has_evidence:
        return Verdict(causes=(_unknown(NO_EVIDENCE),), has_evidence=False)
    shares = dict(PRIOR)
    for x in observed:
        for cause, weight in zip(CAUSES, TABLE[x.sign], strict=True):
            shares[cause] *= weight
    total = sum(shares.values())
    ranked = sorted(CAUSES, key=lambda c: -shares[c])
    if shares[ranked[0]] < MARGIN * shares[ranked[1]]:
        texts = tuple(x.text for x in observed if max(TABLE[x.sign]) > 1)
        return Verdict(causes=(_unknown(CANCELS_OUT, *texts),), has_evidence=True)
    return Verdict(causes=tuple(_likely(c, shares[c] / total, observed) for c in ranked), has_evidence=True)


def _unknown(*why: str) -> Likely:
    return Likely(cause=Cause.UNKNOWN, likelihood=1.0, evidence=why)


def _likely(cause: Cause, likelihood: float, observed: Sequence[Observed]) -> Likely:
    place = CAUSES.index(cause)
    return Likely(
        cause=cause,
        likelihood=likelihood,
        evidence=tuple(x.text for x in observed if TABLE[x.sign][place] > 1),
        against=tuple(x.text for x in observed if TABLE[x.sign][place] < 0.6),
    )
