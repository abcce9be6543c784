"""Rich menus: made by a channel, set for all or linked to single users, and which of them a user sees.

Source: Messaging API reference, "Rich menu", "Per-user rich menu", "Rich menu alias"; LINE notification messages: who
is no friend sees the default one and never one of their own. Whoever blocks the account sees none [choice].
"""

from __future__ import annotations

from typing import Any

from line_emulator.world import problems, rich_menu_rules
from line_emulator.world.channels import Channel
from line_emulator.world.commands import (
    CreateRichMenu,
    DeleteRichMenu,
    LinkRichMenu,
    PutRichMenuAlias,
    RemoveRichMenuAlias,
    SetDefaultRichMenu,
    SetRichMenuImage,
)
from line_emulator.world.effects import Effects
from line_emulator.world.menu_book import Menus, RichMenu
from line_emulator.world.people import Account
from line_emulator.world.problems import Problem
from line_emulator.world.world import World

MOST_MENUS = MOST_ALIASES = 1000
NO_IMAGE = Problem(400, "must upload richmenu image before applying it to user")
HAS_IMAGE = Problem(400, "An image has already been uploaded to the richmenu")
BAD_IMAGE = Problem(400, "The image size is not allowed for richmenu")
NO_MENU = Problem(404, "richmenu not found")
NO_ALIAS = Problem(404, "richmenu alias not found")
ALIAS_TAKEN = Problem(400, "conflict richmenu alias id")
TOO_MANY_MENUS = Problem(400, f"The number of rich menus has reached the limit of {MOST_MENUS}")
TOO_MANY_ALIASES = Problem(400, f"The number of rich menu aliases has reached the limit of {MOST_ALIASES}")


def menus_of(world: World, channel_id: str) -> Menus:
    """All rich menus of a channel; to be changed only here."""
    return world.menus.get(channel_id) or Menus()


def rich_menu_of(world: World, channel: Channel, account: Account) -> RichMenu | None:
    """The rich menu that this user sees in the channel's chat: their own if they are a friend, else the default."""
    tie = account.tie(channel.channel_id)
    if tie.blocked:
        return None
    menus = menus_of(world, channel.channel_id)
    own = menus.linked.get(account.number) if tie.friend else None
    return menus.known.get(own or menus.default or "")


def switched(world: World, channel: Channel, alias: str) -> RichMenu | None:
    """The rich menu that a tap on a switch with this alias leads to; None if there is none with a picture."""
    menus = menus_of(world, channel.channel_id)
    menu = menus.known.get(menus.aliases.get(alias, ""))
    return menu if menu is not None and menu.image is not None else None


def view(menu: RichMenu) -> dict[str, Any]:
    """A rich menu as LINE's API gives it, and as a phone needs it."""
    return {"richMenuId": menu.menu_id, **menu.body}


def create(world: World, command: CreateRichMenu, now: int) -> Effects:
    """A new rich menu, still without a picture."""
    problem = rich_menu_rules.menu_problem(command.body)
    if problem is not None:
        return Effects(problem=problem)
    menus = world.menus.setdefault(command.channel.channel_id, Menus())
    if len(menus.known) >= MOST_MENUS:
        return Effects(problem=TOO_MANY_MENUS)
    menu = RichMenu(command.menu_id, rich_menu_rules.trimmed(command.body))
    menus.known[menu.menu_id] = menu
    return Effects(menu)


def set_image(world: World, command: SetRichMenuImage, now: int) -> Effects:
    """The picture of a rich menu: once, for good."""
    menu = menus_of(world, command.channel.channel_id).known.get(command.menu_id)
    if menu is None:
        return Effects(problem=problems.NOT_FOUND)
    if menu.image is not None:
        return Effects(problem=HAS_IMAGE)
    if not rich_menu_rules.image_fits(command.image):
        return Effects(problem=BAD_IMAGE)
    menu.image, menu.content_type = command.image, command.content_type
    return Effects()


def delete(world: World, command: DeleteRichMenu, now: int) -> Effects:
    """Takes a rich menu away from everybody. Aliases of it stay, and lead nowhere."""
    menus = menus_of(world, command.channel.channel_id)
    if menus.known.pop(command.menu_id, None) is None:
        return Effects(problem=problems.NOT_FOUND)
    if menus.default == command.menu_id:
        menus.default = None
    menus.linked = {number: linked for number, linked in menus.linked.items() if linked != command.menu_id}
    return Effects()


def set_default(world: World, command: SetDefaultRichMenu, now: int) -> Effects:
    """The rich menu for all who have none of their own; `menu_id` None takes it away."""
    menus = menus_of(world, command.channel.channel_id)
    if command.menu_id is not None:
        problem = _unfit(menus, command.menu_id, problems.NOT_FOUND)
        if problem is not None:
            return Effects(problem=problem)
    menus.default = command.menu_id
    return Effects()


def link(world: World, command: LinkRichMenu, now: int) -> Effects:
    """Gives friends a rich menu of their own, or takes it away (`menu_id` None). Who is no friend is passed over."""
    channel = command.channel
    menus = menus_of(world, channel.channel_id)
    if command.menu_id is not None:
        problem = _unfit(menus, command.menu_id, NO_MENU if command.bulk else problems.NOT_FOUND)
        if problem is not None:
            return Effects(problem=problem)
    for user_id in command.user_ids:
        account = world.people.find_user_id(user_id, channel.provider)
        if account is None or account.deleted or not account.tie(channel.channel_id).friend:
            continue
        if command.menu_id is None:
            menus.linked.pop(account.number, None)
        else:
            menus.linked[account.number] = command.menu_id
    return Effects()


def put_alias(world: World, command: PutRichMenuAlias, now: int) -> Effects:
    """Another name for a rich menu, new or changed."""
    menus = menus_of(world, command.channel.channel_id)
    if not command.new and command.alias not in menus.aliases:
        return Effects(problem=NO_ALIAS)
    # LINE answers here with 400 where a path would be 404, and the same for a missing picture.
    if _unfit(menus, command.menu_id, NO_MENU) is not None:
        return Effects(problem=Problem(400, NO_MENU.message))
    if command.new and command.alias in menus.aliases:
        return Effects(problem=ALIAS_TAKEN)
    if command.new and len(menus.aliases) >= MOST_ALIASES:
        return Effects(problem=TOO_MANY_ALIASES)
    menus.aliases[command.alias] = command.menu_id
    return Effects()


def remove_alias(world: World, command: RemoveRichMenuAlias, now: int) -> Effects:
    """Ends an alias."""
    menus = menus_of(world, command.channel.channel_id)
    known = menus.aliases.pop(command.alias, None) is not None
    return Effects() if known else Effects(problem=NO_ALIAS)


def _unfit(menus: Menus, menu_id: str, unknown: Problem) -> Problem | None:
    menu = menus.known.get(menu_id)
    if menu is None:
        return unknown
    return None if menu.image is not None else NO_IMAGE
