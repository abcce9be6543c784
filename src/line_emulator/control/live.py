"""`ws …/live`: tells a page that something has changed, so that it looks again.

It costs the emulator's load next to nothing: whoever changes something only sets an event; what is sent is a
few sums, at most so often as `SPACING` allows.
"""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect

from line_emulator import times
from line_emulator.state import State

SPACING = 0.3
PULSE = 1.0
"""Real seconds: the least between two messages; and how often is looked for changes of which nobody tells."""
MOST_PAGES = 200


def summary(state: State) -> dict[str, Any]:
    """The sums that tell that something has happened, and how the clock goes."""
    world, clock = state.world, state.clock
    return {
        "mode": clock.mode,
        "speed": clock.speed,
        "channels": len(world.channels),
        "users": world.people.size(),
        "notices": len(world.ledger.rows),
        "requests": state.requests[-1].number if state.requests else 0,
        "webhooks": state.webhooks.log.posted,
        "sms": len(world.sms.taken),
        "faults": len(state.faults.orders),
        "struck": sum(fault.hits for fault in state.faults.orders),
    }


async def live(socket: WebSocket) -> None:
    """Sends the sums at once, and again after every change, for as long as the connection lasts."""
    state: State = socket.app.state.emulator
    await socket.accept()
    watching = socket.app.state
    watching.pages = getattr(watching, "pages", 0) + 1
    sending = asyncio.create_task(_send(state, socket))
    try:
        if watching.pages > MOST_PAGES:
            await socket.close(1013, "too many pages are open")
        while (await socket.receive())["type"] != "websocket.disconnect":
            pass
    except (WebSocketDisconnect, RuntimeError, OSError):
        pass
    finally:
        watching.pages -= 1
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)


async def _send(state: State, socket: WebSocket) -> None:
    sent: dict[str, Any] = {}
    number = 0
    with state.watch() as news:
        while True:
            told = news.is_set()
            news.clear()
            found = summary(state)
            if told or found != sent:
                number += 1
                sent = found
                message = {"number": number, "now": times.render(state.clock.now()), **found}
                await socket.send_text(msgspec.json.encode(message).decode())
                await asyncio.sleep(SPACING)
            try:
                async with asyncio.timeout(PULSE):
                    await news.wait()
            except TimeoutError:
                pass
