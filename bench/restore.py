"""How long a copy, a restore and a start take, and what a replica of a database under writing holds.

    python -m bench.restore [--posts 100000] [--litestream PATH]

The copy is ops/backup.py's. With the path of a Litestream program (https://litestream.io) a log is replicated
while posts are written to it; then the machine "is lost" (everything is killed) and the log is restored from
the replica alone.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import pathlib
import subprocess
import sys
import tempfile
import time

from bot import conversation, thread_log

ROOT = pathlib.Path(__file__).parents[1]
HOME = conversation.Home(platform="slack", workspace="T1", channel="C1", address="C1/1.0")
START = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)
THREAD = 200  # posts of one conversation
BATCH = 1000
SETTLED = 5.0  # seconds after the last write until the machine is lost


def post(number: int) -> conversation.Post:
    """One of many."""
    return conversation.Post(
        conversation=conversation.ConversationId(f"slack:T1:C1:{number // THREAD}.0"),
        id=f"{number}.1",
        role="user",
        author=f"U{number % 7}",
        author_name="Ada",
        text=f"Post {number}: the release is on Thursday, if the tests of the importer pass by then.",
        sent_at=START + dt.timedelta(seconds=number),
    )


async def fill(path: pathlib.Path, posts: int, *, each: int = BATCH) -> None:
    """Write so many posts, so many in a commit."""
    async with thread_log.open(f"sqlite:///{path}") as log:
        for first in range(0, posts, each):
            await log.record_all([post(n) for n in range(first, min(posts, first + each))], HOME)


async def count(path: pathlib.Path) -> tuple[int, float]:
    """How many posts a log holds, and how long it took to open it."""
    began = time.perf_counter()
    async with thread_log.open(f"sqlite:///{path}") as log:
        opened = time.perf_counter() - began
        return sum([1 for key in await log.conversations() async for _ in log.posts(key)]), opened


def timed(*words: str) -> float:
    """How long a command takes; it must succeed."""
    began = time.perf_counter()
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - our own commands
    return time.perf_counter() - began


async def copied(folder: pathlib.Path, posts: int) -> list[str]:
    """The rows of copying and opening."""
    await fill(folder / "bot.db", posts)
    size = (folder / "bot.db").stat().st_size / 2**20
    copying = timed(
        sys.executable, str(ROOT / "ops/backup.py"), str(folder / "bot.db"), str(folder / "copy.db")
    )
    held, opened = await count(folder / "copy.db")
    assert held == posts
    return [
        f"| copy {posts:,} posts ({size:.0f} MB), checked | {copying:.2f} s |",
        f"| open the copy and be ready | {opened * 1000:.0f} ms |",
    ]


async def replicated(folder: pathlib.Path, litestream: str, posts: int) -> list[str]:
    """The rows of replicating a log under writing and restoring it from the replica alone."""
    source, replica, back = folder / "live.db", folder / "replica", folder / "back.db"
    async with thread_log.open(f"sqlite:///{source}"):
        pass
    tool = await asyncio.create_subprocess_exec(
        litestream, "replicate", str(source), f"file://{replica}", stdout=subprocess.DEVNULL
    )
    await fill(source, posts, each=10)
    await asyncio.sleep(SETTLED)
    tool.kill()
    await tool.wait()
    restoring = timed(litestream, "restore", "-o", str(back), f"file://{replica}")
    held, _ = await count(back)
    what = f"restore {held:,} of {posts:,} posts written under replication, both killed {SETTLED:.0f} s later"
    return [f"| {what} | {restoring:.2f} s |"]


async def main() -> None:
    """Print the table and keep it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--posts", type=int, default=100_000)
    parser.add_argument("--litestream", help="the program's path")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = await copied(pathlib.Path(folder), given.posts)
        if given.litestream:
            rows += await replicated(pathlib.Path(folder), given.litestream, given.posts // 10)
    table = "\n".join(["| what | time |", "|---|---|", *rows])
    print(table)
    results = ROOT / "bench" / "results" / "restore.md"
    results.write_text(f"`python -m bench.restore`, 2 cores, {dt.date.today()}\n\n{table}\n", "utf-8")  # noqa: DTZ011


if __name__ == "__main__":
    asyncio.run(main())
