"""The composition root: every part is made here, once, and handed to those who need it."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import functools
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

import structlog
from aiohttp import web

from bot import (
    bringing,
    conversations,
    gate,
    late,
    parts,
    policies,
    ports,
    responder,
    settings,
    starting,
    thread_log,
)
from bot.desk import choosing, desks, pressing
from bot.files import fetching
from bot.money import budgets
from bot.operating import (
    http,
    metrics,
    observing,
    pauses,
    pressure,
    readiness,
    retention,
    signals,
    traced,
    tracing,
)
from bot.planning import tending
from bot.tools import shelf
from bot.workspaces import installing

if TYPE_CHECKING:
    from adapters.slack import install

log = structlog.get_logger()


class Adapter(ports.Platform, Protocol):
    """A platform as the composition root sees it."""

    async def __aenter__(self) -> Self:
        """Connect; raises errors.CredentialError."""

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        """Disconnect."""

    async def run(self) -> None:
        """Catch up, then stay until the connection ends for good; raises errors.CredentialError then."""

    def healthy(self) -> str | None:
        """None when connected, else what is wrong."""

    def routes(self) -> Sequence[web.RouteDef]:
        """What it wants served on the bot's own port."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Bot:
    """A running bot, as `run` and tests see it."""

    port: int  # of its own HTTP server
    claude: late.Late
    book: thread_log.ThreadLog
    intake: conversations.Conversations
    adapters: Mapping[str, Adapter]
    kit: shelf.Tools
    actions: dict[str, pressing.Handler]  # what buttons do, by Button.action


async def run(chosen: settings.Settings) -> None:
    """Run the bot until SIGTERM or SIGINT; raises errors.OperatorError where it cannot."""
    stops = signals.Stops()
    async with running(chosen) as bot:
        log.info("bot.ready", platforms=sorted(bot.adapters), port=bot.port)
        stopped = asyncio.create_task(stops.first.wait())
        stays = [asyncio.create_task(adapter.run()) for adapter in bot.adapters.values()]
        try:
            await bot.claude.begin()  # what is wrong with it shall not wait for the first question
            pauses.shorten()
            done, _ = await asyncio.wait([stopped, *stays], return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in (stopped, *stays):
                task.cancel()
            await asyncio.gather(stopped, *stays, return_exceptions=True)
        log.info("bot.stopping", busy=bot.intake.busy)
        await stops.unless_hurried(bot.intake.drain(chosen.bot_shutdown_seconds))
    log.info("bot.stopped")


@contextlib.asynccontextmanager
async def running(chosen: settings.Settings, *, sleep: parts.Sleep = asyncio.sleep) -> AsyncIterator[Bot]:
    """Everything, connected and answering while the block runs. At its end workers are cut, not drained.

    `sleep` is how the core waits before it tries Claude or a reply again.
    """
    async with contextlib.AsyncExitStack() as stack:
        book = await stack.enter_async_context(thread_log.open(chosen.database_url))
        tracer = await stack.enter_async_context(parts.tracer(chosen))
        claude = late.Late(functools.partial(parts.model, chosen, sleep))
        stack.push_async_callback(claude.aclose)
        model = traced.model(claude, tracer)
        counted = metrics.create()
        platforms: dict[str, ports.Platform] = {}
        chooser = choosing.Chooser(base=policies.choices(chosen), book=book.choices)
        purse = await parts.purse(chosen, book, model, platforms)
        stack.push_async_callback(purse.aclose)
        keeper = parts.keeper(chosen, book, model, counted, purse, chooser.of)
        stack.push_async_callback(keeper.aclose)
        files = fetching.Fetching(log=book.files, platforms=platforms, sleep=sleep)
        kit = await stack.enter_async_context(parts.kit(chosen, book, platforms, counted, chooser.of))
        intake = conversations.Conversations(
            log=book,
            responder=_responder(
                chosen, book, model, platforms, counted, keeper, purse, chooser.of, tracer, files, kit
            ),
            metrics=counted,
            trace=tracer,
            choose=chooser.of,
            tend=keeper.tend,
            fetch=files.fetch,
            sleep=sleep,
            pressure=await stack.enter_async_context(pressure.watching(observe=counted.loop_lag.observe)),
        )
        actions = desks.attached(
            intake, chosen, book=book, model=claude, chooser=chooser, purse=purse, kit=kit, counted=counted
        )
        entrance = _gate(chosen, intake, book, platforms, actions)
        adapters = await _adapters(chosen, entrance, counted, book)
        platforms.update(traced.platforms(gate.guarded(adapters, chosen.access()), tracer))
        port = await stack.enter_async_context(_served(chosen, book, adapters, counted, kit))
        for adapter in adapters.values():
            await stack.enter_async_context(adapter)
            stack.push_async_callback(intake.drain, 0)  # before the adapter goes: workers need it
        stack.push_async_callback(files.aclose)  # for the same reason, and after the workers
        stack.push_async_callback(intake.drain, 0)
        await files.resume()
        await intake.resume()
        for task in _chores(chosen, book, intake, keeper):
            stack.callback(task.cancel)
        claude.begin()  # not before: an import beside it would keep the platforms waiting
        yield Bot(
            port=port, claude=claude, book=book, intake=intake, adapters=adapters, kit=kit, actions=actions
        )


def _served(
    chosen: settings.Settings,
    book: thread_log.ThreadLog,
    adapters: Mapping[str, Adapter],
    counted: metrics.Metrics,
    kit: shelf.Tools,
) -> contextlib.AbstractAsyncContextManager[int]:
    """The bot's own port, answering while the block runs; which it is."""
    sockets = {name: adapter.healthy for name, adapter in adapters.items()}
    ready = readiness.Readiness(book=book, sockets=sockets, metrics=counted, now=parts.now)
    routes = [route for adapter in adapters.values() for route in adapter.routes()]
    served = http.application(ready.checks(), counted.registry, routes, ready.refresh, notes=kit.problems)
    return http.serve(served, host=chosen.bot_http_host, port=chosen.bot_http_port)


def _gate(
    chosen: settings.Settings,
    intake: conversations.Conversations,
    book: thread_log.ThreadLog,
    platforms: Mapping[str, ports.Platform],
    actions: Mapping[str, pressing.Handler],
) -> gate.Gate:
    """What adapters tell the core through."""
    presses = pressing.Presses(claims=book, actions=actions)
    rules = chosen.access()
    return gate.Gate(
        inside=intake, rules=rules, claims=book, platforms=platforms, now=parts.now, presses=presses
    )


def _chores(
    chosen: settings.Settings,
    book: thread_log.ThreadLog,
    intake: conversations.Conversations,
    keeper: tending.Tending,
) -> list[asyncio.Task[None]]:
    """What goes on beside the answers."""
    chores = [asyncio.create_task(intake.keep_looking(), name="look for what is due")]
    if days := chosen.bot_retention_days:
        keeping = retention.Retention(book=book, days=days, tend=keeper.tend, now=parts.now)
        chores.append(asyncio.create_task(keeping.run(), name="retention"))
    return chores


def _responder(
    chosen: settings.Settings,
    book: thread_log.ThreadLog,
    model: ports.Model,
    platforms: Mapping[str, ports.Platform],
    counted: metrics.Metrics,
    keeper: tending.Tending,
    purse: budgets.Budgets,
    choose: choosing.Choose,
    tracer: tracing.Tracer,
    files: fetching.Fetching,
    kit: shelf.Tools,
) -> responder.Responder:
    return responder.Responder(
        log=book,
        model=model,
        platforms=platforms,
        choose=choose,
        tools=kit,
        summary_model=chosen.bot_summary_model,
        metrics=counted,
        now=parts.now,
        monotonic=time.monotonic,
        lend=lambda reply: observing.Observed(
            model=purse.of(reply), metrics=counted, monotonic=time.monotonic
        ),
        ended=keeper.tend,
        trace=tracer,
        collect=files.ready,
        bring=bringing.Bringing(book=book.links).bring,
    )


async def _adapters(
    chosen: settings.Settings, intake: ports.Intake, counted: metrics.Metrics, book: thread_log.ThreadLog
) -> dict[str, Adapter]:
    """An adapter for each platform that has credentials, by name. Raises CredentialError for a lost key."""
    made: list[Adapter] = []
    if "slack" in chosen.platforms:
        from adapters.slack import app as slack_app  # noqa: PLC0415 - several MiB, for those who use it

        made.append(
            slack_app.Slack(
                bot_token=_plain(chosen.slack_bot_token),
                workspaces=await _app(chosen, book),
                app_token=_plain(chosen.slack_app_token),
                signing_secret=_plain(chosen.slack_signing_secret),
                api_url=chosen.slack_api_url,
                dm_mode=chosen.slack_dm_mode,
                guests_matter=chosen.bot_guests == "deny",
                limited=counted.limits.labels(platform="slack").inc,
                intake=intake,
            )
        )
    if chosen.discord_bot_token:
        from adapters.discord import app as discord_app  # noqa: PLC0415 - for the same reason

        made.append(
            discord_app.Discord(
                token=chosen.discord_bot_token.get_secret_value(),
                api_url=chosen.discord_api_url,
                gateway_url=chosen.discord_gateway_url,
                access_ids=chosen.access().ids("discord"),
                limited=counted.limits.labels(platform="discord").inc,
                intake=intake,
            )
        )
    return {each.name: each for each in made}


async def _app(chosen: settings.Settings, book: thread_log.ThreadLog) -> install.App | None:
    """The app that workspaces install by themselves, where it is set up."""
    if not chosen.slack_client_id:
        return None
    from adapters.slack import install  # noqa: PLC0415 - as above

    return install.App(
        client_id=chosen.slack_client_id,
        client_secret=_plain(chosen.slack_client_secret) or "",
        public_url=chosen.bot_public_url or "",
        store=await installing.opened(book.installs, keys=chosen.encryption_keys, now=parts.now),
    )


def _plain(secret: settings.Secret | None) -> str | None:
    return secret.get_secret_value() if secret else None


if __name__ == "__main__":
    if sys.argv[1:]:
        from bot import cli

        cli.main(run=run)
    else:
        starting.main(run=run)
