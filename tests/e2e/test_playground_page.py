"""The page itself: quick, usable by everybody, closed to everybody else."""

import asyncio
import json
import os
import pathlib
import re
import time

import aiohttp
import pytest
from axe_playwright_python.async_playwright import (  # type: ignore[import-untyped] # it ships no types
    Axe,
)
from browsing import ROOT, Screen, Served, looking, serving
from playwright.async_api import Browser, expect

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECOND = 1.0
SMOOTH = 100.0  # milliseconds that the slowest of nearly all frames may take here, without a GPU
PICTURES = ROOT / "playground" / "screenshots"


async def test_without_credentials_the_bot_starts_the_playground(browser: Browser) -> None:
    """`python -m bot` alone prints the address; the page can be used within a second of being asked for."""
    async with serving() as served, looking(browser, served.url) as screen:
        await screen.page.goto(served.url)  # the browser itself is warm after this
        began = time.monotonic()
        await screen.page.goto(served.url)
        await screen.box.fill("typed")
        assert time.monotonic() - began < SECOND


async def test_strangers_are_refused(served: Served) -> None:
    """Another host name, another origin or a form cannot talk to it; the policy allows nothing inline."""
    async with aiohttp.ClientSession() as session:
        for host in ("evil.example", "localhost.evil.example:80", "127.0.0.1.evil.example", ""):
            async with session.get(served.url, headers={"Host": host}) as answer:
                assert answer.status == 403
        deed = served.url + "api/slack/person"
        for headers in (
            {"Origin": "http://evil.example", "Content-Type": "application/json"},
            {"Origin": "null", "Content-Type": "application/json"},
            {"Content-Type": "text/plain"},
        ):
            async with session.post(deed, data=json.dumps({"name": "Mallory"}), headers=headers) as answer:
                assert answer.status == 403
        async with session.get(served.url) as answer:
            policy = answer.headers["Content-Security-Policy"]
            text = await answer.text()
        assert "unsafe" not in policy
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=", text)
        async with session.get(served.url + "readyz") as answer:
            assert set((await answer.json())["checks"]) == {"thread_log", "slack", "discord"}


@pytest.mark.parametrize("side", ["slack", "discord"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_serious(browser: Browser, served: Served, side: str, scheme: str) -> None:
    """Neither in a conversation nor in a dialog, on a desk or on a phone."""
    # axe is put in by a debugger's door, past the page's own policy.
    async with looking(browser, served.url, color_scheme=scheme, bypass_csp=True) as screen:
        await screen.open(side)
        await screen.ask("show me code")
        await screen.say("/help" if side == "discord" else "!help")
        await expect(screen.posts.filter(has_text="only you see this")).to_have_count(1)
        for tab in ("Request", "Money", "Memory", "Log"):
            await screen.tab(tab)
            await _judge(screen)
        for name in ("Trouble", "Load a conversation"):
            await screen.page.get_by_role("button", name=name).click()
            await _judge(screen)
            await screen.page.keyboard.press("Escape")
        await screen.page.set_viewport_size({"width": 390, "height": 800})
        for view in ("Places", "Inspector", "Chat"):
            await screen.page.get_by_role("button", name=view, exact=True).click()
            await _judge(screen)
            wide = await screen.page.evaluate("document.documentElement.scrollWidth")
            assert wide <= 390


async def test_the_keyboard_alone_is_enough(screen: Screen) -> None:
    """Skip to the conversation, write, walk through the posts, edit one, look through the inspector."""
    await screen.page.goto(screen.url)
    await expect(screen.page.get_by_text("the bot is running")).to_be_visible()
    keys = screen.page.keyboard
    await keys.press("Tab")
    await expect(screen.page.get_by_role("link", name="Skip to the conversation")).to_be_focused()
    await screen.box.focus()
    for text in ("one", "two", "three"):
        await keys.type(text)
        await keys.press("Enter")
        await expect(screen.posts.last).to_contain_text(text)
    await screen.posts.last.focus()
    await keys.press("ArrowUp")
    await expect(screen.posts.nth(-2)).to_be_focused()
    await keys.press("End")
    await expect(screen.posts.last).to_be_focused()
    await screen.box.focus()
    await keys.press("ArrowUp")
    await expect(screen.page.get_by_role("textbox", name="Edit this post")).to_be_focused()
    await keys.type(" times")
    await keys.press("Enter")
    await expect(screen.posts.last).to_contain_text("three times")
    await screen.page.get_by_role("tab", name="Request").focus()
    await keys.press("ArrowRight")
    await expect(screen.page.get_by_role("tab", name="Money")).to_have_attribute("aria-selected", "true")


async def test_five_thousand_posts_scroll_smoothly(screen: Screen) -> None:
    """Only what is in view stands in the document, and a frame of scrolling stays short."""
    await screen.open()
    lines = [
        {
            "conversation": "x",
            "id": str(at),
            "role": "user",
            "author": f"u{at % 3}",
            "author_name": ("Ada", "Ben", "Chiara")[at % 3],
            "text": f"post {at} " + "of a long channel " * (at % 9),
            "sent_at": "2026-11-22T10:00:00Z",
        }
        for at in range(5000)
    ]
    place = next(
        each["id"]
        for each in (await screen.read("api/state"))["sides"]["slack"]["places"]
        if each["name"] == "random"
    )
    text = "\n".join(map(json.dumps, lines))
    answer = await screen.page.request.post(
        screen.url + "api/slack/replay",
        data={"place": place, "text": text, "ask": False},
        headers={"Content-Type": "application/json"},
    )
    assert answer.ok
    await expect(screen.page.get_by_text("5000 of 5000 posts, done")).to_be_visible(timeout=60_000)
    await screen.page.get_by_role("button", name="random").click()
    await expect(screen.posts.last).to_contain_text("post 4999")
    assert await screen.posts.count() < 120
    frames = await screen.page.evaluate(
        """async () => {
            const list = document.querySelector(".list"), times = [];
            let last = performance.now();
            for (let n = 0; n < 120; n += 1) {
                list.scrollTop -= 400;
                await new Promise(requestAnimationFrame);
                times.push(performance.now() - last);
                last = performance.now();
            }
            return times.sort((a, b) => a - b);
        }"""
    )
    assert frames[int(len(frames) * 0.9)] < SMOOTH
    await screen.posts.first.focus()
    await screen.page.keyboard.press("Home")
    await expect(screen.posts.first).to_contain_text("post 0")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_main_views(browser: Browser, served: Served, scheme: str, tmp_path: pathlib.Path) -> None:
    """The views that the README shows can be taken; PLAYGROUND_PICTURES=1 keeps them."""
    folder = PICTURES if os.environ.get("PLAYGROUND_PICTURES") else tmp_path
    for side in ("slack", "discord"):
        async with looking(
            browser, served.url, color_scheme=scheme, viewport={"width": 1280, "height": 760}
        ) as screen:
            await screen.open(side)
            await screen.ask(f"we ship 2.{len(scheme)} on Thursday at 10:00, and Ben holds the pager")
            await screen.page.get_by_label("You are").select_option(label="Ben")
            await screen.say("I need the migration note. Could you show some *code*?")
            await expect(screen.answers).to_have_count(2)
            await expect(screen.page.locator(".gauge")).to_contain_text("4 posts word for word")
            await screen.page.screenshot(path=folder / f"{side}-{scheme}.png")
            if side == "slack":
                await screen.tab("Money")
                await screen.page.screenshot(path=folder / f"money-{scheme}.png")
            await screen.page.get_by_role("button", name="Trouble").click()
            await screen.page.screenshot(path=folder / f"trouble-{scheme}.png")
    assert all(path.stat().st_size > 10_000 for path in folder.glob("*.png"))


async def _judge(screen: Screen) -> None:
    await asyncio.sleep(0)
    found = (await Axe().run(screen.page)).response["violations"]
    serious = [each for each in found if each["impact"] in {"serious", "critical"}]
    told = [(each["id"], [node["html"][:200] for node in each["nodes"]]) for each in serious]
    assert told == []
