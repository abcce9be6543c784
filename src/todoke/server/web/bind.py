"""The pages on which users bind their number to their LINE account, and end that: `/b/TOKEN` and `/u/TOKEN`.

GET changes nothing but the time of opening. Every act is a form posted to an address under the link's own. From the
code on the browser also needs the cookie that it was given when it left for LINE's dialog, for addresses are passed
on; other sites' forms come without it (SameSite).
"""

import re
from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import parse_qs

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect

from todoke.core.bind_words import digits_of
from todoke.core.binding import Next, Why
from todoke.engine.bind_view import View
from todoke.engine.binder import Binder
from todoke.server.problems import Problem
from todoke.server.services import Services
from todoke.server.web.bind_pages import Frame, headers, page, query_of, trouble
from todoke.server.web.bind_texts import known_language
from todoke.storage.database import UNUSABLE, StorageError

log = structlog.get_logger()

_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,100}", re.ASCII)
_KEPT = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
COOKIE = "todoke_browser"
_COOKIE_SECONDS = 24 * 60 * 60
"""How long a browser may take from LINE's dialog to the code; then LINE confirms the user once more."""
_MOST_FIELDS = 100
_MOST_TYPED = 100
"""Characters of a field that are looked at."""

Fields = dict[str, list[str]]


class Unreadable(Exception):
    """The body is no form."""


class ForPeople(APIRoute):
    """Whatever goes wrong is told on a page that a person understands."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handled(request: Request) -> Response:
            try:
                return await handle(request)
            except ClientDisconnect:
                raise
            except Unreadable:
                return trouble(_frame(request), 400, "unreadable")
            except Problem as problem:
                return trouble(_frame(request), problem.status, "unreadable")
            except (StorageError, *UNUSABLE) as error:
                log.warning("server.storage", route=self.path, error=type(error).__name__)
                return trouble(_frame(request), 503)
            except Exception as error:
                log.error("server.error", route=self.path, error=type(error).__name__, exc_info=error)
                return trouble(_frame(request), 500)

        return handled


router = APIRouter(include_in_schema=False, route_class=ForPeople)
_READS = ["GET", "HEAD"]


@router.api_route("/b/{token}", methods=_READS)
async def opened(token: str, request: Request) -> Response:
    binder = _binder(request)
    # Mail and chat programs look at links before anybody taps on them.
    ahead = request.method == "HEAD" or "prefetch" in _purpose(request)
    view = await (binder.look if ahead else binder.open)(token, _browser(request))
    return page(view, _frame(request))


@router.api_route("/b/{token}/now", methods=_READS)
async def now(token: str, request: Request) -> Response:
    return page(await _binder(request).look(token, _browser(request)), _frame(request))


@router.get("/b/{token}/state")
async def state(token: str, request: Request) -> Response:
    view = await _binder(request).look(token, _browser(request), addresses=False)
    return JSONResponse({"step": view.next.value}, headers=headers(_emulated(request)))


@router.post("/b/{token}/agree")
async def agree(token: str, request: Request) -> Response:
    fields = await _fields(request)
    typed = _first(fields, "number")
    version = _first(fields, "consent_version")
    # The language of the text that was read, which the page knows.
    language = known_language(_first(fields, "lang")) or "en"
    view = await _binder(request).agree(
        token,
        typed or None,
        language,
        int(version) if version.isdecimal() and len(version) < 9 else 0,
        _browser(request),
    )
    return _after(view, _frame(request, typed=typed))


@router.post("/b/{token}/link")
async def link(token: str, request: Request) -> Response:
    browser = _browser(request) or _binder(request).new_browser()
    found = await _binder(request).line_url(token, browser)
    frame = _frame(request)
    if isinstance(found, View):
        return _after(found, frame)
    answer = RedirectResponse(found, 303, headers(frame.emulated))
    answer.set_cookie(
        COOKIE,
        browser,
        max_age=_COOKIE_SECONDS,
        path=frame.path,
        secure=frame.base_url.startswith("https://"),
        httponly=True,
        samesite="lax",
    )
    return answer


@router.post("/b/{token}/send")
async def send(token: str, request: Request) -> Response:
    fields = await _fields(request)
    view = await _binder(request).send_code(
        token, _browser(request), keeps_others="keeps_others" in fields, keeps_numbers=fields.get("keeps", [])
    )
    return _after(view, _frame(request))


@router.post("/b/{token}/code")
async def code(token: str, request: Request) -> Response:
    entered = _first(await _fields(request), "code")
    if digits_of(entered) is None:
        # No try is lost by a slip of the finger.
        view = await _binder(request).look(token, _browser(request))
        if view.next is Next.CODE:
            return page(view, _frame(request, note="try.malformed_code"), 422)
        return _after(view, _frame(request))
    return _after(await _binder(request).enter_code(token, entered, _browser(request)), _frame(request))


@router.api_route("/u/{token}", methods=_READS)
async def unbinding(token: str, request: Request) -> Response:
    return page(await _binder(request).unbind_view(token), _frame(request))


@router.post("/u/{token}")
async def unbind(token: str, request: Request) -> Response:
    return page(await _binder(request).unbind(token), _frame(request))


@router.api_route("/b/{token}/{rest:path}", methods=_READS)
@router.api_route("/u/{token}/{rest:path}", methods=_READS)
async def beside(request: Request) -> Response:
    """An act's address opened as a page (by a reload), or an address with something after it: to the page itself."""
    frame = _frame(request)
    return RedirectResponse(frame.path + query_of(frame), 303, headers(frame.emulated))


def _binder(request: Request) -> Binder:
    services: Services = request.app.state.services
    return services.binder


def _browser(request: Request) -> str | None:
    """What this browser keeps of this link; None where that can't be ours."""
    kept = request.cookies.get(COOKIE, "")
    return kept if _KEPT.fullmatch(kept) else None


def _emulated(request: Request) -> bool:
    services: Services = request.app.state.services
    return services.setup.every_number_is_a_test_number


def _purpose(request: Request) -> str:
    return " ".join(request.headers.get(n, "") for n in ("sec-purpose", "purpose", "x-moz")).lower()


def _frame(request: Request, *, typed: str = "", note: str = "") -> Frame:
    services: Services = request.app.state.services
    asked = request.query_params.get("lang")
    kind = request.url.path.split("/")[1]
    token = str(request.path_params.get("token", ""))
    return Frame(
        # What is no token stands nowhere on a page, and the page says that it is none.
        path=f"/{kind}/{token if _TOKEN.fullmatch(token) else '-'}",
        base_url=services.base_url.rstrip("/"),
        now=services.clock.now(),
        asked=None if asked is None else known_language(asked),
        accepted=request.headers.get("accept-language"),
        emulated=_emulated(request),
        typed=typed,
        note=note,
        unbinds=kind == "u",
    )


def _after(view: View, frame: Frame) -> Response:
    """After an act: the page of the step that is next, to which a reload comes back; or what was wrong."""
    if view.next is not Next.SORRY and view.why in (None, Why.OUT_OF_TURN):
        return RedirectResponse(f"{frame.path}/now{query_of(frame)}", 303, headers(frame.emulated))
    return page(view, frame)


async def _fields(request: Request) -> Fields:
    """The form's fields. Raises Unreadable."""
    body = await request.body()
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if body and kind != "application/x-www-form-urlencoded":
        raise Unreadable
    try:
        return parse_qs(body.decode("utf-8", "replace"), max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise Unreadable from None


def _first(fields: Fields, name: str) -> str:
    return next(iter(fields.get(name, ())), "")[:_MOST_TYPED].strip()
