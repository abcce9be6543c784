"""Pictures of rich menus, for a phone: it has no access token."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from line_emulator.control.channels import find
from line_emulator.control.http import Refused, state_of
from line_emulator.world.rich_menus import menus_of


async def image(request: Request) -> Response:
    """`GET /channels/{channel_id}/rich_menus/{rich_menu_id}/image`: as it was uploaded."""
    channel, menu_id = find(request), request.path_params["rich_menu_id"]
    menu = menus_of(state_of(request).world, channel.channel_id).known.get(menu_id)
    if menu is None or menu.image is None:
        raise Refused(
            404, f"There is no rich menu {menu_id} with a picture; GET /v2/bot/richmenu/list lists them"
        )
    # A picture never changes, and a file that poses as one must not be read as anything else.
    headers = {"Cache-Control": "max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
    return Response(menu.image, media_type=menu.content_type, headers=headers)
