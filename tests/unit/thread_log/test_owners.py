"""Two processes on one database: who works on a reply, and who takes it over when."""

from __future__ import annotations

import pathlib
import subprocess
import sys

import pytest
import world

from bot import conversation, thread_log
from bot.thread_log import owners


def url(folder: pathlib.Path) -> str:
    """The database of a test."""
    return f"sqlite:///{folder / 'bot.db'}"


async def test_a_reply_has_one_owner_at_a_time(tmp_path: pathlib.Path) -> None:
    """While one process works on a reply, it is not due for another; when that one ends, it is."""
    async with thread_log.open(url(tmp_path)) as second:
        async with thread_log.open(url(tmp_path)) as first:
            await first.record(world.a_post(1, "hello"), world.HOME)
            mine = await first.begin(world.KEY)
            assert mine is not None
            assert await second.begin(world.KEY) is None
            again = await first.begin(world.KEY)
            assert again is not None
            assert again.id == mine.id
        taken = await second.begin(world.KEY)
        assert taken is not None
        assert (taken.id, taken.resumed) == (mine.id, True)


async def test_what_is_finished_has_no_owner(tmp_path: pathlib.Path) -> None:
    """The next reply of a conversation goes to whoever begins it, whoever wrote the last."""
    async with thread_log.open(url(tmp_path)) as first, thread_log.open(url(tmp_path)) as second:
        await first.record(world.a_post(1, "hello"), world.HOME)
        reply = await first.begin(world.KEY)
        assert reply is not None
        await first.end(reply, conversation.ReplyState.FAILED)
        await first.record(world.a_post(2, "and?"), world.HOME)
        assert await second.begin(world.KEY) is not None


def test_a_killed_process_owns_nothing(tmp_path: pathlib.Path) -> None:
    """The lock ends with the process, also by kill -9; what it leaves behind is cleared away."""
    program = (
        "import pathlib, sys\n"
        "from bot.thread_log import owners\n"
        "with owners.present(pathlib.Path(sys.argv[1])) as owner:\n"
        "    print(owner.name, flush=True)\n"
        "    sys.stdin.read()\n"
    )
    database = tmp_path / "bot.db"
    with (
        subprocess.Popen(  # noqa: S603 - our own words
            [sys.executable, "-c", program, str(database)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=pathlib.Path(__file__).parents[3],
        ) as process,
        owners.present(database) as mine,
    ):
        assert process.stdout is not None
        name = process.stdout.readline().strip()
        assert mine.is_other(name)
        process.kill()
        process.wait()
        assert not mine.is_other(name)
        assert [path.name for path in tmp_path.iterdir()] == [f"bot.db-owner-{mine.name}"]


@pytest.mark.parametrize("name", ["", "never-there"])
def test_nobody_is_no_other(tmp_path: pathlib.Path, name: str) -> None:
    """A reply without an owner, or whose owner left no trace, is free."""
    with owners.present(tmp_path / "bot.db") as mine:
        assert not mine.is_other(name)
        assert not mine.is_other(mine.name)
