"""The entry of the `todoke` command."""

import sys


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
    from todoke.cli.serve import serve  # noqa: PLC0415

    serve()
