"""A named person's word that a finding in a template's version does not hold; and taking that back."""

from collections.abc import Mapping, Set

import msgspec

from todoke.actions.channels import Conflict
from todoke.actions.content_check import codes, decoded
from todoke.actions.intake import Invalid, NotFound
from todoke.core.content.codes import is_hard
from todoke.core.content.settings import person, reason
from todoke.core.errors import InvalidRule
from todoke.core.template import Template
from todoke.ids import Ids
from todoke.storage import content, content_rules, review_events
from todoke.storage import overrulings as store
from todoke.storage.content import TemplateRow
from todoke.storage.database import Tx
from todoke.storage.overrulings import Overruling
from todoke.storage.review_events import ReviewEvent

MOST = 200
"""Of one version."""
LONGEST_POINTER = 400


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """An overruling as it is asked for. `words`: of one finding, where several of a code stand in one place."""

    code: str
    pointer: str
    by: str
    why: str
    words: str | None = None


async def overrule(
    tx: Tx, row: TemplateRow, template: Template, wanted: Wanted, now: int, ids: Ids
) -> list[Overruling]:
    """Overrules what the check found there in this version, or a kind of finding in a parameter's values.

    For a parameter (`/parameters/name`) it holds for the values of notices too, also where the fixed text has no such
    finding. Raises NotFound, Invalid or Conflict.
    """
    by, why = _named(wanted)
    if is_hard(wanted.code):
        raise Conflict(
            f"{wanted.code} is a limit of LINE or of the law: nobody can overrule it. Mend the text.", "/code"
        )
    before = await store.of_template(tx, row.id)
    if len(before) >= MOST:
        raise Conflict(f"This version has {MOST} overrulings, which is the most: mend the text.", "/code")
    found = [
        x.words
        for x in decoded(row.findings)
        if (x.code, x.pointer) == (wanted.code, wanted.pointer) and wanted.words in (None, x.words)
    ]
    if not found:
        own = {msgspec.json.decode(x.spec)["code"] for x in await content_rules.rules(tx, row.account_id)}
        _refuse_unknown(wanted, template, codes() | own)
        found = [""]
    standing = {(x.code, x.pointer, x.words) for x in before if x.withdrawn_at is None}
    made = [
        Overruling(
            id=ids.new(),
            account_id=row.account_id,
            template_id=row.id,
            code=wanted.code,
            pointer=wanted.pointer,
            words=words,
            by=by,
            why=why,
            created_at=now,
        )
        for words in dict.fromkeys(found)
        if (wanted.code, wanted.pointer, words) not in standing
    ]
    await store.insert_overrulings(tx, made)
    if made:
        evidence = {"code": wanted.code, "pointer": wanted.pointer, "words": [x.words for x in made]}
        await _tell(tx, row, by, why, "overruled", evidence, now, ids)
    return made


async def withdraw(
    tx: Tx, account_id: str, template_id: str, overruling_id: str, by: str, now: int, ids: Ids
) -> None:
    """Takes an overruling back: the finding stands again. Raises NotFound, Invalid."""
    try:
        by = person(by, "/by")
    except InvalidRule as error:
        raise Invalid(error.message, error.pointer) from None
    found = await store.find(tx, account_id, overruling_id)
    if found is None or found.template_id != template_id:
        raise NotFound("This version has no overruling with this id.")
    if found.withdrawn_at is not None:
        return
    await store.withdraw(tx, found.id, by, now)
    (row,) = await content.templates_by_ids(tx, [template_id])
    evidence = {"code": found.code, "pointer": found.pointer, "words": [found.words], "overruling": found.id}
    await _tell(tx, row, by, "withdrawn", "withdrawn", evidence, now, ids)


async def _tell(
    tx: Tx, row: TemplateRow, by: str, why: str, what: str, evidence: Mapping[str, object], now: int, ids: Ids
) -> None:
    """Keeps it in the version's history, and says to all processes that it changed."""
    event = ReviewEvent(
        id=ids.new(),
        account_id=row.account_id,
        template_id=row.id,
        at=now,
        kind="overruling",
        by=by,
        why=why,
        evidence=msgspec.json.encode({"what": what, **evidence}).decode(),
    )
    await review_events.insert_events(tx, [event])
    await content_rules.count_up(tx, row.account_id, by)


def _named(wanted: Wanted) -> tuple[str, str]:
    try:
        return person(wanted.by, "/by"), reason(wanted.why, "/why")
    except InvalidRule as error:
        raise Invalid(error.message, error.pointer) from None


def _refuse_unknown(wanted: Wanted, template: Template, known: Set[str]) -> None:
    """Without such a finding only a kind of finding in a parameter's values can be overruled."""
    parts = wanted.pointer.split("/")
    if len(parts) == 3 and parts[1] == "parameters" and wanted.words is None:
        if parts[2] not in template.parameters:
            raise NotFound(f"The template has no parameter {parts[2][:60]!r}.", "/pointer")
        if wanted.code not in known:
            raise NotFound(
                f"There is no finding {wanted.code[:60]!r}. docs/content-check.md lists them.", "/code"
            )
        return
    raise NotFound(
        f"This version has no finding {wanted.code[:60]!r} at {wanted.pointer[:100]!r}. GET "
        "/v1/templates/{id}/findings lists them; /parameters/NAME overrules a kind of finding in "
        "a parameter's values.",
        "/pointer",
    )
