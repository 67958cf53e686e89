"""What was said before the bot was asked: the thread so far, or the chain of replies above a question."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable

import discord

from adapters.discord import parse, standings
from bot import conversation

MOST = 2000  # posts of a thread, the newest
CHAIN = 10  # posts of a reply chain

Resolve = Callable[[int], Awaitable[object]]


async def posts(
    *,
    resolve: Resolve,
    standing: standings.Find,
    me: parse.Me,
    home: conversation.Home,
    reply: conversation.Reply,
) -> list[conversation.Post]:
    """The posts before the asker's, oldest first. Raises discord's errors."""
    if not home.workspace:
        return []
    asker = int(reply.asker.id)
    channel = await resolve(int(home.address))
    if isinstance(channel, discord.Thread):
        messages = await _thread(channel, asker, resolve)
    elif isinstance(channel, discord.abc.Messageable):
        messages = await _chain(channel, asker)
    else:
        messages = []
    found = []
    for message in messages:
        post = parse.past(message, reply.conversation, me) if message.id != asker else None
        if post is not None:
            who = await standing(message.author, home)
            found.append(dataclasses.replace(post, standing=who))
    return found


async def _thread(thread: discord.Thread, asker: int, resolve: Resolve) -> list[discord.Message]:
    """A thread's messages, and the one it was opened from, which stands in the channel above."""
    before = discord.Object(id=asker)
    newest_first = [message async for message in thread.history(limit=MOST, before=before)]
    messages = newest_first[::-1]
    if len(messages) < MOST and all(message.id != thread.id for message in messages) and thread.id != asker:
        messages = [*await starter(thread, resolve), *messages]
    return messages


async def starter(thread: discord.Thread, resolve: Resolve) -> list[discord.Message]:
    """The message that a thread was opened from, where it still stands."""
    try:
        parent = await resolve(thread.parent_id)
        if isinstance(parent, discord.abc.Messageable):
            return [await parent.fetch_message(thread.id)]
    except (discord.NotFound, discord.Forbidden):
        pass  # opened without a message, or the message was deleted
    return []


async def _chain(channel: discord.abc.Messageable, asker: int) -> list[discord.Message]:
    """The messages that the question replies to, link by link."""
    messages: list[discord.Message] = []
    message_id: int | None = asker
    try:
        while message_id is not None and len(messages) <= CHAIN:
            message = await channel.fetch_message(message_id)
            messages.append(message)
            reference = message.reference
            is_reply = reference is not None and reference.type is discord.MessageReferenceType.reply
            message_id = reference.message_id if reference is not None and is_reply else None
    except (discord.NotFound, discord.Forbidden):
        pass  # the chain is broken there
    return messages[::-1]
