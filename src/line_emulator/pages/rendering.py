"""Templates to pages, with the headers that keep a hostile text from becoming a script."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from starlette.responses import HTMLResponse

HERE = Path(__file__).parent
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
    return HTMLResponse(_PAGES.get_template(template).render(values), headers=_SECURITY)
