"""Trouble that one causes on the page: each kind is seen, and recovered from."""

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from browsing import Screen
from playwright.async_api import expect

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(400)]

SIDES = ["slack", "discord"]


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def _healed(screen: Screen) -> AsyncIterator[None]:
    """Whatever a test left behind, the next one finds a bot that runs and a model that answers."""
    yield
    for deed in ("up", "start"):
        await screen.page.request.post(screen.url + "api/slack/trouble", data={"id": deed})


@pytest.mark.parametrize("side", SIDES)
async def test_a_press_tells_what_it_has_done(screen: Screen, side: str) -> None:
    """In the dialog, where one looks and a screen reader listens: what was caused and what to expect."""
    await screen.open(side)
    await screen.page.get_by_role("button", name="Trouble").click()
    dialog = screen.page.get_by_role("dialog", name="Trouble on demand")
    told = dialog.get_by_role("status")
    await expect(told).to_be_empty()
    for button, words in (
        ("Rate limit", "It waits for the next call. The answer comes two seconds later."),
        ("Model is back", "Calls are answered again."),
        ("Kill the bot", "The bot was killed. Start it again"),
        ("Start the bot", "The bot is starting."),
    ):
        await dialog.get_by_role("button", name=button, exact=True).click()
        await expect(told).to_contain_text(f"{button}: {words}")
        await expect(told).to_be_in_viewport(ratio=1)
    await dialog.get_by_role("button", name="Close").click()
    await screen.page.get_by_role("button", name="Load a conversation").click()
    await expect(screen.page.get_by_role("dialog", name="Load a conversation")).to_be_visible()
    await expect(screen.page.get_by_role("dialog").get_by_role("status")).to_be_empty()


@pytest.mark.parametrize("side", SIDES)
async def test_a_failing_model(screen: Screen, side: str) -> None:
    """A rate limit, an overloaded model and a cut stream each end in one whole answer."""
    await screen.open(side)
    await screen.ask("hello")
    for number, (trouble, seen) in enumerate(
        [("Rate limit", "429"), ("Overloaded model", "529"), ("Cut stream", "cut")], 2
    ):
        await screen.trouble(trouble)
        await screen.say(f"question {number}")
        await expect(screen.answers).to_have_count(number)
        await expect(screen.answers.last).to_contain_text(f"you wrote: “question {number}”")
        panel = await screen.tab("Request")
        await expect(panel.get_by_role("combobox", name="Request")).to_contain_text(
            re.compile(seen if seen == "cut" else "rate limit|Overloaded|529|429")
        )


@pytest.mark.parametrize("side", SIDES)
async def test_a_model_that_stays_down(screen: Screen, side: str) -> None:
    """The person gets one sentence that says what to do; once it is back, the next post is answered."""
    await screen.open(side)
    await screen.ask("hello")
    await screen.trouble("Model stays down")
    await screen.say("are you there")
    await expect(screen.answers).to_have_count(2)
    await expect(screen.answers.last).to_contain_text("Claude is overloaded right now")
    await screen.trouble("Model is back")
    await screen.say("and now")
    await expect(screen.answers.last).to_contain_text("you wrote: “and now”")
    await expect(screen.answers.last).to_contain_text("“are you there”")
    await expect(screen.answers.last).not_to_contain_text("overloaded")  # what was false is not sent


@pytest.mark.parametrize("side", SIDES)
async def test_a_failing_platform(screen: Screen, side: str) -> None:
    """A dropped socket, a post delivered twice and refused writes: one answer each, none lost."""
    await screen.open(side)
    await screen.ask("hello")
    for number, trouble in enumerate(["Duplicate delivery", "Platform rate limit", "Dropped socket"], 2):
        await screen.trouble(trouble)
        await screen.say(f"question {number}")
        await expect(screen.answers).to_have_count(number)
        await expect(screen.answers.last).to_contain_text(f"you wrote: “question {number}”")
    await screen.say("and the last one")
    await expect(screen.answers).to_have_count(5)


@pytest.mark.parametrize("side", SIDES)
async def test_the_bot_is_killed_and_started_again(screen: Screen, side: str) -> None:
    """Killed in the middle of an answer, it completes that very post, and answers what came meanwhile."""
    await screen.open(side)
    mark = await screen.ask("hello")
    await screen.say("a long answer please")
    await expect(screen.posts.last).to_contain_text("Line 2 of a long answer")
    await screen.trouble("Kill the bot")
    await expect(screen.page.get_by_text("the bot is not running")).to_be_visible()
    await screen.say("are you still there")
    await screen.trouble("Start the bot")
    await expect(screen.page.get_by_text("the bot is running")).to_be_visible()
    await expect(screen.answers.filter(has_text="Line 60 of a long answer")).to_have_count(1)
    await expect(screen.answers.filter(has_text="you wrote: “are you still there”")).to_have_count(1)
    posts = await screen.thread(side, mark)
    # A long answer may take two posts on Discord; each answer begins once.
    assert sum(post["text"].startswith("*Offline stand-in") for post in posts) == 3
