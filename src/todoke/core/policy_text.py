"""Policies as people write them: JSON, read and written, each error with its place and remedy."""

from collections.abc import Mapping
from typing import Any, Literal

import line_catalogue
from todoke.core.durations import DAY, format_duration, parse_duration
from todoke.core.errors import InvalidPolicy
from todoke.core.routing import UTC_OFFSET, Frequency, Policy, PolicyStep, QuietHours, Step

FIELDS = (
    "steps",
    "deadline",
    "on_unknown",
    "quiet_hours",
    "quiet_exempt",
    "quiet_past_deadline",
    "frequency",
    "trust_links",
)
_MOST = 20
"""Entries of a list: a policy is written by a person."""


def written(policy: Policy) -> dict[str, Any]:
    """A policy as the API takes it and shows it."""
    shown: dict[str, Any] = {
        "steps": [
            {"step": s.step} | ({} if s.wait is None else {"wait": format_duration(s.wait)})
            for s in policy.steps
        ],
        "deadline": None if policy.deadline is None else format_duration(policy.deadline),
        "on_unknown": policy.on_unknown,
        "quiet_hours": [
            {"country": q.country, "from": _clock(q.start), "to": _clock(q.end)} for q in policy.quiet_hours
        ],
    }
    if policy.quiet_hours:
        shown |= {
            "quiet_exempt": list(policy.quiet_exempt),
            "quiet_past_deadline": policy.quiet_past_deadline,
        }
    if policy.frequency:
        shown["frequency"] = [
            {"at_most": f.at_most, "per": format_duration(f.per)}
            | ({} if f.use_case is None else {"use_case": f.use_case})
            for f in policy.frequency
        ]
    return shown | ({"trust_links": True} if policy.trust_links else {})


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def parse_policy(spec: Mapping[str, Any], pointer: str = "") -> Policy:
    """Reads a policy as the API takes it. Raises InvalidPolicy with the place and the remedy."""
    for field in spec:
        if field not in FIELDS and field != "name":
            raise InvalidPolicy(
                f"A policy has no field {str(field)[:40]!r}. It has {', '.join(FIELDS)}.",
                f"{pointer}/{str(field)[:40]}",
            )
    steps = _parse_steps(spec.get("steps"), f"{pointer}/steps")
    deadline = _duration(spec.get("deadline"), f"{pointer}/deadline")
    on_unknown: Literal["wait", "next"] = spec.get("on_unknown") or "wait"
    if on_unknown not in ("wait", "next"):
        raise InvalidPolicy(
            f'on_unknown is {str(on_unknown)[:40]!r}; it can be "wait" or "next".', f"{pointer}/on_unknown"
        )
    for i, step in enumerate(steps[:-1]):
        if deadline is not None and step.wait is not None and step.wait >= deadline:
            raise InvalidPolicy(
                f"Step {step.step} waits until the deadline has passed, so a later step could run only where this one "
                "fails before. Shorten the wait, or give the whole more time.",
                f"{pointer}/steps/{i}/wait",
            )
    past: Literal["send", "hold"] = spec.get("quiet_past_deadline") or "send"
    if past not in ("send", "hold"):
        raise InvalidPolicy(
            f'quiet_past_deadline is {str(past)[:40]!r}; it can be "send" (within the quiet hours, rather than '
            'never) or "hold".',
            f"{pointer}/quiet_past_deadline",
        )
    return Policy(
        steps,
        deadline,
        on_unknown,
        _parse_quiet(spec.get("quiet_hours") or [], f"{pointer}/quiet_hours"),
        _parse_exempt(spec.get("quiet_exempt") or [], f"{pointer}/quiet_exempt"),
        past,
        _parse_frequency(spec.get("frequency") or [], f"{pointer}/frequency"),
        _parse_trust(spec.get("trust_links"), f"{pointer}/trust_links"),
    )


def _parse_trust(raw: Any, pointer: str) -> bool:
    if raw is not None and not isinstance(raw, bool):
        raise InvalidPolicy(
            "trust_links is true or false: whether a bind link in a LINE notification stands for the code to the "
            "number that it went to.",
            pointer,
        )
    return bool(raw)


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
    if not isinstance(raw, list) or len(raw) > _MOST:
        raise InvalidPolicy(f"quiet_hours is a list of at most {_MOST}.", pointer)
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
    _refuse_silence(quiet, pointer)
    return tuple(quiet)


def _refuse_silence(quiet: list[QuietHours], pointer: str) -> None:
    """Quiet hours that together leave no minute of the day would hold a notice for ever."""
    for country in UTC_OFFSET:
        hours = [q for q in quiet if q.country == country]
        # Quiet time ends where some quiet hours end and no others go on, or never.
        if hours and all(any(_holds(q, other.end) for q in hours) for other in hours):
            raise InvalidPolicy(
                f"The quiet hours for {country} leave no time of the day to send in. Shorten them.", pointer
            )


def _holds(quiet: QuietHours, minute: int) -> bool:
    if quiet.start < quiet.end:
        return quiet.start <= minute < quiet.end
    return minute >= quiet.start or minute < quiet.end


def _parse_exempt(raw: Any, pointer: str) -> tuple[str, ...]:
    if not isinstance(raw, list) or len(raw) > 100:
        raise InvalidPolicy("quiet_exempt is a list of at most 100 use cases.", pointer)
    return tuple(_use_case(item, f"{pointer}/{i}") for i, item in enumerate(raw))


def _use_case(text: Any, pointer: str) -> str:
    if isinstance(text, str) and 0 < len(text) <= 60 and text.isascii() and text.replace("_", "a").isalnum():
        return text
    known = sorted(
        {u.key for country in line_catalogue.countries() for u in line_catalogue.use_cases(country)}
    )
    raise InvalidPolicy(
        f"{str(text)[:40]!r} is no use case. Write its key, such as {known[0]}; GET /v1/use-cases lists them.",
        pointer,
    )


def _parse_frequency(raw: Any, pointer: str) -> tuple[Frequency, ...]:
    if not isinstance(raw, list) or len(raw) > _MOST:
        raise InvalidPolicy(f"frequency is a list of at most {_MOST} rules.", pointer)
    rules = []
    for i, item in enumerate(raw):
        at = f"{pointer}/{i}"
        if not isinstance(item, Mapping) or not {"at_most", "per"} <= set(item) <= {
            "at_most",
            "per",
            "use_case",
        }:
            raise InvalidPolicy(
                'A frequency rule has "at_most", "per" and perhaps "use_case", such as {"at_most": 2, "per": "7d"}.',
                at,
            )
        at_most, per = item["at_most"], _duration(item["per"], f"{at}/per")
        if not isinstance(at_most, int) or isinstance(at_most, bool) or not 1 <= at_most <= 1000:
            raise InvalidPolicy("at_most is a whole number from 1 to 1000.", f"{at}/at_most")
        if per is None:
            raise InvalidPolicy("per is a duration, such as 7d.", f"{at}/per")
        use_case = item.get("use_case")
        rules.append(
            Frequency(at_most, per, None if use_case is None else _use_case(use_case, f"{at}/use_case"))
        )
    return tuple(rules)


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
