"""Templates to pages, with the headers that keep a hostile text from becoming a script."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from starlette.responses import HTMLResponse

import line_catalogue
from line_emulator import times

HERE = Path(__file__).parent
LONGEST_PRETTY = 20_000
_PAGES = Environment(loader=FileSystemLoader(HERE), autoescape=True, trim_blocks=True, lstrip_blocks=True)
_SECURITY = {
    # Pictures in messages lie on the servers of whoever sends them.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; connect-src 'self'; frame-src 'self'; "
    "style-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'; "
    "img-src 'self' data: blob: https: http://127.0.0.1:* http://localhost:*",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def page(template: str, **values: Any) -> HTMLResponse:
    """A page from a template in this folder."""
    text = _PAGES.get_template(template).render(values)
    # Half a surrogate pair, which JSON can write, has no place in UTF-8.
    return HTMLResponse(text.encode("utf-8", "replace"), headers=_SECURITY)


def thousands(number: int) -> str:
    """A number with its thousands apart."""
    return f"{number:,}"


def moment(ms: int | None) -> str:
    """A time as people read it: `2026-08-07 12:00:03`, in UTC."""
    return "–" if ms is None else times.render(ms)[:19].replace("T", " ")


def lapse(ms: int | None) -> str:
    """How long something took, in its two largest units: `3 h 10 min`."""
    if ms is None:
        return "–"
    if ms < 1000:
        return "at once"
    seconds = ms // 1000
    parts = [
        (seconds // 86_400, "d"),
        (seconds // 3600 % 24, "h"),
        (seconds // 60 % 60, "min"),
        (seconds % 60, "s"),
    ]
    shown = [f"{count} {unit}" for count, unit in parts if count]
    return " ".join(shown[:2])


def pretty(text: str) -> str:
    """JSON with its parts on lines of their own; anything else as it is."""
    try:
        shown = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text
    # Brackets in brackets grow with the square of their depth.
    return shown if len(shown) <= LONGEST_PRETTY + 4 * len(text) else text


def words(key: str) -> str:
    """A wire name as words: `could_not_connect` as `could not connect`."""
    return key.replace("_", " ")


def language(region: str) -> str:
    """The language of a country, so that a browser draws Chinese and Japanese each in its own forms."""
    country = line_catalogue.countries().get(region)
    return country.language if country is not None else "en"


_PAGES.filters.update(
    thousands=thousands, moment=moment, lapse=lapse, pretty=pretty, words=words, language=language
)
