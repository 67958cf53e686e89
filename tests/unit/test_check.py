"""`check`: every usual mistake is found, and it says how to mend it."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import datetime as dt
import os
import pathlib
import sqlite3
import sys
from collections.abc import AsyncIterator
from typing import Any

import prometheus_client
import pytest
from aiohttp import test_utils, web

from adapters.discord import checking as discord_checking
from adapters.slack import checking as slack_checking
from bot import settings, thread_log
from bot.operating import checking, findings, http
from bot.workspaces import installation
from emulators import claude, discord, slack


def now() -> dt.datetime:
    """The time of day."""
    return dt.datetime.now(dt.UTC)


def states(found: list[findings.Finding]) -> dict[str, str]:
    """How each thing is."""
    return {finding.what: finding.state for finding in found}


def only_wrong(found: list[findings.Finding]) -> findings.Finding:
    """The one finding that is wrong; its line says how to mend it."""
    (finding,) = [finding for finding in found if finding.state == "wrong"]
    assert finding.mend
    return finding


async def on_slack(service: slack.Slack, **changes: Any) -> list[findings.Finding]:
    """What is found about an emulated Slack."""
    given: dict[str, Any] = {
        "bot_token": service.bot_token,
        "app_token": service.app_token,
        "api_url": service.api_url,
        "now": now(),
    }
    return await slack_checking.check(**{**given, **changes})


async def on_discord(service: discord.Discord, **changes: Any) -> list[findings.Finding]:
    """What is found about an emulated Discord."""
    given: dict[str, Any] = {"token": service.token, "api_url": service.api_url, "now": now()}
    return await discord_checking.check(**{**given, **changes})


def chosen(**changes: Any) -> settings.Settings:
    """Settings that read no file."""
    return settings.load(_env_file=None, **changes)


async def test_a_good_slack_is_all_well() -> None:
    """Both tokens, every scope and the clock are told as good."""
    async with slack.Slack() as service:
        found = await on_slack(service)
    assert states(found) == dict.fromkeys(
        ["SLACK_BOT_TOKEN", "Slack scopes", "clock", "SLACK_APP_TOKEN"], "ok"
    )


@pytest.mark.parametrize(
    ("changes", "what", "said"),
    [
        ({"bot_token": "xoxb-wrong"}, "SLACK_BOT_TOKEN", "Bot User OAuth Token"),  # not a token of this app
        ({"app_token": "xapp-wrong"}, "SLACK_APP_TOKEN", "starts with xapp-"),
        ({"now": -dt.timedelta(minutes=10)}, "clock", "s behind"),  # so far from the time of the test
        ({"now": dt.timedelta(minutes=10)}, "clock", "s ahead"),
    ],
)
async def test_each_mistake_on_slack_is_named(changes: dict[str, Any], what: str, said: str) -> None:
    """A wrong token, or a wrong clock, is one finding that says how to mend it, never the token."""
    wrong = {name: now() + value if name == "now" else value for name, value in changes.items()}
    async with slack.Slack() as service:
        finding = only_wrong(await on_slack(service, **wrong))
    assert finding.what == what
    assert said in finding.line
    assert "wrong-" not in finding.line
    assert "xoxb-wrong" not in finding.line


async def test_a_missing_scope_is_named() -> None:
    """A scope that the app lacks is named, with the manifest as the way to mend it."""
    async with slack.Slack() as service:
        service.scopes.discard("files:write")
        finding = only_wrong(await on_slack(service))
    assert "missing files:write" in finding.line
    assert "manifest.yml" in finding.line


async def on_many(service: slack.Slack, **changes: Any) -> list[findings.Finding]:
    """What is found out about an app that workspaces install; the first one has."""
    one = installation.Installation(
        platform="slack",
        workspace=service.team_id,
        name="Alpha",
        token=service.bot_token,
        installed_at=now(),
    )
    given: dict[str, Any] = {
        "client_id": service.app.client_id,
        "client_secret": service.app.client_secret,
        "app_token": None,
        "installed": [one],
        "install_url": "https://bot.example/slack/install",
        "api_url": service.api_url,
        "now": now(),
    }
    return await slack_checking.many(**given | changes)


async def test_the_app_and_each_workspace_are_tried() -> None:
    """Client id and secret, and every workspace's token with its scopes; a wrong one is named."""
    async with slack.Slack() as service:
        found = await on_many(service)
        assert states(found) == dict.fromkeys(
            ["SLACK_CLIENT_ID", f"workspace {service.team_id}", "Slack scopes", "clock"], "ok"
        )
        assert states(await on_many(service, installed=[]))["workspaces"] == "note"
        assert only_wrong(await on_many(service, client_id="1")).what == "SLACK_CLIENT_ID"
        assert only_wrong(await on_many(service, client_secret="wrong")).what == "SLACK_CLIENT_SECRET"
        service.token_error = "token_revoked"
        finding = only_wrong(await on_many(service))
        assert finding.what == f"workspace {service.team_id}"
        assert "https://bot.example/slack/install" in finding.line


async def test_a_secret_cannot_be_tried() -> None:
    """Over HTTP it is said that the secret shows only at Slack's first call."""
    async with slack.Slack() as service:
        found = await on_slack(service, app_token=None)
    assert states(found)["SLACK_SIGNING_SECRET"] == "note"


async def test_a_good_discord_is_all_well() -> None:
    """Token, intent, starts, servers and the clock are told as good."""
    async with discord.Discord() as service:
        service.add_guild("Team")
        found = await on_discord(service)
    names = ["DISCORD_BOT_TOKEN", "Discord intents", "Discord starts", "Discord servers", "clock"]
    assert states(found) == dict.fromkeys(names, "ok")


async def test_each_mistake_on_discord_is_named() -> None:
    """A wrong token and a missing intent say how to mend it; a bot in no server gets a link."""
    async with discord.Discord() as service:
        found = await on_discord(service)
        assert "https://discord.com/oauth2/authorize?client_id=" in found[3].line
        assert found[3].state == "note"
        finding = only_wrong(await on_discord(service, token="wrong"))
        assert (finding.what, "developer portal, under Bot" in finding.line) == ("DISCORD_BOT_TOKEN", True)
        service.missing_intents.add("message_content")
        finding = only_wrong(await on_discord(service))
        assert "Turn on Message Content Intent" in finding.line  # written as the portal writes it


async def test_nobody_there_is_said() -> None:
    """A service that does not answer, or is another one, is one finding that names the address's setting."""
    nowhere = "http://127.0.0.1:9/"
    found = await slack_checking.check(bot_token="xoxb-1", app_token="xapp-1", api_url=nowhere, now=now())
    assert {finding.what for finding in found} == {"SLACK_API_URL"}
    found = await discord_checking.check(token="x", api_url=nowhere, now=now())
    assert only_wrong(found).what == "DISCORD_API_URL"
    found = await checking.claude(chosen(anthropic_api_key="k", anthropic_base_url=nowhere), now())
    assert only_wrong(found).what == "ANTHROPIC_BASE_URL"
    async with claude.Claude() as api:
        found = await slack_checking.check(
            bot_token="xoxb-1", app_token=None, api_url=f"{api.url}/", now=now()
        )
        assert only_wrong(found).what in {"SLACK_API_URL", "SLACK_BOT_TOKEN"}


@pytest.mark.parametrize(
    ("changes", "what", "said"),
    [
        ({}, "", ""),
        ({"bot_model": "claude-sonet-5-5"}, "BOT_MODEL", "knows no model claude-sonet-5-5"),
        ({"bot_summary_model": "gpt"}, "BOT_SUMMARY_MODEL", "knows no model gpt"),
        ({"bot_model": "claude-sonnet-5-5", "bot_budget_month": 5}, "", ""),
    ],
)
async def test_models_are_looked_up(changes: dict[str, Any], what: str, said: str) -> None:
    """Both models must be known to the endpoint."""
    async with claude.Claude() as api:
        found = await checking.claude(
            chosen(anthropic_api_key="sk-ant-x", anthropic_base_url=api.url, **changes), now()
        )
    if what:
        assert (only_wrong(found).what, said in only_wrong(found).line) == (what, True)
    else:
        assert "wrong" not in states(found).values()


@pytest.mark.parametrize(
    ("changes", "state", "said"),
    [
        ({"bot_budget_user_day": "0.05"}, "wrong", "every question is refused: one may cost $0.1019"),
        ({"bot_budget_user_day": "0.30"}, "note", "in a full one a question may cost $0.6139"),
        ({"bot_budget_user_day": "1"}, "ok", "one question may take $0.6139"),
        ({"bot_budget_user_day": "1", "bot_web_tools": "on"}, "wrong", "one may cost $4.18"),
        ({"bot_budget_user_day": "5", "bot_web_tools": "on"}, "ok", "one question may take $4.18"),
    ],
)
async def test_a_budget_must_have_room_for_a_question(changes: dict[str, Any], state: str, said: str) -> None:
    """A budget in which no question has room is wrong, one that does for short threads is noted."""
    async with claude.Claude() as api:
        found = await checking.claude(
            chosen(
                anthropic_api_key="sk-ant-x",
                anthropic_base_url=api.url,
                bot_model="claude-sonnet-5-5",
                **changes,
            ),
            now(),
        )
    (budget,) = [finding for finding in found if finding.what == "BOT_BUDGET_USER_DAY"]
    assert budget.state == state
    assert said in budget.line


@pytest.mark.parametrize(
    ("status", "found"),
    [
        (200, ["ANTHROPIC_API_KEY: Claude takes it", "BOT_MODEL: claude-sonnet-5-5"]),
        (401, ["ANTHROPIC_API_KEY: Claude refuses it (401)"]),
        (404, ["ANTHROPIC_API_KEY: Claude takes it", "BOT_MODEL: Claude knows no model claude-sonnet-5-5"]),
    ],
)
async def test_an_endpoint_without_a_list_of_models_is_sent_a_message(status: int, found: list[str]) -> None:
    """A gateway or local server may have messages only: key and model are tried by one token."""

    async def answer(request: web.Request) -> web.Response:
        assert (await request.json())["max_tokens"] == 1
        return web.json_response({}, status=status)

    app = web.Application()
    app.add_routes([web.post("/v1/messages", answer)])
    async with test_utils.TestServer(app) as server:
        given = chosen(anthropic_api_key="sk-ant-x", anthropic_base_url=f"http://127.0.0.1:{server.port}")
        said = await checking.claude(given, now())
    assert [f"{each.what}: {each.how}" for each in said][: len(found)] == found


async def test_a_refused_key_is_named() -> None:
    """A key that Claude refuses is one finding; without a key there is a note."""

    async def refuse(_request: web.Request) -> web.Response:
        return web.json_response({"type": "error"}, status=401)

    app = web.Application()
    app.add_routes([web.get("/v1/models/{model}", refuse)])
    async with test_utils.TestServer(app) as server:
        given = chosen(anthropic_api_key="sk-ant-x", anthropic_base_url=f"http://127.0.0.1:{server.port}")
        assert only_wrong(await checking.claude(given, now())).what == "ANTHROPIC_API_KEY"
    assert states(await checking.claude(chosen(), now())) == {"ANTHROPIC_API_KEY": "note"}


async def test_the_database_is_looked_at_and_left_alone(tmp_path: pathlib.Path) -> None:
    """A good database, none yet, one that is locked, damaged, newer, or no database: each is told."""
    path = tmp_path / "bot.db"
    url = f"sqlite:///{path}"

    async def found() -> findings.Finding:
        (finding,) = await checking.database(chosen(database_url=url))
        return finding

    assert "is made at the first start" in (await found()).line
    assert not path.exists()
    async with thread_log.open(url):
        assert "whole and up to date" in (await found()).line
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("DELETE FROM migrations WHERE name = 'm010_accounts'")
        assert "1 steps of migration to go" in (await found()).line
        db.execute("INSERT INTO migrations VALUES ('m999_future', 0)")
        assert "newer version" in (await found()).line
        db.execute("PRAGMA application_id = 1")
        assert "another program" in (await found()).line
    path.write_bytes(b"no database at all" * 100)
    assert "not a database" in (await found()).line
    url = "sqlite:////proc/bot.db"  # where nobody may write
    assert "must exist and be writable" in (await found()).line


async def test_the_port_is_free_taken_or_the_bots_own() -> None:
    """A port that another program has is wrong; the running bot's is not."""
    async with claude.Claude() as other:
        taken = int(other.url.rpartition(":")[2])
        (finding,) = await checking.port(chosen(bot_http_port=taken))
        assert finding.state == "wrong"
    own = http.application({}, prometheus_client.CollectorRegistry())
    async with http.serve(own, host="127.0.0.1", port=taken):
        (finding,) = await checking.port(chosen(bot_http_port=taken))
        assert "the bot is running" in finding.line
    (finding,) = await checking.port(chosen(bot_http_port=taken))
    assert "is free" in finding.line


@dataclasses.dataclass(frozen=True, kw_only=True)
class Done:
    """What the program printed, and its status."""

    out: str
    status: int


async def run(folder: pathlib.Path, **variables: str) -> Done:
    """Run `python -m bot check` as an operator does."""
    unset = {name.upper() for name in settings.Settings.model_fields}
    clean = {name: value for name, value in os.environ.items() if name not in unset}
    root = str(pathlib.Path(__file__).parents[2])
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "bot", "check"),
        cwd=folder,
        env={**clean, "PYTHONPATH": root, "BOT_HTTP_PORT": "0", **variables},
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    return Done(out=out.decode(), status=process.returncode or 0)


@pytest.fixture
async def services() -> AsyncIterator[dict[str, str]]:
    """Everything emulated, as settings."""
    async with claude.Claude() as api, slack.Slack() as workspace, discord.Discord() as service:
        service.add_guild("Team")
        yield {
            "ANTHROPIC_API_KEY": "sk-ant-x",
            "ANTHROPIC_BASE_URL": api.url,
            "SLACK_BOT_TOKEN": workspace.bot_token,
            "SLACK_APP_TOKEN": workspace.app_token,
            "SLACK_API_URL": workspace.api_url,
            "DISCORD_BOT_TOKEN": service.token,
            "DISCORD_API_URL": service.api_url,
        }


async def test_status_0_says_that_all_is_well(tmp_path: pathlib.Path, services: dict[str, str]) -> None:
    """As a program: a line each and status 0 where all is well, status 1 where anything is wrong."""
    done = await run(tmp_path, **services)
    assert (done.status, {line.split()[0] for line in done.out.splitlines()}) == (0, {"ok"}), done.out
    done = await run(tmp_path, **{**services, "BOT_MODEL": "claude-of-tomorrow"})
    assert done.status == 1
    assert [line.split()[1] for line in done.out.splitlines() if line.startswith("wrong")] == ["BOT_MODEL:"]
    assert not any(
        secret in done.out for secret in (services["SLACK_BOT_TOKEN"], services["DISCORD_BOT_TOKEN"])
    )
