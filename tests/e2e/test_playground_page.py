"""The page itself: quick, usable by everybody, closed to everybody else."""

import json
import re

import aiohttp
import pytest
from axe_playwright_python.async_playwright import (  # type: ignore[import-untyped] # it ships no types
    Axe,
)
from browsing import Screen, Served, looking, serving
from playwright.async_api import Browser, expect

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(400)]

IN_VIEW = 120  # posts that a tall window and what is kept ready beside it may hold


async def test_without_credentials_the_bot_starts_the_playground(browser: Browser) -> None:
    """`python -m bot` alone prints the address, and the page can be used (`bench.page` has the time)."""
    async with serving() as served, looking(browser, served.url) as screen:
        await screen.open()
        await screen.box.fill("typed")
        await expect(screen.page.get_by_role("button", name="Send")).to_be_enabled()


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


async def test_health_is_the_bots_own(screen: Screen) -> None:
    """The page's port answers for readiness with what the bot's process says."""
    await screen.open()
    found = await screen.read("readyz")
    assert found["status"] == "ok"
    assert {"thread_log", "slack", "discord"} <= set(found["checks"])


@pytest.mark.parametrize("side", ["slack", "discord"])
async def test_the_keyboard_alone_is_enough(screen: Screen, side: str) -> None:
    """Skip to the conversation, write, walk through the posts, edit one, look through the inspector."""
    await screen.open(side)
    await screen.page.reload()  # nothing has the focus
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


@pytest.mark.parametrize("side", ["slack", "discord"])
async def test_long_names_and_notices_keep_their_place(screen: Screen, side: str) -> None:
    """A long name is cut off in its column, and a notice on a phone is as wide as its words need."""
    await screen.open(side)
    name = "Maximiliane von und zu Hohenfels-Berg"
    screen.page.on("dialog", lambda dialog: dialog.accept(name))
    await screen.page.get_by_role("button", name="Add a person").click()
    await screen.page.get_by_label("You are").select_option(label=name)
    places = screen.page.get_by_role("navigation", name="Channels and messages")
    assert await places.evaluate("node => node.scrollWidth - node.clientWidth") == 0
    await screen.page.set_viewport_size({"width": 390, "height": 800})
    top = await screen.page.locator("header.top").bounding_box()
    assert top is not None
    assert top["height"] < 90  # two rows: what one came for has the rest
    await screen.page.get_by_role("button", name="Trouble").click()
    await screen.page.get_by_role("dialog").get_by_role("button", name="Model is back").click()
    await screen.page.keyboard.press("Escape")
    await expect(screen.page.locator(".toast")).to_contain_text("“retry” brings the answer")
    notice = await screen.page.locator(".toast").bounding_box()
    assert notice is not None
    assert notice["width"] > 300


@pytest.mark.parametrize("side", ["slack", "discord"])
async def test_a_reload_finds_the_same_place_and_person(
    browser: Browser, served: Served, screen: Screen, side: str
) -> None:
    """Loaded again, a tab stands in its thread, as the same person; another tab begins where all do."""
    await screen.open(side)
    await screen.page.get_by_label("You are").select_option(label="Ben")
    mark = await screen.ask("hello")
    await screen.page.reload()
    await expect(screen.posts.first).to_contain_text(mark)
    await expect(screen.page.get_by_role("combobox", name="Write in this thread as Ben")).to_be_visible()
    async with looking(browser, served.url) as other:
        await other.page.goto(other.url)
        await expect(other.page.get_by_role("combobox", name="Write in #general as Ada")).to_be_visible()


@pytest.mark.parametrize("side", ["slack", "discord"])
async def test_an_ended_playground_is_told_and_nothing_is_lost(browser: Browser, side: str) -> None:
    """The page says that nobody answers any more; what was written and what was shown stays."""
    async with (
        serving("playground") as own,
        looking(browser, own.url, forgive=["net::ERR"]) as screen,
    ):
        await screen.open(side)
        await screen.ask("hello")
        panel = await screen.tab("Request")
        await expect(panel.locator(".chip.good")).to_have_text("end_turn")
        own.process.terminate()
        await own.process.wait()
        await expect(screen.page.get_by_text("the playground does not answer")).to_be_visible()
        await screen.say("are you there")
        await expect(screen.page.get_by_text("Does it still run?")).to_be_visible()
        await expect(screen.box).to_have_value("are you there")
        await expect(panel.locator(".chip.good")).to_have_text("end_turn")


@pytest.mark.parametrize("side", ["slack", "discord"])
async def test_five_thousand_posts(screen: Screen, side: str) -> None:
    """Only what is in view stands in the document, wherever one is (`bench.page` times the scrolling)."""
    await screen.open(side)
    screen.page.on("dialog", lambda dialog: dialog.accept("crowded"))
    await screen.page.get_by_role("button", name="Add a channel").click()
    await screen.page.get_by_role("button", name="crowded").click()
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
        for each in (await screen.read("api/state"))["sides"][side]["places"]
        if each["name"] == "crowded"
    )
    text = "\n".join(map(json.dumps, lines))
    answer = await screen.page.request.post(
        screen.url + f"api/{side}/replay",
        data={"place": place, "text": text, "ask": False},
        headers={"Content-Type": "application/json"},
    )
    assert answer.ok
    await expect(screen.page.get_by_text("5000 of 5000 posts, done")).to_be_visible()
    await expect(screen.posts.last).to_contain_text("post 4999")
    assert await screen.posts.count() < IN_VIEW
    await screen.page.locator(".list").evaluate("list => { list.scrollTop = list.scrollHeight / 2; }")
    await expect(screen.posts.filter(has_text="post 25").first).to_be_visible()
    assert await screen.posts.count() < IN_VIEW
    await screen.posts.first.focus()
    await screen.page.keyboard.press("Home")
    await expect(screen.posts.first).to_contain_text("post 0")


async def _judge(screen: Screen) -> None:
    found = (await Axe().run(screen.page)).response["violations"]
    serious = [each for each in found if each["impact"] in {"serious", "critical"}]
    told = [(each["id"], [node["html"][:200] for node in each["nodes"]]) for each in serious]
    assert told == []
