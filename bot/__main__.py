"""The composition root: every part is made here, once, and handed to those who need it."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import functools
import sys
import time
from collections.abc import AsyncIterator, Mapping

import structlog

from bot import (
    bringing,
    connecting,
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
    workers,
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

log = structlog.get_logger()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Bot:
    """A running bot, as `run` and tests see it."""

    port: int  # of its own HTTP server
    claude: late.Late
    book: thread_log.ThreadLog
    workers: workers.Workers
    adapters: Mapping[str, connecting.Adapter]
    kit: shelf.Tools
    desks: desks.Desks


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
        log.info("bot.stopping", busy=bot.workers.busy)
        await stops.unless_hurried(bot.workers.drain(chosen.bot_shutdown_seconds))
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
        answering = _responder(
            chosen, book, model, platforms, counted, keeper, purse, chooser.of, tracer, files, kit
        )
        lag = await stack.enter_async_context(pressure.watching(observe=counted.loop_lag.observe))
        working = workers.Workers(log=book, responder=answering, metrics=counted, sleep=sleep, pressure=lag)
        said = desks.opened(
            working, chosen, book=book, model=claude, chooser=chooser, purse=purse, kit=kit, counted=counted
        )
        inside = conversations.Conversations(
            log=book,
            workers=working,
            metrics=counted,
            choose=chooser.of,
            desks=said,
            tend=keeper.tend,
            fetch=files.fetch,
            trace=tracer,
        )
        entrance = _gate(chosen, inside, book, platforms, said.actions)
        adapters = await connecting.adapters(chosen, entrance, counted, book)
        platforms.update(traced.platforms(gate.guarded(adapters, chosen.access()), tracer))
        port = await stack.enter_async_context(_served(chosen, book, adapters, counted, kit))
        for adapter in adapters.values():
            await stack.enter_async_context(adapter)
            stack.push_async_callback(working.drain, 0)  # before the adapter goes: workers need it
        stack.push_async_callback(files.aclose)  # for the same reason, and after the workers
        stack.push_async_callback(working.drain, 0)
        await files.resume()
        await working.resume()
        for task in _chores(chosen, book, working, keeper):
            stack.callback(task.cancel)
        claude.begin()  # not before: an import beside it would keep the platforms waiting
        yield Bot(
            port=port, claude=claude, book=book, workers=working, adapters=adapters, kit=kit, desks=said
        )


def _served(
    chosen: settings.Settings,
    book: thread_log.ThreadLog,
    adapters: Mapping[str, connecting.Adapter],
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
    inside: conversations.Conversations,
    book: thread_log.ThreadLog,
    platforms: Mapping[str, ports.Platform],
    actions: Mapping[str, pressing.Handler],
) -> gate.Gate:
    """What adapters tell the core through."""
    presses = pressing.Presses(claims=book, actions=actions)
    rules = chosen.access()
    return gate.Gate(
        inside=inside, rules=rules, claims=book, platforms=platforms, now=parts.now, presses=presses
    )


def _chores(
    chosen: settings.Settings,
    book: thread_log.ThreadLog,
    working: workers.Workers,
    keeper: tending.Tending,
) -> list[asyncio.Task[None]]:
    """What goes on beside the answers."""
    chores = [asyncio.create_task(working.keep_looking(), name="look for what is due")]
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


if __name__ == "__main__":
    if sys.argv[1:]:
        from bot import cli

        cli.main(run=run)
    else:
        starting.main(run=run)
