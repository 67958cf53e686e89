"""The fixtures of the browser tests: one browser and one playground for all tests of a worker."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

import bootstrap
from bench.support import browser as browsers
from bench.support.browser import Screen, Served, looking, serving

__all__ = ["Screen", "Served", "browser", "looking", "screen", "served", "serving"]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """A headless Chromium."""
    path = bootstrap.find_browser()
    if path is None:
        pytest.skip("no Chromium on this machine, and apt-get could not install one (see bootstrap.py)")
    async with browsers.launched(path) as found:
        yield found


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def served() -> AsyncIterator[Served]:
    """The playground; tests share it, as people do."""
    async with serving("playground") as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def screen(browser: Browser, served: Served) -> AsyncIterator[Screen]:
    """A window on the playground."""
    async with looking(browser, served.url) as opened:
        yield opened
