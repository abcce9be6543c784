"""Granted keys of a channel: which templates, items and buttons LINE grants to its account, and what they say."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from line_emulator.control import grant_table
from line_emulator.control.channels import find, view
from line_emulator.control.http import Refused, answer, raw_body, state_of
from line_emulator.world import keys
from line_emulator.world.channels import Channel
from line_emulator.world.commands import AddChannel
from line_emulator.world.keys import BUTTON, ITEM, TEMPLATE, Grant

LARGEST = 2 * 1024 * 1024


class GrantsBody(msgspec.Struct, forbid_unknown_fields=True):
    """What `POST …/grants` takes where it is sent as JSON."""

    csv: str


async def put(request: Request) -> Response:
    """`POST /channels/{channel_id}/grants`: takes the whole table or, with every bad row named, nothing of it.

    The body is CSV, or JSON `{"csv": "…"}`. It replaces what was imported before, and lists named by hand.
    """
    channel = find(request)
    table = grant_table.read(await _csv(request))
    if table.fault_count:
        rows = "row" if table.fault_count == 1 else "rows"
        text = f"Nothing was imported: {table.fault_count} bad {rows}. {_words(table.faults[0])}"
        told = {
            "message": text,
            "error_count": table.fault_count,
            "errors": table.faults,
            "more": table.more(),
        }
        return answer(told, 400)
    grants = tuple(sorted(table.grants, key=grant_table.order))
    channel.grants = grants
    channel.templates = frozenset(grant.key for grant in grants if grant.kind == TEMPLATE)
    channel.item_keys = channel.button_keys = frozenset()
    _learn(request, channel)
    return answer(_listed(channel))


def _words(fault: grant_table.BadRow) -> str:
    place = f"Line {fault.line}" + (f", {fault.column}" if fault.column else "")
    return f"{place}{f' {fault.value!r}' if fault.value else ''}: {fault.remedy}"


async def _csv(request: Request) -> bytes:
    raw = await raw_body(request, LARGEST)
    if "json" not in request.headers.get("content-type", ""):
        return raw
    try:
        return msgspec.json.decode(raw, type=GrantsBody).csv.encode()
    except (ValueError, RecursionError):
        raise Refused(400, 'The body must be CSV (text/csv), or JSON such as {"csv": "kind,key…"}') from None


def _learn(request: Request, channel: Channel) -> None:
    channel.learn_keys()
    state_of(request).do(AddChannel(channel))


async def remove(request: Request) -> Response:
    """`DELETE /channels/{channel_id}/grants`: back to what is published for the country, and made-up keys."""
    channel = find(request)
    channel.grants, channel.templates = (), None
    channel.item_keys = channel.button_keys = frozenset()
    _learn(request, channel)
    return answer(view(channel, secrets=False))


async def show(request: Request) -> Response:
    """`GET /channels/{channel_id}/grants`: every key that the channel may use, with `source`."""
    return answer(_listed(find(request)))


async def export(request: Request) -> Response:
    """`GET /channels/{channel_id}/grants.csv`: the same as a table that can be imported again."""
    channel = find(request)
    rows = (
        (row["kind"], row["key"], row["template"], row["label"], row["source"]) for row in rows_of(channel)
    )
    headers = {"Content-Disposition": f'attachment; filename="grants-{channel.channel_id}.csv"'}
    # Excel takes a file for UTF-8 only by its byte order mark.
    text = "\ufeff" + grant_table.write(rows)
    return Response(text, media_type="text/csv; charset=utf-8", headers=headers)


def _listed(channel: Channel) -> dict[str, Any]:
    rows = rows_of(channel)
    count = {kind: len({row["key"] for row in rows if row["kind"] == kind}) for kind in keys.KINDS}
    return {
        "channel_id": channel.channel_id,
        "count": count,
        "made_up_accepted": channel.templates is None,
        "grants": rows,
    }


def rows_of(channel: Channel) -> list[dict[str, Any]]:
    """The keys as rows: templates first; then items and buttons, those that any template takes before others."""
    known = {(grant.kind, grant.key) for grant in channel.grants}
    found = list(channel.grants)
    templates = channel.templates
    if templates is None:
        templates = keys.PUBLISHED_TEMPLATES.get(channel.region, frozenset())
    items, buttons = channel.item_keys, channel.button_keys
    if any(template not in channel.forms for template in templates):
        items, buttons = channel.other_form.items, channel.other_form.buttons
    for kind, named in ((TEMPLATE, templates), (ITEM, items), (BUTTON, buttons)):
        found += [Grant(kind, key) for key in named if (kind, key) not in known]
    return [
        {
            "kind": grant.kind,
            "key": grant.key,
            "template": grant.template,
            "label": channel.label_of(grant.key),
            "source": channel.source_of(grant.key),
        }
        for grant in sorted(found, key=grant_table.order)
    ]
