"""The first notification: a request that can be sent from the start page, and the same for a terminal."""

from __future__ import annotations

import json
import shlex
from itertools import islice
from typing import Any, TypeVar

import line_catalogue
from line_emulator.state import State
from line_emulator.world.channels import Channel
from line_emulator.world.keys import EXAMPLE_PREFIX, ITEM, PUBLISHED_TEMPLATES
from line_emulator.world.ledger import TEMPLATE_PATH
from line_emulator.world.numbers import digest
from line_emulator.world.people import Account

Choice = TypeVar("Choice")
TAG_HEADER = "X-Line-Delivery-Tag"
MADE_UP_TEMPLATE = f"{EXAMPLE_PREFIX}parcel_arrived"
MOST_USERS = 6
MOST_ITEMS = 3
MOST_CHOICES = 200
NEUTRAL = "1234567"
_CONTENTS = {
    "example_store": "青松超商 忠孝復興門市",
    "example_pickup_code": "A-1024",
    "example_pick_up_until": "8月16日(日)",
    "example_amount": "NT$1,200",
    "example_due_date": "8月31日(一)",
    "example_customer_name": "林雅婷",
    "date_002_ja": "8月16日(日)",
    "time_range_001_ja": "午前中",
    "number_001_ja": NEUTRAL,
    "price_001_ja": "12,000円",
    "name_010_ja": "山田 花子",
}
"""What belongs under the keys that this emulator knows: its own made-up ones and those that LINE publishes."""
_MADE_UP_ITEMS = ("example_store", "example_pickup_code", "example_pick_up_until")
USERS: tuple[dict[str, Any], ...] = (
    {
        "phone": "+886912000001",
        "name": "Mei (gets it at once)",
        "reception": "agree",
        "verified": True,
        "language": "zh-Hant",
    },
    {
        "phone": "+886912000002",
        "name": "Jun (must agree first)",
        "reception": "not_set",
        "verified": False,
        "language": "en",
        "created_at": "2020-01-01T00:00:00Z",
    },
    {
        "phone": "+886912000003",
        "name": "Lin (rejects)",
        "reception": "reject",
        "verified": True,
        "language": "zh-Hant",
    },
)
"""The users of the example, as `POST /users` takes them: one of each kind, one of them in English."""


def first_notification(
    state: State, base_url: str, channel_id: str = "", template: str = ""
) -> dict[str, Any] | None:
    """What the start page needs to send one: a channel that can and a template of it, as asked for or the usual
    ones, and users to send it to. None where there is no such channel or no user.
    """
    able = {channel.channel_id: channel for channel in state.world.channels.values() if _able(channel)}
    people = state.world.people
    newest = (account for account in reversed(people.by_number.values()) if not account.deleted)
    accounts = list(islice(newest, MOST_USERS)) or people.page(0, MOST_USERS)[0]
    if not able or not accounts:
        return None
    channel = able.get(channel_id) or _usual(list(able.values()))
    templates = templates_of(channel)
    chosen = template if template in templates else templates[0]
    return {
        "channel": channel,
        "channels": _some(list(able.values()), channel),
        "path": TEMPLATE_PATH,
        "tag_header": TAG_HEADER,
        "template": chosen,
        "templates": [(key, channel.title_of(key)) for key in _some(templates, chosen)],
        "title": channel.title_of(chosen),
        "source": channel.source_of(chosen),
        "users": [_user(channel, chosen, account) for account in accounts],
        "curl": curl(base_url, channel, chosen, accounts[0]),
        "known": any(people.find_phone(user["phone"]) is not None for user in USERS),
    }


def _able(channel: Channel) -> bool:
    return channel.access_token is not None and channel.may_send_templates()


def _usual(able: list[Channel]) -> Channel:
    """The example's channel where there is one, else the first: neither changes when a channel is added."""
    return next((channel for channel in able if MADE_UP_TEMPLATE in (channel.templates or ())), able[0])


def _some(choices: list[Choice], chosen: Choice) -> list[Choice]:
    """As many as a menu should have, the chosen one among them."""
    shown = choices[:MOST_CHOICES]
    return shown if chosen in shown else [chosen, *shown]


def templates_of(channel: Channel) -> list[str]:
    """The templates to choose from: the granted ones, else the published ones, else a made-up one."""
    found = channel.templates
    if found is None:
        published = PUBLISHED_TEMPLATES.get(channel.region, frozenset())
        # In the catalogue's order: LINE's own example comes first.
        return [key for key in line_catalogue.published_keys().templates if key in published] or [
            MADE_UP_TEMPLATE
        ]
    return sorted(found or (MADE_UP_TEMPLATE,))


def content_of(key: str) -> str:
    """What to write under an item's key: something that belongs there, or a plain number."""
    return _CONTENTS.get(key, NEUTRAL)


def body(channel: Channel, template: str, account: Account) -> dict[str, Any]:
    """A notification for this user: a few items of the template, those first whose contents are known."""
    form = channel.form_of(template)
    items = [grant.key for grant in channel.grants if grant.kind == ITEM and grant.key in form.items]
    items = items or sorted(form.items | form.shared_items) or list(_MADE_UP_ITEMS if form.examples else ())
    places = {key: place for place, key in enumerate(_CONTENTS)}
    shown = sorted(items, key=lambda key: places.get(key, len(places)))[:MOST_ITEMS]
    filled = [{"itemKey": key, "content": content_of(key)} for key in shown]
    return {"to": digest(account.phone).hex(), "templateKey": template, "body": {"items": filled}}


def _user(channel: Channel, template: str, account: Account) -> dict[str, Any]:
    return {
        "phone": account.phone,
        "name": account.name,
        "language": account.language,
        "reception": account.reception,
        "body": json.dumps(body(channel, template, account), ensure_ascii=False),
    }


def curl(base_url: str, channel: Channel, template: str, account: Account) -> str:
    """The same request for a terminal."""
    data = json.dumps(body(channel, template, account), ensure_ascii=False)
    return (
        f"curl {shlex.quote(base_url + TEMPLATE_PATH)} \\\n"
        f"  -H {shlex.quote(f'Authorization: Bearer {channel.access_token}')} \\\n"
        f"  -H 'Content-Type: application/json' \\\n"
        f"  -H '{TAG_HEADER}: first-notification' \\\n"
        f"  -d {shlex.quote(data)}"
    )
