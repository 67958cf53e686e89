"""Starts everything: two emulated platforms, whoever answers, the bot on them, and the page in front."""

from __future__ import annotations

import asyncio
import contextlib
import pathlib
import signal
import sys
import tempfile
import webbrowser
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp

from bot import policies, settings, thread_log
from bot.desk import choosing
from bot.operating import http
from emulators import discord, slack
from playground import (
    api,
    bot_process,
    calls,
    child,
    discord_side,
    feed,
    inspector,
    local_model,
    models,
    replay,
    side,
    slack_side,
    watch,
)

PEOPLE = ("Ada", "Ben", "Chiara")
CHANNELS = ("general", "random")
BUDGET = 6_000  # tokens: small enough that one sees compaction happen; BOT_CONTEXT_TOKENS overrules it
LOCAL_BUDGET = 2_000  # tokens: the small model reads slowly
IN_THE_TERMINAL = frozenset({"www-browser", "links", "elinks", "lynx", "w3m"})
PUBLIC_HOST = "0.0.0.0"  # noqa: S104 - what `--public` asks for


async def run(*, public: bool = False, local: bool = False) -> None:
    """Serve the playground until SIGINT or SIGTERM; raises errors.SettingsError and errors.OperatorError."""
    chosen = load(local=local)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stopping.set)
    show = webbrowser.open if sys.stdout.isatty() and has_window() else None
    async with serving(chosen, public=public, local=local, show=show):
        await stopping.wait()


@contextlib.asynccontextmanager
async def serving(
    chosen: settings.Settings, *, public: bool, local: bool, show: Callable[[str], object] | None
) -> AsyncIterator[str]:
    """The page's address, printed and shown, while it is served."""
    host = chosen.bot_http_host
    if public and "bot_http_host" not in chosen.model_fields_set:
        host = PUBLIC_HOST
    async with (
        opened(chosen, public=public, local=local) as app,
        http.serve(app, host=host, port=chosen.bot_http_port) as port,
    ):
        address = f"http://{'localhost' if host in {PUBLIC_HOST, '127.0.0.1', '::'} else host}:{port}/"
        say(f"Playground: {address}")
        if show is not None:
            await asyncio.to_thread(show, address)
        yield address


def has_window(find: Callable[[], webbrowser.BaseBrowser] = webbrowser.get) -> bool:
    """Whether the browser here has a window of its own; one in the terminal would be in the way."""
    try:
        found = find()
    except webbrowser.Error:
        return False
    return pathlib.PurePath(found.name).name not in IN_THE_TERMINAL


def load(*, local: bool = False) -> settings.Settings:
    """The settings without real platforms: in the playground they are emulated, whatever is set."""
    fixed: dict[str, Any] = dict.fromkeys(
        ("slack_bot_token", "slack_app_token", "discord_bot_token", *child.UNSET)
    )
    if local:
        fixed |= {"bot_model": local_model.NAME, "bot_summary_model": local_model.NAME}
    first = settings.load(**fixed)
    if "bot_context_tokens" in first.model_fields_set:
        return first
    return settings.load(**fixed, bot_context_tokens=LOCAL_BUDGET if local else BUDGET)


@contextlib.asynccontextmanager
async def opened(chosen: settings.Settings, *, public: bool, local: bool = False) -> AsyncIterator[Any]:
    """Everything but the port, as an aiohttp application; the bot is on its way when this returns."""
    async with contextlib.AsyncExitStack() as stack:
        workspace = await stack.enter_async_context(slack.Slack(retry_delays=(0.0, 5.0, 20.0)))
        service = await stack.enter_async_context(discord.Discord())
        sides: list[side.Side] = [_slack(workspace), _discord(service)]
        model = await stack.enter_async_context(_model(chosen, local=local))
        database = _database(chosen, stack)
        book = await stack.enter_async_context(thread_log.open(database))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        told = feed.Feed()
        stack.callback(told.close)
        port: list[int] = []

        def heard(kind: str, data: dict[str, Any]) -> None:
            if kind == "line" and data.get("event") == "bot.ready":
                port[:] = [int(data["port"])]
            told.send(kind, data)

        bot = bot_process.BotProcess(
            environment=environment(chosen, workspace, service, model, database), changed=heard
        )
        stack.push_async_callback(bot.stop)
        replaying = replay.Replay(changed=lambda progress: told.send("replay", progress))
        stack.push_async_callback(replaying.stop)
        watching = asyncio.create_task(watch.Watch(sides=sides, model=model, told=told).run(), name="watch")
        stack.callback(watching.cancel)
        await bot.start()
        inspecting = inspector.Inspector(
            book=book,
            model=model,
            chooser=choosing.Chooser(base=policies.choices(chosen), book=book.choices),
            summary_model=chosen.bot_summary_model,
        )
        yield api.Api(
            sides=sides,
            model=model,
            bot=bot,
            told=told,
            inspecting=inspecting,
            replaying=replaying,
            session=session,
            bot_port=lambda: port[0] if port and bot.state == "running" else None,
        ).application(public=public)
        told.close()


def environment(
    chosen: settings.Settings,
    workspace: slack.Slack,
    service: discord.Discord,
    model: calls.Model,
    database: str,
) -> dict[str, str]:
    """What the bot's process finds in its environment beside our own: the emulators instead of the world."""
    return {
        "SLACK_BOT_TOKEN": workspace.bot_token,
        "SLACK_APP_TOKEN": workspace.app_token,
        "SLACK_API_URL": workspace.api_url,
        "DISCORD_BOT_TOKEN": service.token,
        "DISCORD_API_URL": service.api_url,
        "DISCORD_GATEWAY_URL": service.gateway_url,
        "ANTHROPIC_API_KEY": model.key,
        "ANTHROPIC_BASE_URL": model.url,
        "DATABASE_URL": database,
        "BOT_HTTP_HOST": "127.0.0.1",
        "BOT_HTTP_PORT": "0",
        "BOT_MODEL": chosen.bot_model,
        "BOT_SUMMARY_MODEL": chosen.bot_summary_model,
        "BOT_CONTEXT_TOKENS": str(chosen.bot_context_tokens),
        "BOT_SHUTDOWN_SECONDS": "1",
        "BOT_LOG_FORMAT": "json",
        "PYTHONPATH": str(pathlib.Path(__file__).parents[1]),
    }


def say(line: str) -> None:
    """Tell the person at the terminal, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _slack(workspace: slack.Slack) -> slack_side.SlackSide:
    people = [workspace.add_user(name) for name in PEOPLE]
    for name in CHANNELS:
        workspace.add_channel(name, members=people)
    for person in people:
        workspace.open_dm(person)
    return slack_side.SlackSide(workspace)


def _discord(service: discord.Discord) -> discord_side.DiscordSide:
    guild = service.add_guild("Playground")
    for name in CHANNELS:
        service.add_channel(guild, name)
    for name in PEOPLE:
        person = service.add_user(name)
        service.join(guild, person)
        service.open_dm(person)
    return discord_side.DiscordSide(service, guild=guild)


def _model(chosen: settings.Settings, *, local: bool) -> contextlib.AbstractAsyncContextManager[calls.Model]:
    """The model on this machine, real Claude, or another endpoint that was named; else the stand-in."""
    if local:
        return models.local()
    if chosen.anthropic_api_key is not None:
        return models.real(
            upstream=chosen.anthropic_base_url, key=chosen.anthropic_api_key.get_secret_value()
        )
    return models.offline()


def _database(chosen: settings.Settings, stack: contextlib.AsyncExitStack) -> str:
    """The one that was named; else a file that goes when the playground ends."""
    if "database_url" in chosen.model_fields_set:
        return chosen.database_url
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="threadmate-playground-"))
    return f"sqlite:///{folder}/playground.db"
