"""The yardstick: Starlette with one route that does nothing, on uvicorn with the emulator's settings.

`python -m bench.empty_route PORT`.
"""

from __future__ import annotations

import socket
import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


async def empty(request: Request) -> Response:
    """Nothing."""
    return Response()


app = Starlette(routes=[Route("/", empty)])

if __name__ == "__main__":
    listener = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=4096)
    print(f"empty route listens on http://127.0.0.1:{sys.argv[1]}", flush=True)
    config = uvicorn.Config(app, http="httptools", loop="uvloop", log_level="error", access_log=False)
    uvicorn.Server(config).run(sockets=[listener])
