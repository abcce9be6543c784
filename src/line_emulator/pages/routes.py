"""The table of the pages for a browser."""

from __future__ import annotations

from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from line_emulator.pages import home
from line_emulator.pages.rendering import HERE


def routes() -> list[BaseRoute]:
    """All pages and the files that they load."""
    return [Route("/", home.home), Mount("/static", StaticFiles(directory=HERE / "static"))]
