"""`GET /console/gallery`: every kind of message as the phone draws it, and a place to try one's own."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import HTMLResponse

from line_emulator.pages.frame import console

PATH = "/console/gallery"


async def gallery(request: Request) -> HTMLResponse:
    """The gallery page; the browser draws the messages itself."""
    return console(request, "gallery.html", PATH)
