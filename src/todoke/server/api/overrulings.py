"""/v1/templates/{template}/findings and …/overrulings: what the check found in a version, and who says otherwise."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query

from todoke.actions import content_check
from todoke.actions import overrulings as actions
from todoke.actions.overrulings import Wanted
from todoke.core.durations import rfc3339
from todoke.core.template import Template
from todoke.server.api.models import answer, problems
from todoke.server.api.models.content import OverrulingIn
from todoke.server.auth import Account
from todoke.server.problems import Problem
from todoke.server.services import Parts, Services
from todoke.storage import channels, content
from todoke.storage import overrulings as store
from todoke.storage.channels import Channel
from todoke.storage.content import TemplateRow
from todoke.storage.database import Tx
from todoke.storage.lookup import compile_row
from todoke.storage.overrulings import Overruling

router = APIRouter(prefix="/v1/templates", tags=["Content check"])

_OVERRULING = {
    "id": "01K2W7J…",
    "code": "link-front-page",
    "pointer": "/sms",
    "words": "https://shop.example/",
    "by": "林雅婷",
    "why": "The front page is the page of the order here.",
    "at": "2026-08-07T09:30:00.000Z",
    "withdrawn_at": None,
    "withdrawn_by": None,
}
_EXAMPLE = {
    "id": "01K2W7J…",
    "template": "parcel",
    "version": 2,
    "findings": [],
    "standing_errors": [],
    "sendable": True,
    "rules_version": "0f3a8c1d2e4b.9b1c…",
    "current_rules": True,
    "overrulings": [_OVERRULING],
}


async def _found(tx: Tx, account: str, template: str) -> tuple[TemplateRow, Channel, Template]:
    row = await content.find_template(tx, account, template)
    if row is None:
        raise Problem(
            404, "not-found", f"There is no template {template[:60]!r}. GET /v1/templates lists them."
        )
    channel = await channels.get_channel(tx, row.channel_id)
    assert channel is not None
    return row, channel, compile_row(row)


def _overruling_view(x: Overruling) -> dict[str, Any]:
    return {
        "id": x.id,
        "code": x.code,
        "pointer": x.pointer,
        "words": x.words,
        "by": x.by,
        "why": x.why,
        "at": rfc3339(x.created_at),
        "withdrawn_at": None if x.withdrawn_at is None else rfc3339(x.withdrawn_at),
        "withdrawn_by": x.withdrawn_by,
    }


async def _view(
    tx: Tx, row: TemplateRow, channel: Channel, template: Template, parts: Services
) -> dict[str, Any]:
    checked = await content_check.of_version(tx, channel, row, template, parts.lookup.desks)
    return {
        "id": row.id,
        "template": row.name,
        "version": row.version,
        "findings": msgspec.to_builtins(checked.findings),
        "standing_errors": msgspec.to_builtins(checked.standing),
        "sendable": checked.sendable,
        "rules_version": row.rules_version,
        "current_rules": row.rules_version in (None, checked.check.version),
        "overrulings": [_overruling_view(x) for x in await store.of_template(tx, row.id)],
    }


@router.get(
    "/{template}/findings",
    summary="What the content check found in a version",
    description="By id that version, by name the newest. The findings are those of when it was checked; "
    "`current_rules` says whether rules have changed since, and with `fresh=true` `now` holds what they would find.",
    responses={200: answer(_EXAMPLE), **problems(401, 404, 422)},
)
async def get_findings(template: str, account: Account, parts: Parts, fresh: bool = False) -> dict[str, Any]:
    async with parts.database.read() as tx:
        row, channel, compiled = await _found(tx, account, template)
        view = await _view(tx, row, channel, compiled, parts)
        if fresh:
            found, _ = await content_check.find(tx, channel, compiled, parts.lookup.desks)
            view["now"] = msgspec.to_builtins(found)
    return view


@router.post(
    "/{template}/findings",
    summary="Check a version anew",
    description="By the rules of now, and keeps what they find. An error that they find stops notices of this "
    "version, also of one that is live.",
    responses={200: answer(_EXAMPLE), **problems(401, 404)},
)
async def recheck(template: str, account: Account, parts: Parts) -> dict[str, Any]:
    async with parts.database.write() as tx:
        row, channel, compiled = await _found(tx, account, template)
        await content_check.recheck(tx, channel, row, compiled, parts.lookup.desks)
        return await _view(tx, row, channel, compiled, parts)


@router.post(
    "/{template}/overrulings",
    status_code=201,
    summary="Overrule a finding",
    description="A named person says why it does not hold, for this version only. It stays in the version's history. "
    "With the pointer /parameters/NAME it holds for the values of notices, too. Limits of LINE and of the law (409) "
    "nobody can overrule.",
    responses={201: answer(_EXAMPLE, "Overruled."), **problems(401, 404, 409, 422)},
)
async def overrule(template: str, body: OverrulingIn, account: Account, parts: Parts) -> dict[str, Any]:
    wanted = Wanted(**body.model_dump())
    async with parts.database.write() as tx:
        row, channel, compiled = await _found(tx, account, template)
        await actions.overrule(tx, row, compiled, wanted, parts.clock.now(), parts.ids)
        return await _view(tx, row, channel, compiled, parts)


@router.delete(
    "/{template}/overrulings/{overruling}",
    summary="Take an overruling back",
    description="The finding stands again. `by`: the person who takes it back.",
    responses={200: answer(_EXAMPLE), **problems(401, 404, 422)},
)
async def withdraw(
    template: str,
    overruling: str,
    account: Account,
    parts: Parts,
    by: Annotated[str, Query(max_length=200)],
) -> dict[str, Any]:
    async with parts.database.write() as tx:
        row, channel, compiled = await _found(tx, account, template)
        await actions.withdraw(tx, account, row.id, overruling, by, parts.clock.now(), parts.ids)
        return await _view(tx, row, channel, compiled, parts)
