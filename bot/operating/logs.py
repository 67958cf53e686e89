"""Structured logs that hold neither message text nor secrets.

Our own lines carry ids and figures only. Of a library's record, level, place and error class are kept and
its words dropped, because libraries put whole events into them; of an exception, classes and places, for
the same reason. Whatever is left is redacted by shape.
"""

from __future__ import annotations

import logging
import re
import sys
import traceback
from types import TracebackType
from typing import Any

import structlog

SECRET = re.compile(
    r"xox[a-z]-[\w-]{4,}|xapp-[\w-]{4,}|xoxe\.[\w.-]{4,}|sk-ant-[\w-]{4,}"
    r"|(?:Bearer|Bot)\s+[\w.~+/=-]{8,}"
    r"|\b[MNO][\w-]{22,27}\.[\w-]{6}\.[\w-]{27,}"  # a Discord bot token
    r"|https://(?:hooks\.slack\.com|(?:\w+\.)?discord(?:app)?\.com/api/webhooks)/[^\s\"\\]+"
)
HIDDEN = "[redacted]"


def configure(level: str, style: str | None) -> None:
    """Set up logging for the process, to standard error; `style` None: console on a terminal, else JSON."""
    console = style == "console" or (style is None and sys.stderr.isatty())
    last = (
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
        if console
        else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.ExceptionRenderer(trace),
            last,
            redact,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.root.handlers = [LibraryHandler()]
    logging.root.setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)
    sys.excepthook = crashed


def crashed(kind: type[BaseException], error: BaseException, where: TracebackType | None) -> None:
    """Log what ends the process, in place of Python's own report, which would quote the error."""
    structlog.get_logger().critical("bot.crashed", error=kind.__name__, exc_info=(kind, error, where))


def redact(_logger: Any, _method: str, line: Any) -> str:
    """Replace whatever looks like a credential, in a whole line: no value of any type escapes."""
    return hide(str(line))


def trace(exc_info: tuple[type[BaseException], BaseException, TracebackType | None]) -> str:
    """Where an exception came from, with its causes, oldest first; classes and places without words."""
    found: list[str] = []
    error: BaseException | None = exc_info[1]
    while error is not None:
        found.append("".join(traceback.format_tb(error.__traceback__)) + type(error).__qualname__)
        if isinstance(error, BaseExceptionGroup):
            found += [trace((type(each), each, each.__traceback__)) for each in error.exceptions]
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "\nthen:\n".join(reversed(found))


def hide(text: str) -> str:
    """The text without anything that looks like a credential."""
    return SECRET.sub(HIDDEN, text)


class LibraryHandler(logging.Handler):
    """Turns a library's log record into one of our lines, without its words."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log where it came from, how bad it is and the class of the error it carries."""
        error = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else None
        line = {"library": record.name, "at": f"{record.module}:{record.lineno}", "error": error}
        log = structlog.get_logger()
        if record.levelno >= logging.ERROR:
            log.error("library.error", **line)
        else:
            log.warning("library.warning", **line)
