from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt

import log_support
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot import conversation, thread_log


async def test_a_post_comes_back_as_it_was_recorded(log: thread_log.ThreadLog) -> None:
    """Every field of a post survives the log."""
    file = conversation.Attachment(id="F1", name="a.png", media_type="image/png", size=7, url="https://x/y")
    sent = dataclasses.replace(
        log_support.post(1), attachments=(file,), edited_at=log_support.START + dt.timedelta(microseconds=3)
    )

    assert await log.record(sent, log_support.HOME)

    assert [sent] == await log_support.everything(log)


async def test_a_known_post_is_not_recorded_again(log: thread_log.ThreadLog) -> None:
    """However often and however concurrently a post is delivered, it is stored once."""
    delivered = [log.record(log_support.post(1), log_support.HOME) for _ in range(20)]

    assert sorted(await asyncio.gather(*delivered)) == [False] * 19 + [True]
    assert len(await log_support.everything(log)) == 1


async def test_the_same_id_in_two_conversations_is_two_posts(log: thread_log.ThreadLog) -> None:
    """A post's id is unique within its conversation only."""
    assert await log.record(log_support.post(1), log_support.HOME)
    assert await log.record(log_support.post(1, where=log_support.ELSEWHERE), log_support.HOME)


async def test_an_erased_post_stays_away(log: thread_log.ThreadLog) -> None:
    """A post that was deleted, before or after it came, cannot be recorded any more."""
    await log.record(log_support.post(1), log_support.HOME)
    await log.delete(log_support.HERE, "1.1")
    await log.delete(log_support.HERE, "2.1")

    assert not await log.record(log_support.post(1), log_support.HOME)
    assert not await log.record(log_support.post(2), log_support.HOME)
    assert await log_support.everything(log) == []
    assert not await log.holds(log_support.HERE)


async def test_the_bots_own_echo_is_no_post(log: thread_log.ThreadLog) -> None:
    """What the platform delivers of the bot's own reply, any part of it, adds nothing."""
    await log.record(log_support.post(1), log_support.HOME)
    reply = await log_support.begun(log)
    early = log_support.renamed(log_support.post(2, "Like", role="assistant"), "b1")
    await log.record(early, log_support.HOME)  # the echo overtook the answer of the platform
    await log.posted(reply, ("b1", "b2"))
    await log.written(reply, log_support.answer("Like this."))

    assert not await log.record(log_support.renamed(early, "b2"), log_support.HOME)

    assert await log_support.texts(log) == ["How do I mount a disk?", "Like this."]


@pytest.mark.parametrize("text", ["\x00", "a\x00b", "\ud800", "ok \udfff\udc00 end"])
async def test_what_cannot_be_stored_is_replaced(log: thread_log.ThreadLog, text: str) -> None:
    """NUL and lone surrogates become U+FFFD in every text of a post."""
    file = conversation.Attachment(id=text, name=text, media_type=text, size=1, url=text)
    hostile = dataclasses.replace(
        log_support.post(1, text), author_name=text, author=text, attachments=(file,)
    )

    assert await log.record(hostile, log_support.HOME)

    (found,) = await log_support.everything(log)
    clean = "".join("\ufffd" if c == "\0" or "\ud800" <= c <= "\udfff" else c for c in text)
    assert [clean] * 7 == [
        found.text, found.author, found.author_name,
        found.attachments[0].id, found.attachments[0].name, found.attachments[0].media_type,
        found.attachments[0].url,
    ]  # fmt: skip


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(), max_size=60))
def test_any_text_can_be_stored_searched_edited_and_erased(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    """No text of a person or of Claude makes any step fail."""

    async def steps() -> None:
        path = tmp_path_factory.mktemp("any") / "bot.db"
        async with thread_log.open(f"sqlite:///{path}") as log:
            await log_support.exchange(log, log_support.post(1, text), text)
            await log.search(log_support.HERE, text, 5)
            await log.edit(log_support.HERE, "1.1", text + "!", log_support.START)
            assert await log.thread(await log_support.begun_after(log, 2)) is not None
            await log.delete(log_support.HERE, "1.1")
            assert (await log_support.everything(log))[0].role == "assistant"

    asyncio.run(steps())


async def test_the_home_is_the_newest_posts(log: thread_log.ThreadLog) -> None:
    """A late event does not move a conversation back to where it was."""
    later = dataclasses.replace(log_support.HOME, address="new")
    await log.record(log_support.post(1), log_support.HOME)
    await log.record(log_support.post(5), later)
    await log.record(log_support.post(3), dataclasses.replace(log_support.HOME, address="old"))

    known = await log.newest(log_support.HERE)

    assert known is not None
    assert (known.home.address, known.newest_post) == ("new", "5.1")


async def test_catch_up_is_told_the_newest_post_of_a_person(log: thread_log.ThreadLog) -> None:
    """The bot's own answer is later than posts that came while it was written; it must not hide them."""
    await log_support.exchange(log, log_support.post(1))
    await log.record(log_support.post(9, where=log_support.ELSEWHERE), log_support.HOME)

    homes = await log.homes("slack", log_support.START)

    assert [(known.conversation_id, known.newest_post) for known in homes] == [
        (log_support.ELSEWHERE, "9.1"),
        (log_support.HERE, "1.1"),
    ]
    assert await log.homes("discord", log_support.START) == []
    assert len(await log.homes("slack", log_support.START + dt.timedelta(seconds=5))) == 1


async def test_every_part_of_a_reply_is_found(log: thread_log.ThreadLog) -> None:
    """A post and each part of a reply lead to their conversation, on their platform only."""
    await log.record(log_support.post(1), log_support.HOME)
    await log.posted(await log_support.begun(log), ("b1", "b2"))

    found = [await log.find("slack", post_id) for post_id in ("1.1", "b1", "b2")]

    assert found == [log_support.HERE] * 3
    assert await log.find("discord", "b2") is None
    assert await log.find("slack", "b3") is None


async def test_due_conversations_come_by_how_long_they_wait(log: thread_log.ThreadLog) -> None:
    """Unanswered questions and unfinished replies are due; answered and unaddressed posts are not."""
    third = conversation.ConversationId("slack:T1:C1:3000.1")
    await log.record(log_support.post(7), log_support.HOME)
    await log.record(log_support.post(2, where=log_support.ELSEWHERE), log_support.HOME)
    await log.record(log_support.post(1, where=third, addressed=False), log_support.HOME)
    await log_support.begun(log)

    assert await log.due() == [log_support.ELSEWHERE, log_support.HERE]

    await log_support.finish(log, await log_support.begun(log), "Yes.", platform_id="b")
    assert await log.due() == [log_support.ELSEWHERE]


async def test_a_command_is_claimed_once(log: thread_log.ThreadLog) -> None:
    """Of any number of claims one wins."""
    claims = [log.claim_command(log_support.HERE, "e1") for _ in range(5)]

    assert sorted(await asyncio.gather(*claims)) == [False] * 4 + [True]
    assert await log.claim_command(log_support.ELSEWHERE, "e1")


async def test_posts_come_in_the_order_claude_saw_them(log: thread_log.ThreadLog) -> None:
    """Export follows places over all pages, then platform order, with what waits last."""
    late = [log_support.post(n, f"m{n}", addressed=False) for n in range(1200)]
    await log.record_all(late[600:], log_support.HOME)
    await log_support.exchange(log, log_support.post(5000, "question"))
    await log.record_all(late[:600], log_support.HOME)

    expected = [f"m{n}" for n in range(600, 1200)] + ["question", "Like this."]
    assert expected + [f"m{n}" for n in range(600)] == await log_support.texts(log)


async def test_imported_posts_are_not_due_and_leave_the_home_alone(
    log: thread_log.ThreadLog,
) -> None:
    """An import adds what is unknown, asks for no answer, and does not touch where a conversation lives."""
    await log_support.exchange(log, log_support.post(1))
    lines = [log_support.post(1, "other"), log_support.post(50), log_support.post(51, role="assistant")]

    assert await log.import_posts(lines) == 2
    assert await log.import_posts(lines) == 0

    assert await log.due() == []
    known = await log.newest(log_support.HERE)
    assert known is not None
    assert known.home == log_support.HOME
