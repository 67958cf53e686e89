"""What the tests of the thread log share: a clock to set, posts to write, an exchange to have."""

from __future__ import annotations

import dataclasses
import datetime as dt
import pathlib
import sqlite3

from bot import conversation, thread_log

START = dt.datetime(2026, 11, 22, 10, tzinfo=dt.UTC)
HERE = conversation.ConversationId("slack:T1:C1:1000.1")
ELSEWHERE = conversation.ConversationId("slack:T1:C1:2000.1")
HOME = conversation.Home(platform="slack", workspace="T1", channel="C1", address="C1/1000.1")
PLAN = conversation.Plan(
    model="claude-sonnet-5-5", effort="low", max_output_tokens=8192, lifetime="5m", first_place=1
)


class Clock:
    """Goes on by a second at each look."""

    def __init__(self) -> None:
        self.now = START + dt.timedelta(hours=1)

    def __call__(self) -> dt.datetime:
        """Tell the time."""
        self.now += dt.timedelta(seconds=1)
        return self.now


def post(
    number: int,
    text: str = "How do I mount a disk?",
    *,
    at: int | None = None,
    where: conversation.ConversationId = HERE,
    addressed: bool = True,
    role: conversation.Role = "user",
) -> conversation.Post:
    """A post with the id `<number>.1`, sent so many seconds after START."""
    return conversation.Post(
        conversation=where,
        id=f"{number}.1",
        role=role,
        author="U1",
        author_name="Ada",
        text=text,
        sent_at=START + dt.timedelta(seconds=number if at is None else at),
        addressed=addressed,
    )


def answer(text: str) -> conversation.Answer:
    """What Claude said."""
    return conversation.Answer(
        text=text,
        usage=conversation.Usage(fresh=100, output=20),
        model=PLAN.model,
        stop_reason="end_turn",
        message_id="msg_1",
    )


async def begun(log: thread_log.ThreadLog, where: conversation.ConversationId = HERE) -> conversation.Reply:
    """The reply that is due."""
    reply = await log.begin(where)
    assert reply is not None
    return reply


async def exchange(
    log: thread_log.ThreadLog, question: conversation.Post, text: str = "Like this."
) -> conversation.Reply:
    """Record a question and answer it, all steps; the bot's post has the id `bot-<question>`."""
    await log.record(question, HOME)
    reply = await begun(log, question.conversation)
    await finish(log, reply, text, platform_id=f"bot-{question.id}")
    return reply


async def finish(
    log: thread_log.ThreadLog, reply: conversation.Reply, text: str, *, platform_id: str
) -> None:
    """Answer a reply that was begun."""
    await log.plan(reply, PLAN)
    await log.posted(reply, (platform_id,))
    await log.billed(reply, "answer", PLAN.model, conversation.Usage(fresh=100, output=20))
    await log.written(reply, answer(text))
    await log.end(reply, conversation.ReplyState.FINISHED)


async def everything(
    log: thread_log.ThreadLog, where: conversation.ConversationId = HERE
) -> list[conversation.Post]:
    """All posts of a conversation."""
    return [found async for found in log.posts(where)]


async def texts(log: thread_log.ThreadLog, where: conversation.ConversationId = HERE) -> list[str]:
    """The texts of all posts of a conversation."""
    return [found.text for found in await everything(log, where)]


def summary(first: int, last: int, text: str, *, at: dt.datetime) -> conversation.Summary:
    """A segment over places first to last, its posts read at that time."""
    return conversation.Summary(
        conversation=HERE, first_place=first, last_place=last, text=text, posts=2, model="m", created_at=at
    )


def renamed(found: conversation.Post, post_id: str) -> conversation.Post:
    """The post under another id."""
    return dataclasses.replace(found, id=post_id)


def bytes_of(folder: pathlib.Path) -> bytes:
    """The database and what stands beside it."""
    return b"".join(path.read_bytes() for path in sorted(folder.iterdir()))


def index_rows(path: pathlib.Path) -> list[tuple[str, int, str, int]]:
    """Every word of the full-text index as (word, post's seq, column, position)."""
    return _words(path, fresh=False)


def rebuilt_index_rows(path: pathlib.Path) -> list[tuple[str, int, str, int]]:
    """The same of an index built anew from the posts."""
    return _words(path, fresh=True)


def _words(path: pathlib.Path, *, fresh: bool) -> list[tuple[str, int, str, int]]:
    from bot.thread_log import index

    with sqlite3.connect(":memory:", isolation_level=None) as db:
        source = sqlite3.connect(path)
        source.backup(db)
        source.close()
        if fresh:
            (sql,) = db.execute("SELECT sql FROM sqlite_master WHERE name = 'post_index'").fetchone()
            db.execute("DROP TABLE post_index")
            db.execute(sql)
            index.add(db, [seq for (seq,) in db.execute("SELECT seq FROM posts")])
        db.execute("CREATE VIRTUAL TABLE words USING fts5vocab('post_index', 'instance')")
        found = sorted(db.execute("SELECT term, doc, col, offset FROM words"))
    db.close()
    return found


async def begun_after(log: thread_log.ThreadLog, number: int) -> conversation.Reply:
    """The reply to a new question."""
    await log.record(post(number), HOME)
    return await begun(log)
