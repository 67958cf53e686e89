"""Slash commands, context menus, buttons, modals and completion, answered through discord.py."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import discord
import pytest
from discord import app_commands
from test_discord_support import Bot, Clock, Room, running

from emulators import discord as fake


class Confirm(discord.ui.View):
    """One button."""

    @discord.ui.button(label="Yes", custom_id="yes")
    async def yes(self, interaction: discord.Interaction, _: Any) -> None:
        """Change the message that was clicked."""
        await interaction.response.edit_message(content="done", view=None)


class Prompt(discord.ui.Modal, title="Prompt"):
    """One text field."""

    text: discord.ui.TextInput[Any] = discord.ui.TextInput(label="Text", custom_id="text")

    async def on_submit(self, interaction: discord.Interaction) -> None:
        """Say what was written."""
        await interaction.response.send_message(f"got {self.text.value}", ephemeral=True)


class CommandBot(Bot):
    """A client with commands of every kind."""

    def __init__(self) -> None:
        super().__init__()
        self.tree = app_commands.CommandTree(
            self,
            allowed_installs=app_commands.AppInstallationType(guild=True, user=True),
            allowed_contexts=app_commands.AppCommandContext(
                guild=True, dm_channel=True, private_channel=True
            ),
        )
        _commands(self.tree)

    async def setup_hook(self) -> None:
        """Register the commands, as a bot does on start."""
        await self.tree.sync()


def _commands(tree: app_commands.CommandTree[Any]) -> None:
    @tree.command(name="usage", description="What it cost")
    @app_commands.describe(by="grouping")
    async def usage(interaction: discord.Interaction, by: str = "day") -> None:
        await interaction.response.send_message(f"by {by}", ephemeral=True)

    @usage.autocomplete("by")
    async def complete(_: discord.Interaction, current: str) -> list[app_commands.Choice[str]]:
        return [
            app_commands.Choice(name=each, value=each) for each in ("day", "user") if each.startswith(current)
        ]

    @tree.command(name="summary", description="What it remembers")
    async def summary(interaction: discord.Interaction) -> None:
        await interaction.response.defer(ephemeral=True)
        await interaction.followup.send("first", ephemeral=True)
        await interaction.followup.send("second", ephemeral=True)

    @tree.command(name="shout", description="For everybody")
    async def shout(interaction: discord.Interaction) -> None:
        await interaction.response.send_message("draft")
        await interaction.edit_original_response(content="loud")

    @tree.command(name="confirm", description="A button")
    async def confirm(interaction: discord.Interaction) -> None:
        await interaction.response.send_message("sure?", view=Confirm(timeout=None), ephemeral=True)

    group = app_commands.Group(name="prompt", description="Instructions")

    @group.command(name="set", description="Change them")
    async def prompt_set(interaction: discord.Interaction) -> None:
        await interaction.response.send_modal(Prompt())

    tree.add_command(group)

    @tree.context_menu(name="Ask about this")
    async def ask(interaction: discord.Interaction, message: discord.Message) -> None:
        await interaction.response.send_message(f"about {message.content}", ephemeral=True)


@pytest.fixture
async def service() -> AsyncIterator[fake.Discord]:
    """A service on loopback."""
    async with fake.Discord() as started:
        yield started


@pytest.fixture
def room(service: fake.Discord) -> Room:
    """A server in it."""
    return Room(service)


@pytest.fixture
async def bot(service: fake.Discord, room: Room) -> AsyncIterator[CommandBot]:
    """A connected client with its commands registered."""
    async with running(service, CommandBot()) as connected:
        assert connected.get_guild(int(room.guild)) is not None
        assert isinstance(connected, CommandBot)
        yield connected


async def test_commands_are_registered_with_contexts(service: fake.Discord, bot: CommandBot) -> None:
    """A sync registers every command with its contexts; syncing again keeps the ids."""
    before = {each["name"]: each["id"] for each in service.commands}
    assert set(before) == {"usage", "summary", "shout", "confirm", "prompt", "Ask about this"}
    assert all(each["contexts"] == [0, 1, 2] for each in service.commands)
    await bot.tree.sync()
    assert {each["name"]: each["id"] for each in service.commands} == before


async def test_a_slash_command_is_answered_privately(
    service: fake.Discord, bot: CommandBot, room: Room
) -> None:
    """An ephemeral answer reaches the person, with its flag, and is no part of the channel."""
    thread = await service.create_thread(channel=room.channel, user=room.ada, name="t")
    await bot.hears("message")
    for channel in (thread, service.open_dm(room.ada)):
        asked = await service.slash(room.ada, channel, "usage", {"by": "user"})
        (answer,) = await asked.answered()
        assert (answer["content"], answer["flags"] & 64) == ("by user", 64)
        assert service.messages(channel) == []
    assert len(bot.all("message")) == 1


async def test_a_deferred_command_is_answered_later(
    service: fake.Discord, bot: CommandBot, room: Room
) -> None:
    """The first follow-up takes the place of "thinking", the next stands below it, both private."""
    assert bot.application_id is not None
    asked = await service.slash(room.ada, room.channel, "summary", {})
    await service.until(lambda _: len(asked.responses) == 2)
    assert [answer["content"] for answer in asked.responses] == ["first", "second"]
    assert all(answer["flags"] & 64 for answer in asked.responses)
    assert not asked.deferred


async def test_a_public_answer_is_a_message(service: fake.Discord, bot: CommandBot, room: Room) -> None:
    """A public answer stands in the channel as message type 20, and its edit is heard."""
    asked = await service.slash(room.ada, room.channel, "shout", {})
    await bot.hears("raw_message_edit")
    (message,) = service.messages(room.channel)
    assert (message["type"], message["content"]) == (20, "loud")
    assert [answer["id"] for answer in asked.responses] == [message["id"]]


async def test_a_message_menu_gives_the_message(service: fake.Discord, bot: CommandBot, room: Room) -> None:
    """A context-menu command carries the message it was used on."""
    assert bot.is_ready()
    message = await service.post(channel=room.channel, user=room.bob, content="this")
    asked = await service.context_menu(room.ada, message, "Ask about this")
    assert [answer["content"] for answer in await asked.answered()] == ["about this"]


async def test_a_button_changes_its_message(service: fake.Discord, bot: CommandBot, room: Room) -> None:
    """A click reaches the view, which changes the message; a button that is not there cannot be clicked."""
    assert bot.is_ready()
    asked = await service.slash(room.ada, room.channel, "confirm", {})
    (shown,) = await asked.answered()
    with pytest.raises(LookupError):
        await service.button(room.ada, shown["id"], "no")
    await service.button(room.ada, shown["id"], "yes")
    await service.until(lambda _: asked.responses[0]["content"] == "done")
    assert asked.responses[0]["components"] == []


async def test_a_modal_is_shown_and_sent(service: fake.Discord, bot: CommandBot, room: Room) -> None:
    """A sub-command shows a modal, and what is written into it comes back."""
    assert bot.is_ready()
    asked = await service.slash(room.ada, room.channel, "prompt set", {})
    await asked.answered()
    assert asked.modal is not None
    sent = await service.submit(asked, {"text": "be kind"})
    assert [answer["content"] for answer in await sent.answered()] == ["got be kind"]


async def test_completion_gives_choices(service: fake.Discord, bot: CommandBot, room: Room) -> None:
    """While an option is typed the bot offers choices."""
    assert bot.is_ready()
    asked = await service.slash(room.ada, room.channel, "usage", {"by": "u"}, focused="by")
    await asked.answered()
    assert [choice["value"] for choice in asked.choices or ()] == ["user"]


async def test_people_pick_only_what_is_offered(service: fake.Discord, bot: CommandBot, room: Room) -> None:
    """A command, option or sub-command that does not exist cannot be used."""
    assert bot.is_ready()
    wrong: list[tuple[str, dict[str, Any]]] = [
        ("nothing", {}),
        ("usage", {"for": 1}),
        ("prompt", {}),
        ("prompt get", {}),
    ]
    for name, options in wrong:
        with pytest.raises(LookupError):
            await service.slash(room.ada, room.channel, name, options)


async def test_the_clock_rules_interactions() -> None:
    """Three seconds for the first answer, one answer only, a follow-up only after it, for fifteen minutes."""
    clock = Clock()
    async with fake.Discord(clock=clock) as service:
        room = Room(service)
        async with aiohttp.ClientSession() as http:
            await _register(http, service)
            answered = await service.slash(room.ada, room.channel, "ping", {})
            late = await service.slash(room.ada, room.channel, "ping", {})
            assert await _follow_up(http, service, answered) == (404, 10015)
            assert await _call_back(http, service, answered) == (204, None)
            assert await _call_back(http, service, answered) == (400, 40060)
            clock.now += 4
            assert await _call_back(http, service, late) == (404, 10062)
            assert await _follow_up(http, service, answered) == (200, None)
            clock.now += 900
            assert await _follow_up(http, service, answered) == (401, 50027)


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ({"name": "Upper", "description": "x"}, 50035),  # slash commands are lower case
        ({"name": "x", "description": ""}, 50035),
        ({"name": "x", "description": "d" * 101}, 50035),
        ({"name": "x", "type": 3, "description": "no"}, 50035),  # a menu command has none
    ],
)
async def test_bad_commands_are_refused(service: fake.Discord, command: dict[str, Any], code: int) -> None:
    """A command that Discord would not take is refused, and none is registered."""
    async with aiohttp.ClientSession() as http:
        answer = await _put(http, service, [command])
        assert (answer.status, (await answer.json())["code"]) == (400, code)
    assert service.commands == []


async def _put(http: aiohttp.ClientSession, service: fake.Discord, commands: Any) -> aiohttp.ClientResponse:
    url = f"{service.api_url}/applications/{service.application_id}/commands"
    return await http.put(url, json=commands, headers={"Authorization": f"Bot {service.token}"})


async def _register(http: aiohttp.ClientSession, service: fake.Discord) -> None:
    assert (await _put(http, service, [{"name": "ping", "description": "x"}])).status == 200


async def _call_back(
    http: aiohttp.ClientSession, service: fake.Discord, asked: fake.Interaction
) -> tuple[int, int | None]:
    url = f"{service.api_url}/interactions/{asked.id}/{asked.token}/callback"
    return await _outcome(await http.post(url, json={"type": 4, "data": {"content": "pong"}}))


async def _follow_up(
    http: aiohttp.ClientSession, service: fake.Discord, asked: fake.Interaction
) -> tuple[int, int | None]:
    url = f"{service.api_url}/webhooks/{service.application_id}/{asked.token}"
    return await _outcome(await http.post(url, json={"content": "more"}))


async def _outcome(answer: aiohttp.ClientResponse) -> tuple[int, int | None]:
    return answer.status, None if answer.status < 400 else (await answer.json())["code"]


async def test_another_process_serves_and_is_controlled() -> None:
    """Started as a program, the service tells where it is and does and shows over HTTP what a test asks."""
    import json
    import sys

    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "emulators.discord", stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        about = json.loads(await process.stdout.readline())
        async with aiohttp.ClientSession(base_url=about["url"]) as http:

            async def do(deed: str, **asked: Any) -> Any:
                answer = await http.post(f"/_emulator/do/{deed}", json=asked)
                assert answer.status == 200, await answer.text()
                return (await answer.json())["result"]

            guild = await do("add_guild", name="Team")
            channel = await do("add_channel", guild=guild, name="general", permissions=["send_messages"])
            ada = await do("add_user", name="Ada")
            await do("join", guild=guild, user=ada)
            posted = await do("post", channel=channel, user=ada, content="hi")
            shown = await (await http.get("/_emulator/messages", params={"channel": channel})).json()
            assert [message["id"] for message in shown] == [posted]
            await http.post("/_emulator/faults", json={"kind": "http", "status": 418, "path": "users"})
            headers = {"Authorization": f"Bot {about['token']}"}
            assert (await http.get(f"{about['api_url']}/users/@me", headers=headers)).status == 418
            calls = await (await http.get("/_emulator/calls")).json()
            assert [call["status"] for call in calls] == [418]
            assert (await http.post("/_emulator/do/nothing", json={})).status == 404
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()
