from __future__ import annotations

import asyncio
import datetime as dt
import pathlib
import random
import sqlite3

import log_support
import pytest

from bot import conversation, thread_log
from bot.thread_log import echoes

LATER = log_support.START + dt.timedelta(minutes=5)


async def test_an_edit_changes_the_text_everywhere(
    log: thread_log.ThreadLog, clock: log_support.Clock
) -> None:
    """The log, the search and the next request hold the new words, summaries of the old ones are gone."""
    for number in (1, 2, 3):
        await log_support.exchange(log, log_support.post(number, f"question {number}"))
    for first in (1, 3):
        await log.add_summary(log_support.summary(first, first + 1, f"s{first}", at=clock()), [])

    effect = await log.edit(log_support.HERE, "1.1", "about zebras", LATER)

    assert thread_log.EditEffect(changed=True, stale_summaries=1) == effect
    assert [segment.text for segment in await log.summaries(log_support.HERE)] == ["s3"]
    posts = (await log.thread(await log_support.begun_after(log, 9))).posts
    assert [post.text for post in posts[:3]] == ["about zebras", "Like this.", "question 3"]
    assert posts[0].edited_at == LATER
    assert (await log.search(log_support.HERE, "zebra", 1))[0].post.id == "1.1"


@pytest.mark.parametrize(
    ("text", "at"),
    [
        pytest.param("second", LATER - dt.timedelta(seconds=1), id="older than the last edit"),
        pytest.param("first", LATER + dt.timedelta(seconds=1), id="the same text"),
    ],
)
async def test_an_edit_that_changes_nothing(log: thread_log.ThreadLog, text: str, at: dt.datetime) -> None:
    """Edits may come late and twice; the newest stands."""
    await log.record(log_support.post(1), log_support.HOME)
    assert (await log.edit(log_support.HERE, "1.1", "first", LATER)).changed

    assert thread_log.EditEffect() == await log.edit(log_support.HERE, "1.1", text, at)

    assert await log_support.texts(log) == ["first"]


async def test_an_edit_of_what_is_not_there(log: thread_log.ThreadLog) -> None:
    """Unknown posts, erased ones and the bot's own have no edits."""
    assert thread_log.EditEffect() == await log.edit(log_support.HERE, "1.1", "x", LATER)
    await log_support.exchange(log, log_support.post(1))
    assert thread_log.EditEffect() == await log.edit(log_support.HERE, "bot-1.1", "x", LATER)
    await log.delete(log_support.HERE, "1.1")
    assert thread_log.EditEffect() == await log.edit(log_support.HERE, "1.1", "x", LATER)


async def test_an_edited_question_is_answered_anew(log: thread_log.ThreadLog) -> None:
    """The running reply is named, its answer taken back, and it cannot finish until written again."""
    await log.record(log_support.post(1, "before"), log_support.HOME)
    reply = await log_support.begun(log)
    await log.posted(reply, ("b1",))
    await log.written(reply, log_support.answer("to before"))

    effect = await log.edit(log_support.HERE, "1.1", "after", LATER)

    assert thread_log.EditEffect(changed=True, running_reply=reply.id) == effect
    await log.end(reply, conversation.ReplyState.FINISHED)
    again = await log_support.begun(log)
    assert (reply.id, conversation.ReplyState.OPENED, "") == (again.id, again.state, again.text)
    assert again.asker.text == "after"
    assert await log_support.texts(log) == ["after"]


async def test_a_deleted_question_withdraws_its_reply(log: thread_log.ThreadLog) -> None:
    """With the last post of a question goes its reply; until it is ended, `begin` says so."""
    await log.record(log_support.post(1), log_support.HOME)
    await log.record(log_support.post(2), log_support.HOME)
    reply = await log_support.begun(log)
    await log.posted(reply, ("b1",))

    first = await log.delete(log_support.HERE, "2.1")
    left = await log_support.begun(log)
    second = await log.delete(log_support.HERE, "1.1")
    gone = await log_support.begun(log)

    assert thread_log.EditEffect(changed=True, running_reply=reply.id) == first
    assert (left.asker.id, left.state) == ("1.1", conversation.ReplyState.OPENED)
    assert thread_log.EditEffect(changed=True, running_reply=reply.id, withdrawn=True) == second
    assert (gone.asker.id, gone.asker.text, gone.state) == ("2.1", "", conversation.ReplyState.WITHDRAWN)
    assert gone.platform_ids == ("b1",)
    await log.end(gone, conversation.ReplyState.WITHDRAWN)
    assert await log.begin(log_support.HERE) is None


async def test_a_question_deleted_before_it_began_is_not_answered(log: thread_log.ThreadLog) -> None:
    """What waits and is deleted is no longer due."""
    await log.record(log_support.post(1), log_support.HOME)
    await log.delete(log_support.HERE, "1.1")

    assert await log.begin(log_support.HERE) is None
    assert await log.due() == []


async def test_a_deletion_reaches_answers_that_repeat_it(
    log: thread_log.ThreadLog, clock: log_support.Clock, path: pathlib.Path
) -> None:
    """Later answers lose the run of words, earlier ones do not; summaries of either are gone."""
    words = "the password of the vault is swordfish"
    await log_support.exchange(log, log_support.post(1, "Hello"), f"Did you say {words}?")
    await log_support.exchange(log, log_support.post(2, words), f"Noted: {words.upper()}. Done.")
    await log.add_summary(log_support.summary(4, 4, "swordfish", at=clock()), [])

    effect = await log.delete(log_support.HERE, "2.1")

    assert effect.changed
    expected = ["Hello", f"Did you say {words}?", "Noted: [deleted]. Done."]
    assert expected == await log_support.texts(log)
    assert await log.summaries(log_support.HERE) == ()
    assert log_support.rebuilt_index_rows(path) == log_support.index_rows(path)


async def test_a_deletion_reaches_the_answer_being_written(log: thread_log.ThreadLog) -> None:
    """An answer that had read a post before it was deleted is logged without its words."""
    words = "the password of the vault is swordfish"
    await log_support.exchange(log, log_support.post(1, words), "Noted.")
    running = await log_support.begun_after(log, 2)

    await log.delete(log_support.HERE, "1.1")
    await log_support.finish(log, running, f"You said: {words}.", platform_id="b")

    assert (await log_support.texts(log))[-1] == "You said: [deleted]."


async def test_a_deleted_answer_is_gone(log: thread_log.ThreadLog) -> None:
    """Deleting any part of a finished reply erases the logged answer; tidying up a running one does not."""
    await log.record(log_support.post(1, "q"), log_support.HOME)
    reply = await log_support.begun(log)
    await log.posted(reply, ("b0", "b1"))
    await log.written(reply, log_support.answer("an answer"))
    await log.posted(reply, ("b1", "b2"))
    assert not (await log.delete(log_support.HERE, "b1")).changed
    await log.end(reply, conversation.ReplyState.FINISHED)
    assert not (await log.delete(log_support.HERE, "b0")).changed  # no longer a part of it

    assert (await log.delete(log_support.HERE, "b2")).changed

    assert await log_support.texts(log) == ["q"]
    assert (await log.thread(await log_support.begun_after(log, 2))).last is None


async def test_forgetting_erases_a_conversation(log: thread_log.ThreadLog, clock: log_support.Clock) -> None:
    """Posts, replies and summaries go; what is left keeps old posts away and the bill true."""
    await log_support.exchange(log, log_support.post(1))
    await log.add_summary(log_support.summary(1, 2, "s", at=clock()), [])
    running = await log_support.begun_after(log, 2)
    await log_support.exchange(log, log_support.post(3, where=log_support.ELSEWHERE))

    assert await log.forget(log_support.HERE) == 3

    assert await log.conversations() == [log_support.ELSEWHERE]
    assert not await log.holds(log_support.HERE)
    assert await log.homes("slack", log_support.START + dt.timedelta(seconds=3)) != []
    assert await log.summaries(log_support.HERE) == ()
    assert await log.search(log_support.HERE, "disk", 9) == []
    assert [found.conversation_id for found in await log.homes("slack", log_support.START)] == [
        log_support.ELSEWHERE
    ]
    await log.posted(running, ("b9",))
    await log.written(running, log_support.answer("late"))
    await log.end(running, conversation.ReplyState.FINISHED)
    assert (await log.thread(running)).posts == ()
    assert not await log.record(log_support.post(1), log_support.HOME)
    assert not await log.record(
        log_support.renamed(log_support.post(4, role="assistant"), "bot-1.1"), log_support.HOME
    )
    assert await log_support.everything(log) == []
    assert len(await log.bills(log_support.HERE)) == 1
    fresh = await log_support.begun_after(log, 5)
    assert fresh.history_read
    assert [post.id for post in (await log.thread(fresh)).posts] == ["5.1"]


async def test_forgetting_a_person(log: thread_log.ThreadLog) -> None:
    """Every post of theirs goes, wherever it stands; the bot's answers and other people stay."""
    await log_support.exchange(log, log_support.post(1, "mine"), "answer")
    await log_support.exchange(log, log_support.post(2, "mine too", where=log_support.ELSEWHERE))

    assert await log.forget_user("discord:U1") == 0
    assert await log.forget_user("slack:U1") == 2

    assert await log_support.texts(log) == ["answer"]


async def test_erased_bytes_are_in_no_file(path: pathlib.Path) -> None:
    """Deleted and edited words are in neither the database nor its WAL, what was not erased is.

    With enough posts of many sizes that SQLite moves rows between pages: it leaves copies there.
    """
    chance = random.Random(6)  # noqa: S311 - the same rows each time; 6 leaves such copies
    alive: dict[str, tuple[conversation.ConversationId, str]] = {}
    erased: list[str] = []
    async with thread_log.open(f"sqlite:///{path}") as log:
        for number in range(400):
            where = (log_support.HERE, log_support.ELSEWHERE)[number % 2]
            secret = f"sekret{number}q"
            padding = f"w{number} " * chance.choice([0, 5, 50, 900])
            question = log_support.post(number, f"{padding}{secret} and then some", where=where)
            await log.record(question, log_support.HOME)
            alive[question.id] = where, secret
            if chance.random() < 0.1:
                reply = await log_support.begun(log, where)
                await log_support.finish(log, reply, "Noted.", platform_id=f"b{number}")
            if chance.random() < 0.2:
                gone = chance.choice(sorted(alive))
                found, secret = alive.pop(gone)
                erased.append(secret)
                await log.delete(found, gone)
            if chance.random() < 0.1:
                gone = chance.choice(sorted(alive))
                found, secret = alive.pop(gone)
                erased.append(secret)
                await log.edit(found, gone, "x" * chance.choice([1, 100, 5000]), LATER)
        await log.scrubbed()

        left = log_support.bytes_of(path.parent)

    assert [secret for secret in erased if secret.encode() in left] == []
    assert [secret for _, secret in alive.values() if secret.encode() not in left] == []
    assert len(erased) > 80


async def test_scrubbing_goes_on_after_a_restart(path: pathlib.Path) -> None:
    """A log that ended between erasing and scrubbing scrubs when it is opened again."""
    secret = "sekret-before-the-crash"
    async with thread_log.open(f"sqlite:///{path}") as log:
        await log.record(log_support.post(1, secret), log_support.HOME)
        await log.delete(log_support.HERE, "1.1")  # closes at once: the scrubber is stopped midway

    async with thread_log.open(f"sqlite:///{path}") as log:
        await log.scrubbed()
        assert secret.encode() not in log_support.bytes_of(path.parent)
    with sqlite3.connect(path) as db:
        assert db.execute("SELECT erasures = scrubbed FROM upkeep").fetchone() == (1,)
    db.close()


@pytest.mark.parametrize(
    ("text", "deleted", "expected"),
    [
        # a run of five words anywhere in the deleted text
        (
            "He said one two three four five, yes.",
            "zero one two three four five six",
            "He said [deleted], yes.",
        ),
        # two runs; what lies between stays
        (
            "alpha beta gamma delta epsilon then zeta eta theta iota kappa",
            "alpha beta gamma delta epsilon zeta eta theta iota kappa",
            "[deleted] then [deleted]",
        ),
        # case and punctuation do not hide a run
        ("ONE-two, Three. four/five", "one two three four five", "[deleted]"),
        # four words of a longer text are language
        ("one two three four then", "one two three four five", "one two three four then"),
        # a short text counts whole
        ("the pin: swordfish 9921!", "Swordfish 9921", "the pin: [deleted]!"),
        # but not a very short one
        ("yes, thanks a lot", "thanks", "yes, thanks a lot"),
        # nor a run of tiny words
        ("a b c d e f", "a b c d e", "a b c d e f"),
        # scripts without spaces
        ("他说我的银行密码是一二三四五六七八吗", "我的银行密码是一二三四五六七八", "他说[deleted]吗"),
        # nothing to find
        ("anything at all", "", "anything at all"),
        ("", "one two three four five", ""),
        # a text that is nothing but the same word
        ("no no no no no no no no", "no no no no no no", "[deleted]"),
    ],
)
def test_runs_of_deleted_words(text: str, deleted: str, expected: str) -> None:
    """Runs of five words and twelve characters are taken out, less is left alone."""
    assert expected == echoes.without(text, deleted=deleted)


async def test_words_erased_in_the_moment_of_the_answer_are_not_in_it(log: thread_log.ThreadLog) -> None:
    """Where a deletion and the answer that repeats its words share a transaction, the words are gone."""
    secret = "the vault opens with the word xyzzyplugh9"
    await log_support.exchange(log, log_support.post(1, secret))
    running = await log_support.begun_after(log, 2)
    _, stored = await asyncio.gather(
        log.delete(log_support.HERE, "1.1"),
        log.written(running, log_support.answer(f"You said: {secret}")),
    )
    assert "xyzzy" not in stored
    assert [post.text async for post in log.posts(log_support.HERE) if "xyzzy" in post.text] == []


@pytest.mark.parametrize("change", ["edit", "delete"])
async def test_an_answer_in_the_moment_of_a_change_is_not_taken(
    log: thread_log.ThreadLog, change: str
) -> None:
    """Where its question changes in the transaction that would take it, an answer is written anew."""
    running = await log_support.begun_after(log, 1)
    if change == "edit":
        changing = log.edit(log_support.HERE, "1.1", "asked otherwise", LATER)
    else:
        changing = log.delete(log_support.HERE, "1.1")
    await asyncio.gather(changing, log.written(running, log_support.answer("An old answer.")))
    await log.end(running, conversation.ReplyState.FINISHED)
    assert "An old answer." not in [post.text async for post in log.posts(log_support.HERE)]
    assert await log.due() == [log_support.HERE]


async def test_a_summary_of_what_was_forgotten_meanwhile_is_not_kept(
    log: thread_log.ThreadLog, clock: log_support.Clock
) -> None:
    """A summary that was being written while its conversation was forgotten is not true any more."""
    await log_support.exchange(log, log_support.post(1, "the word is xyzzyplugh"))
    read_at = clock()
    await log.forget(log_support.HERE)
    await log.add_summary(log_support.summary(1, 2, "They know: xyzzyplugh.", at=read_at), [])
    assert not await log.summaries(log_support.HERE)


async def test_a_prompt_is_forgotten_with_its_author_wherever_it_stands(
    log: thread_log.ThreadLog, path: pathlib.Path
) -> None:
    """Also as what somebody else has put their own in the place of."""
    await log_support.exchange(log, log_support.post(1))
    for author, value in (("U1", "Ada's own words xyzzyplugh"), ("U2", "Bob's words")):
        await log.choices.put(
            log_support.HERE,
            log_support.HOME,
            scope="thread",
            name="prompt",
            value=value,
            author=author,
            author_name=author,
        )
    await log.forget_user("slack:U1")
    await log.scrubbed()
    assert b"xyzzyplugh" not in log_support.bytes_of(path.parent)


async def test_a_later_summary_that_repeats_erased_words_is_gone(
    log: thread_log.ThreadLog, clock: log_support.Clock, path: pathlib.Path
) -> None:
    """A segment that was written with an earlier one in view, and says its words again, goes with them."""
    await log_support.exchange(log, log_support.post(1, "the vault opens with the word xyzzyplugh9"))
    for number in (2, 3):
        await log_support.exchange(log, log_support.post(number))
    words = "The vault opens with the word xyzzyplugh9."
    await log.add_summary(log_support.summary(1, 2, words, at=clock()), ())
    await log.add_summary(log_support.summary(3, 4, f"Still: {words}", at=clock()), ())
    await log.delete(log_support.HERE, "1.1")
    await log.scrubbed()
    assert b"xyzzyplugh9" not in log_support.bytes_of(path.parent)
