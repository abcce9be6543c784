"""Whose page a browser's request comes from.

There is no login, so any page that a developer happens to have open could command the emulator: browsers send a
plain-text POST, and open a WebSocket, to wherever a page says. They do say which page it was (`Origin`). Programs
send no such header and are not concerned.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from line_emulator.bot_api.http import Scope

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""What changes nothing; a foreign page can send it, but not read the answer."""


def foreign(scope: Scope) -> bool:
    """Whether a page of another address asks to change something, or to open a WebSocket."""
    if scope["type"] == "http" and scope["method"] in SAFE:
        return False
    found: dict[bytes, bytes] = {
        name: value for name, value in scope["headers"] if name in (b"origin", b"host")
    }
    origin = found.get(b"origin")
    if origin is None:
        return False
    try:
        return urlsplit(origin).netloc.lower() != found.get(b"host", b"").lower()
    except ValueError:
        return True
