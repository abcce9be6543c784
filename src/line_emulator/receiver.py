"""A webhook receiver for the first steps: says what comes, and whether its signature is right.

It stands for the program that an integration will be, so it knows nothing of the emulator but the address that posts.
"""

from __future__ import annotations

import base64
import hmac
import json
import socket
from collections.abc import Callable
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

LARGEST = 2 * 1024 * 1024


def receiver(secret: str | None, say: Callable[[str], None]) -> Starlette:
    """An application that answers every post with 200 and says in a line each what events came."""

    async def take(request: Request) -> Response:
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > LARGEST:
                return Response(status_code=413)
        for line in describe(body, request.headers.get("x-line-signature"), secret):
            say(line)
        return Response()

    return Starlette(routes=[Route("/{path:path}", take, methods=["POST"])])


def describe(body: bytes, signature: str | None, secret: str | None) -> list[str]:
    """What a post says, a line for each event."""
    judged = judge(body, signature, secret)
    try:
        events = json.loads(body)["events"]
        lines = [_event(event) for event in events]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return [f"something that is no webhook of LINE, {len(body)} bytes{judged}"]
    return [line + judged for line in lines or ["no events: LINE only tries whether somebody is here"]]


def judge(body: bytes, signature: str | None, secret: str | None) -> str:
    """Whether the signature is right: HMAC-SHA256 of the body with the channel secret, in base64."""
    if secret is None:
        return ""
    right = base64.b64encode(hmac.digest(secret.encode(), body, "sha256")).decode()
    fits = signature is not None and hmac.compare_digest(right.encode(), signature.encode())
    return ", signature right" if fits else ", SIGNATURE WRONG"


def _event(event: dict[str, Any]) -> str:
    kind = event["type"]
    parts = [str(kind)]
    told = event.get(kind)
    if isinstance(told, dict):
        parts.append(str(told.get("data") or told.get("text") or ""))
    source = event.get("source")
    if isinstance(source, dict):
        parts.append(f"from {source.get('userId', 'an unnamed user')}")
    if event.get("deliveryContext", {}).get("isRedelivery"):
        parts.append("(again)")
    # Whatever stands in a message must not reach the terminal as a command to it.
    return " ".join(part for part in parts if part).encode("unicode_escape").decode()[:300]


def run(host: str, listener: socket.socket, secret: str | None) -> None:
    """Receives until Ctrl-C."""
    app = receiver(secret, lambda line: print(line, flush=True))
    print(f"receiving webhooks on http://{host}:{listener.getsockname()[1]}/hook", flush=True)
    if secret is None:
        print("signatures are not checked: give the channel secret with --secret", flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False)).run(sockets=[listener])
