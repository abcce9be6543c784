"""/v1/templates, /v1/policies."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Body

from todoke.actions import content as actions
from todoke.actions import content_check, policies
from todoke.core.durations import rfc3339
from todoke.core.policy_text import written
from todoke.server.api.models import answer, problems
from todoke.server.auth import Account
from todoke.server.problems import Problem
from todoke.server.services import Parts
from todoke.storage import channels as channel_store
from todoke.storage import content as store
from todoke.storage.content import PolicyRow, TemplateRow
from todoke.storage.lookup import decode_policy

router = APIRouter(prefix="/v1", tags=["Templates and policies"])

_TEMPLATE = {
    "name": "parcel",
    "channel": "Parcels",
    "use_case": "delivery",
    "parameters": {"name": {"type": "text", "example": "王小明", "max": 20}},
    "flexible": [{"type": "text", "text": "{{name}} 您好,您的包裹已送達門市。"}],
    "sms": "{{name}} 您好,您的包裹已送達門市。若已取件請忽略。",
}
_POLICY = {
    "name": "half an hour",
    "steps": [{"step": "line_notification", "wait": "30m"}, {"step": "sms"}],
    "deadline": "24h",
    "on_unknown": "wait",
}


def _template_view(row: TemplateRow) -> dict[str, Any]:
    spec = msgspec.json.decode(row.spec)
    return {
        "id": row.id,
        "version": row.version,
        "channel": row.channel_id,
        **{k: v for k, v in spec.items() if k != "channel"},
        "flagged_at": None if row.flagged_at is None else rfc3339(row.flagged_at),
        "flagged_why": row.flagged_why,
        "review": row.review,
        "review_at": None if row.review_at is None else rfc3339(row.review_at),
        "application": row.application_id,
        "created_at": rfc3339(row.created_at),
    }


def _policy_row_view(row: PolicyRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "version": row.version,
        **written(decode_policy(row.spec)),
        "created_at": rfc3339(row.created_at),
    }


@router.post(
    "/templates",
    status_code=201,
    summary="Make a template, or its next version",
    description=(
        "`{{name}}` stands for a parameter in every text. `line_template` is LINE's premade kind and goes before "
        "`flexible`; `sms` is the text of the SMS step. A notice keeps the version it was made with."
    ),
    responses={201: answer({"id": "01K2W7J…", "version": 1, **_TEMPLATE}), **problems(401, 422)},
)
async def create_template(
    body: Annotated[dict[str, Any], Body(examples=[_TEMPLATE])], account: Account, parts: Parts
) -> dict[str, Any]:
    async with parts.database.write() as tx:
        desks = parts.lookup.desks
        row, template = await actions.create_template(tx, account, body, parts.clock.now(), parts.ids, desks)
        channel = await channel_store.get_channel(tx, row.channel_id)
        assert channel is not None
        checked = await content_check.of_version(tx, channel, row, template, desks)
    return _template_view(row) | {
        "findings": msgspec.to_builtins(checked.findings),
        "rules_version": row.rules_version,
        "sendable": checked.sendable,
    }


@router.get(
    "/templates",
    summary="List templates",
    description="The newest version of each. `flagged_why` holds what LINE said of one that it refused.",
    responses=problems(401),
)
async def list_templates(account: Account, parts: Parts) -> dict[str, Any]:
    async with parts.database.read() as tx:
        return {"templates": [_template_view(r) for r in await store.list_templates(tx, account)]}


@router.get(
    "/templates/{template}",
    summary="Read a template",
    description="By name (its newest version) or id.",
    responses=problems(401, 404),
)
async def get_template(template: str, account: Account, parts: Parts) -> dict[str, Any]:
    async with parts.database.read() as tx:
        row = await store.find_template(tx, account, template)
    if row is None:
        raise Problem(
            404, "not-found", f"There is no template {template[:60]!r}. GET /v1/templates lists them."
        )
    return _template_view(row)


@router.post(
    "/policies",
    status_code=201,
    summary="Make a policy, or its next version",
    description=(
        "The steps in order. `wait`: how long a step may take before the next begins, by the use case's urgency "
        "where left out. `deadline`: after it no step begins. A notice keeps the version it was made with."
    ),
    responses={201: answer({"id": "01K2W7J…", "version": 1, **_POLICY}), **problems(401, 422)},
)
async def create_policy(
    body: Annotated[dict[str, Any], Body(examples=[_POLICY])], account: Account, parts: Parts
) -> dict[str, Any]:
    async with parts.database.write() as tx:
        row, _ = await policies.create_policy(tx, account, body, parts.clock.now(), parts.ids)
    return _policy_row_view(row)


@router.get(
    "/policies",
    summary="List policies",
    description="The newest version of each that has a name.",
    responses=problems(401),
)
async def list_policies(account: Account, parts: Parts) -> dict[str, Any]:
    async with parts.database.read() as tx:
        return {"policies": [_policy_row_view(r) for r in await store.list_policies(tx, account)]}
