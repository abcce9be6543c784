"""The table of LINE's endpoints that this emulator has, with their rate limits."""

from __future__ import annotations

from line_emulator.bot_api import (
    account_link,
    channel,
    insight,
    messages,
    notifications,
    quota,
    rich_menus,
    users,
)
from line_emulator.bot_api.service import Handler, LineApi, Route
from line_emulator.bot_api.tokens import endpoints as tokens
from line_emulator.state import State
from line_emulator.world.ledger import FLEXIBLE_PATH, PUSH_PATH, TEMPLATE_PATH
from line_emulator.world.messages import MULTICAST_TYPES, PUSH_TYPES, REPLY_TYPES
from line_emulator.world.ordinary import MULTICAST_PATH, REPLY_PATH

_ENDPOINT = "/v2/bot/channel/webhook/endpoint"
_VALIDATE = "/v2/bot/message/validate"
_MENU = "/v2/bot/richmenu"
ROUTES: list[tuple[str, str, Handler, str, int | None, float]] = [
    ("POST", TEMPLATE_PATH, notifications.send_template, "json", None, 1),
    ("POST", FLEXIBLE_PATH, notifications.send_flexible, "json", None, 1),
    ("GET", "/v2/bot/message/delivery/pnp/templated", notifications.count_templates, "none", None, 1),
    ("GET", "/v2/bot/message/delivery/pnp", notifications.count_flexible, "none", None, 1),
    ("POST", PUSH_PATH, messages.push, "json", None, 1),
    ("POST", MULTICAST_PATH, messages.multicast, "json", 200, 1),
    ("POST", REPLY_PATH, messages.reply, "json", None, 1),
    ("POST", f"{_VALIDATE}/push", messages.validator(PUSH_TYPES), "json", None, 1),
    ("POST", f"{_VALIDATE}/reply", messages.validator(REPLY_TYPES), "json", None, 1),
    ("POST", f"{_VALIDATE}/multicast", messages.validator(MULTICAST_TYPES), "json", None, 1),
    ("POST", f"{_VALIDATE}/narrowcast", messages.validator(MULTICAST_TYPES), "json", None, 1),
    ("POST", f"{_VALIDATE}/broadcast", messages.validator(MULTICAST_TYPES), "json", None, 1),
    ("POST", "/v2/bot/chat/loading/start", messages.start_loading, "json", 100, 1),
    ("GET", "/v2/bot/message/quota", quota.limit, "none", None, 1),
    ("GET", "/v2/bot/message/quota/consumption", quota.consumption, "none", None, 1),
    ("GET", "/v2/bot/message/delivery/push", quota.count_push, "none", None, 1),
    ("GET", "/v2/bot/message/delivery/multicast", quota.count_multicast, "none", None, 1),
    ("GET", "/v2/bot/message/delivery/reply", quota.count_reply, "none", None, 1),
    ("GET", "/v2/bot/message/aggregation/info", quota.units, "none", None, 1),
    ("GET", "/v2/bot/message/aggregation/list", quota.unit_names, "none", None, 1),
    ("GET", "/v2/bot/insight/message/delivery", insight.deliveries, "none", 60, 3600),
    ("GET", "/v2/bot/insight/followers", insight.followers, "none", 60, 3600),
    ("GET", "/v2/bot/insight/message/event/aggregation", insight.unit, "none", 60, 3600),
    ("GET", "/v2/bot/profile/{userId}", users.profile, "none", None, 1),
    ("GET", "/v2/bot/followers/ids", users.followers, "none", None, 1),
    ("GET", "/v2/bot/info", channel.info, "none", None, 1),
    ("GET", _ENDPOINT, channel.get_endpoint, "none", 1000, 60),
    ("PUT", _ENDPOINT, channel.put_endpoint, "json", 1000, 60),
    ("POST", "/v2/bot/channel/webhook/test", channel.try_endpoint, "optional", 60, 3600),
    ("POST", _MENU, rich_menus.create, "json", 100, 3600),
    ("POST", f"{_MENU}/validate", rich_menus.validate, "json", None, 1),
    ("GET", f"{_MENU}/list", rich_menus.listing, "none", None, 1),
    ("POST", f"{_MENU}/bulk/link", rich_menus.bulk_link, "json", None, 1),
    ("POST", f"{_MENU}/bulk/unlink", rich_menus.bulk_unlink, "json", None, 1),
    ("POST", f"{_MENU}/alias", rich_menus.create_alias, "json", None, 1),
    ("GET", f"{_MENU}/alias/list", rich_menus.list_aliases, "none", None, 1),
    ("GET", f"{_MENU}/alias/{{richMenuAliasId}}", rich_menus.show_alias, "none", None, 1),
    ("POST", f"{_MENU}/alias/{{richMenuAliasId}}", rich_menus.change_alias, "json", None, 1),
    ("DELETE", f"{_MENU}/alias/{{richMenuAliasId}}", rich_menus.delete_alias, "none", 100, 3600),
    ("GET", f"{_MENU}/{{richMenuId}}", rich_menus.show, "none", None, 1),
    ("DELETE", f"{_MENU}/{{richMenuId}}", rich_menus.delete, "none", 100, 3600),
    ("POST", f"{_MENU}/{{richMenuId}}/content", rich_menus.upload, "none", None, 1),
    ("GET", f"{_MENU}/{{richMenuId}}/content", rich_menus.download, "none", None, 1),
    ("GET", "/v2/bot/user/all/richmenu", rich_menus.default, "none", None, 1),
    ("DELETE", "/v2/bot/user/all/richmenu", rich_menus.clear_default, "none", None, 1),
    ("POST", "/v2/bot/user/all/richmenu/{richMenuId}", rich_menus.set_default, "none", None, 1),
    ("GET", "/v2/bot/user/{userId}/richmenu", rich_menus.of_user, "none", None, 1),
    ("DELETE", "/v2/bot/user/{userId}/richmenu", rich_menus.unlink, "none", None, 1),
    ("POST", "/v2/bot/user/{userId}/richmenu/{richMenuId}", rich_menus.link, "none", None, 1),
    ("POST", "/v2/bot/user/{userId}/linkToken", account_link.issue, "none", None, 1),
    ("POST", "/oauth2/v2.1/token", tokens.issue_v2_1, "open", None, 1),
    ("GET", "/oauth2/v2.1/verify", tokens.verify_v2_1, "open", None, 1),
    ("GET", "/oauth2/v2.1/tokens/kid", tokens.key_ids, "open", None, 1),
    ("POST", "/oauth2/v2.1/revoke", tokens.revoke_v2_1, "open", None, 1),
    ("POST", "/oauth2/v3/token", tokens.issue_stateless, "open", None, 1),
    ("POST", "/v2/oauth/accessToken", tokens.issue_short_lived, "open", None, 1),
    ("POST", "/v2/oauth/verify", tokens.verify, "open", None, 1),
    ("POST", "/v2/oauth/revoke", tokens.revoke, "open", None, 1),
]


def line_api(state: State) -> LineApi:
    """LINE's paths over this state."""
    return LineApi(
        state,
        {
            (method, path): Route(f"{method} {path}", handler, body, capacity, seconds)
            for method, path, handler, body, capacity, seconds in ROUTES
        },
    )
