"""Who opens a page of LINE's in a browser. LINE's app knows its user from the login; a browser does not.

The address says it (`_phone`), or the header or cookie `emulator_phone`, which the phone in the browser sets; else the
page asks.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, unquote

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from line_emulator.pages.rendering import page
from line_emulator.state import State
from line_emulator.world import numbers
from line_emulator.world.people import Account, default_language

PHONE = "emulator_phone"
MOST_LISTED = 20


def phone_of(request: Request) -> str | None:
    """Whose phone it is. The address comes before the header, and that before the cookie."""
    named = request.query_params.get("_phone", "").strip()
    # A plus sign is often sent percent-encoded in a cookie, as some libraries do.
    found = named or unquote(request.headers.get(PHONE) or request.cookies.get(PHONE) or "").strip()
    if not found:
        return None
    people = request.app.state.emulator.world.people
    if numbers.is_user_id(found):
        return str(people.address(found))
    # A plus sign that was not percent-encoded has come as a space.
    return f"+{found}" if named and not found.startswith("+") else found


def account_of(state: State, phone: str) -> Account | None:
    """The LINE user behind it."""
    return state.world.people.find_phone(phone) if numbers.is_address(phone) else None


def language_of(state: State, phone: str | None) -> str:
    """The language of the user's app; of a number without LINE that of its country; else English."""
    if phone is None or not numbers.is_address(phone):
        return "en"
    account = state.world.people.find_phone(phone)
    return account.language if account is not None else default_language(phone)


def remember(response: Response, phone: str) -> None:
    """Lets the pages that are opened from this phone know whose it is."""
    response.set_cookie(PHONE, quote(phone, safe=""), path="/", samesite="lax")


def ask(state: State, action: str, hidden: dict[str, Any]) -> HTMLResponse:
    """The page that asks whose phone it is, and then goes to `action` with `hidden` and the answer."""
    people, _ = state.world.people.page(0, MOST_LISTED)
    return page("account_link.html", kind="ask", language="en", action=action, hidden=hidden, people=people)
