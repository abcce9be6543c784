"""`GET /phones/{phone}`: a user's phone in the browser, and the live channel that keeps it up to date.

The page draws the screen JSON and acts through the control API; it knows nothing that these do not say.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.websockets import WebSocket, WebSocketDisconnect

from line_emulator.pages import opener
from line_emulator.pages.rendering import page
from line_emulator.screen import screen
from line_emulator.state import State
from line_emulator.world.numbers import is_e164, is_user_id
from line_emulator.world.people import Account

PATH = "/phones/{phone}"
LIVE_PATH = "/_emulator/v1/users/{phone}/live"
SETTLE_SECONDS = 0.06
LOOK_AGAIN_SECONDS = 15.0
"""What ends by itself (24 hours, 180 days, a PIN) tells nobody, so in a running clock it is looked for."""
SHARE_OF_TIME = 5
JUMP_SECONDS = 1.0
NOT_OURS = 4403
TOO_MANY = 1013
MOST_PHONES = 300
"""Looked at together: each may leave two large screens unread in the emulator's memory."""
_NUMBER = re.compile(r"\+[0-9]{1,20}", re.ASCII)


def number_of(text: str, state: State) -> str:
    """The number in a path, which may be a user ID. A plus sign that was not percent-encoded may arrive as a space."""
    found = text.strip()
    return state.world.people.address(found) if is_user_id(found) else "+" + found.removeprefix("+")


async def phone(request: Request) -> HTMLResponse:
    """The page. With `?frame=1` only the phone itself, to be shown inside another page. Pages that are opened from it
    know by a cookie whose phone it is; of several phones on one page, it is the one that is being used.
    """
    given = request.path_params["phone"].strip()
    state: State = request.app.state.emulator
    number = number_of(given, state)
    known = is_e164(number) or state.world.people.find_phone(number) is not None
    frame = request.query_params.get("frame") == "1"
    shown = page("phone.html", phone=number if known else given[:40], known=known, frame=frame)
    if not known:
        shown.status_code = 404
    elif not frame:
        opener.remember(shown, number)
    return shown


async def live(socket: WebSocket) -> None:
    """`ws …/users/{phone}/live`: the screen at once, and again whenever it looks different."""
    state: State = socket.app.state.emulator
    number = number_of(socket.path_params["phone"], state)
    if _NUMBER.fullmatch(number) is None and not is_user_id(number):
        await socket.close(NOT_OURS)
        return
    await socket.accept()
    looking = _looking_of(socket)
    if looking.count >= MOST_PHONES:
        await socket.close(TOO_MANY, "too many phones are open")
        return
    looking.count += 1
    try:
        await _serve(state, socket, number, looking)
    finally:
        looking.count -= 1


class _Looking:
    """How many phones are looked at, and whose turn it is: one screen is made at a time, others served between."""

    def __init__(self) -> None:
        self.count = 0
        self.turn = asyncio.Lock()


def _looking_of(socket: WebSocket) -> _Looking:
    held = socket.app.state
    if not hasattr(held, "looking"):
        held.looking = _Looking()
    looking: _Looking = held.looking
    return looking


async def _serve(state: State, socket: WebSocket, number: str, looking: _Looking) -> None:
    sending = asyncio.create_task(_send(state, socket, number, looking))
    listening = asyncio.create_task(_listen(socket))
    done, waiting = await asyncio.wait({sending, listening}, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*done, *waiting, return_exceptions=True)


async def _listen(socket: WebSocket) -> None:
    """Returns when the other side has gone; what it says is nothing to us."""
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass


async def _send(state: State, socket: WebSocket, number: str, looking: _Looking) -> None:
    view = Live(state, number)
    with state.watch() as news:
        try:
            while True:
                news.clear()
                async with looking.turn:
                    began = asyncio.get_running_loop().time()
                    found = view.look()
                    took = asyncio.get_running_loop().time() - began
                    await asyncio.sleep(0)
                if found is not None:
                    await socket.send_text(found)
                await _news(news)
                # What changes all the time is not drawn more often than costs a fifth of the time.
                await asyncio.sleep(max(SETTLE_SECONDS, SHARE_OF_TIME * took))
        except (WebSocketDisconnect, RuntimeError):
            return


async def _news(news: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(LOOK_AGAIN_SECONDS):
            await news.wait()
    except TimeoutError:
        return


class Live:
    """One phone that is being looked at. It follows its user to another number."""

    def __init__(self, state: State, number: str) -> None:
        self._state = state
        self._number = number
        self._world = state.world
        self._account: Account | None = None
        self._seen = b""
        self._epoch = (0.0, 0.0)

    def look(self) -> str | None:
        """The screen as JSON if it is another than before, or if the clock has jumped."""
        state = self._state
        state.tick()
        found = self._view()
        now, jumped = found.pop("now"), self._jumped()
        encoded = msgspec.json.encode(found)
        seen = hashlib.blake2b(encoded, digest_size=16).digest()
        if seen == self._seen and not jumped:
            return None
        self._seen = seen
        # The time is not part of the comparison: it passes by itself, in the browser too.
        rest = encoded.decode("utf-8", "replace")[1:]
        return f'{{"now":"{now}",{rest}'

    def _view(self) -> dict[str, Any]:
        if self._state.world is not self._world:
            # A reset: whoever has the same account number now is somebody else.
            self._world, self._account = self._state.world, None
        people, clock = self._world.people, self._state.clock
        account, shown_so_far = people.find_phone(self._number), self._account
        if shown_so_far is not None and (account is None or account.number != shown_so_far.number):
            # Whoever has another number, or lost theirs to somebody else, is kept by account number.
            moved = people.by_number.get(shown_so_far.number)
            if moved is not None and not moved.deleted:
                account, self._number = moved, moved.phone
        self._account = account
        shown = screen.view(self._state.world, self._number, account, clock.now())
        return screen.clocked(shown, clock.mode, clock.speed)

    def _jumped(self) -> bool:
        """Whether the time is now another than it would be by running on."""
        clock = self._state.clock
        rate = screen.rate(clock.mode, clock.speed)
        epoch = clock.now() / 1000 - asyncio.get_running_loop().time() * rate
        jumped = self._epoch[1] != rate or abs(epoch - self._epoch[0]) > JUMP_SECONDS * max(1, rate)
        if jumped:
            self._epoch = epoch, rate
        return jumped
