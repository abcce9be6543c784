"""/v1/content-rules and /v1/content-settings: what an account adds to the content check, and what it takes out."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Response

from todoke.actions import content_rules as actions
from todoke.core.durations import rfc3339
from todoke.server.api.models import answer, problems
from todoke.server.api.models.content import ContentRuleIn, ContentSettingsIn
from todoke.server.auth import Account, Caller
from todoke.server.problems import Problem
from todoke.server.services import Parts
from todoke.storage import content_rules as store
from todoke.storage.content_rules import OwnRule, SettingsRow
from todoke.storage.desks import read

router = APIRouter(prefix="/v1", tags=["Content check"])

_RULE = {
    "id": "01K2W7J…",
    "name": "no rival's name",
    "by": "林雅婷",
    "code": "rival",
    "any": ["他家(電商|商城)"],
    "remedy": "Leave the name out.",
    "finds": ["比他家電商便宜"],
    "created_at": "2026-08-07T09:30:00.000Z",
    "ended_at": None,
}
_SETTINGS = {
    "links": [{"domain": "shop.example", "use_cases": ["delivery"]}],
    "off": [
        {
            "code": "link-social",
            "by": "林雅婷",
            "why": "Our help desk is there.",
            "since": "2026-08-07T09:30:00.000Z",
        }
    ],
    "version": 3,
    "by": "林雅婷",
    "changed_at": "2026-08-07T09:30:00.000Z",
}


def _rule_view(rule: OwnRule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "name": rule.name,
        "by": rule.by,
        **msgspec.json.decode(rule.spec),
        "created_at": rfc3339(rule.created_at),
        "ended_at": None if rule.ended_at is None else rfc3339(rule.ended_at),
    }


def _settings_view(row: SettingsRow) -> dict[str, Any]:
    settings = read(row)
    return {
        "links": [
            {"domain": x.domain, **({"use_cases": list(x.use_cases)} if x.use_cases else {})}
            for x in settings.links
        ],
        "off": [{"code": x.code, "by": x.by, "why": x.why, "since": rfc3339(x.at)} for x in settings.off],
        "version": row.version,
        "by": row.by or None,
        "changed_at": rfc3339(row.changed_at) if row.changed_at else None,
    }


@router.post(
    "/content-rules",
    status_code=201,
    summary="Make a rule of your own",
    description="In the form of Todoke's own rules. It is tried on `finds` and `passes` first, and refused where "
    "they do not hold. Values of notices are checked by it from now on, templates when they are next pushed.",
    responses={
        200: answer(_RULE, "It stood already."),
        201: answer(_RULE, "Made."),
        **problems(401, 409, 422),
    },
)
async def create_rule(
    body: ContentRuleIn, response: Response, account: Account, parts: Parts
) -> dict[str, Any]:
    data = body.model_dump(by_alias=True, exclude_unset=True)
    async with parts.database.write() as tx:
        made, new = await actions.create_rule(tx, account, data, parts.clock.now(), parts.ids)
    if not new:
        response.status_code = 200
    return _rule_view(made)


@router.get(
    "/content-rules",
    summary="List your own rules, by name",
    description="Those that hold; with `ended=true` the others too.",
    responses=problems(401, 422),
)
async def list_rules(account: Account, parts: Parts, ended: bool = False) -> dict[str, Any]:
    async with parts.database.read() as tx:
        return {"rules": [_rule_view(x) for x in await store.rules(tx, account, ended=ended)]}


@router.delete(
    "/content-rules/{rule}",
    summary="End a rule of your own",
    description="By its name or id. It is kept, as findings name its code.",
    responses={200: answer(_RULE), **problems(401, 404)},
)
async def end_rule(rule: str, account: Account, caller: Caller, parts: Parts) -> dict[str, Any]:
    async with parts.database.write() as tx:
        return _rule_view(await actions.end_rule(tx, account, rule, caller, parts.clock.now()))


@router.get(
    "/content-settings",
    summary="Read the settings of the content check",
    description="Domains that links may lead to, and kinds of findings that are switched off.",
    responses={200: answer(_SETTINGS), **problems(401)},
)
async def get_settings(account: Account, parts: Parts) -> dict[str, Any]:
    async with parts.database.read() as tx:
        return _settings_view(await store.settings(tx, account))


@router.put(
    "/content-settings",
    summary="Change the settings of the content check",
    description="All of them: what is left out is empty. Limits of LINE and of the law can't be switched off. "
    "With `if` of the version that you read, nobody's change in between is lost.",
    responses={200: answer(_SETTINGS), **problems(401, 409, 422)},
)
async def put_settings(
    body: ContentSettingsIn,
    account: Account,
    parts: Parts,
    expected: Annotated[int | None, Query(alias="if", ge=0, description="The version that you read.")] = None,
) -> dict[str, Any]:
    async with parts.database.write() as tx:
        if expected is not None and (now := await store.version(tx, account)) != expected:
            raise Problem(
                409,
                "changed",
                f"The settings are at version {now} by now. Read them again, then change them.",
            )
        await actions.put_settings(tx, account, body.model_dump(), parts.clock.now())
        return _settings_view(await store.settings(tx, account))
