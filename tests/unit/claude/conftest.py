from __future__ import annotations

from collections.abc import AsyncIterator

import claude_support
import pytest

from bot import claude
from emulators import claude as emulator


@pytest.fixture
async def api() -> AsyncIterator[emulator.Claude]:
    """Run a strict Messages API on loopback."""
    async with emulator.Claude() as running:
        yield running


@pytest.fixture
def time() -> claude_support.Time:
    """Stop the clock."""
    return claude_support.Time()


@pytest.fixture
async def model(api: emulator.Claude, time: claude_support.Time) -> AsyncIterator[claude.Claude]:
    """Connect the client under test to the emulator."""
    async with claude_support.client(api.url, time) as connected:
        yield connected
