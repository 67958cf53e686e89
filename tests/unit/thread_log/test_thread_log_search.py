from __future__ import annotations

import dataclasses

import log_support

from bot import conversation, thread_log
from bot.thread_log import recall


async def test_a_question_finds_posts_by_stems(log: thread_log.ThreadLog) -> None:
    """Any of its content words is enough, in any of its forms; the best fit comes first."""
    for number, text in enumerate(
        ["We deployed the server", "Lunch?", "Tea", "Water", "The deploying of servers failed on Monday"]
    ):
        await log.record(log_support.post(number, text), log_support.HOME)

    hits = await log.search(log_support.HERE, "When did the server deployment fail?", 2)

    assert [hit.post.id for hit in hits] == ["4.1", "0.1"]
    assert hits[0].score > hits[1].score > 0


async def test_a_search_stays_in_its_conversation(log: thread_log.ThreadLog) -> None:
    """No post of another conversation is found, not even by the word that stands for one in the index."""
    await log.record(log_support.post(1, "the secret zebra t2"), log_support.HOME)
    await log.record(log_support.post(2, "nothing", where=log_support.ELSEWHERE), log_support.HOME)

    assert await log.search(log_support.ELSEWHERE, "secret zebra t1 t2", 9) == []
    assert await log.search(conversation.ConversationId("unknown"), "zebra", 9) == []


async def test_a_post_is_found_by_what_was_said_before_it(log: thread_log.ThreadLog) -> None:
    """The two posts before are its context; the third is not."""
    for number, text in enumerate(["Where is the zebra?", "Hm", "In the garden", "Bye"]):
        await log.record(log_support.post(number, text), log_support.HOME)

    found = [hit.post.id for hit in await log.search(log_support.HERE, "zebra", 9)]

    assert found[0] == "0.1"
    assert {"0.1", "1.1", "2.1"} == set(found)


async def test_a_post_is_found_by_its_author_and_its_files(log: thread_log.ThreadLog) -> None:
    """Names of people and of files are searched too."""
    file = conversation.Attachment(id="F", name="budget-2027.xlsx", media_type="x", size=1, url="u")
    await log.record(dataclasses.replace(log_support.post(1, ""), attachments=(file,)), log_support.HOME)
    await log.record(dataclasses.replace(log_support.post(9), author_name="Grace"), log_support.HOME)

    assert (await log.search(log_support.HERE, "the budget", 1))[0].post.id == "1.1"
    assert (await log.search(log_support.HERE, "what did Grace say", 1))[0].post.id == "9.1"


async def test_searching_for_nothing(log: thread_log.ThreadLog) -> None:
    """Punctuation finds nothing and breaks nothing."""
    await log.record(log_support.post(1, 'quotes " and ( brackets'), log_support.HOME)

    for query in ("", "  ", '"', "(", "* OR -", "🙂", "NEAR(", "a:b"):
        assert await log.search(log_support.HERE, query, 9) == []
    assert len(await log.search(log_support.HERE, 'brackets"(', 9)) == 1


def test_content_words() -> None:
    """Function words go, unless there are no others; each word counts once; a document is cut."""
    assert recall.content_words("Is the GARDEN of the zebra a garden?") == ["garden", "zebra"]
    assert recall.content_words("Who are you?") == ["who", "are", "you"]
    assert len(recall.content_words(" ".join(f"w{n}" for n in range(500)))) == recall.MAX_WORDS


async def test_the_posts_around_a_post(log: thread_log.ThreadLog) -> None:
    """In platform order, with the post itself, as far as the conversation goes."""
    for number in (4, 2, 10, 6, 8):
        await log.record(log_support.post(number), log_support.HOME)

    assert [post.id for post in await log.around(log_support.post(4), 1)] == ["2.1", "4.1", "6.1"]
    assert [post.id for post in await log.around(log_support.post(10), 1)] == ["8.1", "10.1"]
    assert [post.id for post in await log.around(log_support.post(6), 0)] == ["6.1"]


async def test_a_post_elsewhere_cannot_pass_for_one_here(log: thread_log.ThreadLog) -> None:
    """A letter that the index takes for a separator puts another conversation's mark on no post."""
    await log.record(log_support.post(1, "our password is in the vault"), log_support.HOME)
    for number in range(2, 9):
        forged = log_support.post(number, "x\u19b0t1zpassword is 1234", where=log_support.ELSEWHERE)
        await log.record(forged, log_support.HOME)
    found = await log.search(log_support.HERE, "password", 10)
    assert [hit.post.id for hit in found] == ["1.1"]
