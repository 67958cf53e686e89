"""The words people say to the bot: slash commands, answered privately, and `!word`, answered in place."""

from __future__ import annotations

import hashlib
import inspect
import io
import json
from collections.abc import Callable, Mapping
from typing import Any

import discord
import structlog
from discord import app_commands

from adapters.discord import buttons, calls, gateway, parse, standings
from bot import conversation, errors, ports
from bot.desk import commands
from bot.showing import splitting

log = structlog.get_logger()

LIMIT = 2000  # characters of a message
PATIENCE = 60.0  # seconds that the answer to a `!word` is tried for
DONE = "That was done already."
FAILED = "I could not do that just now. Please try again in a moment."
MOST_COMPLETIONS = 25  # that Discord shows


class Commanding:
    """Registers the slash commands and answers both kinds."""

    def __init__(
        self,
        *,
        client: gateway.Client,
        intake: ports.Intake,
        standing: standings.Find,
        api: Callable[[], calls.Calls],
    ) -> None:
        self._client, self._intake, self._standing, self._api = client, intake, standing, api
        for word, description in commands.WORDS.items():
            self._client.tree.add_command(self._slash(word, description))

    async def register(self) -> None:
        """Tell Discord the commands, where it does not know them as they are."""
        try:
            wanted = [command.to_dict(self._client.tree) for command in self._client.tree.get_commands()]
            # `fetch_commands` of discord.py 2.7.1 shifts the lists of contexts and installs by one.
            found = await self._client.http.get_global_commands(self._client.application_id or 0)
            if _shapes(wanted) != _shapes(found):
                await self._client.tree.sync()
                log.info("discord.commands_registered", count=len(wanted))
        except Exception as error:  # noqa: BLE001 - whatever an answer of Discord's lacks, answering goes on
            log.warning("discord.commands_not_registered", error=type(error).__name__)

    async def obey(
        self, command: commands.Command, home: conversation.Home, message: discord.Message
    ) -> None:
        """Carry out a `!word`, and answer it where it stands. Raises what the intake raises."""
        outcome = await self._intake.command(command, home)
        log.info("discord.command", conversation=command.conversation, word=command.word)
        if outcome is None:
            return
        pieces = splitting.split(outcome.text, limit=LIMIT) or [DONE]
        for part, piece in enumerate(pieces):
            attachment = outcome if part == len(pieces) - 1 else None

            async def send(piece: str = piece, part: int = part, attached: Any = attachment) -> None:
                await message.channel.send(
                    piece,
                    nonce=_nonce(command.id, part),
                    files=_files(attached),
                    view=_view(attached),
                    reference=message.to_reference(fail_if_not_exists=False),
                    mention_author=False,
                    suppress_embeds=True,
                    allowed_mentions=discord.AllowedMentions.none(),
                )

            try:
                await self._api().make(send, patience=PATIENCE)
            except errors.PlatformError as error:
                # The command is carried out once, whether or not its answer arrives.
                log.warning("discord.command_unanswered", word=command.word, error=type(error).__name__)
                return

    def _slash(self, word: str, description: str) -> app_commands.Command[Any, ..., Any]:
        """A command whose options, put one after the other, are its argument."""
        options = commands.OPTIONS.get(word, ())

        async def called(interaction: discord.Interaction, **given: str) -> None:
            parts = (given.get(option.name, "").strip() for option in options)
            await self._answer(interaction, word, " ".join(filter(None, parts)))

        # The library reads a command's options off its callback; these are in a table.
        here = inspect.Parameter("interaction", inspect.Parameter.POSITIONAL_OR_KEYWORD)
        texts = [
            inspect.Parameter(each.name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default="", annotation=str)
            for each in options
        ]
        called.__signature__ = inspect.Signature([here, *texts])  # type: ignore[attr-defined] # of any function
        app_commands.describe(**{each.name: each.description for each in options})(called)
        fixed = {
            each.name: [app_commands.Choice(name=value, value=value) for value in each.choices]
            for each in options
            if each.choices
        }
        app_commands.choices(**fixed)(called)
        app_commands.autocomplete(
            **{each.name: self._completion(word, each.name) for each in options if each.completes}
        )(called)
        return app_commands.Command(name=word, description=description[:100], callback=called)

    def _completion(self, word: str, option: str) -> Any:
        async def complete(interaction: discord.Interaction, _typed: str) -> list[app_commands.Choice[str]]:
            given = {name: str(value) for name, value in vars(interaction.namespace).items()}
            found = await self._intake.complete(word, option, given)
            return [
                app_commands.Choice(name=value[:100], value=value[:100]) for value in found[:MOST_COMPLETIONS]
            ]

        return complete

    async def _answer(self, interaction: discord.Interaction, word: str, argument: str) -> None:
        """Answer a slash command so that only its author sees it; Discord waits three seconds for a sign."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        home = home_of(interaction)
        try:
            command = commands.Command(
                id=str(interaction.id),
                word=word,
                argument=argument.strip(),
                conversation=parse.conversation_id(home.address),
                author=str(interaction.user.id),
                author_name=interaction.user.display_name,
                standing=await self._standing(interaction.user, home),
                direct=interaction.guild_id is None,
            )
            outcome = await self._intake.command(command, home)
        except errors.ThreadmateError as error:
            log.warning("discord.command_failed", word=word, error=type(error).__name__)
            outcome = commands.Outcome(text=FAILED)
        outcome = outcome or commands.Outcome(text=DONE)
        log.info("discord.command", channel=home.channel, word=word)
        pieces = splitting.split(outcome.text, limit=LIMIT) or [DONE]
        for part, piece in enumerate(pieces):
            await interaction.followup.send(
                piece,
                files=_files(outcome if part == len(pieces) - 1 else None),
                view=_view(outcome if part == len(pieces) - 1 else None),
                ephemeral=True,
                suppress_embeds=True,
                allowed_mentions=discord.AllowedMentions.none(),
            )


def home_of(interaction: discord.Interaction[Any]) -> conversation.Home:
    """Where an interaction took place."""
    address = str(interaction.channel_id)
    channel = interaction.channel
    parent = str(channel.parent_id) if isinstance(channel, discord.Thread) else address
    workspace = str(interaction.guild_id) if interaction.guild_id is not None else ""
    return conversation.Home(platform=parse.PLATFORM, workspace=workspace, channel=parent, address=address)


def _files(outcome: commands.Outcome | None) -> list[discord.File]:
    if outcome is None or not outcome.file_name:
        return []
    return [discord.File(io.BytesIO(outcome.file), filename=outcome.file_name)]


def _view(outcome: commands.Outcome | None) -> discord.ui.View:
    return buttons.view(outcome.buttons if outcome is not None else ())


def _nonce(command_id: str, part: int) -> str:
    return hashlib.blake2s(f"command/{command_id}/{part}".encode(), digest_size=12).hexdigest()


def _shapes(payloads: list[Any]) -> list[str]:
    """The commands as far as people see them, in a form that can be compared."""
    return sorted(json.dumps(_shape(payload), sort_keys=True) for payload in payloads)


def _shape(payload: Mapping[str, Any]) -> dict[str, Any]:
    options = [
        [
            option["name"],
            option["description"],
            option["type"],
            bool(option.get("required", False)),
            bool(option.get("autocomplete", False)),
            [choice["value"] for choice in option.get("choices") or []],
        ]
        for option in payload.get("options", [])
    ]
    return {
        "name": payload["name"],
        "type": payload.get("type", 1),
        "description": payload.get("description", ""),
        "options": options,
        "contexts": sorted(payload.get("contexts") or []),
        "installs": sorted(payload.get("integration_types") or []),
    }
