"""How log lines are written: ids and reasons, never a number, a hash, a secret or a text."""

import logging
import sys
import traceback
from types import TracebackType

import structlog

Failure = tuple[type[BaseException], BaseException, TracebackType | None]


def set_up_logging(log_format: str) -> None:
    """Logs to standard error, for people (`console`) or machines (`json`)."""
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            failures,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def failures(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Replaces an exception by what it was and where: types, files and lines.

    Neither its message nor the values of variables are shown: they may hold numbers, names and tokens.
    """
    given = event.pop("exc_info", None)
    error = sys.exc_info()[1] if given is True else given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException):
        event["failure"] = _told(error)
    return event


def _told(error: BaseException) -> list[str]:
    """The exception and its causes, the first cause first."""
    told: list[str] = []
    current: BaseException | None = error
    while current is not None and len(told) < 10:
        frames = traceback.extract_tb(current.__traceback__)[-12:]
        places = " > ".join(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames)
        said = f" ({current.strerror})" if isinstance(current, OSError) and current.strerror else ""
        told.insert(0, f"{type(current).__name__}{said} at {places}")
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return told
