"""A playground in a process of its own, and a real browser that looks at it; for tests, timings and pictures.

Every wait is for something that one sees. How long it may take is one generous figure, so that a loaded
machine makes it slower and not wrong.
"""

import asyncio
import contextlib
import dataclasses
import itertools
import os
import pathlib
import re
import sys
from collections.abc import AsyncIterator, Sequence
from typing import Any

from playwright.async_api import Browser, Locator, Page, Response, async_playwright, expect

ROOT = pathlib.Path(__file__).parents[2]
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
NUMBERS = itertools.count(1)
BAD = 400  # HTTP's refusals begin here
PATIENCE = 90.0  # seconds that anything may take on a machine with more to do
PRIVATE = re.compile(r"^(ANTHROPIC|SLACK|DISCORD|BOT|DATABASE)_")

expect.set_options(timeout=PATIENCE * 1000)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Served:
    """A running playground."""

    url: str
    process: asyncio.subprocess.Process


@dataclasses.dataclass(kw_only=True)
class Screen:
    """The page as a person uses it, by what they read on it."""

    page: Page
    url: str
    problems: list[str] = dataclasses.field(default_factory=list)

    async def open(self, side: str = "slack") -> None:
        """Go there, wait for the bot, choose the side."""
        await self.page.goto(self.url)
        await expect(self.page.get_by_text("the bot is running")).to_be_visible()
        button = self.page.get_by_role("button", name=side.capitalize(), exact=True)
        await button.click()
        await expect(button).to_have_attribute("aria-pressed", "true")

    @property
    def box(self) -> Locator:
        """Where one writes."""
        return self.page.get_by_role("combobox", name=re.compile("^Write (in|to) "))

    @property
    def posts(self) -> Locator:
        """The posts in view."""
        return self.page.locator("article")

    @property
    def answers(self) -> Locator:
        """The bot's posts in view that are whole, those for one person included."""
        return self.page.locator("article:has(.post.bot):not(:has(.caret))")

    async def say(self, text: str) -> None:
        """Write and send."""
        await self.box.fill(text)
        await self.box.press("Escape")  # completions, where there are any
        await self.box.press("Enter")

    async def ask(self, text: str) -> str:
        """Mention the bot in the channel and follow it into the thread until it has answered; the mark."""
        own = f"no. {next(NUMBERS)}:"  # tests share the channel
        await self.say(f"@Threadmate {own} {text}")
        asked = self.posts.filter(has_text=own)
        await asked.get_by_role("button", name=re.compile(r"\d+ repl(y|ies)")).click()
        await expect(self.answers.first).to_contain_text(own)
        return own

    async def tab(self, name: str) -> Locator:
        """A tab of the inspector."""
        await self.page.get_by_role("tab", name=name).click()
        return self.page.get_by_role("tabpanel")

    async def trouble(self, name: str) -> None:
        """Cause trouble."""
        await self.page.get_by_role("button", name="Trouble").click()
        await self.page.get_by_role("dialog").get_by_role("button", name=name, exact=True).click()
        await self.page.get_by_role("dialog").get_by_role("button", name="Close").click()

    async def thread(self, side: str, mark: str) -> list[dict[str, Any]]:
        """Every post of the thread that `ask` opened, in view or not."""
        for place in (await self.read("api/state"))["sides"][side]["places"]:
            if place["kind"] == "thread":
                posts: list[dict[str, Any]] = (await self.read(f"api/{side}/posts/{place['id']}"))["posts"]
                if posts and mark in posts[0]["text"]:
                    return posts
        raise LookupError(mark)

    async def read(self, path: str) -> Any:
        """What the page's server says."""
        return await (await self.page.request.get(self.url + path)).json()


@contextlib.asynccontextmanager
async def serving(*arguments: str, **extra: str) -> AsyncIterator[Served]:
    """`python -m bot …` in a process of its own, without any credential of the person who runs the tests."""
    clean = {name: value for name, value in os.environ.items() if not PRIVATE.match(name)}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot",
        *arguments,
        cwd=ROOT,
        env={**clean, "BOT_HTTP_PORT": "0", **extra},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        line = (await asyncio.wait_for(process.stdout.readline(), PATIENCE)).decode()
        assert line.startswith("Playground: http://localhost:"), line
        yield Served(url=line.split()[1], process=process)
    finally:
        if process.returncode is None:
            process.terminate()
        await asyncio.wait_for(process.wait(), PATIENCE)


@contextlib.asynccontextmanager
async def launched(path: str) -> AsyncIterator[Browser]:
    """A headless Chromium."""
    async with async_playwright() as playwright:
        found = await playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield found
        await found.close()


@contextlib.asynccontextmanager
async def looking(
    browser: Browser, url: str, *, forgive: Sequence[str] = (), **context: Any
) -> AsyncIterator[Screen]:
    """A fresh window. When it closes: nothing was complained of, and nothing was asked of anybody else."""
    window = await browser.new_context(
        viewport=context.pop("viewport", {"width": 1440, "height": 860}), **context
    )
    page = await window.new_page()
    page.set_default_timeout(PATIENCE * 1000)
    screen = Screen(page=page, url=url)
    page.on("pageerror", lambda error: screen.problems.append(f"error: {error}"))
    page.on(
        "console",
        lambda said: (
            screen.problems.append(f"{said.type}: {said.text}") if said.type in {"error", "warning"} else None
        ),
    )
    refused: list[Response] = []
    page.on("response", lambda answer: refused.append(answer) if answer.status >= BAD else None)
    page.on(
        "request",
        lambda asked: (
            None
            if asked.url.startswith((url, "data:", "blob:"))
            else screen.problems.append(f"outside: {asked.url}")
        ),
    )
    yield screen
    why = [f"{answer.url}: {await answer.text()}" for answer in refused]
    await window.close()
    left = [each for each in screen.problems if not any(word in each for word in forgive)]
    assert left == [], (left, why)  # in words: pytest rewrites the assertions of test modules alone
