"""F14, F22 and F25: clocks, restarts in passing, and the HTTP door."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import pathlib
import sqlite3
import time

import aiohttp

from bench.torture import arena, play, worlds
from emulators import slack

MIB = 1024 * 1024


async def clocks(how: play.Run, score: play.Score) -> None:
    """The platform's clock and the bot's differ by an hour, jump, and pass 2038; the bot's zone is odd."""
    for offset in (3_600.0, -3_600.0) if how.quick else (3_600.0, -3_600.0, 2**31 - time.time() + 9.0):
        async with arena.opened(how.platform, home=how.home, offset=offset) as stage:
            stage.options["TZ"] = "America/St_Johns"
            await stage.start()
            said = [await stage.ask(place) for place in (*stage.world.channels, stage.world.dm)]
            await stage.settle()
            stage.world.offset += 1_800.0
            for each in said:
                await stage.ask(each.thread)
            await stage.settle()
            stage.world.offset -= 3_600.0  # back; ids go on rising all the same
            for each in said:
                await stage.ask(each.thread)
            verdict = await stage.settle()
            score.check(verdict.inversions == 0, "answers out of order")
            await score.judge(stage, verdict)


async def host_clock(how: play.Run, score: play.Score) -> None:
    """The clock under the bot's feet is wrong, jumps back and forth while it runs, and across a restart."""
    for wrong in (3_600.0, -3_600.0) if how.quick else (3_600.0, -3_600.0, 2**31 - time.time() + 9.0):
        async with arena.opened(how.platform, home=how.home) as stage:
            stage.host_clock = stage.folder / "clock"
            stage.options["TZ"] = "America/St_Johns"
            stage.host_clock.write_text("0")
            await stage.start()
            said = [await stage.ask(place) for place in (*stage.world.channels, stage.world.dm)]
            await stage.settle()
            for number, seconds in enumerate((wrong, 0.0, -wrong, wrong)):
                stage.host_clock.write_text(str(seconds))
                score.count(jumps=1)
                for each in said:
                    await stage.ask(each.thread)
                await stage.settle()
                if number % 2:
                    await stage.kill()
                    await stage.ask(said[0].thread)
                    await stage.start()
                    await stage.settle()
            verdict = await stage.settle()
            score.check(verdict.inversions == 0, "answers out of order")
            score.check(_span(stage.database) >= abs(wrong), "the bot's clock was never wrong")
            await score.judge(stage, verdict)


def _span(database: pathlib.Path) -> float:
    """Seconds between the earliest and the latest beginning of a reply, by the bot's own clock."""
    with contextlib.closing(sqlite3.connect(database)) as db:
        first, last = db.execute("SELECT min(begun_at), max(begun_at) FROM replies").fetchone()
    return float(last - first) / 1e6


async def all_clocks(how: play.Run, score: play.Score) -> None:
    """The platform's clock, then the host's."""
    await clocks(how, score)
    await host_clock(how, score)


async def restarts(how: play.Run, score: play.Score) -> None:
    """SIGTERM in mid answer drains; a new version starts before the old one ends, on one database."""
    async with arena.opened(how.platform, home=how.home) as stage:
        await stage.start()
        for place in (*stage.world.channels, stage.world.dm):
            await stage.ask(place)
        await stage.settle()
        for _ in range(2 if how.quick else 20):
            stage.pace = 0.1
            calls = stage.calls
            await stage.ask()
            await stage.called(calls + 1)
            began = time.monotonic()
            score.check(await stage.stop() == 0, "SIGTERM did not end it with status 0")
            score.high(drain_s=time.monotonic() - began)
            await stage.ask(stage.world.channels[1])
            stage.pace = 0.02
            await stage.start()
            await stage.settle()
        for _ in range(2 if how.quick else 20):
            old = stage.pid
            stage.pace = 0.1
            await stage.ask()
            await stage.start(wait=False)
            new = stage.pid
            for place in (*stage.world.channels, stage.world.dm):
                await stage.ask(place)
                await asyncio.sleep(0.3)
            stage.pid = old
            await stage.stop()
            stage.pid = new
            score.count(overlaps=1)
            await stage.settle()
        await score.judge(stage, await stage.settle())


async def http_door(how: play.Run, score: play.Score) -> None:
    """Slack over HTTP: what is not signed, old, too large or slow is turned away; a replay is one post."""
    async with arena.opened("slack", home=how.home) as stage:
        world = stage.world
        assert isinstance(world, worlds.SlackWorld)
        port = arena.free_port()
        stage.options |= {
            "SLACK_APP_TOKEN": "",
            "SLACK_SIGNING_SECRET": world.service.signing_secret,
            "BOT_HTTP_PORT": str(port),
        }
        await stage.start(wait=False)
        base = f"http://127.0.0.1:{port}"
        await _listens(base)
        await world.service.deliver_to(f"{base}/slack/events")
        await stage.ask()
        await stage.settle()
        event = next(each for each in world.service.events if each.event.get("type") == "app_mention")
        async with aiohttp.ClientSession() as session:
            for name, status, path, body, headers in _requests(world, event):
                async with session.post(f"{base}{path}", data=body, headers=headers) as response:
                    score.check(response.status == status, f"{name}: {response.status}, not {status}")
                    score.count(requests=1)
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST /slack/events HTTP/1.1\r\nContent-Length: 1000\r\n\r\n{")
        await stage.ask(world.channels[1])
        verdict = await stage.settle()
        writer.close()
        score.check(stage.peak_mib() < 250, f"{stage.peak_mib():.0f} MiB")
        await score.judge(stage, verdict, most_calls=1.0)


async def _listens(base: str) -> None:
    async with aiohttp.ClientSession() as session, asyncio.timeout(20):
        while True:
            with contextlib.suppress(aiohttp.ClientError):
                async with session.get(f"{base}/readyz") as response:
                    if response.status == 200:
                        return
            await asyncio.sleep(0.05)


def _requests(
    world: worlds.SlackWorld, event: slack.Delivery
) -> list[tuple[str, int, str, bytes | io.BytesIO, dict[str, str]]]:
    """(name, status that is due, path, body, headers)."""
    body = json.dumps(event.body).encode()
    now = int(world.clock())
    secret = world.service.signing_secret

    def signed(at: int, data: bytes = body, key: str = secret) -> dict[str, str]:
        return {
            "Content-Type": "application/json",
            "X-Slack-Request-Timestamp": str(at),
            "X-Slack-Signature": slack.signature(secret=key, timestamp=str(at), body=data),
        }

    events = "/slack/events"
    return [
        ("replayed", 200, events, body, signed(now)),
        ("replayed again", 200, events, body, signed(now)),
        ("another secret", 401, events, body, signed(now, key="wrong")),
        ("another body", 401, events, body + b" ", signed(now)),
        ("six minutes old", 401, events, body, signed(now - 360)),
        ("from the future", 401, events, body, signed(now + 360)),
        ("not signed", 401, events, body, {"Content-Type": "application/json"}),
        ("no number", 401, events, body, signed(now) | {"X-Slack-Request-Timestamp": "soon"}),
        ("no JSON", 400, events, b"\xff\xfe", signed(now, b"\xff\xfe")),
        ("100 MB", 413, events, io.BytesIO(b"x" * (100 * MIB)), signed(now, b"")),
        ("another path", 404, "/slack/other", body, signed(now)),
    ]


ROWS = (
    play.Row(id="F14", title="clocks that differ and jump", play=all_clocks),
    play.Row(id="F22", title="SIGTERM, and two versions at once", play=restarts),
    play.Row(id="F25", title="the HTTP door", play=http_door, platforms=("slack",)),
)
