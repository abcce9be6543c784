"""The front page, and Swagger UI over /openapi.json."""

from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from todoke import __version__
from todoke.server.services import Parts
from todoke.server.web.drawing import draw
from todoke.storage import alarms

STATIC = Path(__file__).parent / "static"
# Pages load nothing from elsewhere, and nobody may frame them.
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}

router = APIRouter(include_in_schema=False)


@router.get("/")
async def front(request: Request, parts: Parts) -> Response:
    trouble = parts.is_ready()
    async with parts.database.read() as tx:
        standing = await alarms.standing(tx)
    page = draw(
        "front.html",
        version=__version__,
        trouble=trouble,
        # Only how many: this page asks nobody for a key, and texts name channels.
        alarms=len(standing),
        base_url=parts.base_url,
        sms=list(parts.receipt_readers),
        emulated=parts.setup.every_number_is_a_test_number,
    )
    return HTMLResponse(page, headers=_HEADERS)


@router.get("/docs")
async def docs() -> Response:
    return HTMLResponse(draw("docs.html"), headers=_HEADERS)
