"""Policies: which step comes when, how long it may take, and whether it may run for this notice.

How a policy is written: `core.policy_text`.
"""

from enum import StrEnum
from typing import Literal

import msgspec

import line_catalogue
from todoke.core.durations import DAY, HOUR, MINUTE, format_duration, parse_duration
from todoke.core.errors import InvalidPolicy
from todoke.core.suppression import Scope, why_suppressed


class Step(StrEnum):
    """One way of delivery."""

    LINE_PUSH = "line_push"
    LINE_NOTIFICATION = "line_notification"
    SMS = "sms"
    CALLBACK = "callback"


LINE_STEPS = frozenset({Step.LINE_PUSH, Step.LINE_NOTIFICATION})
REPEATABLE = frozenset({Step.LINE_PUSH, Step.CALLBACK})
"""Each try carries the same key (LINE's retry key, the webhook's id), and the receiver takes it once: a try whose
outcome is unknown is made again."""
RETRY_KEY_LASTS = 23 * HOUR
"""LINE remembers a retry key for 24 hours; with an hour of room for clocks and for the way of a request."""
DEFAULT_ORDER = (Step.LINE_PUSH, Step.LINE_NOTIFICATION, Step.SMS)

LINE_WINDOW = 24 * HOUR + 10 * MINUTE
"""LINE holds a notification for 24 hours; ten minutes more for the webhook's way to us."""
SMS_WINDOW = 72 * HOUR
"""A carrier's final receipt comes within three days or not at all."""
UTC_OFFSET = {"TW": 8 * HOUR, "TH": 7 * HOUR, "JP": 9 * HOUR}
"""Local time by country. None of the three has daylight saving time."""


class PolicyStep(msgspec.Struct, frozen=True):
    """A step and how long it may take, in milliseconds from its first request, before the next begins."""

    step: Step
    wait: int | None = None
    """None: the default of the use case's urgency."""


class QuietHours(msgspec.Struct, frozen=True):
    """No step begins between `start` and `end`, minutes after local midnight; may run over midnight."""

    country: str
    start: int
    end: int


class Frequency(msgspec.Struct, frozen=True):
    """A recipient gets at most so many notices of a use case within `per` milliseconds."""

    at_most: int
    per: int
    use_case: str | None = None
    """None: of each use case."""


class Policy(msgspec.Struct, frozen=True):
    """The ordered steps for a notice, with waits and a deadline (milliseconds from when it was asked for)."""

    steps: tuple[PolicyStep, ...]
    deadline: int | None = None
    on_unknown: Literal["wait", "next"] = "wait"
    quiet_hours: tuple[QuietHours, ...] = ()
    quiet_exempt: tuple[str, ...] = ()
    """Use cases that quiet hours do not hold."""
    quiet_past_deadline: Literal["send", "hold"] = "send"
    """A notice whose deadline would pass before the quiet hours end: sent within them, or held and so never sent."""
    frequency: tuple[Frequency, ...] = ()
    trust_links: bool = False
    """A bind link that came by LINE notification to the number needs no code, where nothing contradicts."""

    def frequency_for(self, use_case: str) -> list[Frequency]:
        """The frequency rules that concern a notice of this use case."""
        return [f for f in self.frequency if f.use_case in (None, use_case)]


class Friendship(StrEnum):
    """How a LINE user stands to the channel's account, as far as is known."""

    FRIEND = "friend"
    BLOCKED = "blocked"
    """Unfollowed, which includes users who never followed and block."""
    UNKNOWN = "unknown"


class SmsRoute(msgspec.Struct, frozen=True):
    """An SMS carrier that delivers to the recipient's country."""

    carrier: str
    gives_proof: bool = True


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What must be known of channel, template and recipient to say whether a step may run."""

    country: str
    """The country of the recipient's number."""
    use_case: str = ""
    channel_paused: bool = False
    number_allowed: bool = True
    """False: the channel is in test mode and this is none of its test numbers."""
    not_live: str | None = None
    """Why the template may not reach this number yet, or any more, in words; None: it may."""
    has_line_form: bool = True
    has_push_form: bool = False
    has_sms_form: bool = True
    user_bound: bool = False
    """A LINE user ID is bound to the number, and that may be relied on."""
    binding_doubt: str | None = None
    """Why no binding of the number may be relied on, in words; None: there is none, or one may."""
    link_too_long: frozenset[Step] = frozenset()
    """Steps whose form holds a bind link, where this installation's address is too long for it."""
    friendship: Friendship = Friendship.UNKNOWN
    sms: tuple[SmsRoute, ...] = ()
    """The carriers to try, the best first."""
    has_callback: bool = False
    too_often: str | None = None
    """Why a frequency rule forbids to begin, in words."""
    suppressed: frozenset[Scope] = frozenset()
    """What the recipient is not to be sent."""


def why_not(step: Step, facts: Facts) -> str | None:
    """Why this step can't run for this notice, in words for the person who asked; None if it can."""
    if facts.suppressed and (why := why_suppressed(facts.suppressed, is_sms=step is Step.SMS)) is not None:
        return why
    if step in facts.link_too_long:
        return "the template's {{bind_link}} would come out too long: shorten TODOKE_BASE_URL"
    if not facts.number_allowed:
        return "the channel is in test mode and the number is none of its test numbers"
    if facts.not_live is not None:
        return facts.not_live
    match step:
        case Step.LINE_PUSH:
            return _why_no_push(facts)
        case Step.LINE_NOTIFICATION:
            if not facts.has_line_form:
                return "the template has neither a line_template nor a flexible form"
            if facts.friendship is Friendship.BLOCKED:
                return "the user has blocked the account: LINE would take it and never show it"
        case Step.SMS:
            if not facts.has_sms_form:
                return "the template has no sms text"
            if not facts.sms:
                return f"no SMS carrier is set up that delivers to {facts.country}"
        case Step.CALLBACK:
            if not facts.has_callback:
                return "the account has no endpoint for callbacks that is not paused"
    return None


def _why_no_push(facts: Facts) -> str | None:
    if not facts.has_push_form:
        return "the template has neither a push nor a flexible form"
    if not facts.user_bound:
        return facts.binding_doubt or "no LINE user ID is bound to the number"
    if facts.friendship is Friendship.BLOCKED:
        return "the user has blocked the account"
    if facts.friendship is not Friendship.FRIEND:
        return "the bound user is not known as a friend of the account"
    return None


def window(step: Step) -> int:
    """How long after the request proof may still come, in milliseconds."""
    return LINE_WINDOW if step in LINE_STEPS else SMS_WINDOW


def held_until(policy: Policy, facts: Facts, deadline_at: int | None, now: int) -> int | None:
    """The end of the quiet hours that hold a notice now; None where it may go."""
    if not policy.quiet_hours or facts.use_case in policy.quiet_exempt:
        return None
    until = quiet_until(policy, facts.country, now)
    if until is None:
        return None
    # Two quiet times on end are one.
    while (further := quiet_until(policy, facts.country, until)) is not None and further < now + DAY:
        until = further
    passes = deadline_at is not None and deadline_at <= until
    return None if passes and policy.quiet_past_deadline == "send" else until


def quiet_until(policy: Policy, country: str, now: int) -> int | None:
    """The end of the quiet hours that `now` falls into in that country; None outside of them."""
    for quiet in policy.quiet_hours:
        if quiet.country != country:
            continue
        offset = UTC_OFFSET[country]
        midnight = (now + offset) // DAY * DAY
        minute = (now + offset - midnight) // MINUTE
        end = midnight + quiet.end * MINUTE - offset
        if quiet.start < quiet.end:
            if quiet.start <= minute < quiet.end:
                return end
        elif minute >= quiet.start:
            return end + DAY
        elif minute < quiet.end:
            return end
    return None


_SMS_FIRST = "sms_first"
_PRESSING = {"5m": 5 * MINUTE, "1h": HOUR}


_PUSH_WAIT = 10 * MINUTE


def default_wait(step: Step, urgency: line_catalogue.Urgency, *, last: bool) -> int:
    """How long a step may take where the policy does not say: by how soon the user must have the notice.

    A push is answered at once; its wait is only for repeats while LINE can't be reached. An SMS has until its last
    receipt may come, unless a next step would then be too late.
    """
    if step is Step.SMS:
        return SMS_WINDOW if last else _PRESSING.get(urgency, SMS_WINDOW)
    if step is Step.LINE_PUSH:
        return _PUSH_WAIT if urgency != "5m" else MINUTE
    wait = line_catalogue.waits()[urgency]
    return _PRESSING[urgency] if wait == _SMS_FIRST else parse_duration(wait)


class Choice(msgspec.Struct, frozen=True):
    """A policy and why it was chosen, in words."""

    policy: Policy
    why: str


def default_policy(urgency: line_catalogue.Urgency, source: str) -> Choice:
    """The policy for a use case's urgency; `source` says in words where the urgency comes from."""
    if line_catalogue.waits()[urgency] == _SMS_FIRST:
        steps = tuple(PolicyStep(s) for s in (Step.SMS, Step.CALLBACK, Step.LINE_NOTIFICATION))
        within = "an hour" if urgency == "1h" else "five minutes"
        why = f"{source} must be read within {within}: SMS goes first, LINE last"
        return Choice(complete(Policy(steps), urgency), why)
    policy = complete(Policy(tuple(PolicyStep(s) for s in DEFAULT_ORDER)), urgency)
    within = "may take over a day" if urgency == "over 1d" else "is wanted within a day"
    wait = line_catalogue.waits()[urgency]
    return Choice(policy, f"{source} {within}: LINE has {wait} before the SMS")


def complete(policy: Policy, urgency: line_catalogue.Urgency) -> Policy:
    """The same policy with every wait filled in."""
    last = policy.steps[-1]
    steps = tuple(
        PolicyStep(s.step, default_wait(s.step, urgency, last=s is last) if s.wait is None else s.wait)
        for s in policy.steps
    )
    return msgspec.structs.replace(policy, steps=steps)


def never_in_time(policy: Policy, deadline: int | None) -> list[str]:
    """Steps whose turn comes after the deadline (milliseconds from when the notice was asked for), in words."""
    if deadline is None:
        return []
    unproved: list[PolicyStep] = []
    for i, step in enumerate(policy.steps[:-1]):
        # A push or a callback is taken or not at once: its wait is for when nobody answers, and adds to no other.
        waits = [step]
        if step.step not in REPEATABLE:
            unproved.append(step)
            waits = unproved
        takes = sum(s.wait or 0 for s in waits)
        if takes >= deadline:
            earlier = [s.step.value for s in waits]
            later = " and ".join(s.step for s in policy.steps[i + 1 :])
            return [
                f"{' and '.join(earlier)} may take {format_duration(takes)}, and the deadline is "
                f"{format_duration(deadline)}: {later} would begin only where {' or '.join(earlier)} fails before. "
                f"Give {' and '.join(earlier)} a shorter wait."
            ]
    return []


def refuse_for_use_case(policy: Policy, use_case: str) -> None:
    """Raises InvalidPolicy where a late duplicate would break the law and the policy could make one."""
    if use_case not in line_catalogue.duplicate_unlawful():
        return
    if len(policy.steps) > 1 and any(s.step is Step.LINE_NOTIFICATION for s in policy.steps):
        raise InvalidPolicy(
            f"The use case {use_case} allows no duplicate, and LINE may deliver up to 24 hours later: "
            "line_notification can't stand beside another step. Leave it out, or make it the only one.",
            "/policy/steps",
        )
