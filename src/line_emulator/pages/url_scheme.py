"""LINE's URL scheme on the emulator's port: `/R/ti/p/{id}` and `/R/oaMessage/{id}/?{text}`, as `https://line.me/R/…`.

Source: "Use LINE features with the LINE URL scheme". The first shows an official account to add it; the second opens
its chat with a text in the composer, which the user sends. Ids and texts are percent-encoded.
"""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import parse_qs, quote, unquote

from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from line_emulator.control.acts import ActionBody, perform
from line_emulator.pages import opener
from line_emulator.pages.rendering import page
from line_emulator.screen.screen import NAME_SHOWN
from line_emulator.screen.texts import say
from line_emulator.state import State
from line_emulator.world.channels import Channel
from line_emulator.world.people import Account

ADD = "/R/ti/p/{basic_id}"
CHAT = "/R/oaMessage/{basic_id}"
LONGEST_TEXT = 1000
"""Characters of a prepared text; LINE says nothing, and its links in messages have 1,000 at most."""
LARGEST_FORM = 65_536
COLOURS = 8
_OWN = ("_phone", "_frame", "_text")
"""What the emulator's own links add to the address; all else behind the question mark is the text."""


class Wish(NamedTuple):
    """What the link asks for. `text`: prepared for the composer; `frame`: the phone is shown inside another page."""

    path: str
    text: str
    frame: bool


async def add(request: Request) -> Response:
    """`GET /R/ti/p/{id}`: the account, to be added. A friend goes to the chat. `POST` adds it, then the chat."""
    if request.method == "POST":
        return await _added(request)
    return _shown(request, _wish(request, ADD, ""))


async def chat(request: Request) -> Response:
    """`GET /R/oaMessage/{id}/?{text}`: the chat with this text in the composer; who is no friend may add first."""
    given = [part for part in request.url.query.split("&") if part.partition("=")[0] not in _OWN]
    text = request.query_params.get("_text") or unquote("&".join(given), errors="replace")
    return _shown(request, _wish(request, CHAT, text))


def _wish(request: Request, path: str, text: str) -> Wish:
    address = path.format(basic_id=quote(request.path_params["basic_id"], safe=""))
    return Wish(address, _clean(text), request.query_params.get("_frame") == "1")


def _clean(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\x00", "")[:LONGEST_TEXT]


def _shown(request: Request, wish: Wish) -> Response:
    state: State = request.app.state.emulator
    phone = opener.phone_of(request)
    channel = _find(state, request.path_params["basic_id"])
    if channel is None:
        given = request.path_params["basic_id"][:60]
        return _sorry("unknown", opener.language_of(state, phone), id=given)
    if phone is None:
        hidden = {"_text": wish.text} if wish.text else {}
        return opener.ask(state, wish.path, hidden | ({"_frame": "1"} if wish.frame else {}))
    account = opener.account_of(state, phone)
    if account is None:
        return _sorry("nobody", opener.language_of(state, phone))
    tie = account.tie(channel.channel_id)
    if tie.friend and not tie.blocked:
        return _to_chat(account, channel, wish)
    return _offer(account, channel, wish, tie.blocked)


def _find(state: State, basic_id: str) -> Channel | None:
    """The channel with this basic ID, which may come without its @ and in any case of letters."""
    wanted = "@" + basic_id.strip().removeprefix("@").lower()
    return next((found for found in state.world.channels.values() if found.basic_id.lower() == wanted), None)


def _offer(account: Account, channel: Channel, wish: Wish, blocked: bool) -> HTMLResponse:
    language = account.language
    found = page(
        "url_scheme.html",
        kind="offer",
        language=language,
        say=lambda key: say(key, language),
        channel=channel,
        name=channel.name[:NAME_SHOWN],
        colour=_colour(channel.channel_id),
        text="blocked.text" if blocked else "open.message" if wish.text else "open.add",
        button="blocked.unblock" if blocked else "home.add",
        action=ADD.format(basic_id=quote(channel.basic_id, safe="")),
        phone=account.phone,
        wish=wish,
        chat=None if blocked else _address(account, channel, wish),
    )
    # Without a referrer a browser does not say where the form came from, and would be taken for a stranger.
    found.headers["Referrer-Policy"] = "same-origin"
    return found


def _colour(channel_id: str) -> int:
    """The colour of the account's picture: as the phone's `colourOf`."""
    number = 7
    for sign in channel_id:
        number = (number * 31 + ord(sign)) % 9973
    return number % COLOURS


async def _added(request: Request) -> Response:
    state: State = request.app.state.emulator
    form = await _form(request)
    phone, channel = form.get("_phone"), _find(state, request.path_params["basic_id"])
    wish = Wish(request.url.path, _clean(form.get("_text", "")), form.get("_frame") == "1")
    account = opener.account_of(state, phone) if phone is not None else None
    if channel is None or account is None:
        return _shown(request, wish)
    done = perform(state, account.phone, ActionBody(action="add_friend", channel_id=channel.channel_id))
    return _to_chat(done.value, channel, wish)


async def _form(request: Request) -> dict[str, str]:
    """The fields of a small form, each once; of anything else nothing."""
    raw = b""
    try:
        async for chunk in request.stream():
            raw += chunk
            if len(raw) > LARGEST_FORM:
                return {}
        return {name: values[0] for name, values in parse_qs(raw.decode()).items()}
    except (ValueError, ClientDisconnect):
        return {}


def _address(account: Account, channel: Channel, wish: Wish) -> str:
    """The chat on this user's phone, with the text for the composer behind it."""
    frame = "?frame=1" if wish.frame else ""
    text = f"/{quote(wish.text, safe='', errors='replace')}" if wish.text.strip() else ""
    return f"/phones/{quote(account.phone, safe='')}{frame}#/chat/{channel.channel_id}{text}"


def _to_chat(account: Account, channel: Channel, wish: Wish) -> Response:
    return RedirectResponse(_address(account, channel, wish), 303)


def _sorry(kind: str, language: str, **values: str) -> HTMLResponse:
    text = say(f"open.{kind}_text", language)
    for name, value in values.items():
        text = text.replace("{" + name + "}", value)
    title = say(f"open.{kind}", language)
    found = page("account_link.html", kind="bad", language=language, title=title, text=text)
    found.status_code = 404
    return found
