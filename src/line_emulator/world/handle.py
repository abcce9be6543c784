"""`handle`: the one way to change the world. A table of commands and who does them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from line_emulator.world import (
    account_link,
    accounts,
    friends,
    issuing,
    notifications,
    ordinary,
    rich_menus,
    texting,
)
from line_emulator.world.commands import (
    Act,
    AddChannel,
    AddKey,
    AddPopulation,
    AnswerSms,
    ChangeUser,
    Command,
    CreateRichMenu,
    DeleteRichMenu,
    IssueLinkToken,
    IssueToken,
    LinkRichMenu,
    OpenLink,
    PutRichMenuAlias,
    PutUser,
    RemoveKey,
    RemoveRichMenuAlias,
    RenewReplyTokens,
    RevokeToken,
    SendFlexible,
    SendMulticast,
    SendPush,
    SendReply,
    SendTemplate,
    SetDefaultRichMenu,
    SetRichMenuImage,
    SetWebhook,
    TakeSms,
    Tick,
)
from line_emulator.world.effects import Effects
from line_emulator.world.problems import Problem
from line_emulator.world.world import World


def handle(world: World, command: Command, now: int) -> Effects:
    """Does one command at `now` (ms) and says what comes of it. Never raises on what users may send."""
    # What ends by itself is seen from outside only when somebody looks, so it is done then.
    while (due := world.take_due(now - notifications.WINDOW)) is not None:
        notifications.expire(world, *due, now)
    effects = _HANDLERS[type(command)](world, command, now)
    for event in effects.events:
        if event.replyable:
            ordinary.furnish(world, event, now)
    return effects


def _add_channel(world: World, command: AddChannel, now: int) -> Effects:
    world.channels[command.channel.channel_id] = command.channel
    return Effects(command.channel)


def _set_webhook(world: World, command: SetWebhook, now: int) -> Effects:
    command.channel.webhook_url = command.url
    return Effects()


def _add_population(world: World, command: AddPopulation, now: int) -> Effects:
    new = command.population
    for known in world.people.populations:
        if known.same_as(new):
            return Effects(known)
        ends = (known.phone(0), known.phone(known.count - 1), new.phone(0), new.phone(new.count - 1))
        if len(ends[0]) == len(ends[2]) and ends[0] <= ends[3] and ends[2] <= ends[1]:
            text = f"The numbers {ends[2]} to {ends[3]} overlap with a population from {ends[0]} to {ends[1]}"
            return Effects(problem=Problem(400, text))
    world.people.populations.append(new)
    return Effects(new)


_HANDLERS: dict[type, Callable[[World, Any, int], Effects]] = {
    SendTemplate: notifications.send_template,
    SendFlexible: notifications.send_flexible,
    SendPush: ordinary.push,
    SendMulticast: ordinary.multicast,
    SendReply: ordinary.reply,
    RenewReplyTokens: ordinary.renew,
    CreateRichMenu: rich_menus.create,
    SetRichMenuImage: rich_menus.set_image,
    DeleteRichMenu: rich_menus.delete,
    SetDefaultRichMenu: rich_menus.set_default,
    LinkRichMenu: rich_menus.link,
    PutRichMenuAlias: rich_menus.put_alias,
    RemoveRichMenuAlias: rich_menus.remove_alias,
    AddChannel: _add_channel,
    SetWebhook: _set_webhook,
    IssueToken: issuing.issue,
    RevokeToken: issuing.revoke,
    AddKey: issuing.add_key,
    RemoveKey: issuing.remove_key,
    IssueLinkToken: account_link.issue,
    OpenLink: account_link.open_link,
    AddPopulation: _add_population,
    PutUser: accounts.put,
    ChangeUser: accounts.change,
    Act: friends.act,
    TakeSms: texting.take,
    AnswerSms: texting.answer,
    Tick: lambda world, command, now: Effects(),
}
