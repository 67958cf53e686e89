from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import pathlib

import log_support
import pytest

from bot import conversation, thread_log

State = conversation.ReplyState


async def test_a_burst_is_answered_by_one_reply(log: thread_log.ThreadLog) -> None:
    """All posts that wait go into one question, asked by the newest; then nothing is due."""
    for number in (3, 1, 2):
        await log.record(log_support.post(number), log_support.HOME)

    reply = await log_support.begun(log)

    assert (
        reply.asker.id, reply.state, reply.resumed, reply.history_read,
    ) == ("3.1", State.DUE, False, False)  # fmt: skip
    assert [post.id for post in (await log.thread(reply)).posts] == ["1.1", "2.1", "3.1"]
    await log_support.finish(log, reply, "Yes.", platform_id="b")
    assert await log.begin(log_support.HERE) is None


async def test_an_unfinished_reply_is_taken_up_again(log: thread_log.ThreadLog) -> None:
    """Until it ends, `begin` gives the same reply with what is known of it, as resumed."""
    await log.record(log_support.post(1), log_support.HOME)
    first = await log_support.begun(log)
    await log.plan(first, log_support.PLAN)
    await log.posted(first, ("b1",))
    await log.written(first, log_support.answer("Yes."))

    again = await log_support.begun(log)

    expected = dataclasses.replace(
        first,
        resumed=True,
        state=State.WRITTEN,
        plan=log_support.PLAN,
        platform_ids=("b1",),
        text="Yes.",
        stop_reason="end_turn",
    )
    assert expected == again


async def test_nothing_is_due_where_nobody_asks(log: thread_log.ThreadLog) -> None:
    """Unaddressed posts wait as context and start no reply."""
    assert await log.begin(log_support.HERE) is None
    await log.record(log_support.post(1, addressed=False), log_support.HOME)
    assert await log.begin(log_support.HERE) is None


async def test_what_arrives_while_answering_follows_the_answer(log: thread_log.ThreadLog) -> None:
    """A post has no place until its question begins, however early the platform says it was sent."""
    await log.record(log_support.post(5, "first"), log_support.HOME)
    reply = await log_support.begun(log)
    await log.record(log_support.post(1, "late"), log_support.HOME)
    assert [post.text for post in (await log.thread(reply)).posts] == ["first"]
    await log_support.finish(log, reply, "answer", platform_id="b")

    following = await log_support.begun(log)

    thread = await log.thread(following)
    assert [post.text for post in thread.posts] == ["first", "answer", "late"]
    places = [post.place for post in thread.posts if post.place is not None]
    assert len(places) == 3
    assert sorted(set(places)) == places


async def test_two_that_begin_at_once_get_one_reply(path: pathlib.Path) -> None:
    """Two logs on one file, as in a rolling restart, never make two replies for one question."""
    url = f"sqlite:///{path}"
    async with thread_log.open(url) as one, thread_log.open(url) as other:
        for number in range(20):
            where = conversation.ConversationId(f"slack:T:C:{number}")
            await one.record(log_support.post(number, where=where), log_support.HOME)
            begun = await asyncio.gather(*(log.begin(where) for log in (one, other, one, other)))
            assert len({reply.id for reply in begun if reply is not None}) == 1
            assert sorted(reply.resumed for reply in begun if reply is not None) == [False, True]


@pytest.mark.parametrize("state", [State.FAILED, State.WITHDRAWN])
async def test_a_failed_reply_leaves_no_answer_and_is_not_due_again(
    log: thread_log.ThreadLog, state: State
) -> None:
    """Nothing false enters the log: the question stands, handled, without an answer."""
    await log.record(log_support.post(1, "q"), log_support.HOME)
    reply = await log_support.begun(log)
    await log.written(reply, log_support.answer("half"))

    await log.end(reply, state, "Overloaded")

    assert await log_support.texts(log) == ["q"]
    assert await log.begin(log_support.HERE) is None
    following = await log_support.begun_after(log, 2)
    assert [post.id for post in (await log.thread(following)).posts] == ["1.1", "2.1"]


async def test_an_ended_reply_stays_ended(log: thread_log.ThreadLog) -> None:
    """Steps that come late, from a worker that was overtaken, change nothing."""
    reply = await log_support.exchange(log, log_support.post(1), "Yes.")

    await log.written(reply, log_support.answer("No."))
    await log.end(reply, State.FAILED, "late")

    assert "Yes." in await log_support.texts(log)
    assert await log.begin(log_support.HERE) is None


async def test_the_answer_is_named_after_its_first_post(log: thread_log.ThreadLog) -> None:
    """An answer written before it was posted takes the platform's id when it is known."""
    await log.record(log_support.post(1), log_support.HOME)
    reply = await log_support.begun(log)
    await log.written(reply, log_support.answer("Yes."))
    assert (await log_support.everything(log))[-1].id == f"reply:{reply.id}"

    await log.posted(reply, ("b1",))
    await log.posted(reply, ("b1", "b2"))

    found = (await log_support.everything(log))[-1]
    assert ("b1", "assistant", "Yes.", reply.place) == (found.id, found.role, found.text, found.place)
    assert (await log_support.begun(log)).platform_ids == ("b1", "b2")


async def test_an_answer_is_later_than_its_question(
    log: thread_log.ThreadLog, clock: log_support.Clock
) -> None:
    """Also where the platform's clock is ahead of ours."""
    ahead = log_support.post(1, at=100_000)
    assert ahead.sent_at > clock.now
    await log_support.exchange(log, ahead)

    question, found = await log_support.everything(log)

    assert found.sent_at == question.sent_at + dt.timedelta(microseconds=1)


async def test_history_stands_before_what_was_asked(log: thread_log.ThreadLog) -> None:
    """A thread read late comes first, in platform order, unaddressed, and is read once."""
    await log.record(log_support.post(500, "question"), log_support.HOME)
    reply = await log_support.begun(log)
    roles: list[conversation.Role] = ["user", "user", "assistant"]
    earlier = [log_support.post(n, f"h{n}", role=roles[n % 3]) for n in range(90)]

    await log.add_history(reply, [*earlier[::-1], log_support.post(500, "question")])

    posts = (await log.thread(reply)).posts
    assert [f"h{n}" for n in range(90)] + ["question"] == [post.text for post in posts]
    assert [post.addressed for post in posts] == [False] * 90 + [True]
    again = await log_support.begun(log)
    assert (again.history_read, again.resumed) == (True, True)
    await log_support.finish(log, again, "Yes.", platform_id="b")
    assert await log.begin(log_support.HERE) is None


async def test_history_can_come_after_an_answer(log: thread_log.ThreadLog, clock: log_support.Clock) -> None:
    """Where the history could be read only later, order, summaries and anchors stay true."""
    await log_support.exchange(log, log_support.post(10, "q1"), "a1")
    first = await log_support.begun_after(log, 20)
    before = await log.thread(first)
    assert before.last is not None
    await log.add_summary(log_support.summary(1, 1, "q1 in short", at=clock()), [])

    await log.add_history(first, [log_support.post(1, "h1"), log_support.post(2, "h2")])

    thread = await log.thread(first)
    assert [post.text if post.id != "20.1" else post.id for post in thread.posts] == [
        "h1",
        "h2",
        "a1",
        "20.1",
    ]
    assert [segment.text for segment in thread.summaries] == ["q1 in short"]
    assert thread.last is None


async def test_retry_makes_the_last_question_due_again(log: thread_log.ThreadLog) -> None:
    """The old answer no longer counts, the question keeps its place, a new reply answers it."""
    await log_support.exchange(log, log_support.post(1, "q1"), "a1")
    old = await log_support.exchange(log, log_support.post(2, "q2"), "a2")
    placed = {post.id: post.place for post in await log_support.everything(log)}

    assert await log.retry(log_support.HERE, log_support.START)
    assert not await log.retry(log_support.HERE, log_support.START)  # it is due already

    reply = await log_support.begun(log)
    assert reply.id != old.id
    assert (reply.asker.id, reply.resumed) == ("2.1", False)
    assert not await log.retry(log_support.HERE, log_support.START)  # it is being answered
    thread = await log.thread(reply)
    assert [post.text for post in thread.posts] == ["q1", "a1", "q2"]
    assert all(placed[post.id] == post.place for post in thread.posts)
    assert not await log.record(
        log_support.renamed(log_support.post(3, "a2", role="assistant"), "bot-2.1"), log_support.HOME
    )
    await log_support.finish(log, reply, "a2 again", platform_id="b2")
    assert await log_support.texts(log) == ["q1", "a1", "q2", "a2 again"]


async def test_retry_after_a_failure(log: thread_log.ThreadLog) -> None:
    """A question whose answer failed can be answered again."""
    await log.record(log_support.post(1), log_support.HOME)
    reply = await log_support.begun(log)
    assert not await log.retry(log_support.HERE, log_support.START)
    await log.end(reply, State.FAILED, "Overloaded")

    assert await log.retry(log_support.HERE, log_support.START)

    assert (await log_support.begun(log)).asker.id == "1.1"


async def test_retry_needs_a_question(log: thread_log.ThreadLog) -> None:
    """There is nothing to answer again where none was asked, it was deleted, or `new` hid it."""
    assert not await log.retry(log_support.HERE, log_support.START)
    await log_support.exchange(log, log_support.post(1))
    await log.reset(log_support.HERE)
    assert not await log.retry(log_support.HERE, log_support.START)
    await log_support.exchange(log, log_support.post(2))
    await log.delete(log_support.HERE, "2.1")
    assert not await log.retry(log_support.HERE, log_support.START)


async def test_a_cancelled_wait_does_not_undo_the_write(log: thread_log.ThreadLog) -> None:
    """Who gives up waiting for `begin` finds the reply again, as resumed."""
    await log.record(log_support.post(1), log_support.HOME)
    waiting = asyncio.create_task(log.begin(log_support.HERE))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting

    assert (await log_support.begun(log)).resumed
