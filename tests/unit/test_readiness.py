"""Ready means able to do the work."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import pathlib
import sqlite3

import aiohttp
import fakes
import prometheus_client
import pytest
import world

from bot import conversation, errors, thread_log
from bot.operating import http, metrics, observing, readiness
from bot.tools import toolsets


def ready(bot: world.World, **sockets: str | None) -> readiness.Readiness:
    """The readiness of a bot on Slack whose sockets are like this."""
    wanted = sockets or {"slack": None}
    return readiness.Readiness(
        book=bot.log,
        sockets={name: functools.partial(wanted.get, name) for name in wanted},
        metrics=bot.metrics,
        now=bot.clock.now,
    )


async def wrong(checked: readiness.Readiness) -> dict[str, str]:
    """What fails, and how."""
    found = {name: await check() for name, check in checked.checks().items()}
    return {name: said for name, said in found.items() if said is not None}


def value(counted: metrics.Metrics, name: str, **labels: str) -> float:
    """What a metric says."""
    return counted.registry.get_sample_value(f"threadmate_{name}", labels) or 0.0


async def test_a_question_that_waits_too_long_is_not_ready(tmp_path: pathlib.Path) -> None:
    """Ten minutes without an answer make it unready, and the figures say how many wait for how long."""
    async with world.opened(tmp_path) as bot:
        checked = ready(bot)
        assert await wrong(checked) == {}
        for number in (1, 2):
            where = conversation.ConversationId(f"slack:T1:C1:{number}.0")
            await bot.log.record(world.a_post(number, conversation=where), world.HOME)
        await checked.refresh()
        assert value(bot.metrics, "queue") == 2
        assert await wrong(checked) == {}
        bot.clock.seconds += readiness.LONGEST_WAIT + 2
        (said,) = (await wrong(checked)).values()
        assert said == "2 conversations wait for an answer, the oldest for 601 s"
        await checked.refresh()
        assert value(bot.metrics, "queue_age_seconds") == pytest.approx(601, abs=1)
        assert await bot.workers.resume() == 2
        await bot.idle()
        await checked.refresh()
        assert (value(bot.metrics, "queue"), value(bot.metrics, "queue_age_seconds")) == (0, 0)


async def test_the_age_of_a_reply_is_counted_from_its_beginning(tmp_path: pathlib.Path) -> None:
    """An old question that is being answered now makes nobody wait; a platform that is off does not count."""
    async with world.opened(tmp_path) as bot:
        bot.clock.seconds = 90_000
        await bot.log.record(world.a_post(1), world.HOME)
        assert (await ready(bot).book.waiting(["discord"]))[0] == 0
        assert "queue" in await wrong(ready(bot))
        await bot.log.begin(world.KEY)
        assert await wrong(ready(bot)) == {}


async def test_a_broken_socket_is_named(tmp_path: pathlib.Path) -> None:
    """Sockets that are down fail by the name of their platform."""
    async with world.opened(tmp_path) as bot:
        down = ready(bot, slack=None, discord="Discord: not connected")
        assert await wrong(down) == {"discord": "Discord: not connected"}


async def test_a_log_that_takes_no_write_is_not_ready(tmp_path: pathlib.Path) -> None:
    """The log is asked for a write, not only read: a lock that another program holds is told."""
    path = tmp_path / "bot.db"
    async with thread_log.open(f"sqlite:///{path}", busy_seconds=0.05) as log:
        assert await log.healthy() is None
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as held:
            held.execute("BEGIN IMMEDIATE")
            said = await log.healthy()
        assert said is not None
        assert "holds the database locked" in said
        assert await log.healthy() is None


async def test_a_check_that_hangs_has_failed() -> None:
    """A check without an answer counts as wrong after a while, and /metrics is served without its figures."""

    async def hangs() -> str | None:
        await asyncio.Event().wait()
        return None

    async def fails() -> None:
        raise errors.LogUnusable

    app = http.application({"thread_log": hangs}, prometheus_client.CollectorRegistry(), (), fails, 0.01)
    async with http.serve(app, host="127.0.0.1", port=0) as port, aiohttp.ClientSession() as session:
        async with session.get(f"http://127.0.0.1:{port}/readyz") as response:
            assert response.status == 503
            assert "no answer within" in await response.text()
        async with session.get(f"http://127.0.0.1:{port}/metrics") as response:
            assert response.status == 200


async def test_claude_is_watched(tmp_path: pathlib.Path) -> None:
    """The first word is timed, a new beginning and a failure are counted by kind."""
    counted, clock = metrics.create(), fakes.Clock()
    model = fakes.Model(script=["A whole answer.", errors.Overloaded()])
    watched = observing.Observed(model=model, metrics=counted, monotonic=clock.monotonic)
    async with world.opened(tmp_path, model=fakes.Model()) as bot:
        bot.responder.lend = lambda _reply: watched
        await bot.say(1)
        await bot.idle()
        await bot.say(2)
        await bot.idle()
    name = "claude-sonnet-5-5"
    assert value(counted, "first_word_seconds_count", model=name) == 1
    assert value(counted, "errors_total", kind="Overloaded") == 1
    draft = observing.Watched(draft=Draft(), first=lambda: None, again=counted.retries.labels("claude").inc)
    draft.restart()
    assert value(counted, "retries_total", service="claude") == 1
    given = await draft.use(toolsets.Call(id="toolu_1", tool="anything", asked={}))
    assert given.failed
    assert "no tool" in given.text


class Draft:
    """A draft nobody reads."""

    def add(self, text: str) -> None:
        """Drop it."""

    def restart(self) -> None:
        """Nothing to do."""

    def billed(self, model: str, usage: conversation.Usage) -> None:
        """Nothing to do."""
