"""Choosing by command: `model`, `prompt` and `context`, on the real log and the real planner."""

import pathlib
from typing import Any

import pytest
import test_command_desk as helpers
import world

from bot import conversation, errors
from bot.desk import commands, forgetting

desks = helpers.desks
FRESH = "the prompt cache begins afresh."


async def begun(desk: helpers.Desk) -> None:
    """A conversation with one question and its answer."""
    await desk.bot.say(1)
    await desk.bot.idle()


async def asked_next(desk: helpers.Desk, number: int = 2) -> conversation.Request:
    """The request that the next question makes."""
    await desk.bot.say(number)
    await desk.bot.idle()
    return desk.bot.model.requests[-1]


async def test_a_thread_can_have_its_own_model(tmp_path: pathlib.Path) -> None:
    """`model NAME`, with or without `claude-`, is what answers next; `model default` takes it back."""
    async with desks(tmp_path) as desk:
        await begun(desk)
        told = await desk.told("model", "opus-5-5")
        assert told.startswith("From now on `model` in this thread is `claude-opus-5-5`.")
        assert (await asked_next(desk)).plan.model == "claude-opus-5-5"
        shown = await desk.told("model")
        assert shown.startswith("`claude-opus-5-5` answers here, effort `low` (in this thread, by Ada, 2026-")
        await desk.told("model", "default")
        assert (await asked_next(desk, 3)).plan.model == "claude-sonnet-5-5"


async def test_a_model_nobody_knows_is_not_stored(tmp_path: pathlib.Path) -> None:
    """A model that the endpoint does not know is refused with those it knows; the old one goes on."""
    async with desks(tmp_path) as desk:
        await begun(desk)
        told = await desk.told("model", "gpt-4")
        assert told.startswith("I know no model `gpt-4`. These are known: claude-opus-5-5, ")
        assert (await asked_next(desk)).plan.model == "claude-sonnet-5-5"
        assert await desk.bot.log.choices.changes(world.KEY, world.HOME) == []


async def test_a_model_without_a_price_is_said_to_be_one(tmp_path: pathlib.Path) -> None:
    """It is stored, and the person hears that nobody can tell what it costs."""
    async with desks(tmp_path) as desk:
        await begun(desk)
        assert "I know no price for it" in await desk.told("model", "claude-next-7")


async def test_a_model_that_cannot_be_checked_is_not_stored(tmp_path: pathlib.Path) -> None:
    """Where the endpoint does not answer, everything stays and the person hears why."""
    async with desks(tmp_path) as desk:
        await begun(desk)

        async def away() -> tuple[str, ...]:
            raise errors.Unreachable

        object.__setattr__(desk.desk.choosing, "models", away)
        told = await desk.told("model", "opus-5-5")
        assert told.startswith("I could not check that model, and left everything as it was.")
        assert (await asked_next(desk)).plan.model == "claude-sonnet-5-5"


async def test_a_prompt_of_its_own_begins_a_new_prefix_knowingly(tmp_path: pathlib.Path) -> None:
    """`prompt TEXT`, of several lines, is what Claude is told next; the plan says so, and `context` does."""
    async with desks(tmp_path) as desk:
        await begun(desk)
        first = desk.bot.model.requests[-1].plan
        assert FRESH not in await desk.told("context")
        told = await desk.told("prompt", "You are a pirate.\nSay arr.")
        assert told.startswith("From now on `prompt` in this thread is yours.")
        assert FRESH in await desk.told("context")
        request = await asked_next(desk)
        assert request.system.startswith("You are a pirate.\nSay arr.\n")
        assert request.plan.prompt != first.prompt
        assert (request.plan.previous_place, request.plan.expected_read) == (None, 0)
        assert FRESH not in await desk.told("context")
        assert "You are a pirate.\nSay arr." in await desk.told("prompt")


async def test_a_prompt_has_a_longest_length(tmp_path: pathlib.Path) -> None:
    """16,000 characters are taken, one more is not."""
    async with desks(tmp_path) as desk:
        await begun(desk)
        assert (await desk.told("prompt", "x" * 16_001)).startswith("That is too long")
        assert (await desk.told("prompt", "x" * 16_000)).startswith("From now on")


@pytest.mark.parametrize(
    ("argument", "field", "value"),
    [
        ("strategy window", "strategy", "window"),
        ("Strategy Full", "strategy", "full"),
        ("replies mention", "thread_replies", "mention"),
        ("web off", "web", False),
        ("tools none", "servers", frozenset()),
    ],
)
async def test_context_chooses(tmp_path: pathlib.Path, argument: str, field: str, value: object) -> None:
    """`context NAME VALUE` chooses for this thread, and `context` shows it with who chose it."""
    async with desks(tmp_path) as desk:
        await begun(desk)
        assert (await desk.told("context", argument)).startswith("From now on")
        found = await desk.bot.chooser.of(world.KEY)
        assert getattr(found.policy, field, getattr(found, field, None)) == value
        name = argument.split(maxsplit=1)[0].lower()
        assert f"- `{name}`: `{argument.split()[1].lower()}` (in this thread, by Ada, " in await desk.told(
            "context"
        )


@pytest.mark.parametrize(
    "argument", ["strategy", "strategy forget", "colour red", "tools github", "web maybe"]
)
async def test_what_nobody_can_choose_is_explained(tmp_path: pathlib.Path, argument: str) -> None:
    """A name or a value there is not changes nothing; the person hears what there is."""
    async with desks(tmp_path, rules=helpers.ADMIN) as desk:
        await begun(desk)
        assert "`default`" in await desk.told("context", argument)
        assert (await desk.bot.chooser.of(world.KEY)).made == ()


CHANNEL = "for a whole channel"
TOOLS = "Only an admin of mine"


@pytest.mark.parametrize(
    ("word", "argument", "refused"),
    [
        ("model", "channel opus-5-5", CHANNEL),
        ("prompt", "channel Be brief.", CHANNEL),
        ("context", "channel strategy full", CHANNEL),
        ("context", "strategy channel full", CHANNEL),
        ("context", "channel web on", TOOLS),
        ("context", "web on", TOOLS),
        ("context", "tools all", TOOLS),
        ("context", "tools default", TOOLS),
        ("context", "channel web off", CHANNEL),
    ],
)
async def test_what_only_admins_may_choose(
    tmp_path: pathlib.Path, word: str, argument: str, refused: str
) -> None:
    """A channel's choices and tools are for admins; others are told so, and nothing changes."""
    async with desks(tmp_path) as desk:
        await begun(desk)
        assert refused in await desk.told(word, argument)
        assert (await desk.bot.chooser.of(world.KEY)).made == ()
    async with desks(tmp_path, rules=helpers.ADMIN) as desk:
        assert (await desk.told(word, argument)).startswith(("From now on", "That is so"))


async def test_a_channels_choice_reaches_its_other_threads(tmp_path: pathlib.Path) -> None:
    """What an admin chooses for the channel counts in a thread that begins later."""
    other = conversation.ConversationId("slack:T1:C1:9.0")
    async with desks(tmp_path, rules=helpers.ADMIN) as desk:
        await desk.told("model", "channel opus-5-5")  # also where nothing was said yet
        await desk.bot.say(1, conversation=other)
        await desk.bot.idle()
        assert desk.bot.model.requests[-1].plan.model == "claude-opus-5-5"


async def test_there_is_nothing_to_choose_for_before_a_conversation(tmp_path: pathlib.Path) -> None:
    """In a channel without a conversation the person hears where to say it; a DM is chosen for as a whole."""
    async with desks(tmp_path) as desk:
        assert "`model channel …`" in await desk.told("model", "opus-5-5")
        told = await desk.told("model", "opus-5-5", direct=True)
        assert told.startswith("From now on `model` in this direct message is ")
        assert [each.scope for each in (await desk.bot.log.choices.of(world.KEY, world.HOME))] == ["channel"]


async def test_the_newest_changes_are_told(tmp_path: pathlib.Path) -> None:
    """`context` tells who changed what, when, from and to, and shows no prompt's words."""
    async with desks(tmp_path) as desk:
        await begun(desk)
        await desk.told("model", "opus-5-5")
        await desk.told("prompt", "SECRET")
        told = await desk.told("context")
        assert "Ada: `prompt` in this thread from the default to 6 characters" in told
        assert "Ada: `model` in this thread from the default to `claude-opus-5-5`" in told
        assert "SECRET" not in told


def a_press(outcome: commands.Outcome, **changes: Any) -> conversation.Press:
    """The asker presses the only button."""
    (button,) = outcome.buttons
    fields: dict[str, Any] = {
        "id": "p1", "post": "9", "conversation": world.KEY, "home": world.HOME, "author": "U1",
        "author_name": "Ada", "action": button.action, "value": button.value,
    }  # fmt: skip
    return conversation.Press(**{**fields, **changes})


async def test_forget_asks_with_a_button(tmp_path: pathlib.Path) -> None:
    """The one who asked presses it and hears what was erased; from another, nothing is erased."""
    async with desks(tmp_path) as desk:
        await begun(desk)
        outcome = await desk.outcome("forget")
        assert outcome is not None
        assert outcome.buttons[0].action == forgetting.ACTION
        assert await desk.desk.pressed(a_press(outcome, author="U2")) == forgetting.NOT_YOURS
        assert len(await desk.bot.said()) == 2
        told = await desk.desk.pressed(a_press(outcome))
        assert told == "Erased 2 posts, every summary of them, and what was chosen for this thread."
        assert await desk.bot.said() == []


async def test_the_button_of_forget_me_is_its_askers(tmp_path: pathlib.Path) -> None:
    """Nobody erases their own posts by a button that somebody else asked for."""
    async with desks(tmp_path) as desk:
        await begun(desk)
        outcome = await desk.outcome("forget", "me")
        assert outcome is not None
        assert await desk.desk.pressed(a_press(outcome, author="U2")) == forgetting.NOT_YOURS
        told = await desk.desk.pressed(a_press(outcome))
        assert told == "Erased 1 post, every summary of them, and every correction of them."


async def test_retry_takes_the_question_as_edited(tmp_path: pathlib.Path) -> None:
    """A question that was edited after its answer is asked again in its new words."""
    async with desks(tmp_path) as desk:
        await begun(desk)
        await desk.bot.intake.edit(world.KEY, "1", "hullo", desk.bot.clock.now())
        await desk.told("retry")
        await desk.bot.idle()
        assert "hullo" in desk.bot.model.requests[-1].turns[-1].blocks[-1].text
        assert [text for _, text in await desk.bot.said()] == ["hullo", "ok"]
