"""Two processes on one database: who works on a reply, and who takes it over when."""

from __future__ import annotations

import datetime as dt
import pathlib
import subprocess
import sys

import fakes
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


@pytest.mark.parametrize("change", ["edit", "delete"])
async def test_a_change_that_another_process_hears_is_not_passed_by(
    tmp_path: pathlib.Path, change: str
) -> None:
    """An answer that one process writes is not taken once another one has heard of an edit or deletion."""
    async with thread_log.open(url(tmp_path)) as writing, thread_log.open(url(tmp_path)) as hearing:
        await writing.record(world.a_post(1, "what is WAL?"), world.HOME)
        reply = await writing.begin(world.KEY)
        assert reply is not None
        await writing.posted(reply, ("9.1",))
        if change == "edit":
            await hearing.edit(world.KEY, "1", "what is SQL?", fakes.START + dt.timedelta(hours=1))
        else:
            await hearing.delete(world.KEY, "1")
        await writing.written(reply, fakes.an_answer("WAL is a log."))
        await writing.end(reply, conversation.ReplyState.FINISHED)
        assert "WAL is a log." not in [post.text async for post in hearing.posts(world.KEY)]
        assert await hearing.due() == [world.KEY]
        again = await writing.begin(world.KEY)
        assert again is not None
        await writing.written(again, fakes.an_answer("SQL is a language."))
        await writing.end(again, conversation.ReplyState.FINISHED)
        assert await hearing.due() == []


async def test_words_that_another_process_erases_come_back_in_no_answer(tmp_path: pathlib.Path) -> None:
    """An answer that one process writes holds no words of a post that another one has erased meanwhile."""
    secret = "the vault opens with the word xyzzyplugh9"
    async with thread_log.open(url(tmp_path)) as writing, thread_log.open(url(tmp_path)) as hearing:
        await writing.record(world.a_post(1, secret), world.HOME)
        first = await writing.begin(world.KEY)
        assert first is not None
        await writing.written(first, fakes.an_answer("Noted."))
        await writing.end(first, conversation.ReplyState.FINISHED)
        await writing.record(world.a_post(2, "what did I say?"), world.HOME)
        reply = await writing.begin(world.KEY)
        assert reply is not None
        await hearing.delete(world.KEY, "1")
        await writing.written(reply, fakes.an_answer(f"You said: {secret}"))
        await writing.end(reply, conversation.ReplyState.FINISHED)
        assert [post.text async for post in hearing.posts(world.KEY) if "xyzzy" in post.text] == []


async def test_a_stop_reaches_the_process_that_writes(tmp_path: pathlib.Path) -> None:
    """Whichever process is told: the one that writes learns of it, once, and nobody else is stopped."""
    async with thread_log.open(url(tmp_path)) as second:
        async with thread_log.open(url(tmp_path)) as first:
            await first.record(world.a_post(1, "hello"), world.HOME)
            assert not await second.ask_stop(world.KEY)
            assert await first.begin(world.KEY) is not None
            assert not await first.is_to_stop(world.KEY)
            assert not await first.ask_stop(world.KEY)
            assert await second.ask_stop(world.KEY)
            assert await first.is_to_stop(world.KEY)
        assert not await second.ask_stop(world.KEY)
        assert await second.begin(world.KEY) is not None
        async with thread_log.open(url(tmp_path)):
            assert not await second.is_to_stop(world.KEY)


async def test_a_reply_that_is_let_go_is_anybodys(tmp_path: pathlib.Path) -> None:
    """A process that has not the platform of a reply leaves it to one that has."""
    async with thread_log.open(url(tmp_path)) as without, thread_log.open(url(tmp_path)) as with_it:
        await without.record(world.a_post(1), world.HOME)
        reply = await without.begin(world.KEY)
        assert reply is not None
        await without.let_go(reply)
        assert await with_it.begin(world.KEY) is not None


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
        assert mine.has_others()
        process.kill()
        process.wait()
        assert not mine.has_others()
        assert not mine.is_other(name)
        assert [path.name for path in tmp_path.iterdir()] == [f"bot.db-owner-{mine.name}"]


@pytest.mark.parametrize("name", ["", "never-there"])
def test_nobody_is_no_other(tmp_path: pathlib.Path, name: str) -> None:
    """A reply without an owner, or whose owner left no trace, is free."""
    with owners.present(tmp_path / "bot.db") as mine:
        assert not mine.is_other(name)
        assert not mine.is_other(mine.name)
