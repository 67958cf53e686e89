"""What is chosen where: settings, channel, thread, on the real log."""

import contextlib
import dataclasses
import datetime as dt
import pathlib
from collections.abc import AsyncIterator
from typing import Any

import fakes
import pytest
import world

from bot import conversation, thread_log
from bot.desk import choosing

OTHER = conversation.ConversationId("slack:T1:C1:2.0")
ELSEWHERE = dataclasses.replace(world.HOME, channel="C2")


def a_choice(name: str, value: str, scope: choosing.Scope = "thread") -> choosing.Choice:
    """Somebody's choice."""
    return choosing.Choice(
        scope=scope, name=name, value=value, author="U1", author_name="Ada", at=fakes.START
    )


@contextlib.asynccontextmanager
async def opened(folder: pathlib.Path) -> AsyncIterator[thread_log.ThreadLog]:
    """A process on the log in this folder."""
    clock = fakes.Clock()
    async with thread_log.open(f"sqlite:///{folder / 'bot.db'}", clock=clock.now) as log:
        yield log


async def put(
    log: thread_log.ThreadLog, scope: choosing.Scope, name: str, value: str
) -> choosing.Change | None:
    """Ada chooses something in the usual conversation."""
    return await log.choices.put(
        world.KEY, world.HOME, scope=scope, name=name, value=value, author="U1", author_name="Ada"
    )


async def of(log: thread_log.ThreadLog, key: str = world.KEY, **changes: Any) -> choosing.Choices:
    """What is in force, told where the conversation lives."""
    home = dataclasses.replace(world.HOME, **changes)
    chooser = choosing.Chooser(base=world.some_choices(), book=log.choices)
    return await chooser.of(conversation.ConversationId(key), home)


async def test_a_thread_wins_over_its_channel_and_that_over_the_settings(tmp_path: pathlib.Path) -> None:
    """Each name is taken from the nearest that chose it; another channel's choices count nowhere else."""
    async with opened(tmp_path) as log:
        await put(log, "channel", "model", "claude-opus-5-5")
        await put(log, "channel", "strategy", "full")
        await put(log, "thread", "model", "claude-haiku-5-5")
        here, beside, far = await of(log), await of(log, OTHER), await of(log, channel="C2")
        assert (here.policy.model, here.policy.strategy) == ("claude-haiku-5-5", "full")
        assert (beside.policy.model, beside.policy.strategy) == ("claude-opus-5-5", "full")
        assert (far.policy.model, far.policy.strategy) == ("claude-sonnet-5-5", "summarise")


@pytest.mark.parametrize("other", [{"platform": "discord"}, {"workspace": "T2"}])
async def test_a_channel_is_one_of_its_workspace_and_platform(
    tmp_path: pathlib.Path, other: dict[str, str]
) -> None:
    """The same channel id elsewhere is another channel."""
    async with opened(tmp_path) as log:
        await put(log, "channel", "model", "claude-opus-5-5")
        assert (await of(log, OTHER, **other)).policy.model == "claude-sonnet-5-5"


async def test_choices_of_a_known_conversation_need_no_home(tmp_path: pathlib.Path) -> None:
    """The log knows where a conversation lives; of one it does not know nothing is chosen."""
    async with opened(tmp_path) as log:
        await log.record(world.a_post(1), world.HOME)
        await put(log, "channel", "prompt", "Be brief.")
        chooser = choosing.Chooser(base=world.some_choices(), book=log.choices)
        assert (await chooser.of(world.KEY)).instructions == "Be brief."
        assert (await chooser.of(OTHER)).instructions == world.INSTRUCTIONS


async def test_two_processes_see_each_other_at_once(tmp_path: pathlib.Path) -> None:
    """What one process has chosen is in force in the other with its next question."""
    async with opened(tmp_path) as one, opened(tmp_path) as other:
        assert (await of(other)).thread_replies == "always"
        await put(one, "channel", "replies", "mention")
        assert (await of(other)).thread_replies == "mention"


async def test_every_change_is_kept_with_its_author(tmp_path: pathlib.Path) -> None:
    """Who, when, from what to what, newest first; what changes nothing leaves no trace."""
    async with opened(tmp_path) as log:
        await put(log, "channel", "web", "on")
        assert await put(log, "channel", "web", "on") is None
        await put(log, "thread", "web", "off")
        await put(log, "channel", "web", "")
        found = await log.choices.changes(world.KEY, world.HOME)
        told = [(each.scope, each.name, each.before, each.after, each.author_name) for each in found]
        assert told == [
            ("channel", "web", "on", "", "Ada"),
            ("thread", "web", "", "off", "Ada"),
            ("channel", "web", "", "on", "Ada"),
        ]
        assert all(fakes.START <= each.at < fakes.START + dt.timedelta(seconds=1) for each in found)
        assert (await of(log)).made == (dataclasses.replace(a_choice("web", "off"), at=found[1].at),)


async def test_a_forgotten_conversation_has_no_choices_left(tmp_path: pathlib.Path) -> None:
    """A thread's own prompt goes with it, and the account of it; the channel's stays."""
    async with opened(tmp_path) as log:
        await log.record(world.a_post(1), world.HOME)
        await put(log, "thread", "prompt", "SECRET")
        await put(log, "channel", "model", "claude-opus-5-5")
        await log.forget(world.KEY)
        await log.scrubbed()
        assert [each.name for each in (await of(log)).made] == ["model"]
        assert [each.name for each in await log.choices.changes(world.KEY, world.HOME)] == ["model"]


async def test_a_forgotten_person_is_named_nowhere(tmp_path: pathlib.Path) -> None:
    """What they chose goes on; their name goes, and of their prompts all that is not in force."""
    async with opened(tmp_path) as log:
        await put(log, "channel", "prompt", "old words")
        await put(log, "channel", "prompt", "new words")
        await log.forget_user("slack:U1")
        (choice,) = (await of(log)).made
        assert (choice.value, choice.author, choice.author_name) == ("new words", "", "")
        found = await log.choices.changes(world.KEY, world.HOME)
        assert [(each.before, each.after, each.author) for each in found] == [
            ("(erased)", "(erased)", ""),
            ("", "(erased)", ""),
        ]


@pytest.mark.parametrize(
    ("name", "value", "field", "expected"),
    [
        ("model", "claude-opus-5-5", "model", "claude-opus-5-5"),
        ("prompt", "Be brief.", "instructions", "Be brief."),
        ("replies", "mention", "thread_replies", "mention"),
        ("web", "on", "web", True),
        ("tools", "all", "servers", None),
        ("tools", "none", "servers", frozenset()),
        ("tools", "time, github", "servers", frozenset({"time", "github"})),
        ("strategy", "forgetful", "strategy", "summarise"),  # of another version: not chosen
        ("colour", "red", "instructions", world.INSTRUCTIONS),
    ],
)
def test_a_choice_changes_what_it_names(name: str, value: str, field: str, expected: object) -> None:
    """A choice's text becomes the value that the rest of the bot reads; nonsense leaves the settings."""
    found = choosing.overlay(world.some_choices(), [a_choice(name, value)])
    flat = {
        **vars(found.policy),
        **{each.name: getattr(found, each.name) for each in dataclasses.fields(found)},
    }
    assert flat[field] == expected


def test_servers_that_are_not_named_are_not_allowed() -> None:
    """`tools` narrows the operator's list; without it all of that is allowed."""
    base = world.some_choices()
    assert base.allows("time")
    assert choosing.overlay(base, [a_choice("tools", "time")]).allows("time")
    assert not choosing.overlay(base, [a_choice("tools", "time")]).allows("github")
