"""/v1/checks: what the content check says of a text, a template or values. Nothing is stored."""

import re
from typing import Any

import msgspec
from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool

from todoke.actions import content_check, key_lists
from todoke.core import template as templates
from todoke.core.content.check import About, ContentCheck
from todoke.core.content.finding import Finding, Severity
from todoke.core.template import Template
from todoke.core.template_values import NAME, as_text
from todoke.server.api.models import answer, problems
from todoke.server.api.models.content import CheckIn
from todoke.server.auth import Account
from todoke.server.problems import Problem
from todoke.server.services import Parts
from todoke.storage import channels as channel_store

router = APIRouter(prefix="/v1/checks", tags=["Content check"])

LONGEST_VALUE = 5000
LONGEST_VALUES = 20_000
"""Characters of all values together."""
_HALF = re.compile("[\ud800-\udfff]")
_EXAMPLE = {
    "findings": [
        {
            "code": "coupon",
            "severity": "error",
            "pointer": "/text",
            "words": "優惠券",
            "remedy": "A notice hands out no coupon, voucher or code. …",
        }
    ],
    "sendable": False,
    "rules_version": "0f3a8c1d2e4b.9b1c…",
}


@router.post(
    "",
    summary="Check a text, a template or values",
    description="With the rules that come with Todoke and the account's own. `error`: must not be sent. `words` "
    "is what was written there, `pointer` where it stands.",
    responses={200: answer(_EXAMPLE), **problems(401, 413, 422)},
)
async def check(body: CheckIn, account: Account, parts: Parts) -> dict[str, Any]:
    if body.text is None and body.template is None and body.parameters is None:
        raise Problem(422, "invalid", "Give text, template or parameters.", [("/text", "Nothing to check.")])
    values = _values(body.parameters or {})
    template = None if body.template is None else templates.compile(body.template)
    about = About(country=body.country)
    found: list[Finding] = []
    async with parts.database.read() as tx:
        made = await parts.lookup.desks.check(tx, account)
        name = "" if body.template is None else str(body.template.get("channel") or "")
        channel = await channel_store.find_channel(tx, account, name) if name else None
        if template is not None and channel is not None:
            about = await content_check.about(tx, channel, template.use_case)
            found += await key_lists.findings(tx, channel, template.spec)
        elif template is not None:
            about = content_check.about_of_country(body.country, template.use_case)
    # A long text takes some milliseconds, and others are waiting.
    async with parts.lookup.desks.turn:
        found += await run_in_threadpool(_found, made, body, template, about, values)
    return {
        "findings": msgspec.to_builtins(found),
        "sendable": all(x.severity is not Severity.ERROR for x in found),
        "rules_version": made.version,
    }


def _values(given: dict[str, Any]) -> dict[str, str]:
    values: dict[str, str] = {}
    for name, value in given.items():
        text = as_text(value)
        if not NAME.fullmatch(name):
            message = (
                f"{name[:64]!r} is no name for a parameter: use letters a to z, digits and _, at most 64."
            )
            raise Problem(422, "invalid", message, [("/parameters", message)])
        if text is None or len(text) > LONGEST_VALUE or _HALF.search(text):
            message = f"A value is a text or plain number of at most {LONGEST_VALUE} whole characters."
            raise Problem(422, "invalid", message, [(f"/parameters/{name}", message)])
        values[name] = text
    if sum(map(len, values.values())) > LONGEST_VALUES:
        message = (
            f"All values together have at most {LONGEST_VALUES} characters: check them in several calls."
        )
        raise Problem(422, "invalid", message, [("/parameters", message)])
    return values


def _found(
    made: ContentCheck, body: CheckIn, template: Template | None, about: About, values: dict[str, str]
) -> list[Finding]:
    found: list[Finding] = []
    known = {"language": body.language, "country": about.country, "use_case": body.use_case}
    if body.text is not None:
        found += made.text(body.text, **known, pointer="/text")
    if template is not None:
        found += made.template(template, about)
        if values:
            found += made.values(template, about.country).all(values)
    else:
        for name, value in values.items():
            found += made.text(value, **known, pointer=f"/parameters/{name}")
    return found
