"""How applications and versions of templates move: only as `core.review` allows, with who, why and evidence kept.

When an application is submitted the newest versions of its templates go with it, and what becomes of it becomes of
them. A later version of a live template is moved by itself.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from todoke.actions import announcements, content_check
from todoke.actions.applications import event, region_of
from todoke.actions.channels import Conflict
from todoke.actions.intake import Invalid
from todoke.actions.review_words import evidence, person, reason, shows_something
from todoke.core import review
from todoke.core.checklist import items, missing, texts
from todoke.core.review import TRANSITIONS, VERSION_TRANSITIONS, WITH_THE_APPLICATION, Move, Review, State
from todoke.core.working_days import answer_expected
from todoke.ids import Ids
from todoke.storage import applications as store
from todoke.storage import attachments, review_events
from todoke.storage import channels as channel_store
from todoke.storage.applications import Application
from todoke.storage.attachments import Attachment
from todoke.storage.content import TemplateRow
from todoke.storage.database import Tx
from todoke.storage.desks import Desks
from todoke.storage.lookup import compile_row
from todoke.storage.review_events import ReviewEvent

_S = TypeVar("_S", State, Review)


class IllegalMove(Conflict):
    """A move that the table does not have; the message names those that it has."""

    code = "illegal-transition"


class NotReady(Conflict):
    """What is to be submitted is not complete. `problems`: each thing that is missing, with its place."""

    code = "not-ready"

    def __init__(self, message: str, problems: Sequence[tuple[str, str]]) -> None:
        super().__init__(message)
        self.problems = tuple(problems)


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A move as it is asked for."""

    to: str
    by: str | None
    why: str | None
    evidence: Any = None
    templates: Sequence[str] | None = None
    """Which templates are submitted with an application, by name or id; None: all of its use case."""


class Said(msgspec.Struct, frozen=True):
    """Who moved it, why, and with which evidence, as it is kept."""

    by: str
    why: str
    evidence: str | None


async def move_application(
    tx: Tx, row: Application, wanted: Wanted, now: int, ids: Ids, desks: Desks
) -> tuple[Application, int]:
    """Moves an application, and its templates with it. Answers it as it is then, and how many webhooks were queued.

    Raises Invalid, IllegalMove or NotReady.
    """
    before, after = State(row.state), _state(State, wanted.to)
    demands = review.move(TRANSITIONS, before, after)
    if demands is None:
        raise IllegalMove(review.illegal(TRANSITIONS, before, after, f"The application for {row.key}"), "/to")
    said = _said(wanted, demands, await attachments.of_application(tx, row.id))
    going = await _going(tx, row, wanted.templates) if after is State.IN_REVIEW else []
    if demands.ready:
        await _refuse_unfinished(tx, row, going, desks)
    changed: dict[str, Any] = {"state": after.value, "state_at": now}
    if after is State.IN_REVIEW:
        first, last = answer_expected(await region_of(tx, row), now)
        changed |= {"submitted_at": now, "answer_from": first.isoformat(), "answer_until": last.isoformat()}
    await store.update_application(tx, row.id, **changed)
    moved = event(
        row,
        "transition",
        said.by,
        now,
        ids,
        from_state=before.value,
        to_state=after.value,
        why=said.why,
        evidence=said.evidence,
    )
    await review_events.insert_events(tx, [moved])
    row = msgspec.structs.replace(row, **changed)
    told = await announcements.of_application(tx, row, before.value, said.by, said.why, now, ids)
    return row, told + await _move_along(tx, row, after, going, said, now, ids)


async def _move_along(
    tx: Tx, row: Application, after: State, going: Sequence[TemplateRow], said: Said, now: int, ids: Ids
) -> int:
    """Moves the versions that go with an application."""
    if after not in WITH_THE_APPLICATION:
        return 0
    if after is not State.IN_REVIEW:
        all_ = await store.templates_of(tx, row.channel_id, row.key)
        # Where an application goes back, what was approved in this round goes back with it: it would be live with the
        # next round although nobody has submitted it again.
        held = {Review.IN_REVIEW} if after is State.APPROVED else {Review.IN_REVIEW, Review.APPROVED}
        going = [x for x in all_ if x.application_id == row.id and x.review in held]
    return await _move_versions(tx, going, WITH_THE_APPLICATION[after], row.id, said, now, ids)


async def _move_versions(
    tx: Tx,
    rows: Sequence[TemplateRow],
    after: Review,
    application_id: str | None,
    said: Said,
    now: int,
    ids: Ids,
) -> int:
    if not rows:
        return 0
    await store.set_review(tx, [x.id for x in rows], after.value, now, application_id)
    events = [
        ReviewEvent(
            id=ids.new(),
            account_id=x.account_id,
            template_id=x.id,
            at=now,
            kind="transition",
            by=said.by,
            from_state=x.review,
            to_state=after.value,
            why=said.why,
            evidence=said.evidence,
        )
        for x in rows
    ]
    await review_events.insert_events(tx, events)
    return await announcements.of_reviews(tx, rows, after.value, application_id, said.by, now, ids)


async def move_version(
    tx: Tx, row: TemplateRow, wanted: Wanted, now: int, ids: Ids, desks: Desks
) -> tuple[TemplateRow, int]:
    """Moves one version of a template by itself. Raises Invalid, IllegalMove or NotReady."""
    before, after = Review(row.review), _state(Review, wanted.to)
    subject = f"Version {row.version} of {row.name}"
    demands = review.move(VERSION_TRANSITIONS, before, after)
    if demands is None:
        raise IllegalMove(review.illegal(VERSION_TRANSITIONS, before, after, subject), "/to")
    found = await store.applications(tx, row.account_id, key=row.use_case, channel_id=row.channel_id)
    application_id = found[0].id if found else row.application_id
    said = _said(wanted, demands, await attachments.of_application(tx, found[0].id) if found else [])
    if demands.ready:
        if not found:
            words = f"Nobody has applied to use {row.use_case} on this channel. POST /v1/use-cases does."
            raise NotReady(f"{subject} can't be submitted: {words}", [("/to", words)])
        await _refuse_errors(tx, [row], subject, desks)
    told = await _move_versions(tx, [row], after, application_id, said, now, ids)
    moved = msgspec.structs.replace(row, review=after.value, review_at=now, application_id=application_id)
    return moved, told


def _state(kind: type[_S], to: str) -> _S:
    try:
        return kind(to)
    except ValueError:
        raise Invalid(f"There is no state {to[:40]!r}, only {', '.join(kind)}.", "/to") from None


def _said(wanted: Wanted, demands: Move, files: Sequence[Attachment]) -> Said:
    by, why = person(wanted.by), reason(wanted.why)
    kept = evidence(wanted.evidence, files)
    if demands.evidence and not shows_something(kept):
        raise Invalid(f"This needs evidence: {demands.evidence}.", "/evidence")
    return Said(by, why, json.dumps(kept, ensure_ascii=False) if kept else None)


async def _going(tx: Tx, row: Application, named: Sequence[str] | None) -> list[TemplateRow]:
    """The versions that go into review with an application: the newest of each of its templates, or those named."""
    all_ = await store.templates_of(tx, row.channel_id, row.key)
    if named is None:
        newest = {x.name: x for x in reversed(all_)}
        chosen = list(newest.values())
    else:
        chosen = [_named(all_, name, i, row) for i, name in enumerate(named)]
    submitted = (x for x in chosen if (Review(x.review), Review.IN_REVIEW) in VERSION_TRANSITIONS)
    return list({x.id: x for x in submitted}.values())


def _named(rows: Sequence[TemplateRow], name: str, at: int, row: Application) -> TemplateRow:
    found = next((x for x in rows if name in (x.id, x.name)), None)
    if found is None:
        raise Invalid(
            f"This channel has no template {name[:60]!r} of the use case {row.key}.", f"/templates/{at}"
        )
    return found


async def _refuse_unfinished(tx: Tx, row: Application, going: Sequence[TemplateRow], desks: Desks) -> None:
    """Raises NotReady where the checklist has gaps, or an error stands in a text that goes along."""
    region = await region_of(tx, row)
    given: Mapping[str, str] = json.loads(row.checklist)
    asked = items(region, no_verification=bool(row.no_verification))
    has_templates = bool(await store.templates_of(tx, row.channel_id, row.key))
    if gaps := missing(asked, given, has_templates=has_templates):
        problems = [(f"/checklist/{x}", texts(x, region)["en"].asks) for x in gaps]
        raise NotReady(
            f"The application for {row.key} can't be submitted: its checklist lacks {', '.join(gaps)}. "
            f"PATCH /v1/use-cases/{row.id} fills it in.",
            problems,
        )
    await _refuse_errors(tx, going, f"The application for {row.key}", desks)


async def _refuse_errors(tx: Tx, rows: Sequence[TemplateRow], subject: str, desks: Desks) -> None:
    standing: list[tuple[str, str]] = []
    for row in rows:
        channel = await channel_store.get_channel(tx, row.channel_id)
        assert channel is not None
        checked = await content_check.of_version(
            tx, channel, row, compile_row(row), desks, store=True, fresh=True
        )
        standing += [
            (f"/templates/{row.name}{x.pointer}", f"{x.code}: {x.words!r}. {x.remedy}")
            for x in checked.standing
        ]
    if standing:
        raise NotReady(
            f"{subject} can't be submitted: the content check found {len(standing)} that must not be sent. Mend the "
            "text, or overrule the finding with a reason.",
            standing,
        )
