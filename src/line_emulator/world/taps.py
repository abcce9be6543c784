"""Taps on buttons of messages and rich menus, and the opening of a chat.

Source: Messaging API reference, "Action objects" (postback, datetime picker, rich menu switch) and "Postback event".
That nothing is reported of who blocks the account is this emulator's choice.
"""

from __future__ import annotations

from line_emulator.world import rich_menus, ties
from line_emulator.world.commands import Act
from line_emulator.world.effects import Effects
from line_emulator.world.people import Account, Entry
from line_emulator.world.problems import Problem
from line_emulator.world.world import World

LINKS = ("http://", "https://", "line://", "tel:")
PICKED = ("date", "time", "datetime")
LONGEST_PICKED = 40
SUCCESS, NO_ALIAS, NO_MENU = "SUCCESS", "RICHMENU_ALIAS_ID_NOTFOUND", "RICHMENU_NOTFOUND"
SYSTEM_CHAT = "line"


def tap(world: World, account: Account, command: Act, now: int, effects: Effects) -> Problem | None:
    """A button with this `target`: a link opens a page, of which LINE's servers notice nothing; all else is
    the data of a postback.
    """
    if not command.target:
        return Problem(400, "The action tap needs a target: the link or the postback data of the button")
    if command.target.startswith(LINKS):
        return None
    return postback(world, account, command, now, effects)


def postback(world: World, account: Account, command: Act, now: int, effects: Effects) -> Problem | None:
    """A postback with `target` as its data, whatever it looks like; `display_text` is shown as the user's own
    words and is no message; `params`: what was picked.
    """
    params = command.params or {}
    if any(name not in PICKED or len(value) > LONGEST_PICKED for name, value in params.items()):
        return Problem(400, f"params of a postback are {', '.join(PICKED)}, each a short text")
    if account.tie(command.channel_id or "").blocked:
        return None
    if command.display_text:
        account.put_in_chat(Entry(now, command.channel_id or "", "text", None, command.display_text))
    _report(world, account, command, now, effects, params)
    return None


def switch_menu(world: World, account: Account, command: Act, now: int, effects: Effects) -> Problem | None:
    """A rich menu switch: the menu behind `alias` is the user's from now on, if they are a friend; the postback
    says how it went.
    """
    channel_id = command.channel_id or ""
    tie = account.tie(channel_id)
    if command.alias is None:
        return Problem(400, "The action switch_menu needs an alias")
    if tie.blocked:
        return None
    menus = rich_menus.menus_of(world, channel_id)
    menu = rich_menus.switched(world, world.channels[channel_id], command.alias)
    status = SUCCESS if menu is not None else NO_MENU if command.alias in menus.aliases else NO_ALIAS
    if menu is not None and tie.friend:
        menus.linked[account.number] = menu.menu_id
    params = {"newRichMenuAliasId": command.alias, "status": status}
    _report(world, account, command, now, effects, params)
    return None


def read(world: World, account: Account, command: Act, now: int, effects: Effects) -> None:
    """The user opens a chat and sees all that is in it; without `channel_id` that of the system account. LINE
    tells nobody.
    """
    chat = command.channel_id or SYSTEM_CHAT
    account.mark_read(chat, sum(entry.chat == chat for entry in account.entries))


def _report(
    world: World, account: Account, command: Act, now: int, effects: Effects, params: dict[str, str]
) -> None:
    event = ties.event_of(account, world, command.channel_id or "", "postback", now)
    event.extra = {"postback": {"data": command.target or ""} | ({"params": params} if params else {})}
    effects.events.append(event)
