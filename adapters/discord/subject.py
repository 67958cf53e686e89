"""'Ask about this' in a message's menu: a form for the question, which is then asked in the message's thread.

The question stands there as a post of the bot's, so that everybody sees what is answered; in the log it is
its asker's. The form names the message in its id, so that it works after a restart as before it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import discord
import structlog
from discord import app_commands

from adapters import tasks
from adapters.discord import commanding, gateway, inbound, markup, parse, standings
from bot import conversation, errors, ports

log = structlog.get_logger()

MENU = "Ask about this"
FIELD, FORM = "question", "ask"
MOST = 1500  # characters of a question: with its opening it is one post
ASKED = "I answer in the thread of that message."
NO_PLACE = "I may not write there, so I cannot answer."

Interaction = discord.Interaction[Any]


class Subject:
    """Offers the menu, and asks what was written into its form."""

    def __init__(
        self,
        *,
        client: gateway.Client,
        intake: ports.Intake,
        standing: standings.Find,
        door: inbound.Inbound,
    ) -> None:
        self._intake, self._standing, self._door = intake, standing, door
        self._background = tasks.Background()

        async def chosen(interaction: Interaction, message: discord.Message) -> None:
            await interaction.response.send_modal(_form(message))

        client.tree.add_command(app_commands.ContextMenu(name=MENU, callback=chosen))

    def on_interaction(self, interaction: Interaction) -> None:
        """Begin to ask what a form of ours holds."""
        if interaction.type is not discord.InteractionType.modal_submit:
            return
        self._background.start(self._take(interaction), name="command outcome: a question")

    async def close(self) -> None:
        """Let what is being asked be asked."""
        await self._background.close()

    async def _take(self, interaction: Interaction) -> None:
        data: Mapping[str, Any] = interaction.data or {}
        form, _, place = str(data.get("custom_id") or "").partition(":")
        channel, _, message = place.partition(":")
        if form != FORM or not message.isdigit() or not channel.isdigit():
            return
        try:
            await interaction.response.defer(ephemeral=True, thinking=True)
            told = await self._ask(interaction, int(channel), int(message), _written(data))
            await interaction.followup.send(
                told, ephemeral=True, allowed_mentions=discord.AllowedMentions.none()
            )
        except (discord.DiscordException, OSError) as error:
            log.warning("discord.question_unanswered", error=type(error).__name__)

    async def _ask(self, interaction: Interaction, channel_id: int, message_id: int, question: str) -> str:
        """Put the question in its place and record it; what the person is told."""
        asker = interaction.user
        try:
            standing = await self._standing(asker, commanding.home_of(interaction))
        except errors.ThreadmateError as error:
            log.warning("discord.question_failed", error=type(error).__name__)
            return commanding.FAILED
        if refusal := self._intake.refusal(standing):
            log.info("discord.question_denied", channel=str(channel_id))
            return refusal
        try:
            channel: Any = await self._door.channel(channel_id)
            message = await channel.fetch_message(message_id)
            spot, home, where = await self._place(interaction, channel, message)
            wrote, at = message.author.display_name, message.created_at
            text = f"About the post of {wrote} at {at:%H:%M} UTC: {question}"
            shown = await spot.send(
                f"**{discord.utils.escape_markdown(asker.display_name)}** asks. {text}",
                allowed_mentions=discord.AllowedMentions.none(),
                suppress_embeds=True,
            )
        except discord.HTTPException as error:
            log.info("discord.question_refused", code=error.code)
            return NO_PLACE
        try:
            subject = parse.past(message, where, self._door.me)
            if subject is not None and subject.role == "user":
                theirs = await self._standing(message.author, home)
                await self._intake.post(_with(subject, theirs), home)
            await self._intake.post(
                conversation.Post(
                    conversation=where,
                    id=str(shown.id),
                    role="user",
                    author=str(asker.id),
                    author_name=asker.display_name,
                    text=text,
                    sent_at=shown.created_at,
                    addressed=True,
                    standing=standing,
                ),
                home,
            )
        except errors.ThreadmateError as error:
            log.warning("discord.question_failed", error=type(error).__name__)
            return commanding.FAILED
        return ASKED

    @staticmethod
    async def _place(
        interaction: Interaction, channel: Any, message: discord.Message
    ) -> tuple[Any, conversation.Home, conversation.ConversationId]:
        """Where to ask: the thread or DM it stands in, the message's own thread, else the channel."""
        home = commanding.home_of(interaction)
        if isinstance(channel, discord.Thread) or message.guild is None:
            return channel, home, parse.conversation_id(home.address)
        where = parse.conversation_id(message.id)
        thread: Any = message.thread
        try:
            if thread is None:
                thread = await message.create_thread(name=markup.thread_name(message.content or MENU))
        except discord.HTTPException as error:  # no threads here, or not for the bot: inline
            log.info("discord.no_thread", channel=home.channel, code=error.code)
            return channel, home, where
        return thread, _in_thread(home, thread.id), where


def _form(message: discord.Message) -> discord.ui.Modal:
    form = discord.ui.Modal(title=MENU, custom_id=f"{FORM}:{message.channel.id}:{message.id}")
    form.add_item(
        discord.ui.TextInput(
            label="Your question",
            custom_id=FIELD,
            style=discord.TextStyle.paragraph,
            max_length=MOST,
        )
    )
    form.stop()  # the library does not wait for it: what is sent comes in by `Client.on_interaction`
    return form


def _written(data: Mapping[str, Any]) -> str:
    """What stands in the form's field."""
    for row in data.get("components") or ():
        for field in [*(row.get("components") or ()), row.get("component") or {}]:
            if field.get("custom_id") == FIELD:
                return str(field.get("value") or "")
    return ""


def _in_thread(home: conversation.Home, thread: int) -> conversation.Home:
    return conversation.Home(
        platform=home.platform, workspace=home.workspace, channel=home.channel, address=str(thread)
    )


def _with(post: conversation.Post, standing: conversation.Standing) -> conversation.Post:
    return dataclasses.replace(post, standing=standing)
