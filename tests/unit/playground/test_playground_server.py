"""The playground's own server: where it listens, whom it answers, what it opens."""

import json
import socket
import webbrowser

import aiohttp
import pytest

from bot import errors, settings
from playground import server


def chosen(**more: object) -> settings.Settings:
    """Settings on a free port, whatever the environment says."""
    nothing = dict.fromkeys(
        ("slack_bot_token", "slack_app_token", "slack_signing_secret", "discord_bot_token")
    )
    return settings.load(**nothing, anthropic_api_key=None, bot_http_port=0, **more)


async def status(address: str, host: str | None = None) -> int:
    """How a request under that host name is answered."""
    headers = {} if host is None else {"Host": host}
    async with aiohttp.ClientSession() as session, session.get(address, headers=headers) as answer:
        return answer.status


def outside() -> str | None:
    """An address of this machine that is not loopback, where it has one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # nothing is sent: the kernel chooses the interface
        except OSError:
            return None
        address: str = probe.getsockname()[0]
        return None if address.startswith("127.") else address


async def test_by_itself_it_answers_on_this_machine_only(capsys: pytest.CaptureFixture[str]) -> None:
    """It listens on loopback, prints the address, shows it, and refuses a name that is not loopback's."""
    shown: list[str] = []
    async with server.serving(chosen(), public=False, local=False, show=shown.append) as address:
        assert shown == [address]
        assert capsys.readouterr().out == f"Playground: {address}\n"
        assert await status(address) == 200
        assert await status(address, "localhost:8080") == 200
        assert await status(address, "threadmate.example") == 403
        if (elsewhere := outside()) is not None:
            port = address.rstrip("/").rpartition(":")[2]
            with pytest.raises(aiohttp.ClientConnectorError):
                await status(f"http://{elsewhere}:{port}/")


async def test_public_answers_other_machines_and_names(capsys: pytest.CaptureFixture[str]) -> None:
    """`--public` listens everywhere and takes any host name; deeds still need the page's own origin."""
    async with server.serving(chosen(), public=True, local=False, show=None) as address:
        assert capsys.readouterr().out == f"Playground: {address}\n"
        assert await status(address, "threadmate.example") == 200
        if (elsewhere := outside()) is not None:
            port = address.rstrip("/").rpartition(":")[2]
            assert await status(f"http://{elsewhere}:{port}/") == 200
        async with (
            aiohttp.ClientSession() as session,
            session.post(
                address + "api/slack/person", json={"name": "M"}, headers={"Origin": "http://evil.example"}
            ) as answer,
        ):
            assert answer.status == 403


async def test_public_keeps_the_host_that_was_named() -> None:
    """Who sets BOT_HTTP_HOST decides where it listens, `--public` or not."""
    with pytest.raises(errors.OperatorError, match="BOT_HTTP_HOST"):
        async with server.serving(chosen(bot_http_host="192.0.2.1"), public=True, local=False, show=None):
            pass


@pytest.mark.parametrize(("name", "window"), [("firefox", True), ("w3m", False), ("/usr/bin/lynx", False)])
def test_a_browser_in_the_terminal_is_not_opened(name: str, window: bool) -> None:
    """Only a browser with a window of its own is shown the page."""
    assert server.has_window(lambda: webbrowser.GenericBrowser(name)) == window


def test_without_a_browser_nothing_is_opened() -> None:
    """A machine that has none gets the printed address alone."""

    def none() -> webbrowser.BaseBrowser:
        raise webbrowser.Error("could not locate runnable browser")

    assert not server.has_window(none)


async def running(address: str) -> bool:
    """Whether the bot connects, as the page hears of it; False when it ends instead."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(address + "api/events") as stream,
        session.get(address + "api/state") as now,
    ):
        told = f"data: {json.dumps((await now.json())['bot'])}"
        while '"state"' not in told or '"starting"' in told:
            told = (await stream.content.readline()).decode()
            assert told, "the stream ended"
    return '"running"' in told


async def test_what_joins_a_bot_to_the_world_is_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the bot is set up for many workspaces, the playground and its bot start all the same."""
    monkeypatch.setenv("SLACK_CLIENT_ID", "1.2")
    monkeypatch.setenv("SLACK_CLIENT_SECRET", "secret")
    monkeypatch.setenv("SLACK_SIGNING_SECRET", "secret")
    monkeypatch.setenv("BOT_PUBLIC_URL", "https://threadmate.example")
    monkeypatch.setenv("BOT_ENCRYPTION_KEY", "A" * 43 + "=")
    monkeypatch.setenv("BOT_HTTP_PORT", "0")
    async with server.serving(server.load(), public=False, local=False, show=None) as address:
        assert await running(address)


def test_the_settings_of_a_playground() -> None:
    """No real platform is on; a local model names itself, so that nothing is priced as Claude's."""
    assert not server.load().platforms
    local = server.load(local=True)
    assert (local.bot_model, local.bot_summary_model) == ("SmolLM2-135M", "SmolLM2-135M")
