"""Structured logs from which a personal value cannot leak: keys are allow-listed.

A key that is not on the list is named under `withheld`, its value is dropped. Exceptions
are printed as class and places in the code: their messages may quote data, except those
of `CdpError`, which are docstrings.
"""

import logging
import sys
import traceback
from typing import TextIO

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, WrappedLogger

from cdp.kernel.errors import CdpError

# Names whose values are ours: words, numbers and opaque ids.
LOGGABLE = frozenset(
    {
        "accept_seq",
        "action",
        "attempt",
        "batch",
        "count",
        "database",
        "duration_ms",
        "epoch",
        "error",
        "event",
        "host",
        "intent",
        "job",
        "level",
        "method",
        "outcome",
        "path",
        "pid",
        "places",
        "port",
        "process",
        "reason",
        "release",
        "request",
        "route",
        "size",
        "status",
        "timestamp",
        "verdict",
        "version",
        "withheld",
        "workspace",
    }
)


def keep_loggable(_: WrappedLogger, __: str, entry: EventDict) -> EventDict:
    """Print allow-listed keys; name, but never show, the rest."""
    kept = {key: value for key, value in entry.items() if key in LOGGABLE}
    dropped = sorted(entry.keys() - kept.keys())
    return kept | {"withheld": dropped} if dropped else kept


def describe_exception(_: WrappedLogger, __: str, entry: EventDict) -> EventDict:
    """Replace `exc_info` by the exception's class and the places it passed, never its message."""
    found = entry.pop("exc_info", None)
    error = sys.exc_info()[1] if found is True else found[1] if isinstance(found, tuple) else found
    if isinstance(error, BaseException):
        entry["error"] = describe(error)
        frames = traceback.extract_tb(error.__traceback__)[-6:]
        entry["places"] = [f"{frame.name}:{frame.lineno}" for frame in frames]
    return entry


def describe(error: BaseException) -> str:
    """What may be printed of an error: its class, and its message only if it is ours."""
    name = type(error).__name__
    return f"{name}: {error.for_command}" if isinstance(error, CdpError) else name


class _Foreign(logging.Handler):
    """Libraries' log records: their level and logger are shown, their text is not."""

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.WARNING:
            error = record.exc_info[1] if record.exc_info else None
            log().warning(
                "library_message",
                process=record.name,
                error=type(error).__name__ if error else record.levelname,
            )


def configure(level: str = "info", *, to: TextIO | None = None) -> None:
    """Write one JSON object a line, for our own and for libraries' loggers; `to` standard error or a file."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            describe_exception,
            keep_loggable,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        # Looked up at each line: who redirects standard error later gets the lines from then on.
        logger_factory=lambda *_: structlog.PrintLogger(to or sys.stderr),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(handlers=[_Foreign()], level=logging.WARNING, force=True)


def log() -> FilteringBoundLogger:
    """The logger. Event names are fixed strings, never formatted."""
    logger: FilteringBoundLogger = structlog.get_logger()
    return logger
