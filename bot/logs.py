"""Structured logs that hold neither message text nor secrets.

Our own lines carry ids and figures only. Of a library's record, level, place and error class are kept and
its words dropped, because libraries put whole events into them. Whatever is left is redacted by shape.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

SECRET = re.compile(
    r"xox[a-z]-[\w-]{4,}|xapp-[\w-]{4,}|xoxe\.[\w.-]{4,}|sk-ant-[\w-]{4,}"
    r"|(?:Bearer|Bot)\s+[\w.~+/=-]{8,}"
    r"|\b[MNO][\w-]{22,27}\.[\w-]{6}\.[\w-]{27,}"  # a Discord bot token
    r"|https://(?:hooks\.slack\.com|(?:\w+\.)?discord(?:app)?\.com/api/webhooks)/\S+"
)
HIDDEN = "[redacted]"


def configure(level: str, style: str | None) -> None:
    """Set up logging for the process, to standard error; `style` None: console on a terminal, else JSON."""
    console = style == "console" or (style is None and sys.stderr.isatty())
    last = (
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if console
        else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            redact,
            last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.root.handlers = [LibraryHandler()]
    logging.root.setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)


def redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace whatever looks like a credential, in every value of a line."""
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = hide(value)
    return event


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
