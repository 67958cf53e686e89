"""Contract: a long answer, table or code block comes as a file beside its posts, once, whatever happens."""

from __future__ import annotations

import dataclasses
import datetime as dt

import pytest
import stage

from bot import conversation

# Slack's other way in, and a workspace without streaming, as well.
pytestmark = pytest.mark.parametrize("empty_stage", ["slack", "slack_http", "discord"], indirect=True)

CODE = [f"print({number})" for number in range(100)]
WITH_CODE = "Here:\n\n```python\n" + "\n".join(CODE) + "\n```\n\nThat is all."
WITH_TABLE = "Look:\n\n| city | people |\n|---|---|\n" + "\n".join(f"| c{n} | {n} |" for n in range(30))
LONG = " ".join(f"w{number:05}" for number in range(8_000))  # 56,000 characters
MOST_TOKENS = 64_000


async def test_long_code_is_a_file(scene: stage.Stage) -> None:
    """A long code block is a file with its language's extension, and stands in the posts all the same."""
    scene.claude.answer = lambda _body: WITH_CODE
    asked = await scene.mention(scene.channel, "write me a program")
    await scene.idle()
    place = scene.under(asked)
    assert scene.files(place) == {"code-1.py": ("\n".join(CODE) + "\n").encode()}
    assert "".join(scene.answers(place)).split() == WITH_CODE.split()


async def test_the_log_keeps_the_words_of_a_file(scene: stage.Stage) -> None:
    """What went into a file is Claude's answer all the same: the next request has it word for word."""
    scene.claude.answer = lambda _body: WITH_CODE
    asked = await scene.mention(scene.channel, "write me a program")
    await scene.idle()
    assert await scene.stored() == ["write me a program", WITH_CODE]
    scene.claude.answer = stage.answer
    await scene.post(scene.under(asked), "thanks")
    await scene.idle()
    assert scene.requests[-1]["messages"][1]["content"][0]["text"] == WITH_CODE


async def test_a_long_table_is_a_file(scene: stage.Stage) -> None:
    """A long table is a CSV file."""
    scene.claude.answer = lambda _body: WITH_TABLE
    asked = await scene.mention(scene.channel, "how many people?")
    await scene.idle()
    ((name, data),) = scene.files(scene.under(asked)).items()
    assert name == "table-1.csv"
    assert data.decode().splitlines()[:2] == ["city,people", "c0,0"]
    assert len(data.decode().splitlines()) == 31


@pytest.mark.parametrize("grows", [False, True])
async def test_more_than_four_posts_are_a_file_as_well(empty_stage: stage.Stage, *, grows: bool) -> None:
    """An answer of more than four posts stands whole in its posts, also when it grew, and is a file."""
    await empty_stage.start(bot_max_output_tokens=MOST_TOKENS)
    empty_stage.claude.answer = lambda _body: stage.slowly(LONG) if grows else LONG
    asked = await empty_stage.mention(empty_stage.channel, "tell me everything")
    await empty_stage.idle()
    place = empty_stage.under(asked)
    assert empty_stage.files(place) == {"answer.md": f"{LONG}\n".encode()}
    assert " ".join(empty_stage.answers(place)).split() == LONG.split()


async def test_without_leave_to_post_files_posts_it_is(empty_stage: stage.Stage) -> None:
    """Where the bot may post no files, the answer arrives whole in posts."""
    empty_stage.refuse_files()
    await empty_stage.start(bot_max_output_tokens=MOST_TOKENS)
    empty_stage.claude.answer = lambda _body: LONG
    asked = await empty_stage.mention(empty_stage.channel, "tell me everything")
    await empty_stage.idle()
    place = empty_stage.under(asked)
    assert empty_stage.files(place) == {}
    assert " ".join(empty_stage.answers(place)).split() == LONG.split()


async def _reply(scene: stage.Stage) -> tuple[stage.Place, conversation.Reply]:
    """A conversation of one question and one answer, and a second reply to it, as a worker has it."""
    asked = await scene.mention(scene.channel, "write me a program")
    await scene.idle()
    (name,) = scene.running.adapters
    (known,) = await scene.running.book.homes(name, dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    (asker, *_) = [post async for post in scene.running.book.posts(known.conversation_id)]
    return scene.under(asked), conversation.Reply(
        id="r1",
        conversation=known.conversation_id,
        home=known.home,
        place=2,
        asker=asker,
        state=conversation.ReplyState.DUE,
        resumed=False,
    )


class Memory:
    """What the log remembers of a reply's posts."""

    def __init__(self) -> None:
        self.ids: tuple[str, ...] = ()

    async def __call__(self, ids: tuple[str, ...]) -> None:
        """See ports.Remember."""
        self.ids = ids


async def test_finishing_twice_posts_a_file_once(scene: stage.Stage) -> None:
    """A reply that is finished again after a crash has each file once; another text takes it away."""
    place, reply = await _reply(scene)
    (platform,) = scene.running.adapters.values()
    memory = Memory()
    post = await platform.open(reply, memory)
    await post.finish(WITH_CODE)
    again = dataclasses.replace(reply, resumed=True, platform_ids=memory.ids)
    post = await platform.open(again, memory)
    await post.finish(WITH_CODE)
    assert list(scene.files(place)) == ["code-1.py"]
    await post.finish(WITH_TABLE)
    assert list(scene.files(place)) == ["table-1.csv"]
    await post.finish(WITH_CODE)
    again = dataclasses.replace(reply, resumed=True, platform_ids=memory.ids)
    await (await platform.open(again, memory)).finish("Done.")
    assert scene.files(place) == {}
    assert scene.answers(place)[1:] == ["Done."]


async def test_a_withdrawn_reply_takes_its_files_along(scene: stage.Stage) -> None:
    """A reply whose question was deleted leaves no file behind; a failed one neither."""
    place, reply = await _reply(scene)
    (platform,) = scene.running.adapters.values()
    memory = Memory()
    post = await platform.open(reply, memory)
    await post.finish(WITH_CODE)
    await post.fail("I could not.")
    assert scene.files(place) == {}
    await post.finish(WITH_CODE)
    again = dataclasses.replace(reply, resumed=True, platform_ids=memory.ids)
    await (await platform.open(again, memory)).withdraw()
    assert scene.files(place) == {}
    assert scene.answers(place) == stage.answered(1)


async def test_a_lost_outcome_posts_no_second_file(scene: stage.Stage) -> None:
    """Where the outcome of posting a file is lost, the file stands once all the same."""
    place, reply = await _reply(scene)
    (platform,) = scene.running.adapters.values()
    post = await platform.open(reply, Memory())
    scene.lose_next_file()
    await post.finish(WITH_CODE)
    assert list(scene.files(place)) == ["code-1.py"]
