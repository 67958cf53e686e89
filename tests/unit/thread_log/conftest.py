from __future__ import annotations

import pathlib
from collections.abc import AsyncIterator

import log_support
import pytest

from bot import thread_log


@pytest.fixture
def path(tmp_path: pathlib.Path) -> pathlib.Path:
    """Name a file alone in its folder."""
    folder = tmp_path / "log"
    folder.mkdir()
    return folder / "bot.db"


@pytest.fixture
def clock() -> log_support.Clock:
    """Set the clock."""
    return log_support.Clock()


@pytest.fixture
async def log(path: pathlib.Path, clock: log_support.Clock) -> AsyncIterator[thread_log.ThreadLog]:
    """Open a new log."""
    async with thread_log.open(f"sqlite:///{path}", clock=clock) as opened:
        yield opened
