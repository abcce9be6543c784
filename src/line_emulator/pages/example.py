"""The first notification: a request that can be sent from the start page, and the same for a terminal."""

from __future__ import annotations

import json
import shlex
from itertools import islice
from typing import Any

from line_emulator.state import State
from line_emulator.world.channels import Channel
from line_emulator.world.keys import EXAMPLE_PREFIX, ITEM, PUBLISHED_TEMPLATES
from line_emulator.world.ledger import TEMPLATE_PATH
from line_emulator.world.numbers import digest
from line_emulator.world.people import Account

TAG_HEADER = "X-Line-Delivery-Tag"
MADE_UP_TEMPLATE = f"{EXAMPLE_PREFIX}parcel_arrived"
MOST_USERS = 6
MOST_ITEMS = 3
_CONTENTS = ("A-1024", "7-ELEVEN 信義門市", "8/10", "NT$ 590")


def first_notification(state: State, base_url: str) -> dict[str, Any] | None:
    """What the start page needs to send one: the newest channel that can, and users to send it to. None where
    there is no such channel or no user.
    """
    able = [channel for channel in state.world.channels.values() if _able(channel)]
    people = state.world.people
    newest = (account for account in reversed(people.by_number.values()) if not account.deleted)
    accounts = list(islice(newest, MOST_USERS)) or people.page(0, MOST_USERS)[0]
    if not able or not accounts:
        return None
    channel = able[-1]
    users = [_user(channel, account) for account in accounts]
    return {
        "channel": channel,
        "path": TEMPLATE_PATH,
        "tag_header": TAG_HEADER,
        "template": _template(channel),
        "title": channel.title_of(_template(channel)),
        "source": channel.source_of(_template(channel)),
        "users": users,
        "curl": curl(base_url, channel, accounts[0]),
    }


def _able(channel: Channel) -> bool:
    return channel.access_token is not None and channel.may_send_templates()


def _template(channel: Channel) -> str:
    if channel.templates is not None:
        return min(channel.templates)
    return min(PUBLISHED_TEMPLATES.get(channel.region, frozenset()), default=MADE_UP_TEMPLATE)


def body(channel: Channel, account: Account) -> dict[str, Any]:
    """A notification for this user: a template of the channel with a few of its items."""
    template = _template(channel)
    form = channel.form_of(template)
    listed = [grant.key for grant in channel.grants if grant.kind == ITEM and grant.key in form.items]
    items = listed or sorted(form.items | form.shared_items)
    contents = zip(items[:MOST_ITEMS], _CONTENTS, strict=False)
    filled = [{"itemKey": key, "content": content} for key, content in contents]
    return {"to": digest(account.phone).hex(), "templateKey": template, "body": {"items": filled}}


def _user(channel: Channel, account: Account) -> dict[str, Any]:
    return {
        "phone": account.phone,
        "name": account.name,
        "reception": account.reception,
        "body": json.dumps(body(channel, account), ensure_ascii=False),
    }


def curl(base_url: str, channel: Channel, account: Account) -> str:
    """The same request for a terminal."""
    data = json.dumps(body(channel, account), ensure_ascii=False)
    return (
        f"curl {shlex.quote(base_url + TEMPLATE_PATH)} \\\n"
        f"  -H {shlex.quote(f'Authorization: Bearer {channel.access_token}')} \\\n"
        f"  -H 'Content-Type: application/json' \\\n"
        f"  -H '{TAG_HEADER}: first-notification' \\\n"
        f"  -d {shlex.quote(data)}"
    )
