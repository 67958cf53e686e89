"""The composition root: every part is made here, once, and handed to those who need it."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import random
import signal
import time
from collections.abc import Sequence
from typing import Protocol, Self

import structlog
from aiohttp import web

from adapters.discord import app as discord_app
from adapters.slack import app as slack_app
from bot import (
    claude,
    cli,
    command_desk,
    context,
    conversations,
    http,
    metrics,
    ports,
    prompts,
    responder,
    settings,
    thread_log,
)

log = structlog.get_logger()


class Adapter(ports.Platform, Protocol):
    """A platform as the composition root sees it."""

    async def __aenter__(self) -> Self:
        """Connect; raises errors.CredentialError."""

    async def __aexit__(self, *_error: object) -> None:
        """Disconnect."""

    async def catch_up(self) -> None:
        """Deliver what was missed while the bot was away."""

    async def healthy(self) -> str | None:
        """None when connected, else what is wrong."""

    def routes(self) -> Sequence[web.RouteDef]:
        """What it wants served on the bot's own port."""


async def run(chosen: settings.Settings) -> None:
    """Run the bot until SIGTERM or SIGINT; raises errors.OperatorError where it cannot."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stopping.set)
    counted = metrics.create()
    system = prompts.system(chosen.system_prompt())
    async with contextlib.AsyncExitStack() as stack:
        book = await stack.enter_async_context(thread_log.open(chosen.database_url))
        model = await stack.enter_async_context(_claude(chosen))
        platforms: dict[str, ports.Platform] = {}
        answering = responder.Responder(
            log=book,
            model=model,
            platforms=platforms,
            policy=policy(chosen),
            summary_model=chosen.bot_summary_model,
            system=system,
            metrics=counted,
            now=lambda: dt.datetime.now(dt.UTC),
            monotonic=time.monotonic,
        )
        intake = conversations.Conversations(log=book, responder=answering, metrics=counted)
        desk = command_desk.CommandDesk(
            book=book,
            policy=policy(chosen),
            instructions=chosen.system_prompt(),
            stop=intake.stop,
            wake=intake.wake,
        )
        intake.obey = desk.obey
        adapters = _adapters(chosen, intake)
        checks: dict[str, http.Check] = {"thread_log": book.healthy}
        routes: list[web.RouteDef] = []
        for adapter in adapters:
            platforms[adapter.name] = adapter
            checks[adapter.name] = adapter.healthy
            routes.extend(adapter.routes())
        served = http.application(checks, counted.registry, routes)
        port = await stack.enter_async_context(
            http.serve(served, host=chosen.bot_http_host, port=chosen.bot_http_port)
        )
        for adapter in adapters:
            await stack.enter_async_context(adapter)
        resumed = await intake.resume()
        log.info("bot.ready", platforms=sorted(platforms), port=port, resumed=resumed)
        await _until_stopped(stopping, adapters)
        log.info("bot.stopping", busy=intake.busy)
        await intake.drain(chosen.bot_shutdown_seconds)
    log.info("bot.stopped")


def policy(chosen: settings.Settings) -> context.Policy:
    """The planner's part of the settings."""
    return context.Policy(
        strategy=chosen.bot_strategy,
        model=chosen.bot_model,
        effort=chosen.bot_effort,
        max_output_tokens=chosen.bot_max_output_tokens,
        budget_tokens=chosen.bot_context_tokens,
        floor_tokens=chosen.floor_tokens,
        window_turns=chosen.bot_window_turns,
    )


def _claude(chosen: settings.Settings) -> claude.Claude:
    key = chosen.anthropic_api_key
    return claude.Claude(
        api_key=key.get_secret_value() if key else "",
        base_url=chosen.anthropic_base_url,
        clock=time.monotonic,
        chance=random.SystemRandom(),
    )


def _adapters(chosen: settings.Settings, intake: ports.Intake) -> list[Adapter]:
    """An adapter for each platform that has credentials."""
    made: list[Adapter] = []
    if chosen.slack_bot_token:
        app_token, signing_secret = chosen.slack_app_token, chosen.slack_signing_secret
        made.append(
            slack_app.Slack(
                bot_token=chosen.slack_bot_token.get_secret_value(),
                app_token=app_token.get_secret_value() if app_token else None,
                signing_secret=signing_secret.get_secret_value() if signing_secret else None,
                api_url=chosen.slack_api_url,
                dm_mode=chosen.slack_dm_mode,
                thread_replies=chosen.bot_thread_replies,
                intake=intake,
            )
        )
    if chosen.discord_bot_token:
        made.append(
            discord_app.Discord(
                token=chosen.discord_bot_token.get_secret_value(),
                api_url=chosen.discord_api_url,
                gateway_url=chosen.discord_gateway_url,
                thread_replies=chosen.bot_thread_replies,
                intake=intake,
            )
        )
    return made


async def _until_stopped(stopping: asyncio.Event, adapters: Sequence[Adapter]) -> None:
    """Catch up beside the running bot, then wait for the signal."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_caught_up(adapter)) for adapter in adapters]
        await stopping.wait()
        for task in tasks:
            task.cancel()


async def _caught_up(adapter: Adapter) -> None:
    try:
        await adapter.catch_up()
    except Exception as error:  # noqa: BLE001 - a failed catch-up must not stop the running bot
        log.error("catch_up.failed", platform=adapter.name, error=type(error).__name__)  # noqa: TRY400


if __name__ == "__main__":
    cli.main(run=run)
