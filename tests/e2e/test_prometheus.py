"""Prometheus itself scrapes a running bot and answers the dashboard's queries (where it is installed)."""

from __future__ import annotations

import asyncio
import contextlib
import json
import pathlib
import shutil
import socket
from collections.abc import AsyncIterator

import aiohttp
import pytest

from bot import __main__ as program
from bot import settings
from emulators import claude, slack

PROMETHEUS = shutil.which("prometheus")
DASHBOARD = pathlib.Path(__file__).parents[2] / "ops" / "grafana.json"
SECONDS = 60.0
QUIET = (  # in this run nothing goes wrong, and nobody uses a tool or a thumb
    "errors",
    "retries",
    "rate_limits",
    "cache_misses",
    "tool_calls",
    "tool_seconds",
    "feedback",
)


@contextlib.asynccontextmanager
async def prometheus(folder: pathlib.Path, target: int) -> AsyncIterator[str]:
    """Debian's Prometheus, scraping this port once a second; yields its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = {
        "scrape_configs": [
            {
                "job_name": "threadmate",
                "scrape_interval": "1s",
                "static_configs": [{"targets": [f"127.0.0.1:{target}"]}],
            }
        ]
    }
    (folder / "prometheus.yml").write_text(json.dumps(config), "utf-8")  # JSON is YAML
    process = await asyncio.create_subprocess_exec(
        PROMETHEUS or "",
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{port}",
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.wait()


@pytest.mark.skipif(PROMETHEUS is None, reason="Prometheus is not installed")
async def test_prometheus_answers_the_dashboard(tmp_path: pathlib.Path) -> None:
    """Scraped from a bot that has answered, every query is understood, and of all that happened has data."""
    async with claude.Claude() as api, slack.Slack() as workspace:
        ada = workspace.add_user("Ada")
        channel = workspace.add_channel("general", members=[ada])
        chosen = settings.load(
            _env_file=None,
            anthropic_api_key="sk-ant-emulated",
            anthropic_base_url=api.url,
            slack_bot_token=workspace.bot_token,
            slack_app_token=workspace.app_token,
            slack_api_url=workspace.api_url,
            database_url=f"sqlite:///{tmp_path / 'bot.db'}",
            bot_http_port=0,
        )
        async with program.running(chosen) as bot, prometheus(tmp_path, bot.port) as url:
            await workspace.connected(2)
            panels = json.loads(DASHBOARD.read_text("utf-8"))["panels"]
            waiting = {target["expr"] for panel in panels for target in panel["targets"]}
            async with aiohttp.ClientSession() as session, asyncio.timeout(SECONDS):
                while waiting:  # the figures grow from scrape to scrape: rates need two
                    await workspace.post(channel=channel, user=ada, text=f"<@{workspace.bot_user_id}> hello")
                    await workspace.settled()
                    for query in sorted(waiting):
                        if await answered(session, url, query) or any(word in query for word in QUIET):
                            waiting.discard(query)
                    await asyncio.sleep(0.5)  # another program's clock: there is nothing to wait on


async def answered(session: aiohttp.ClientSession, url: str, query: str) -> bool:
    """Whether Prometheus has data for a query; it must understand it. Not yet listening is no data."""
    given = {"query": query.replace("$__rate_interval", "10s")}
    try:
        async with session.get(f"{url}/api/v1/query", params=given) as response:
            if response.status == 503:  # starting
                return False
            told = await response.json()
    except aiohttp.ClientConnectorError:
        return False
    assert told["status"] == "success", (query, told)
    return bool(told["data"]["result"])
