"""The entry of the `todoke` command."""

import ctypes
import sys
from contextlib import suppress

_M_ARENA_MAX = -8
"""Of glibc's malloc.h: over how many heaps memory is spread at most."""


def main() -> None:
    """Runs the command that the arguments name. `serve` alone goes past the command line's own libraries."""
    if sys.argv[1:] == ["serve"]:
        _serve()
    else:
        from todoke.cli.main import app  # noqa: PLC0415

        app()


def _serve() -> None:
    # What nothing here uses, and what libraries do without where it can't be imported, 8 MB: structlog's way to show
    # exceptions, of which logs.py leaves nothing to show, and that by which FastAPI knows models of Pydantic 1.
    for name in ("rich", "pydantic.v1"):
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]
    _share_one_heap()
    from todoke.cli.serve import serve  # noqa: PLC0415

    serve()


def _share_one_heap() -> None:
    """glibc gives each thread a heap of its own, and each grows to what its thread once needed. Here one thread works
    at a time, but for SQLite's. https://man7.org/linux/man-pages/man3/mallopt.3.html; other C libraries don't know it.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)
