"""The thread log as commands open it: one that is there. Rule: looking into a log never makes one.

The bot's database lies where the bot runs. In another folder a command would find nothing in an empty log
of its own making, and `forget` would seem to have forgotten.
"""

from __future__ import annotations

import contextlib
import pathlib

from bot import errors, settings, thread_log


def existing() -> contextlib.AbstractAsyncContextManager[thread_log.ThreadLog]:
    """The bot's log while the block runs. Raises SettingsError, and OperatorError where there is none."""
    url = settings.load().database_url
    path = pathlib.Path(url.partition(":///")[2])
    if not path.exists():
        raise errors.OperatorError(
            f"{path.absolute()}: there is no such database. Run this in the folder where the bot runs, or "
            "set DATABASE_URL to where its log lies."
        )
    return thread_log.open(url)
