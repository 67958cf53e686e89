from __future__ import annotations

import dataclasses

import log_support

from bot import conversation, thread_log


async def test_the_anchor_is_the_newest_billed_answer(
    log: thread_log.ThreadLog, clock: log_support.Clock
) -> None:
    """`last` tells place, plan, bill and time of the request whose answer the next one extends."""
    await log_support.exchange(log, log_support.post(1))
    before = clock.now
    reply = await log_support.exchange(log, log_support.post(2))

    last = (await log.thread(await log_support.begun_after(log, 3))).last

    assert last is not None
    assert (reply.place, log_support.PLAN) == (last.place, last.plan)
    assert conversation.Usage(fresh=100, output=20) == last.usage
    assert before < last.at < clock.now


async def test_usage_keeps_the_apis_own_object(log: thread_log.ThreadLog) -> None:
    """A bill comes back field by field, with what the API said."""
    usage = conversation.Usage(
        fresh=1, written_5m=2, written_1h=3, read=4, output=5, web_searches=6, raw={"a": [1, {"b": None}]}
    )
    await log.record(log_support.post(1), log_support.HOME)
    reply = await log_support.begun(log)
    await log.plan(reply, log_support.PLAN)
    await log.billed(reply, "summary", "m", conversation.Usage(fresh=99))
    await log.billed(reply, "answer", "m", usage)
    await log.written(reply, log_support.answer("Yes."))
    await log.end(reply, conversation.ReplyState.FINISHED)

    last = (await log.thread(await log_support.begun_after(log, 2))).last

    assert last is not None
    assert usage == last.usage


async def test_a_failed_answer_is_no_anchor(log: thread_log.ThreadLog) -> None:
    """What was billed for an answer that does not stand in the log is no part of the next prefix."""
    good = await log_support.exchange(log, log_support.post(1))
    bad = await log_support.begun_after(log, 2)
    await log.plan(bad, log_support.PLAN)
    await log.billed(bad, "answer", "m", conversation.Usage(fresh=777))
    await log.end(bad, conversation.ReplyState.FAILED, "Unreachable")

    last = (await log.thread(await log_support.begun_after(log, 3))).last

    assert last is not None
    assert good.place == last.place


async def test_an_edit_breaks_only_what_covered_it(log: thread_log.ThreadLog) -> None:
    """A change of what was sent takes the anchor away until the next answer; others leave it."""
    await log_support.exchange(log, log_support.post(1))
    await log_support.exchange(log, log_support.post(2))
    await log_support.begun_after(log, 3)
    await log.edit(log_support.HERE, "3.1", "asked otherwise", log_support.START)
    running = await log_support.begun(log)  # anew
    assert (await log.thread(running)).last is not None

    await log.edit(log_support.HERE, "1.1", "said otherwise", log_support.START)
    assert (await log.thread(running)).last is None

    await log_support.finish(log, running, "Yes.", platform_id="b")
    assert (await log.thread(await log_support.begun_after(log, 4))).last is not None


async def test_an_edit_while_the_request_runs_breaks_it(log: thread_log.ThreadLog) -> None:
    """A request that was sent before the change and billed after it is no anchor."""
    await log_support.exchange(log, log_support.post(1))
    running = await log_support.begun_after(log, 2)
    await log.plan(running, log_support.PLAN)

    await log.edit(log_support.HERE, "1.1", "said otherwise", log_support.START)

    assert (await log_support.begun(log)).plan is None
    await log.billed(running, "answer", "m", conversation.Usage(fresh=5))
    await log.written(running, log_support.answer("Yes."))
    await log.end(running, conversation.ReplyState.FINISHED)
    assert (await log.thread(await log_support.begun_after(log, 3))).last is None


async def test_gaps_are_those_between_requests(log: thread_log.ThreadLog, clock: log_support.Clock) -> None:
    """The twenty newest gaps, oldest first, in seconds."""
    for number in range(1, 24):
        clock.now = log_support.START.replace(hour=12, minute=2 * number)
        await log_support.exchange(log, log_support.post(number))

    gaps = (await log.thread(await log_support.begun_after(log, 30))).gaps

    assert gaps == (120.0,) * 20


async def test_a_summary_stands_for_its_posts(log: thread_log.ThreadLog, clock: log_support.Clock) -> None:
    """Posts of the places it covers are no longer read; they stay in the log; the anchor breaks."""
    for number in (1, 2, 3):
        await log_support.exchange(log, log_support.post(number, f"q{number}"), f"a{number}")
    segment = log_support.summary(1, 4, "short", at=clock())

    await log.add_summary(segment, [])

    thread = await log.thread(await log_support.begun_after(log, 4))
    assert (segment,) == thread.summaries == await log.summaries(log_support.HERE)
    assert [p.text if p.id != "4.1" else p.id for p in thread.posts] == ["q3", "a3", "4.1"]
    assert thread.last is None
    assert len(await log_support.everything(log)) == 7


async def test_a_summary_can_replace_others(log: thread_log.ThreadLog, clock: log_support.Clock) -> None:
    """Merged segments give way to one; one that is gone meanwhile, or not named, stops the merger."""
    for number in range(1, 5):
        await log_support.exchange(log, log_support.post(number))
    first, second = (log_support.summary(*span, "s", at=clock()) for span in ((1, 2), (3, 4)))
    await log.add_summary(first, [])
    await log.add_summary(second, [])
    merged = log_support.summary(1, 4, "both", at=clock())

    await log.add_summary(merged, [first])
    assert (first, second) == await log.summaries(log_support.HERE)
    await log.add_summary(merged, [first, second])
    assert (merged,) == await log.summaries(log_support.HERE)
    await log.add_summary(dataclasses.replace(merged, text="again"), [first, second])
    assert (merged,) == await log.summaries(log_support.HERE)


async def test_a_summary_of_what_has_changed_is_not_kept(
    log: thread_log.ThreadLog, clock: log_support.Clock
) -> None:
    """Words deleted while they were being summarised do not come back in the summary."""
    await log_support.exchange(log, log_support.post(1))
    read_at = clock()
    await log.delete(log_support.HERE, "1.1")

    await log.add_summary(log_support.summary(1, 2, "secret", at=read_at), [])

    assert await log.summaries(log_support.HERE) == ()


async def test_new_hides_what_was_said(log: thread_log.ThreadLog, clock: log_support.Clock) -> None:
    """After `new` neither requests nor summaries nor search see what was before; an export does."""
    await log_support.exchange(log, log_support.post(1, "purple elephants"))
    await log.add_summary(log_support.summary(1, 2, "elephants", at=clock()), [])
    await log.record(log_support.post(2, "chatter about elephants", addressed=False), log_support.HOME)

    await log.reset(log_support.HERE)

    thread = await log.thread(await log_support.begun_after(log, 3))
    assert ([post.id for post in thread.posts], thread.summaries, thread.last) == (["3.1"], (), None)
    assert await log.summaries(log_support.HERE) == ()
    found = await log.search(log_support.HERE, "elephants", 9)
    assert {"3.1"} == {hit.post.id for hit in found}  # by its context only
    assert [post.id for post in await log.around(thread.posts[0], 5)] == ["3.1"]
    assert len(await log_support.everything(log)) == 4


async def test_new_does_not_swallow_questions(log: thread_log.ThreadLog) -> None:
    """A question that waits is answered afresh; an answer that runs keeps what it began with."""
    await log_support.exchange(log, log_support.post(1, "old"), "a1")
    running = await log_support.begun_after(log, 2)
    await log.record(log_support.post(3, "waits"), log_support.HOME)

    await log.reset(log_support.HERE)

    assert [post.id for post in (await log.thread(running)).posts] == ["1.1", "bot-1.1", "2.1"]
    await log_support.finish(log, running, "a2", platform_id="b")
    following = await log_support.begun(log)
    assert [post.id for post in (await log.thread(following)).posts] == ["3.1"]


async def test_the_tail_starts_at_the_newest_plan(log: thread_log.ThreadLog) -> None:
    """With `tail_only` what the newest plan left out is not read again."""
    for number in (1, 2, 3):
        reply = await log_support.exchange(log, log_support.post(number))
    await log.plan(reply, dataclasses.replace(log_support.PLAN, first_place=3))
    following = await log_support.begun_after(log, 4)

    assert len((await log.thread(following)).posts) == 7
    assert [post.id for post in (await log.thread(following, tail_only=True)).posts] == [
        "2.1",
        "bot-2.1",
        "3.1",
        "bot-3.1",
        "4.1",
    ]


async def test_reading_costs_the_tail_not_the_thread(
    log: thread_log.ThreadLog, clock: log_support.Clock
) -> None:
    """What lies under a summary is not fetched: 20,000 posts give a tail of what came after."""
    old = [log_support.post(n, f"m{n}", addressed=False) for n in range(20_000)]
    await log.record_all(old, log_support.HOME)
    reply = await log_support.exchange(log, log_support.post(30_000))
    await log.add_summary(log_support.summary(1, reply.place - 1, "s", at=clock()), [])

    thread = await log.thread(await log_support.begun_after(log, 30_001))

    assert [post.id for post in thread.posts] == ["bot-30000.1", "30001.1"]
