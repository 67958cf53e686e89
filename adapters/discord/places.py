"""Where an answer stands: a direct message, a thread, one opened for it, or inline under the question."""

from __future__ import annotations

import dataclasses

import discord
import structlog

from adapters.discord import calls, markup, parse
from bot import conversation, errors

log = structlog.get_logger()

PATIENCE = 60.0  # seconds to find the place
THREAD_EXISTS = 160004
NO_THREAD_HERE = (30033, 50024, 50035, 160006)  # thread members, wrong kind of channel, form, active threads


@dataclasses.dataclass(frozen=True, kw_only=True)
class Place:
    """A channel, and the message to reply to where the answer stands inline."""

    channel: discord.PartialMessageable
    inline_under: int | None = None


async def find(client: discord.Client, api: calls.Calls, reply: conversation.Reply) -> Place:
    """The place of a reply; opens the thread of a question that stands in a channel. Raises PlatformError."""
    home = reply.home
    here = partial(client, home.address, home.workspace)
    if not home.workspace:
        return Place(channel=here)
    if home.address != home.channel:
        await _look_for_lock(client, api, int(home.address))
        return Place(channel=here)
    question = int(reply.asker.id)
    if question != parse.root(reply.conversation):
        return Place(channel=here, inline_under=question)  # a reply chain goes on where it began
    if reply.resumed and (place := await _begun(client, api, here, reply)) is not None:
        return place
    if await _open_thread(api, here.get_partial_message(question), markup.thread_name(reply.asker.text)):
        return Place(channel=partial(client, str(question), home.workspace))
    return Place(channel=here, inline_under=question)


async def _look_for_lock(client: discord.Client, api: calls.Calls, thread_id: int) -> None:
    """Raise MayNotPost for a locked thread: nobody but a moderator writes there, or wakes it.

    Looked at before Claude is asked, so that no answer is paid for which cannot be posted. The client knows
    threads that are not archived, and is told of changes; an archived one is asked for.
    """
    thread = client.get_channel(thread_id)
    if thread is None:
        thread = await api.make(lambda: client.fetch_channel(thread_id), patience=PATIENCE)
    if not isinstance(thread, discord.Thread) or not thread.locked:
        return
    if thread.parent is None or not thread.permissions_for(thread.guild.me).manage_threads:
        raise errors.MayNotPost("Discord: the thread is locked")


def partial(client: discord.Client, address: str, workspace: str) -> discord.PartialMessageable:
    """A channel to post in that need not be in the client's cache."""
    if workspace:
        know_guild(client, workspace)
    return client.get_partial_messageable(int(address), guild_id=int(workspace) if workspace else None)


def know_guild(client: discord.Client, guild_id: str) -> None:
    """Have the client know a guild of which the gateway has not told; it does without the rest of it."""
    state = client._connection  # noqa: SLF001 - the library has no other way to learn of a guild
    if client.get_guild(int(guild_id)) is None:
        state._add_guild(state._get_or_create_unavailable_guild(int(guild_id)))  # noqa: SLF001


async def _begun(
    client: discord.Client, api: calls.Calls, here: discord.PartialMessageable, reply: conversation.Reply
) -> Place | None:
    """The place where an answer from before a restart has begun; None where there is no trace of one."""
    question = int(reply.asker.id)
    thread = partial(client, str(question), reply.home.workspace)

    async def look() -> object:
        if reply.platform_ids:
            return await thread.fetch_message(int(reply.platform_ids[0]))
        return await client.fetch_channel(question)

    try:
        await api.make(look, patience=PATIENCE)
    except errors.PostGone:
        return Place(channel=here, inline_under=question) if reply.platform_ids else None
    return Place(channel=thread)


async def _open_thread(api: calls.Calls, question: discord.PartialMessage, name: str) -> bool:
    """Open the question's thread; False where the channel has none or the bot may not."""

    async def create() -> bool:
        try:
            await question.create_thread(name=name)
        except discord.HTTPException as error:
            if error.code == THREAD_EXISTS:
                return True
            if isinstance(error, discord.Forbidden) or error.code in NO_THREAD_HERE:
                log.info("discord.no_thread", channel=str(question.channel.id), code=error.code)
                return False
            raise
        return True

    return await api.make(create, patience=PATIENCE)
