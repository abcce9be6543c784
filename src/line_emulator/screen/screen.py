"""What a user sees, as JSON: who they are, chats, open prompts, the SMS inbox, the accounts that can be added.

It is bounded, because what is shown was written by strangers: the newest 200 messages of a chat, 100 chats,
and 2 MB of message bodies; older messages are only counted. Texts are this project's own words; the label
"Important notification" is LINE's (app 15.9.0 or later).
"""

from __future__ import annotations

from typing import Any

import line_catalogue
from line_emulator import times
from line_emulator.clockwork.clock import PAUSED
from line_emulator.screen import chats as screen_chats
from line_emulator.screen.texts import LANGUAGES
from line_emulator.world import World
from line_emulator.world.channels import Channel
from line_emulator.world.notifications import AGREE, NOT_SET, WINDOW
from line_emulator.world.numbers import is_e164
from line_emulator.world.people import VERIFICATION_LASTS, Account, Entry, default_language
from line_emulator.world.rich_menus import rich_menu_of
from line_emulator.world.rich_menus import view as rich_menu_view
from line_emulator.world.sms import Sms

__all__ = ["LANGUAGES", "clocked", "label", "rate", "view"]

LABEL_SINCE = (15, 9, 0)
MOST_CHATS = 100
MOST_SMS = 200
MOST_CHANNELS = 200
SMS_SHOWN, NAME_SHOWN = 5000, 200
MENU_IMAGE = "/_emulator/v1/channels/{channel_id}/rich_menus/{menu_id}/image"


def view(world: World, phone: str, account: Account | None, now: int) -> dict[str, Any]:
    """The screen of a number as JSON; without LINE it has only the SMS inbox."""
    shown: dict[str, Any] = {
        "phone": phone,
        "line_user": account is not None,
        "now": times.render(now),
        "language": account.language if account is not None else default_language(phone),
        "chats": [],
        "prompts": [],
        "sms": _inbox(world, phone, account),
        "channels": [],
    }
    if account is not None:
        shown |= {
            "user": _user(account, now),
            "chats": (chats := _chats(world, account)),
            "prompts": _prompts(account, now),
            "pending_until": _pending_until(account),
            "pin": _pin(account, now),
            "channels": _channels(world, account, {chat["from"] for chat in chats}),
        }
    return shown


def rate(mode: str, speed: float) -> float:
    """How many seconds pass in one real second."""
    return 0.0 if mode == PAUSED else speed


def clocked(shown: dict[str, Any], mode: str, speed: float) -> dict[str, Any]:
    """The screen with how its clock goes, so that who shows it can count on."""
    return shown | {"clock": {"mode": mode, "rate": rate(mode, speed)}}


def _user(account: Account, now: int) -> dict[str, Any]:
    last = max(account.verified_at or 0, account.created_at, account.changed_at or 0)
    return {
        "name": account.name[:NAME_SHOWN],
        "language": account.language,
        "app_version": account.app_version,
        "reception": account.reception,
        "verified": account.verified(now),
        "verified_until": times.render(last + VERIFICATION_LASTS),
    }


def _prompts(account: Account, now: int) -> list[str]:
    if not account.pending:
        return []
    if account.reception == NOT_SET:
        return ["consent"]
    return ["pin"] if account.reception == AGREE and not account.verified(now) else []


def _pending_until(account: Account) -> str | None:
    """When the first notification that waits for this user is lost."""
    return times.render_or_none(min((row.at + WINDOW for row in account.pending), default=None))


def _pin(account: Account, now: int) -> dict[str, Any] | None:
    """A PIN that can still be entered; its digits are in the SMS only."""
    pin = account.pin
    if pin is None or now >= pin.expires_at or pin.tries_left == 0:
        return None
    return {
        "expires_at": times.render(pin.expires_at),
        "tries_left": pin.tries_left,
        "new_phone": pin.new_phone,
    }


def _inbox(world: World, phone: str, account: Account | None) -> list[dict[str, Any]]:
    """The text messages of the number; while it is being changed, those of the new one too."""
    found = list(world.sms.inboxes.get(phone, [])[-MOST_SMS:])
    pin = account.pin if account is not None else None
    if pin is not None and pin.new_phone is not None:
        found += [sms for sms in world.sms.inboxes.get(pin.new_phone, []) if sms.pin == pin.code]
    return [_sms(sms, phone) for sms in found]


def _sms(sms: Sms, phone: str) -> dict[str, Any]:
    shown: dict[str, Any] = {"at": times.render(sms.at), "from": sms.sender, "text": sms.text[:SMS_SHOWN]}
    if sms.pin is not None:
        shown["pin"] = sms.pin
    if sms.own:
        shown |= {"from": phone, "to": sms.to, "by": "user"}
    elif sms.to != phone:
        shown["to"] = sms.to
    if sms.reply_url is not None and is_e164(phone):
        shown["answerable"] = True
    return shown


def _channels(world: World, account: Account, chats: set[str]) -> list[dict[str, Any]]:
    """The official accounts that a search finds, and all that this user has to do with."""
    near = chats | set(account.ties)
    ids = [channel_id for channel_id in world.channels if channel_id in near][:MOST_CHANNELS]
    others = (channel_id for channel_id in world.channels if channel_id not in near)
    ids += [channel_id for channel_id, _ in zip(others, range(MOST_CHANNELS - len(ids)), strict=False)]
    return [_channel(world, world.channels[channel_id], account) for channel_id in ids]


def _channel(world: World, channel: Channel, account: Account) -> dict[str, Any]:
    tie = account.tie(channel.channel_id)
    shown: dict[str, Any] = {
        "channel_id": channel.channel_id,
        "name": channel.name[:NAME_SHOWN],
        "basic_id": channel.basic_id,
        "badge": channel.badge,
        "region": channel.region,
        "friend": tie.friend,
        "blocked": tie.blocked,
        "hidden": tie.hidden,
        "unlisted": tie.unlisted,
    }
    menu = rich_menu_of(world, channel, account)
    if menu is not None:
        image = MENU_IMAGE.format(channel_id=channel.channel_id, menu_id=menu.menu_id)
        shown["rich_menu"] = rich_menu_view(menu) | {"image": image if menu.image is not None else None}
    return shown


def _chats(world: World, account: Account) -> list[dict[str, Any]]:
    """The chats in which something happened, in the order in which they began."""
    found: dict[str, list[Entry]] = {}
    for entry in account.entries:
        found.setdefault(entry.chat, []).append(entry)
    newest = set(sorted(found, key=lambda chat: found[chat][-1].at)[-MOST_CHATS:])
    budget = screen_chats.Budget()
    shown = []
    for chat, entries in found.items():
        if chat in newest:
            shown.append(_chat(world, account, chat, entries, budget))
    return shown


def _chat(
    world: World, account: Account, chat: str, entries: list[Entry], budget: screen_chats.Budget
) -> dict[str, Any]:
    channel = world.channels.get(chat)
    messages, left_out = screen_chats.messages(account, channel, entries, label(account), budget)
    shown: dict[str, Any] = {
        "from": chat,
        "name": channel.name[:NAME_SHOWN] if channel is not None else "LINE",
        "messages": messages,
        "older": left_out,
        "unread": screen_chats.unread(account, chat, entries),
    }
    if channel is not None:
        tie = account.tie(chat)
        shown |= {"badge": channel.badge, "friend": tie.friend, "blocked": tie.blocked, "hidden": tie.hidden}
    return shown


def label(account: Account) -> str | None:
    """The label beside an account's icon, in the app's language; older apps have none."""
    version = [int(part) for part in account.app_version.split(".")]
    if tuple(version + [0] * (3 - len(version))) < LABEL_SINCE:
        return None
    return line_catalogue.label(account.language)
