"""Presses of buttons on Discord: told to the core, and what comes of them to the person alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import discord
import structlog

from adapters import tasks
from adapters.discord import buttons, commanding, parse, standings
from bot import conversation, errors, ports

log = structlog.get_logger()

STOP_SIGN = "🛑"  # octagonal_sign

Interaction = discord.Interaction[discord.Client]


class Pressing:
    """Takes interactions of message components."""

    def __init__(self, *, intake: ports.Intake, standing: standings.Find) -> None:
        self._intake, self._standing = intake, standing
        self._background = tasks.Background()

    def on_interaction(self, interaction: Interaction) -> None:
        """Begin to carry out a press; other interactions are the command tree's."""
        if interaction.type is not discord.InteractionType.component:
            return
        self._background.start(self._take(interaction), name="command outcome: a press")

    async def reacted(
        self, event: discord.RawReactionActionEvent, *, channel: Callable[[int], Awaitable[object]]
    ) -> None:
        """A stop sign under an answer stops it. `channel` looks one up."""
        if str(event.emoji) != STOP_SIGN:
            return
        found = await channel(event.channel_id)
        parent = found.parent_id if isinstance(found, discord.Thread) else event.channel_id
        home = conversation.Home(
            platform=parse.PLATFORM,
            workspace=str(event.guild_id or ""),
            channel=str(parent),
            address=str(event.channel_id),
        )
        standing = await self._standing(event.member or discord.Object(event.user_id), home)
        stopped = await self._intake.stop_sign(parse.PLATFORM, str(event.message_id), standing=standing)
        log.info("discord.stop_sign", channel=str(event.channel_id), stopped=stopped)

    async def close(self) -> None:
        """Let what is being carried out end."""
        await self._background.close()

    async def _take(self, interaction: Interaction) -> None:
        try:
            # Discord waits three seconds for a sign; this one changes nothing under the person's eyes.
            await interaction.response.defer()
            told = await self._press(interaction)
            if told:
                await interaction.followup.send(
                    told[: commanding.LIMIT],
                    ephemeral=True,
                    suppress_embeds=True,
                    allowed_mentions=discord.AllowedMentions.none(),
                )
        except (discord.DiscordException, OSError) as error:
            log.warning("discord.press_unanswered", error=type(error).__name__)

    async def _press(self, interaction: Interaction) -> str | None:
        data: Mapping[str, Any] = interaction.data or {}
        found = buttons.read(str(data.get("custom_id") or ""))
        if found is None:
            return None
        action, value = found
        chosen = data.get("values") or []
        post = str(interaction.message.id) if interaction.message is not None else ""
        home = commanding.home_of(interaction)
        try:
            # An inline answer's conversation is not its channel's.
            known = await self._intake.find(parse.PLATFORM, post)
            press = conversation.Press(
                id=str(interaction.id),
                post=post,
                conversation=known or parse.conversation_id(home.address),
                home=home,
                author=str(interaction.user.id),
                author_name=interaction.user.display_name,
                action=action,
                value=str(chosen[0]) if isinstance(chosen, list) and chosen else value,
                standing=await self._standing(interaction.user, home),
            )
            told = await self._intake.press(press)
        except errors.ThreadmateError as error:
            log.warning("discord.press_failed", action=action, error=type(error).__name__)
            return commanding.FAILED
        log.info("discord.pressed", conversation=press.conversation, action=action)
        return told
