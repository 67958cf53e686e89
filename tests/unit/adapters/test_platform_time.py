"""Laws of the platform's clock, heard by a real session from a real server on loopback."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import AsyncIterator

import aiohttp
from aiohttp import web

from adapters import platform_time

HOST = dt.datetime(2038, 1, 19, 3, 14, 7, tzinfo=dt.UTC)  # what the host says, years ahead


class Stage:
    """A server that tells a date, and a clock that listens to it."""

    def __init__(self) -> None:
        self.date: str | None = None
        self.monotonic = 1_000.0
        self.url = ""
        self.session: aiohttp.ClientSession

    async def asked(self) -> None:
        """Ask the server once."""
        async with self.session.get(self.url) as answer:
            await answer.read()


@contextlib.asynccontextmanager
async def staged(*, api_url: str = "") -> AsyncIterator[tuple[Stage, platform_time.Clock]]:
    """The clock listens to the server, or to another host."""
    stage = Stage()

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(text="ok")

    async def dated(_request: web.Request, response: web.StreamResponse) -> None:
        response.headers.popall("Date", None)
        if stage.date is not None:
            response.headers["Date"] = stage.date

    app = web.Application()
    app.router.add_get("/", answer)
    app.on_response_prepare.append(dated)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    stage.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    clock = platform_time.Clock(
        api_url=api_url or stage.url, now=lambda: HOST, monotonic=lambda: stage.monotonic
    )
    try:
        async with aiohttp.ClientSession(trace_configs=[clock.trace()]) as stage.session:
            yield stage, clock
    finally:
        await runner.cleanup()


async def test_the_host_is_believed_until_the_platform_has_spoken() -> None:
    """Before the first answer, and where answers tell no time or nonsense, it is the host's time."""
    async with staged() as (stage, clock):
        assert clock() == HOST
        for said in (None, "", "soon", "Mon, 30 Nov 2026 02:00:00 +99999999999999999999"):
            stage.date = said
            await stage.asked()
            assert clock() == HOST


async def test_the_platform_is_believed_from_then_on() -> None:
    """After an answer it is the time that it told, and goes on by the monotonic clock."""
    async with staged() as (stage, clock):
        stage.date = "Mon, 30 Nov 2026 02:00:00 GMT"
        await stage.asked()
        told = dt.datetime(2026, 11, 30, 2, tzinfo=dt.UTC)
        assert clock() == told
        stage.monotonic += 90.0
        assert clock() == told + dt.timedelta(seconds=90)


async def test_the_newest_answer_counts() -> None:
    """Each answer sets the clock anew, forward and back."""
    async with staged() as (stage, clock):
        for hour in (5, 3):
            stage.date = f"Mon, 30 Nov 2026 0{hour}:00:00 GMT"
            await stage.asked()
            assert clock() == dt.datetime(2026, 11, 30, hour, tzinfo=dt.UTC)


async def test_other_hosts_are_not_believed() -> None:
    """An answer of another host, a store of files with a cache say, sets nothing."""
    async with staged(api_url="https://slack.com/api/") as (stage, clock):
        stage.date = "Mon, 30 Nov 2026 02:00:00 GMT"
        await stage.asked()
        assert clock() == HOST
