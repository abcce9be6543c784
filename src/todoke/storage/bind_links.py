"""Bind links: stored, found by what leads to them, written back after each move, counted, dropped."""

import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Row, and_, case, func, insert, or_, select, update

from todoke.core import routing
from todoke.core.binding import Link, State, Way, Why
from todoke.core.outcome import SURELY_NOT_TAKEN
from todoke.core.template import Template, in_language
from todoke.core.template import compile as compile_template
from todoke.core.template_values import BIND_LINK
from todoke.storage import forgetting
from todoke.storage.database import Tx, has_text, portions
from todoke.storage.forgetting import ALL
from todoke.storage.tables import attempts as a
from todoke.storage.tables import bind_links as b
from todoke.storage.tables import notices as n
from todoke.storage.tables import policies as p
from todoke.storage.tables import templates as t


class StoredLink(msgspec.Struct, frozen=True, kw_only=True):
    """A link, whose it is, and what it came with."""

    link: Link
    account_id: str
    channel_id: str
    notice_id: str | None = None
    template_id: str | None = None
    greets_at: int | None = None
    """Since when a greeting with it is to be written into the chat; None: none is."""
    reply_token: str | None = None
    reply_until: int | None = None


_OF_LINK = Link.__struct_fields__
_BESIDE = tuple(x for x in StoredLink.__struct_fields__ if x != "link")
_COLUMNS = tuple(b.c[x] for x in (*_OF_LINK, *_BESIDE))
_ENDS = (State.BOUND.value, State.DEAD.value)


def _stored(row: Row[Any]) -> StoredLink:
    values = dict(row._mapping)
    beside = {x: values.pop(x) for x in _BESIDE}
    values["way"], values["state"] = Way(values["way"]), State(values["state"])
    values["why"] = None if values["why"] is None else Why(values["why"])
    values["keeps_numbers"] = tuple(json.loads(values["keeps_numbers"] or "[]"))
    for flag in ("asks_number", "trusted", "keeps_others"):
        values[flag] = bool(values[flag])
    return StoredLink(link=Link(**values), **beside)


def _values(link: Link) -> dict[str, Any]:
    values = msgspec.structs.asdict(link)
    values["way"], values["state"] = str(link.way), str(link.state)
    values["why"] = None if link.why is None else str(link.why)
    values["keeps_numbers"] = json.dumps(link.keeps_numbers) if link.keeps_numbers else None
    return values


async def insert_link(tx: Tx, stored: StoredLink) -> None:
    beside = {x: getattr(stored, x) for x in _BESIDE}
    await tx.execute(insert(b).values(_values(stored.link) | beside))


async def save(tx: Tx, link: Link) -> None:
    """Writes all that changes of a link in its life."""
    values = {k: v for k, v in _values(link).items() if k not in ("id", "created_at", "way")}
    await tx.execute(update(b).where(b.c.id == link.id).values(values))


async def _one(tx: Tx, *where: ColumnElement[bool]) -> StoredLink | None:
    row = (await tx.execute(select(*_COLUMNS).where(*where))).first()
    return None if row is None else _stored(row)


async def get_link(tx: Tx, link_id: str) -> StoredLink | None:
    return await _one(tx, b.c.id == link_id)


async def of_word(tx: Tx, channel_id: str, word: str) -> StoredLink | None:
    return await _one(tx, b.c.channel_id == channel_id, b.c.word == word)


async def of_nonce(tx: Tx, channel_id: str, nonce: str) -> StoredLink | None:
    return await _one(tx, b.c.nonce == nonce, b.c.channel_id == channel_id)


async def live_of_user(tx: Tx, channel_id: str, user_id: str, now: int) -> list[StoredLink]:
    """The links of a LINE user in a channel that go on still, the newest first."""
    where = (b.c.user_id == user_id, b.c.channel_id == channel_id)
    live = (b.c.state.not_in(_ENDS), b.c.expires_at > now)
    query = select(*_COLUMNS).where(*where, *live).order_by(b.c.created_at.desc(), b.c.id.desc())
    return [_stored(row) for row in await tx.execute(query)]


async def count_made(tx: Tx, channel_id: str, user_id: str, ways: tuple[Way, ...], since: int) -> int:
    """How many links a LINE user was given in these ways since then."""
    where = (b.c.user_id == user_id, b.c.channel_id == channel_id, b.c.created_at > since)
    query = select(func.count()).where(*where, b.c.way.in_([str(x) for x in ways]))
    return (await tx.execute(query)).scalar_one()


async def codes_since(tx: Tx, account_id: str, number: str, user_id: str, since: int) -> int:
    """How many codes went to the number, or to the user, since then: the larger one."""
    total = func.coalesce(func.sum(b.c.codes_sent), 0)
    late = (b.c.account_id == account_id, b.c.code_at > since)
    most = 0
    for whose in (b.c.number == number, b.c.user_id == user_id):
        most = max(most, (await tx.execute(select(total).where(whose, *late))).scalar_one())
    return most


async def channels_to_greet(tx: Tx) -> list[str]:
    """The channels in which somebody is to be greeted."""
    rows = await tx.execute(select(b.c.channel_id).distinct().where(b.c.greets_at.is_not(None)))
    return [row[0] for row in rows]


async def to_greet(tx: Tx, channel_ids: Iterable[str], limit: int) -> list[StoredLink]:
    """The links with which somebody is to be greeted in these channels, the longest due first."""
    found: list[StoredLink] = []
    for portion in portions(channel_ids):
        due = select(*_COLUMNS).where(b.c.greets_at.is_not(None), b.c.channel_id.in_(portion))
        found += [_stored(row) for row in await tx.execute(due.order_by(b.c.greets_at).limit(limit))]
    return sorted(found, key=lambda x: x.greets_at or 0)[:limit]


async def set_greeting(
    tx: Tx, link_id: str, at: int | None, reply_token: str | None, reply_until: int | None
) -> None:
    """Asks for a greeting with this link; `at` None: it was made, or is not wanted any more."""
    values = {"greets_at": at, "reply_token": reply_token, "reply_until": reply_until}
    await tx.execute(update(b).where(b.c.id == link_id).values(values))


class OfAttempt(msgspec.Struct, frozen=True, kw_only=True):
    """What a link in a notice is made from when it is first opened."""

    account_id: str
    channel_id: str
    notice_id: str
    template_id: str
    number: str
    step: str
    at: int
    erased: bool
    policy: str
    """As JSON."""


async def of_attempt(tx: Tx, attempt_id: str) -> OfAttempt | None:
    query = (
        select(
            n.c.account_id,
            n.c.channel_id,
            n.c.id.label("notice_id"),
            n.c.template_id,
            n.c.number,
            a.c.step,
            a.c.at,
            n.c.erased_at,
            p.c.spec,
        )
        .join(n, n.c.id == a.c.notice_id)
        .join(p, p.c.id == n.c.policy_id)
        .where(a.c.id == attempt_id)
    )
    row = (await tx.execute(query)).one_or_none()
    if row is None:
        return None
    values = dict(row._mapping)
    erased, policy = values.pop("erased_at") is not None, values.pop("spec")
    return OfAttempt(erased=erased, policy=policy, **values)


async def list_links(
    tx: Tx,
    account_id: str,
    *,
    channel_id: str | None,
    state: State | None,
    before: str | None,
    limit: int,
    now: int,
) -> list[StoredLink]:
    """The newest first, those made before the link `before`; of one state, or of all.

    A link whose time is over counts as dead, whether somebody has found out or not.
    """
    query = select(*_COLUMNS).where(b.c.account_id == account_id)
    if channel_id is not None:
        query = query.where(b.c.channel_id == channel_id)
    lapsed = and_(b.c.state.not_in(_ENDS), b.c.expires_at <= now)
    if state is State.DEAD:
        query = query.where(or_(b.c.state == str(state), lapsed))
    elif state is not None:
        query = query.where(b.c.state == str(state), ~lapsed)
    if before is not None:
        query = query.where(b.c.id < before)
    return [_stored(row) for row in await tx.execute(query.order_by(b.c.id.desc()).limit(limit))]


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """How far the links of one template and way came, and why those ended that did not make it."""

    template_id: str | None
    way: str
    why: str | None
    links: int
    opened: int
    agreed: int
    claimed: int
    linked: int
    bound: int


async def funnel(
    tx: Tx, account_id: str, channel_id: str | None, since: int, until: int, now: int
) -> list[Step]:
    """Counts of the links made from `since` until before `until`, by template, way and the reason of their end."""
    lapsed = and_(b.c.state.not_in(_ENDS), b.c.expires_at <= now)
    why = case((lapsed, str(Why.EXPIRED)), else_=b.c.why)
    query = select(
        b.c.template_id,
        b.c.way,
        why.label("why"),
        func.count().label("links"),
        func.count(b.c.opened_at).label("opened"),
        func.count(b.c.agreed_at).label("agreed"),
        func.count(b.c.claimed_at).label("claimed"),
        func.count(b.c.linked_at).label("linked"),
        func.count(b.c.binding_id).label("bound"),
    ).where(b.c.account_id == account_id, b.c.created_at >= since, b.c.created_at < until)
    if channel_id is not None:
        query = query.where(b.c.channel_id == channel_id)
    rows = await tx.execute(query.group_by(b.c.template_id, b.c.way, why).order_by(b.c.template_id, b.c.way))
    return [Step(**row._mapping) for row in rows]


async def sent(
    tx: Tx, account_id: str, channel_id: str | None, since: int, until: int
) -> list[tuple[str, str, int]]:
    """Template, step, and how many attempts that LINE or a carrier may have carried held a bind link."""
    with_link = select(t.c.id, t.c.spec).where(t.c.account_id == account_id, has_text(t.c.spec, BIND_LINK))
    holds = {
        row.id: compile_template(json.loads(row.spec), stored=True) for row in await tx.execute(with_link)
    }
    templates = [
        x for x, template in holds.items() if any(_steps_with_link(x) for x in _all_languages(template))
    ]
    if not templates:
        return []
    taken = or_(a.c.outcome.is_(None), a.c.outcome.not_in(sorted(SURELY_NOT_TAKEN)))
    query = (
        select(n.c.template_id, a.c.step, n.c.language, func.count())
        .join_from(n, a, a.c.notice_id == n.c.id)
        .where(n.c.account_id == account_id, n.c.template_id.in_(templates), taken)
        .where(a.c.at >= since, a.c.at < until)
        .group_by(n.c.template_id, a.c.step, n.c.language)
    )
    if channel_id is not None:
        query = query.where(n.c.channel_id == channel_id)
    counts: Counter[tuple[str, str]] = Counter()
    for template_id, step, language, count in await tx.execute(query):
        if step in _steps_with_link(in_language(holds[template_id], language)):
            counts[template_id, step] += count
    return [(template_id, step, count) for (template_id, step), count in counts.items()]


def _all_languages(template: Template) -> list[Template]:
    return [template, *template.variants.values()]


def _steps_with_link(template: Template) -> frozenset[str]:
    """The steps whose form, in the language that a template is in, holds a bind link."""
    forms = {
        routing.Step.LINE_NOTIFICATION: template.line_form,
        routing.Step.LINE_PUSH: template.push_form,
        routing.Step.SMS: "sms",
    }
    return frozenset(str(step) for step, form in forms.items() if form in template.links)


async def accounts_that_sent_codes(tx: Tx, number: str, since: int) -> list[str]:
    """The accounts that sent a code to this number after that time."""
    query = (
        select(b.c.account_id)
        .distinct()
        .where(b.c.number == number, b.c.code_at > since, b.c.codes_sent > 0)
        .order_by(b.c.account_id)
    )
    return [row[0] for row in await tx.execute(query)]


async def forget(tx: Tx, expired_before: int, most: int = ALL) -> int:
    """Drops so many links, at most, whose time was over before then; answers how many it were."""
    return await forgetting.forget(tx, b, b.c.expires_at < expired_before, most)
