"""Policies: which step comes when, how long it may take, and whether it may run for this notice."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Literal

import msgspec

import line_catalogue
from todoke.core.durations import DAY, HOUR, MINUTE, parse_duration
from todoke.core.errors import InvalidPolicy


class Step(StrEnum):
    """One way of delivery."""

    LINE_PUSH = "line_push"
    LINE_NOTIFICATION = "line_notification"
    SMS = "sms"
    CALLBACK = "callback"


LINE_STEPS = frozenset({Step.LINE_PUSH, Step.LINE_NOTIFICATION})
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


class Policy(msgspec.Struct, frozen=True):
    """The ordered steps for a notice, with waits and a deadline (milliseconds from when it was asked for)."""

    steps: tuple[PolicyStep, ...]
    deadline: int | None = None
    on_unknown: Literal["wait", "next"] = "wait"
    quiet_hours: tuple[QuietHours, ...] = ()


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What must be known of channel, template and recipient to say whether a step may run."""

    country: str
    """The country of the recipient's number."""
    channel_paused: bool = False
    number_allowed: bool = True
    """False: the channel is in test mode and this is none of its test numbers."""
    has_line_form: bool = True
    has_sms_form: bool = True
    sms_carrier: bool = True
    sms_gives_proof: bool = True


def why_not(step: Step, facts: Facts) -> str | None:
    """Why this step can't run for this notice, in words for the person who asked; None if it can."""
    if not facts.number_allowed:
        return "the channel is in test mode and the number is none of its test numbers"
    match step:
        case Step.LINE_NOTIFICATION:
            if not facts.has_line_form:
                return "the template has neither a line_template nor a flexible form"
        case Step.SMS:
            if not facts.has_sms_form:
                return "the template has no sms text"
            if not facts.sms_carrier:
                return "no SMS carrier is set up"
        case Step.LINE_PUSH:
            return "no LINE user ID is bound to the number"
        case Step.CALLBACK:
            return "the account has no endpoint for callbacks"
    return None


def gives_proof(step: Step, facts: Facts) -> bool:
    """Whether anything tells, after the carrier took it, that it reached the recipient."""
    if step is Step.SMS:
        return facts.sms_gives_proof
    return step is Step.LINE_NOTIFICATION


def window(step: Step) -> int:
    """How long after the request proof may still come, in milliseconds."""
    return LINE_WINDOW if step in LINE_STEPS else SMS_WINDOW


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


def default_wait(step: Step, urgency: line_catalogue.Urgency) -> int:
    """How long a step may take where the policy does not say: by how soon the user must have the notice."""
    if step is Step.SMS:
        return SMS_WINDOW
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
    steps = tuple(
        PolicyStep(s.step, default_wait(s.step, urgency) if s.wait is None else s.wait) for s in policy.steps
    )
    return msgspec.structs.replace(policy, steps=steps)


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


def parse_policy(spec: Mapping[str, Any], pointer: str = "") -> Policy:
    """Reads a policy as the API takes it. Raises InvalidPolicy with the place and the remedy."""
    unknown = set(spec) - {"name", "steps", "deadline", "on_unknown", "quiet_hours"}
    if unknown:
        field = sorted(unknown)[0]
        raise InvalidPolicy(
            f"A policy has no field {field!r}. It has steps, deadline, on_unknown and quiet_hours.",
            f"{pointer}/{field}",
        )
    steps = _parse_steps(spec.get("steps"), f"{pointer}/steps")
    deadline = _duration(spec.get("deadline"), f"{pointer}/deadline")
    on_unknown: Literal["wait", "next"] = spec.get("on_unknown") or "wait"
    if on_unknown not in ("wait", "next"):
        raise InvalidPolicy(
            f'on_unknown is {on_unknown!r}; it can be "wait" or "next".', f"{pointer}/on_unknown"
        )
    for i, step in enumerate(steps[:-1]):
        if deadline is not None and step.wait is not None and step.wait >= deadline:
            raise InvalidPolicy(
                f"Step {step.step} waits until the deadline has passed, so no later step would ever run. "
                "Shorten the wait, or give the whole more time.",
                f"{pointer}/steps/{i}/wait",
            )
    quiet = _parse_quiet(spec.get("quiet_hours") or [], f"{pointer}/quiet_hours")
    return Policy(steps, deadline, on_unknown, quiet)


def _parse_steps(raw: Any, pointer: str) -> tuple[PolicyStep, ...]:
    if not isinstance(raw, list) or not raw:
        raise InvalidPolicy(
            'A policy needs at least one step, such as [{"step": "line_notification", "wait": "4h"}, {"step": "sms"}].',
            pointer,
        )
    steps: list[PolicyStep] = []
    for i, item in enumerate(raw):
        at = f"{pointer}/{i}"
        if not isinstance(item, Mapping) or set(item) - {"step", "wait"}:
            raise InvalidPolicy('A step is an object with "step" and perhaps "wait".', at)
        if item.get("step") not in [*Step]:
            raise InvalidPolicy(
                f"There is no step {str(item.get('step'))[:40]!r}. Steps are {', '.join(Step)}.", f"{at}/step"
            )
        step = Step(item["step"])
        if any(s.step is step for s in steps):
            raise InvalidPolicy(f"The step {step} stands twice. Each can be tried once.", f"{at}/step")
        steps.append(PolicyStep(step, _duration(item.get("wait"), f"{at}/wait")))
    return tuple(steps)


def _parse_quiet(raw: Any, pointer: str) -> tuple[QuietHours, ...]:
    if not isinstance(raw, list):
        raise InvalidPolicy("quiet_hours is a list.", pointer)
    quiet = []
    for i, item in enumerate(raw):
        at = f"{pointer}/{i}"
        if not isinstance(item, Mapping) or set(item) != {"country", "from", "to"}:
            raise InvalidPolicy('Quiet hours have "country", "from" and "to".', at)
        if item["country"] not in [*UTC_OFFSET]:
            raise InvalidPolicy("Quiet hours are for TW, TH or JP.", f"{at}/country")
        start, end = (_minute(item[k], f"{at}/{k}") for k in ("from", "to"))
        if start == end:
            raise InvalidPolicy("Quiet hours that begin when they end would last all day or not at all.", at)
        quiet.append(QuietHours(item["country"], start, end))
    return tuple(quiet)


def _minute(text: Any, pointer: str) -> int:
    hours, colon, minutes = str(text).partition(":")
    valid = colon and hours.isascii() and hours.isdigit() and minutes.isascii() and minutes.isdigit()
    if not valid or len(hours) > 2 or len(minutes) != 2 or int(hours) > 23 or int(minutes) > 59:
        raise InvalidPolicy("A time of day is written like 21:00.", pointer)
    return int(hours) * 60 + int(minutes)


def _duration(text: Any, pointer: str) -> int | None:
    if text is None:
        return None
    try:
        value = parse_duration(text)
    except ValueError as error:
        raise InvalidPolicy(str(error), pointer) from None
    if value > 30 * DAY:
        raise InvalidPolicy("A notice is followed for at most 30 days.", pointer)
    return value
