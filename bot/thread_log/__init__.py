"""The thread log: everything that was said and done, on SQLite. The only importer of aiosqlite."""

from bot.thread_log.bills import By
from bot.thread_log.changes import EditEffect
from bot.thread_log.intake import Known
from bot.thread_log.log import ThreadLog, open  # noqa: A004 - `thread_log.open` reads as what it does
from bot.thread_log.probing import installed, probe
from bot.thread_log.recall import Hit

__all__ = ["By", "EditEffect", "Hit", "Known", "ThreadLog", "installed", "open", "probe"]
