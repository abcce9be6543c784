"""Rich menus, their pictures, and who sees them.

Source: Messaging API reference, "Rich menu", "Per-user rich menu", "Rich menu alias". Pictures go over
api-data.line.me at LINE, here over the same port. Not here: control in batches.
"""

from __future__ import annotations

import re
from typing import Any

from line_emulator.bot_api.http import Answer, Request, refusal, success
from line_emulator.state import State
from line_emulator.world import commands, numbers, problems, rich_menu_rules, rich_menus
from line_emulator.world.problems import Problem

MOST_USERS = 500
_BAD_USER_ID = Problem(400, "The value for the 'userId' parameter is invalid")
_NO_DEFAULT = Problem(404, "no default richmenu")
_NO_MENU_OF_USER = Problem(404, "the user has no richmenu")
_ALIAS = re.compile(r"[a-z0-9_-]{1,32}", re.ASCII)
_MENU_ID = re.compile(r"richmenu-[0-9a-f]{32}", re.ASCII)
_BAD_ALIAS = Problem(400, "The value for the 'richMenuAliasId' parameter is invalid")


def _done(state: State, command: commands.Command, status: int = 200) -> Answer:
    problem = state.do(command).problem
    return Answer(status) if problem is None else refusal(problem)


def create(state: State, request: Request) -> Answer:
    """`POST /v2/bot/richmenu`: 200 with the id."""
    menu_id = state.ids.rich_menu_id()
    effects = state.do(commands.CreateRichMenu(request.sender(), menu_id, request.json))
    return refusal(effects.problem) if effects.problem is not None else success({"richMenuId": menu_id})


def validate(state: State, request: Request) -> Answer:
    """`POST /v2/bot/richmenu/validate`: 200 `{}`, or what the creation would say."""
    problem = rich_menu_rules.menu_problem(request.json)
    return Answer(200) if problem is None else refusal(problem)


def listing(state: State, request: Request) -> Answer:
    """`GET /v2/bot/richmenu/list`."""
    known = rich_menus.menus_of(state.world, request.sender().channel_id).known
    return success({"richmenus": [rich_menus.view(menu) for menu in known.values()]})


def show(state: State, request: Request) -> Answer:
    """`GET /v2/bot/richmenu/{richMenuId}`."""
    menu = rich_menus.menus_of(state.world, request.sender().channel_id).known.get(request.values[0])
    return refusal(problems.NOT_FOUND) if menu is None else success(rich_menus.view(menu))


def delete(state: State, request: Request) -> Answer:
    """`DELETE /v2/bot/richmenu/{richMenuId}`."""
    return _done(state, commands.DeleteRichMenu(request.sender(), request.values[0]))


def upload(state: State, request: Request) -> Answer:
    """`POST /v2/bot/richmenu/{richMenuId}/content`: a JPEG or PNG, once."""
    content_type = request.content_type.partition(";")[0].strip().lower()
    if content_type not in rich_menu_rules.IMAGE_TYPES:
        return refusal(problems.unsupported_type(request.content_type or "null"))
    if request.too_large:
        return refusal(problems.BODY_TOO_LARGE)
    return _done(
        state, commands.SetRichMenuImage(request.sender(), request.values[0], content_type, request.body)
    )


def download(state: State, request: Request) -> Answer:
    """`GET /v2/bot/richmenu/{richMenuId}/content`."""
    menu = rich_menus.menus_of(state.world, request.sender().channel_id).known.get(request.values[0])
    if menu is None or menu.image is None:
        return refusal(problems.NOT_FOUND)
    return Answer(200, menu.image, content_type=menu.content_type)


def set_default(state: State, request: Request) -> Answer:
    """`POST /v2/bot/user/all/richmenu/{richMenuId}`."""
    return _done(state, commands.SetDefaultRichMenu(request.sender(), request.values[0]))


def default(state: State, request: Request) -> Answer:
    """`GET /v2/bot/user/all/richmenu`."""
    found = rich_menus.menus_of(state.world, request.sender().channel_id).default
    return refusal(_NO_DEFAULT) if found is None else success({"richMenuId": found})


def clear_default(state: State, request: Request) -> Answer:
    """`DELETE /v2/bot/user/all/richmenu`."""
    return _done(state, commands.SetDefaultRichMenu(request.sender(), None))


def link(state: State, request: Request) -> Answer:
    """`POST /v2/bot/user/{userId}/richmenu/{richMenuId}`: 200 also for who is no friend, and then does nothing."""
    user_id, menu_id = request.values
    if not numbers.is_user_id(user_id):
        return refusal(_BAD_USER_ID)
    return _done(state, commands.LinkRichMenu(request.sender(), (user_id,), menu_id))


def unlink(state: State, request: Request) -> Answer:
    """`DELETE /v2/bot/user/{userId}/richmenu`."""
    user_id = request.values[0]
    if not numbers.is_user_id(user_id):
        return refusal(_BAD_USER_ID)
    return _done(state, commands.LinkRichMenu(request.sender(), (user_id,), None))


def of_user(state: State, request: Request) -> Answer:
    """`GET /v2/bot/user/{userId}/richmenu`: the user's own, never the default one."""
    channel, user_id = request.sender(), request.values[0]
    if not numbers.is_user_id(user_id):
        return refusal(_BAD_USER_ID)
    account = state.world.people.find_user_id(user_id, channel.provider)
    found = None
    if account is not None and account.tie(channel.channel_id).friend:
        found = rich_menus.menus_of(state.world, channel.channel_id).linked.get(account.number)
    return refusal(_NO_MENU_OF_USER) if found is None else success({"richMenuId": found})


def bulk_link(state: State, request: Request) -> Answer:
    """`POST /v2/bot/richmenu/bulk/link`: 202, and done at once here."""
    menu_id = _menu_id(request.json)
    if isinstance(menu_id, Problem):
        return refusal(menu_id)
    users = _users(request.json)
    if isinstance(users, Problem):
        return refusal(users)
    return _done(state, commands.LinkRichMenu(request.sender(), users, menu_id, bulk=True), 202)


def bulk_unlink(state: State, request: Request) -> Answer:
    """`POST /v2/bot/richmenu/bulk/unlink`: 202, and done at once here."""
    users = _users(request.json)
    if isinstance(users, Problem):
        return refusal(users)
    return _done(state, commands.LinkRichMenu(request.sender(), users, None, bulk=True), 202)


def _menu_id(body: dict[str, Any]) -> str | Problem:
    menu_id = body.get("richMenuId")
    if menu_id is not None and type(menu_id) is not str:
        return problems.invalid_property("richMenuId")
    if menu_id is None or not _MENU_ID.fullmatch(menu_id):
        return problems.body_errors([("invalid richMenuId", "richMenuId")])
    return menu_id


def _users(body: dict[str, Any]) -> tuple[str, ...] | Problem:
    given = body.get("userIds")
    if given is not None and type(given) is not list:
        return problems.invalid_property("userIds")
    if not given or len(given) > MOST_USERS:
        return problems.body_errors([(f"Size must be between 1 and {MOST_USERS}", "userIds")])
    for place, user_id in enumerate(given):
        if type(user_id) is not str or not numbers.is_user_id(user_id):
            # These endpoints put the property's name in quotation marks.
            return problems.invalid_property(f"'userIds[{place}]'")
    return tuple(given)


def create_alias(state: State, request: Request) -> Answer:
    """`POST /v2/bot/richmenu/alias`."""
    alias = request.json.get("richMenuAliasId")
    if type(alias) is not str or not _ALIAS.fullmatch(alias):
        return refusal(problems.body_errors([("invalid richMenuAliasId", "richMenuAliasId")]))
    return _put_alias(state, request, alias, new=True)


def change_alias(state: State, request: Request) -> Answer:
    """`POST /v2/bot/richmenu/alias/{richMenuAliasId}`."""
    if not _ALIAS.fullmatch(request.values[0]):
        return refusal(_BAD_ALIAS)
    return _put_alias(state, request, request.values[0], new=False)


def _put_alias(state: State, request: Request, alias: str, new: bool) -> Answer:
    menu_id = _menu_id(request.json)
    if isinstance(menu_id, Problem):
        return refusal(menu_id)
    return _done(state, commands.PutRichMenuAlias(request.sender(), alias, menu_id, new))


def show_alias(state: State, request: Request) -> Answer:
    """`GET /v2/bot/richmenu/alias/{richMenuAliasId}`."""
    alias = request.values[0]
    if not _ALIAS.fullmatch(alias):
        return refusal(_BAD_ALIAS)
    menu_id = rich_menus.menus_of(state.world, request.sender().channel_id).aliases.get(alias)
    if menu_id is None:
        return refusal(rich_menus.NO_ALIAS)
    return success({"richMenuAliasId": alias, "richMenuId": menu_id})


def delete_alias(state: State, request: Request) -> Answer:
    """`DELETE /v2/bot/richmenu/alias/{richMenuAliasId}`."""
    if not _ALIAS.fullmatch(request.values[0]):
        return refusal(_BAD_ALIAS)
    return _done(state, commands.RemoveRichMenuAlias(request.sender(), request.values[0]))


def list_aliases(state: State, request: Request) -> Answer:
    """`GET /v2/bot/richmenu/alias/list`."""
    aliases = rich_menus.menus_of(state.world, request.sender().channel_id).aliases
    found = [{"richMenuAliasId": alias, "richMenuId": menu_id} for alias, menu_id in aliases.items()]
    return success({"aliases": found})
