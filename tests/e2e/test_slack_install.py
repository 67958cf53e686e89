"""A person installs the bot into a workspace in a real browser: button, consent, and back."""

from __future__ import annotations

import contextlib
import pathlib
import socket
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from cryptography import fernet
from playwright.async_api import Browser, expect

from bot import __main__ as program
from bot import settings
from emulators import claude, slack

pytestmark = pytest.mark.asyncio(loop_scope="session")


@contextlib.asynccontextmanager
async def running(workspace: slack.Slack, api: claude.Claude, folder: pathlib.Path) -> AsyncIterator[str]:
    """The bot, for many workspaces; its public address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    workspace.app.redirect_uris.add(f"{url}/slack/oauth_redirect")
    workspace.installed, workspace.bot_token = False, ""
    chosen = settings.load(
        _env_file=None,
        anthropic_api_key="sk-ant-emulated",
        anthropic_base_url=api.url,
        slack_client_id=workspace.app.client_id,
        slack_client_secret=workspace.app.client_secret,
        slack_signing_secret=workspace.signing_secret,
        slack_api_url=workspace.api_url,
        bot_public_url=url,
        bot_encryption_key=fernet.Fernet.generate_key().decode(),
        bot_http_port=port,
        database_url=f"sqlite:///{folder / 'bot.db'}",
    )
    async with program.running(chosen):
        await workspace.deliver_to(f"{url}/slack/events")
        yield url


@pytest_asyncio.fixture(loop_scope="session")
async def world(tmp_path: pathlib.Path) -> AsyncIterator[tuple[slack.Slack, str]]:
    """A Slack with two workspaces and the bot's address."""
    async with slack.Slack() as workspace, claude.Claude() as api:
        api.answer = lambda _body: "Hello from the bot."
        workspace.another("Beta")
        async with running(workspace, api, tmp_path) as url:
            yield workspace, url


async def test_the_round_trip(browser: Browser, world: tuple[slack.Slack, str]) -> None:
    """Button, consent and back: the bot is installed and answers; no page complains or asks anybody else."""
    workspace, url = world
    window = await browser.new_context()
    page = await window.new_page()
    problems: list[str] = []
    page.on("console", lambda said: problems.append(f"{said.type}: {said.text}"))
    page.on("pageerror", lambda error: problems.append(str(error)))
    asked: list[str] = []
    page.on("request", lambda each: asked.append(each.url))
    await page.goto(f"{url}/slack/install")
    button = page.get_by_role("link", name="Add to Slack")
    assert await button.evaluate("each => getComputedStyle(each).display") == "inline-block"
    await button.click()
    await expect(page.get_by_text("Threadmate wants to join")).to_be_visible()
    await page.get_by_label("Beta").check()
    await page.get_by_role("button", name="Allow").click()
    await expect(page.get_by_role("heading")).to_have_text("Threadmate is installed")
    await expect(page.get_by_text("It is in the workspace Beta now.")).to_be_visible()
    assert problems == []
    assert {each.split("/")[2] for each in asked if each.startswith("http")} == {
        url.split("/")[2],
        workspace.url.split("/")[2],
    }
    # The same way back a second time is of no use, in the same browser.
    await page.goto(next(each for each in asked if each.startswith(f"{url}/slack/oauth_redirect")))
    await expect(page.get_by_role("heading")).to_have_text("Please start again")
    await window.close()

    beta = workspace.app.workspaces[1]
    ada = beta.add_user("Ada")  # type: ignore[attr-defined]  # it is a whole workspace
    channel = beta.add_channel("general", members=[ada])  # type: ignore[attr-defined]  # as above
    ts = await beta.post(channel=channel, user=ada, text=f"<@{beta.bot_user_id}> hello")  # type: ignore[attr-defined]  # as above
    await workspace.until(lambda _: len(beta.replies(beta.channels[channel], ts)) == 1)


async def test_a_no_says_what_to_do(browser: Browser, world: tuple[slack.Slack, str]) -> None:
    """Who declines is told that nothing was installed, and can start again."""
    workspace, url = world
    window = await browser.new_context()
    page = await window.new_page()
    await page.goto(f"{url}/slack/install")
    await page.get_by_role("link", name="Add to Slack").click()
    await page.get_by_role("button", name="Cancel").click()
    await expect(page.get_by_role("heading")).to_have_text("Nothing was installed")
    await page.get_by_role("link", name="Try again").click()
    await expect(page.get_by_role("link", name="Add to Slack")).to_be_visible()
    assert not workspace.called("oauth.v2.access")
    await window.close()
