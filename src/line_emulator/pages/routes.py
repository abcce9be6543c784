"""The table of the pages for a browser."""

from __future__ import annotations

from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles

from line_emulator.bot_api import account_link
from line_emulator.pages import console, console_records, gallery, home, phone, url_scheme
from line_emulator.pages.rendering import HERE

NOWHERE = ("/R/{rest:path}", "/console/{rest:path}", "/wall/{rest:path}", "/phones", "/phones/{rest:path}")
"""The rest under the paths of pages: whoever goes there by a browser gets a page, too."""


def routes() -> list[BaseRoute]:
    """All pages and the files that they load."""
    return [
        Route("/", home.home),
        Route("/console", console.start),
        Route("/console/channels/{channel_id}", console.channel),
        Route("/console/users", console.users),
        Route("/console/faults", console.faults),
        Route("/console/ledger", console_records.ledger),
        Route("/console/webhooks", console_records.webhooks),
        Route("/console/requests", console_records.requests),
        Route("/console/billing", console_records.billing),
        Route("/wall", console.wall),
        Route("/console/gallery", gallery.gallery),
        Route(phone.PATH, phone.phone),
        WebSocketRoute(phone.LIVE_PATH, phone.live),
        Route(account_link.PATH, account_link.dialog),
        Route(url_scheme.ADD, url_scheme.add, methods=["GET", "POST"]),
        Route(url_scheme.CHAT, url_scheme.chat),
        Route(url_scheme.CHAT + "/", url_scheme.chat),
        *(Route(path, console.nowhere) for path in NOWHERE),
        # The pages' own files, and the looks that previews of the gateway share.
        Mount(
            "/static", StaticFiles(directory=HERE / "static", packages=[("line_catalogue.looks", "files")])
        ),
    ]
