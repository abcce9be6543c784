"""A notice as it is asked for, and what it comes to: one that can be stored, or the error that says why not.

Pure, and light to import: the process that reads lists (`engine.lists.reading`) needs nothing of storage for it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

import line_catalogue
from todoke.core.content.check import ContentCheck
from todoke.core.content.finding import Finding
from todoke.core.content.timing import Moment, Timing, last_moment, moment_of, untimely
from todoke.core.content.values import ValuesCheck
from todoke.core.durations import DAY, parse_duration, parse_rfc3339
from todoke.core.errors import ContentRefused, Invalid, InvalidEvent, Untimely
from todoke.core.gate import Gate, refusal
from todoke.core.languages import chosen
from todoke.core.phone import Phone, parse
from todoke.core.template import Template, check_parameters, in_language

MAX_REFERENCE = 100
SAID = 5
"""Findings that the text of a refusal names; all are in its list."""


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What all notices of one call, or of one list, are held to."""

    region: str
    """Of the channel: TW, TH, JP."""
    template: Template
    template_id: str
    version: int
    """Of the template."""
    keeps: int | None
    """How long after they were taken in the policy lets steps begin, in milliseconds; None: it sets no deadline."""
    gate: Gate
    check: ContentCheck
    values: ValuesCheck
    standing: tuple[Finding, ...]
    """The errors of the content check in the template that nobody has overruled."""
    timing: Timing

    def deadline(self, now: int) -> int | None:
        """The deadline of a notice that says none itself."""
        return None if self.keeps is None else now + self.keeps


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A notice as it is asked for."""

    to: str
    parameters: Mapping[str, Any]
    reference: str | None = None
    deadline: str | None = None
    batch_id: str | None = None
    language: str | None = None
    event_at: str | None = None
    """When that is which it tells of."""


class Made(msgspec.Struct, frozen=True):
    """What a notice that was asked for came to."""

    phone: Phone
    language: str
    parameters: str
    """JSON."""
    reference: str | None
    deadline_at: int | None
    event_at: int | None


def made(terms: Terms, wanted: Wanted, now: int, *, even_if_not_live: bool = False) -> Made:
    """What a notice comes to. Raises InvalidNumber, InvalidParameters (ContentRefused), Invalid, InvalidEvent, Untimely
    or NotLive with the place.

    `even_if_not_live`: for what is only explained and never stored.
    """
    phone = parse(wanted.to, terms.region)
    language = language_of(terms.template, terms.region, wanted.language)
    if terms.standing:
        raise refusal_of_template(terms.template, terms.template_id, terms.version, terms.standing)
    parameters = check_parameters(in_language(terms.template, language), wanted.parameters)
    _refuse_values(terms, parameters)
    reference = wanted.reference
    if reference is not None and (len(reference) > MAX_REFERENCE or not reference.isprintable()):
        raise Invalid(f"A reference has at most {MAX_REFERENCE} printable characters.", "/reference")
    if not even_if_not_live and (why := terms.gate.why_not(phone.e164)) is not None:
        raise refusal(why, phone.e164)
    deadline_at = _deadline_at(wanted.deadline, terms, now)
    event, last = timed(terms, parameters, wanted.event_at, now)
    if last is not None and (deadline_at is None or last < deadline_at):
        # No step begins once the notice would come too late: not after quiet hours, retries or a pause either.
        deadline_at = last
    return Made(
        phone,
        language,
        msgspec.json.encode(parameters).decode(),
        reference or None,
        deadline_at,
        None if event is None else event.begins,
    )


def language_of(template: Template, region: str, asked: str | None) -> str:
    """Which of the template's languages a notice is in: the nearest to what was asked for, the template's own where
    nothing was. Raises Invalid for a language that it has no texts in.
    """
    own = template.language or line_catalogue.countries()[region].language
    if asked is None or not asked.strip():
        return own
    has = template.languages if template.language is not None else (own, *template.languages)
    if (found := chosen(asked, has)) is None:
        raise Invalid(
            f"The template {template.name} has no texts in {asked.strip()[:40]!r}, only in {', '.join(has)}. Ask for "
            "one of these, or leave language out.",
            "/language",
        )
    return found


def refusal_of_template(
    template: Template, template_id: str, version: int, stand: Sequence[Finding]
) -> ContentRefused:
    """Why no notice of this version is taken in."""
    problems = [("/template" + x.pointer, f"{x.code}: {x.words!r}. {x.remedy}") for x in stand]
    said = "; ".join(f"{x.code} at {x.pointer} ({x.words[:40]!r})" for x in stand[:SAID])
    return ContentRefused(
        f"Version {version} of {template.name} must not be sent: {said}. Mend the text and push the template again, or "
        f"overrule the finding with a reason (POST /v1/templates/{template_id}/overrulings).",
        "/template",
        problems,
    )


def timed(
    terms: Terms, values: Mapping[str, str], event_at: str | None, now: int
) -> tuple[Moment | None, int | None]:
    """When the event is that a notice tells of, and after which moment none of its steps may begin.

    Raises InvalidEvent, or Untimely where the notice may not be sent now.
    """
    event = _event_of(terms.template, values, event_at, terms.region)
    if event is None:
        return None, None
    data = terms.check.data.timing
    if (why := untimely(terms.timing, event, now, data)) is not None:
        raise Untimely(why.reason, why.message, "/parameters" if event_at is None else "/event_at")
    return event, last_moment(terms.timing, event, data)


def _event_of(
    template: Template, values: Mapping[str, str], event_at: str | None, country: str
) -> Moment | None:
    """When that is which a notice tells of: what the notice says, else its parameter. Raises InvalidEvent."""
    text, pointer = event_at, "/event_at"
    if text is None:
        name = next((name for name, each in template.parameters.items() if each.event), None)
        if name is None:
            return None
        text, pointer = values[name], f"/parameters/{name}"
    try:
        return moment_of(text, country)
    except ValueError as error:
        more = "" if event_at is not None else " Or give event_at with the notice."
        raise InvalidEvent(f"{error}{more}", pointer) from None


def _refuse_values(terms: Terms, values: Mapping[str, str]) -> None:
    """Raises ContentRefused where a notice's values must not be sent."""
    if found := terms.values.errors(values):
        problems = [(x.pointer, f"{x.code}: {x.words!r}. {x.remedy}") for x in found]
        raise ContentRefused(
            f"{found[0].pointer.rpartition('/')[2]} must not be sent: {problems[0][1]}",
            found[0].pointer,
            problems,
        )


def _deadline_at(deadline: str | None, terms: Terms, now: int) -> int | None:
    if deadline is None:
        return terms.deadline(now)
    try:
        at = parse_rfc3339(deadline) if "T" in deadline else now + parse_duration(deadline)
    except ValueError as error:
        remedy = "A deadline is a duration such as 24h, or a time such as 2026-08-07T18:00:00Z."
        raise Invalid(f"{error} {remedy}", "/deadline") from None
    if not now < at <= now + 30 * DAY:
        raise Invalid("A deadline lies in the future, at most 30 days ahead.", "/deadline")
    return at
