"""How the pages of a bind link look: a `View` becomes HTML, with the status and the headers that fit."""

from collections.abc import Mapping
from functools import lru_cache
from http import HTTPStatus
from types import MappingProxyType
from typing import Literal

import msgspec
from fastapi.responses import HTMLResponse, Response
from markupsafe import Markup

from todoke.carriers.line.linking import ACCESS_HOST
from todoke.core.binding import Next, Why
from todoke.core.phone import Reason
from todoke.engine.bind_view import View
from todoke.server.web.bind_texts import LANGUAGES, Words, language_of
from todoke.server.web.drawing import draw

SORRY_STATUS: Mapping[Why, HTTPStatus] = MappingProxyType(
    {
        Why.FORGED: HTTPStatus.NOT_FOUND,
        Why.EXPIRED: HTTPStatus.GONE,
        Why.GONE: HTTPStatus.GONE,
        Why.USED: HTTPStatus.GONE,
        Why.REPLACED: HTTPStatus.GONE,
        Why.ERASED: HTTPStatus.GONE,
        Why.NO_CHANNEL: HTTPStatus.GONE,
        Why.TOO_MANY_TRIES: HTTPStatus.GONE,
        Why.NOT_YOURS: HTTPStatus.FORBIDDEN,
        Why.SUPPRESSED: HTTPStatus.FORBIDDEN,
        Why.SMS_SUPPRESSED: HTTPStatus.FORBIDDEN,
        Why.NOT_A_TEST_NUMBER: HTTPStatus.FORBIDDEN,
        Why.IN_USE: HTTPStatus.CONFLICT,
        Why.TOO_MANY_CODES: HTTPStatus.TOO_MANY_REQUESTS,
        Why.NO_SMS: HTTPStatus.SERVICE_UNAVAILABLE,
    }
)
"""Of a link that does not go on; another reason is trouble on our side."""
TRY_STATUS: Mapping[Why, HTTPStatus] = MappingProxyType(
    {
        Why.BAD_NUMBER: HTTPStatus.UNPROCESSABLE_ENTITY,
        Why.NOT_A_TEST_NUMBER: HTTPStatus.UNPROCESSABLE_ENTITY,
        Why.WRONG_CODE: HTTPStatus.UNPROCESSABLE_ENTITY,
        Why.NO_CODE: HTTPStatus.UNPROCESSABLE_ENTITY,
        Why.CONSENT_CHANGED: HTTPStatus.CONFLICT,
        Why.IN_USE: HTTPStatus.CONFLICT,
        Why.NOT_A_FRIEND: HTTPStatus.CONFLICT,
        Why.TOO_SOON: HTTPStatus.TOO_MANY_REQUESTS,
        Why.TOO_OFTEN: HTTPStatus.TOO_MANY_REQUESTS,
        Why.TOO_MANY_CODES: HTTPStatus.TOO_MANY_REQUESTS,
        Why.NO_SMS: HTTPStatus.SERVICE_UNAVAILABLE,
        Why.LINE_DOWN: HTTPStatus.SERVICE_UNAVAILABLE,
        Why.SMS_FAILED: HTTPStatus.SERVICE_UNAVAILABLE,
    }
)
"""Of what was tried and can be tried again; 200 where nothing went wrong."""
_NUMBERS = {"TW": "0912 345 678", "TH": "081 234 5678", "JP": "090 1234 5678"}
"""What a mobile number looks like, by country."""
_NUMBER_TEXTS = {
    Reason.EMPTY: "number.empty",
    Reason.COUNTRY_NOT_SERVED: "number.country_not_served",
    Reason.NOT_MOBILE: "number.not_mobile",
    Reason.INVALID: "number.invalid",
}
_BY_CHAT = frozenset({"expired", "used", "not_yours", "in_use", "too_many_tries", "too_many_codes", "erased"})
"""Where the text of what to do next asks for a word in the chat."""
_STEPS = (Next.AGREE, Next.CHAT, Next.LINK, Next.CODE)
_SECOND = 1_000
_SHORT_NAME = 12
"""Characters, which fit side by side in a heading on the smallest phone."""


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """What a page is drawn with, besides its view."""

    path: str
    """Of the link, such as `/b/TOKEN`."""
    base_url: str
    now: int
    """ms."""
    asked: str | None = None
    """The language that the user chose on the page."""
    accepted: str | None = None
    """The header Accept-Language."""
    emulated: bool = False
    """LINE is an emulator on this machine."""
    typed: str = ""
    """The number as the user typed it; it stands in the field again if it was no good."""
    note: str = ""
    """Key of a text about what was just sent, where the view has none."""
    unbinds: bool = False
    """The link is one that ends a binding."""


def page(view: View, frame: Frame, status: int = 0) -> Response:
    """The page of a view. `status` 0: as the view's reason says."""
    words = _words(frame, view.language)
    if view.next is Next.SORRY or _is_a_dead_end(view):
        return _sorry(view, frame, words, status)
    note = _note(view, frame, words)
    values = {
        "v": view,
        "note": note,
        # Latin digits: fonts of other languages draw the dots as wide as letters.
        "number": Markup('<span class="number" lang="en">{}</span>').format(view.number or ""),
        "sent": view.code_sent_at is not None,
        "steps": _steps(view),
        "consent": view.consents.get(words.language) or next(iter(view.consents.values()), ""),
        "example": _NUMBERS.get(view.country, ""),
        "typed": frame.typed,
        "wait": 0 if view.may_send_at is None else max(0, -(-(view.may_send_at - frame.now) // _SECOND)),
        "qr": _qr(frame.base_url + frame.path) if view.next in _STEPS else "",
    }
    tried = HTTPStatus.OK if view.why is None else TRY_STATUS.get(view.why, HTTPStatus.OK)
    return _html(view.next, frame, words, status or tried, view.brand, values)


def trouble(frame: Frame, status: int, kind: Literal["trouble", "unreadable"] = "trouble") -> Response:
    """The page for what is not the link's fault: our side failed, or what was sent could not be read."""
    words = _words(frame, None)
    told = {
        "title": words("sorry.trouble.title"),
        "text": words("try.unreadable") if kind == "unreadable" else words("sorry.trouble.text"),
        "next": words("sorry.trouble.next"),
        "retry": frame.path + _query(frame),
        "mild": False,
    }
    return _html(Next.SORRY, frame, words, status, "", told)


def headers(emulated: bool) -> dict[str, str]:
    """What every answer of these pages carries: nothing is kept, framed, indexed, or told to the next page."""
    # Browsers apply form-action to where a form's answer redirects to as well: LINE's dialog.
    dialog = "http://127.0.0.1:* http://localhost:*" if emulated else ACCESS_HOST
    return {
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Robots-Tag": "noindex, nofollow",
        "X-Frame-Options": "DENY",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
        f"connect-src 'self'; form-action 'self' {dialog}; base-uri 'none'; frame-ancestors 'none'",
    }


def query_of(frame: Frame) -> str:
    """What keeps the user's choice of language in the page's addresses; may be empty."""
    return _query(frame)


def _query(frame: Frame) -> str:
    return f"?lang={language_of(frame.asked, None, None)}" if frame.asked else ""


def _words(frame: Frame, linked: str | None) -> Words:
    return Words(language_of(frame.asked, linked, frame.accepted))


def _is_a_dead_end(view: View) -> bool:
    """Nothing can be done about the code on this page: neither is one good, nor can another one be had."""
    return (
        view.next is Next.CODE
        and view.code_sent_at is None
        and not view.asks_number
        and (view.why is Why.NO_SMS or view.may_send_at is None)
    )


def _sorry(view: View, frame: Frame, words: Words, status: int) -> Response:
    why = view.why or Why.TOO_MANY_CODES
    key = "unbind_forged" if frame.unbinds and why is Why.FORGED else why.value
    if not words.has(f"sorry.{key}.title"):
        key = "trouble"
    told = {
        "title": words(f"sorry.{key}.title"),
        "text": words(f"sorry.{key}.text"),
        "next": words("sorry.ask" if key in _BY_CHAT and not view.answers else f"sorry.{key}.next"),
        "retry": frame.path + _query(frame) if key == "trouble" else "",
        "mild": why is Why.USED,
    }
    found = SORRY_STATUS.get(why, HTTPStatus.SERVICE_UNAVAILABLE)
    return _html(Next.SORRY, frame, words, status or found, view.brand, told)


def _note(view: View, frame: Frame, words: Words) -> str:
    """In words, why what was just tried did not work; empty where nothing has to be said."""
    if frame.note:
        return words(frame.note)
    if view.why is None:
        return ""
    if view.why is Why.BAD_NUMBER:
        key = _NUMBER_TEXTS.get(Reason(view.number_reason or Reason.NOT_A_NUMBER), "number.not_a_number")
        return words(key, example=_NUMBERS.get(view.country, ""))
    key = f"try.{view.why}"
    return words(key) if words.has(key) else ""


def _steps(view: View) -> list[tuple[str, str]]:
    """Name and standing of each step: done, now, todo. Empty for pages that are none of them."""
    # A link without a number was made for a LINE user who is known: there is no word to send.
    known = (view.asks_number or view.others is None) and view.next is not Next.CHAT
    names = [s for s in _STEPS if not (known and s is Next.CHAT)]
    if view.next not in names:
        return []
    here = names.index(view.next)
    return [(n.value, "done" if i < here else "now" if i == here else "todo") for i, n in enumerate(names)]


def _html(
    name: Next, frame: Frame, words: Words, status: int, brand: str, values: Mapping[str, object]
) -> Response:
    text = draw(
        f"bind/{name}.html",
        t=words,
        step=name.value,
        brand=brand,
        whole=_whole(brand),
        path=frame.path,
        query=_query(frame),
        languages=LANGUAGES,
        here="" if frame.unbinds else "/now",
        **values,
    )
    return HTMLResponse(text, status, {**headers(frame.emulated), "Content-Language": words.language})


def _whole(brand: str) -> Markup:
    """A name that is not cut in two at the end of a line, unless it is a long one."""
    kept = Markup('<span class="whole">{}</span>') if len(brand) <= _SHORT_NAME else Markup("{}")
    return kept.format(brand)


@lru_cache(maxsize=64)
def _qr(url: str) -> str:
    """An SVG without style or script, so that the page's policy needs no exception for it."""
    import segno  # noqa: PLC0415

    code = segno.make(url, error="m", micro=False)
    return code.svg_inline(border=2, omitsize=True, dark="#000", light="#fff", svgclass=None, lineclass=None)
