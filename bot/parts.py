"""The parts of a running bot that take more than a line to make; `__main__` puts them together."""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from importlib import metadata

from bot import conversation, errors, late, ports, settings, thread_log
from bot.desk import choosing
from bot.money import accounting, budgets
from bot.operating import metrics, tracing
from bot.planning import tending
from bot.tools import shelf

Sleep = Callable[[float], Awaitable[None]]


def model(chosen: settings.Settings, sleep: Sleep) -> late.Closing:
    """Claude."""
    from bot import claude  # noqa: PLC0415 - its SDK takes half of the start: see late

    key = chosen.anthropic_api_key
    return claude.Claude(
        api_key=key.get_secret_value() if key else "",
        base_url=chosen.anthropic_base_url,
        sleep=sleep,
        clock=time.monotonic,
        chance=random.SystemRandom(),
    )


@contextlib.asynccontextmanager
async def tracer(chosen: settings.Settings) -> AsyncIterator[tracing.Tracer]:
    """Where spans go while the block runs: nowhere, unless an endpoint is set."""
    if chosen.otel_exporter_otlp_endpoint is None:
        yield tracing.OFF
        return
    from bot.operating import otlp  # noqa: PLC0415 - with it comes OpenTelemetry

    try:
        version = metadata.version("threadmate")
    except metadata.PackageNotFoundError:  # run from its folder
        version = ""
    async with otlp.Tracer(endpoint=chosen.otel_exporter_otlp_endpoint, version=version) as made:
        yield made


async def tell_admins(admins: Collection[str], platforms: Mapping[str, ports.Platform], text: str) -> None:
    """Write to each admin, on whichever platform; who cannot be told keeps it from no other.

    Raises errors.PlatformError where nobody could be told.
    """
    told, failed = 0, None
    for admin in sorted(admins):
        platform, _, user = admin.partition(":")
        if platform in platforms:
            try:
                await platforms[platform].tell(user, text)
                told += 1
            except errors.PlatformError as error:
                failed = error
    if failed is not None and not told:
        raise failed


async def purse(
    chosen: settings.Settings,
    book: thread_log.ThreadLog,
    model: ports.Model,
    platforms: Mapping[str, ports.Platform],
) -> budgets.Budgets:
    """The accounts as the last run left them; none are kept where no budget is set."""
    limits = chosen.limits()
    if limits:
        await book.accounts.start(now(), accounting.price)
    else:
        await book.accounts.stop()

    tell = functools.partial(tell_admins, chosen.access().admins, platforms)
    return budgets.Budgets(limits=limits, ledger=book.accounts, model=model, tell=tell, now=now)


def keeper(
    chosen: settings.Settings,
    book: thread_log.ThreadLog,
    model: ports.Model,
    counted: metrics.Metrics,
    purse: budgets.Budgets,
    choose: choosing.Choose,
) -> tending.Tending:
    """What is summarised ahead, at the expense of whoever asked last."""

    async def bill(
        conversation_id: conversation.ConversationId, name: str, usage: conversation.Usage
    ) -> None:
        await book.billed_beside(conversation_id, "summary", name, usage)
        counted.bill("summary", name, usage)

    return tending.Tending(
        log=book,
        model=model,
        choose=choose,
        summary_model=chosen.bot_summary_model,
        bill=bill,
        lend=purse.beside,
        now=now,
    )


def kit(
    chosen: settings.Settings,
    book: thread_log.ThreadLog,
    platforms: Mapping[str, ports.Platform],
    counted: metrics.Metrics,
    choose: choosing.Choose,
) -> contextlib.AbstractAsyncContextManager[shelf.Tools]:
    """Every tool there is, servers kept connected while the block runs."""
    return shelf.opened(
        chosen.tools(),
        choose=choose,
        book=book,
        lists=book.tools,
        calls=book.tools,
        platforms=platforms,
        counted=counted,
        monotonic=time.monotonic,
    )


def now() -> dt.datetime:
    """The wall clock."""
    return dt.datetime.now(dt.UTC)
