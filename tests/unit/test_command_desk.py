"""What people say to the bot, carried out on the real log."""

import contextlib
import dataclasses
import itertools
import json
import pathlib
from collections.abc import AsyncIterator
from typing import Any

import fakes
import pytest
import world

from bot import access, conversation, errors
from bot.desk import choice_desk, command_desk, commands
from bot.money import accounting

DESKS = itertools.count()
NOBODY = access.Rules()
ADMIN = access.Rules(admins=frozenset({"slack:U1"}))


class Desk:
    """A process with its command desk."""

    def __init__(self, bot: world.World, rules: access.Rules) -> None:
        self.bot = bot
        self.count = 100 * next(DESKS)  # no two desks give a command the same id
        self.desk = command_desk.CommandDesk(
            book=bot.log,
            choosing=choice_desk.ChoiceDesk(
                book=bot.log.choices,
                choices=bot.chooser,
                rules=rules,
                holds=bot.log.holds,
                models=self.models,
                servers=("time",),
            ),
            stop=bot.workers.stop,
            wake=bot.workers.wake,
            now=bot.clock.now,
            rules=rules,
            standing=self.standing,
        )

    async def standing(self, account: accounting.Account) -> list[tuple[accounting.Limit, int]]:
        """Ada's budget: half of it is spent."""
        assert account == accounting.Account(user="slack:U1", channel="slack:C1")
        return [(accounting.Limit(scope="user", nano=2 * accounting.NANO), accounting.NANO)]

    async def models(self) -> tuple[str, ...]:
        """What the endpoint knows."""
        return ("claude-opus-5-5", "claude-sonnet-5-5", "claude-next-7")

    async def outcome(
        self, word: str, argument: str = "", command_id: str = "", **changes: Any
    ) -> commands.Outcome | None:
        """Give a command."""
        self.count += 1
        command = commands.Command(
            id=command_id or f"c{self.count}",
            word=word,
            argument=argument,
            conversation=world.KEY,
            author="U1",
            author_name="Ada",
        )
        return await self.desk.obey(dataclasses.replace(command, **changes), world.HOME)

    async def told(self, word: str, argument: str = "", **changes: Any) -> str:
        """What the person is told."""
        outcome = await self.outcome(word, argument, **changes)
        assert outcome is not None
        return outcome.text


@contextlib.asynccontextmanager
async def desks(
    folder: pathlib.Path, *script: str, rules: access.Rules = NOBODY, **policy: Any
) -> AsyncIterator[Desk]:
    """A desk on a bot with a scripted Claude."""
    async with world.opened(folder, model=fakes.Model(script=list(script)), **policy) as bot:
        yield Desk(bot, rules)


@pytest.mark.parametrize("word", [*commands.WORDS, "usgae"])
async def test_a_command_is_carried_out_once(tmp_path: pathlib.Path, word: str) -> None:
    """The same command delivered again, hint or not, says nothing; also in a conversation nobody knows."""
    async with desks(tmp_path) as desk:
        first = await desk.outcome(word, command_id="c1")
        assert first is not None
        assert first.text
        assert await desk.outcome(word, command_id="c1") is None
        assert desk.bot.model.requests == []


async def test_an_unknown_word_gets_a_hint(tmp_path: pathlib.Path) -> None:
    """A slip is answered with the likely word, and costs no call."""
    async with desks(tmp_path) as desk:
        assert await desk.told("usgae") == commands.hint("usgae")


async def test_help_lists_every_word(tmp_path: pathlib.Path) -> None:
    """`help` names each command with what it does."""
    async with desks(tmp_path) as desk:
        text = await desk.told("help")
        for word, what in commands.WORDS.items():
            assert f"- `{word}`: {what}" in text


async def test_new_hides_what_came_before(tmp_path: pathlib.Path) -> None:
    """After `new` the next request holds nothing older; an export still has it."""
    async with desks(tmp_path) as desk:
        await desk.bot.say(1, "Before.")
        await desk.bot.idle()
        await desk.told("new")
        await desk.bot.say(2, "After?")
        await desk.bot.idle()
        assert desk.bot.model.asked() == ["1", "2"]
        assert len(desk.bot.model.requests[1].turns) == 1
        assert [text for _, text in await desk.bot.said()] == ["Before.", "ok", "After?", "ok"]


async def test_stop_stops_what_runs(tmp_path: pathlib.Path) -> None:
    """`stop` ends the running answer, and says so; with none it says that."""
    async with desks(tmp_path, "Half of it") as desk:
        assert await desk.told("stop") == "I am not writing anything here right now."
        desk.bot.model.holding = True
        await desk.bot.say(1)
        await desk.bot.model.called(1)
        assert await desk.told("stop") == "Stopped."
        await desk.bot.idle()
        assert desk.bot.platform.visible == ["Half\n\n*(Stopped.)*"]


async def test_retry_answers_the_last_question_again(tmp_path: pathlib.Path) -> None:
    """The question is answered anew, its first answer is out of the log; without one there is nothing."""
    async with desks(tmp_path, "First.", "Second.") as desk:
        assert await desk.told("retry") == command_desk.NOTHING_AGAIN
        await desk.bot.say(1)
        await desk.bot.idle()
        assert await desk.told("retry") == "I answer the last question again."
        await desk.bot.idle()
        assert desk.bot.model.asked() == ["1", "1"]
        assert await desk.bot.said() == [("user", "hello"), ("assistant", "Second.")]
        texts = [block.text for turn in desk.bot.model.requests[1].turns for block in turn.blocks]
        assert "First." not in "".join(texts)


async def test_context_says_what_claude_sees(tmp_path: pathlib.Path) -> None:
    """`context` counts what is word for word, summarised and left out, against the budget."""
    async with desks(tmp_path) as desk:
        await desk.bot.say(1, "x" * 300)
        await desk.bot.idle()
        assert (await desk.told("context")).startswith(
            "Claude sees 2 of 2 posts word for word: about 119 tokens of a budget of 32,000. "
            "Strategy `summarise`, model `claude-sonnet-5-5`."
        )


async def test_summary_and_context_show_what_was_summarised(tmp_path: pathlib.Path) -> None:
    """`summary` is the text Claude gets; `context` counts the posts it stands for."""
    script = ("One.", "Ada said many words.", "Two.")
    async with desks(tmp_path, *script, budget_tokens=3000, floor_tokens=2600) as desk:
        assert await desk.told("summary") == "Nothing here has been summarised: Claude sees every post."
        for number in (1, 2):
            await desk.bot.say(number, "word " * 1500)
            await desk.bot.idle()
        assert await desk.told("summary") == "Ada said many words."
        assert "Claude sees 2 of 4 posts word for word, 2 in the summary: about 2,5" in await desk.told(
            "context"
        )


async def test_context_names_what_a_window_left_out(tmp_path: pathlib.Path) -> None:
    """Under `window`, what fell out of the window is counted."""
    policy: dict[str, Any] = {"strategy": "window", "window_turns": 1}
    policy |= {"budget_tokens": 3000, "floor_tokens": 2600}
    async with desks(tmp_path, **policy) as desk:
        for number in (1, 2, 3):
            await desk.bot.say(number, "word " * 1500)
            await desk.bot.idle()
        assert "2 of 6 posts word for word, 4 left out (past the window)" in await desk.told("context")


async def test_usage_is_the_conversations_bill(tmp_path: pathlib.Path) -> None:
    """`usage` gives a line for each model that was called here, and says when nothing was."""
    async with desks(tmp_path) as desk:
        budget = "Your day: $1.00 of $2.00 spent."
        assert await desk.told("usage") == f"This conversation has cost nothing yet.\n{budget}"
        await desk.bot.say(1)
        await desk.bot.idle()
        assert (await desk.told("usage")).startswith("`claude-sonnet-5-5`: 1 request, ")


async def test_model_and_prompt_are_told(tmp_path: pathlib.Path) -> None:
    """Who answers here, how hard it thinks, and by which instructions."""
    async with desks(tmp_path) as desk:
        assert await desk.told("model") == "`claude-sonnet-5-5` answers here, effort `low` (setting)."
        assert await desk.told("prompt") == f"I follow these instructions (setting):\n\n{world.INSTRUCTIONS}"


@pytest.mark.parametrize(
    ("argument", "name"),
    [
        ("", "conversation.jsonl"),
        ("jsonl", "conversation.jsonl"),
        ("Markdown", "conversation.md"),
        ("md", "conversation.md"),
    ],
)
async def test_export_is_a_file(tmp_path: pathlib.Path, argument: str, name: str) -> None:
    """Every post comes as one file, JSON lines unless Markdown is asked for; nothing is no file."""
    async with desks(tmp_path) as desk:
        empty = await desk.outcome("export", argument)
        assert empty is not None
        assert (empty.file_name, empty.file) == ("", b"")
        await desk.bot.say(1, "Ça va?")
        await desk.bot.idle()
        outcome = await desk.outcome("export", argument)
        assert outcome is not None
        assert outcome.file_name == name
        assert "Ça va?" in outcome.file.decode()
        if name.endswith("jsonl"):
            assert [json.loads(line)["text"] for line in outcome.file.splitlines()] == ["Ça va?", "ok"]


async def test_forget_wants_a_yes(tmp_path: pathlib.Path) -> None:
    """Without `yes` nothing is erased and the person is told how."""
    async with desks(tmp_path) as desk:
        await desk.bot.say(1)
        await desk.bot.idle()
        assert "`forget yes`" in await desk.told("forget")
        assert len(await desk.bot.said()) == 2
        assert (
            await desk.told("forget", "Yes")
            == "Erased 2 posts, every summary of them, and what was chosen for this thread."
        )
        assert await desk.bot.said() == []


async def test_forget_ends_a_running_answer(tmp_path: pathlib.Path) -> None:
    """What is being written is stopped, nothing of it enters the log, and the next question is answered."""
    async with desks(tmp_path, "Half of it") as desk:
        desk.bot.model.holding = True
        await desk.bot.say(1, "A secret")
        await desk.bot.model.called(1)
        await desk.told("forget", "yes")
        desk.bot.model.go.set()
        await desk.bot.idle()
        assert await desk.bot.said() == []
        await desk.bot.say(2, "Next")
        await desk.bot.idle()
        assert "A secret" not in str(desk.bot.model.requests[-1].turns)
        assert [text for _, text in await desk.bot.said()] == ["Next", "ok"]


async def test_everybodys_usage_is_for_admins(tmp_path: pathlib.Path) -> None:
    """By person, channel, conversation or day, all of it is told to admins and to nobody else."""
    async with desks(tmp_path) as desk:
        await desk.bot.say(1)
        await desk.bot.idle()
        assert await desk.told("usage", "user") == access.ADMINS_ONLY
    async with desks(tmp_path, rules=ADMIN) as desk:
        for by, key in (("user", "slack:U1"), ("channel", "slack:C1"), ("conversation", world.KEY)):
            assert (await desk.told("usage", by)).startswith(f"`{key}`: 1 request, ")


async def test_what_others_wrote_is_forgotten_by_admins_alone(tmp_path: pathlib.Path) -> None:
    """A conversation that others have written in is erased for an admin; its own posts for everybody."""
    async with desks(tmp_path) as desk:
        await desk.bot.say(1, "Ada's word")
        await desk.bot.say(2, "Bob's word", author="U2", author_name="Bob")
        await desk.bot.idle()
        for argument in ("", "yes"):
            assert "only an admin" in await desk.told("forget", argument)
        assert await desk.told("forget", "slack:U2 yes") == access.ADMINS_ONLY
        assert "`forget me yes`" in await desk.told("forget", "me")
        assert (
            await desk.told("forget", "me yes")
            == "Erased 1 post, every summary of them, and every correction of them."
        )
        left = [text for role, text in await desk.bot.said() if role == "user"]
        assert left == ["Bob's word"]
    async with desks(tmp_path, rules=ADMIN) as desk:
        assert "every post of slack:U2" in await desk.told("forget", "slack:U2")
        assert (
            await desk.told("forget", "slack:U2 yes")
            == "Erased 1 post, every summary of them, and every correction of them."
        )
        assert "user" not in [role for role, _ in await desk.bot.said()]
        assert (await desk.told("forget", "yes")).startswith("Erased ")
        assert await desk.bot.said() == []


@pytest.mark.parametrize("argument", ["everything", "U2 yes", "me too yes", "slack:U1 slack:U2"])
async def test_what_should_be_forgotten_must_be_clear(tmp_path: pathlib.Path, argument: str) -> None:
    """Anything else than a person or this conversation erases nothing and is explained."""
    async with desks(tmp_path, rules=ADMIN) as desk:
        await desk.bot.say(1)
        await desk.bot.idle()
        assert "Say `forget`" in await desk.told("forget", argument)
        assert len(await desk.bot.said()) == 2


async def test_a_command_that_could_not_be_carried_out_is_carried_out_when_it_comes_again(
    tmp_path: pathlib.Path,
) -> None:
    """Where the log fails in the middle, the platform sends the command again, and then it is done."""

    class Locked:
        """The log, whose first erasure fails."""

        def __init__(self, book: Any) -> None:
            self.book, self.faults = book, [errors.LogUnusable("locked")]

        def __getattr__(self, name: str) -> Any:
            return getattr(self.book, name)

        async def forget(self, conversation_id: conversation.ConversationId) -> int:
            """Fail once."""
            if self.faults:
                raise self.faults.pop()
            count: int = await self.book.forget(conversation_id)
            return count

    async with desks(tmp_path) as desk:
        await desk.bot.log.record(world.a_post(1, "a secret"), world.HOME)
        book: Any = Locked(desk.bot.log)
        desk.desk = dataclasses.replace(desk.desk, book=book)
        with pytest.raises(errors.LogUnusable):
            await desk.outcome("forget", "yes", command_id="c1")
        assert await desk.outcome("forget", "yes", command_id="c1") is not None
        assert [post async for post in desk.bot.log.posts(world.KEY)] == []
