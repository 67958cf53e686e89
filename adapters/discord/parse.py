"""Pure: what a Discord message means to the bot. Only this module mints and takes apart conversation ids.

Rule 1: `ignored` sorts out what is never a post; `seat` says where a message stands; `post` decides, given
        whether that conversation is known, between a post that wants an answer, context, and nothing.
Rule 2: the id of a conversation is `discord:` and the id of its root: a thread, a direct message channel,
        or the message that mentioned the bot in a channel (a thread opened from it has the same id).
"""

from __future__ import annotations

import dataclasses
from typing import Literal

from adapters.discord import markup, messages
from bot import conversation
from bot.desk import commands

PLATFORM = "discord"

_WRITTEN = (messages.DEFAULT, messages.REPLY)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Me:
    """The bot, as the messages name it."""

    id: int
    name: str
    needs_mention: bool = False  # in the conversation of the message, as is chosen for it


@dataclasses.dataclass(frozen=True, kw_only=True)
class Seat:
    """Where a message stands."""

    kind: Literal["dm", "thread", "channel"]
    opens: conversation.ConversationId  # the conversation that a first post here belongs to
    home: conversation.Home
    answers: str | None = None  # in a channel: the bot's own post that it replies to


def conversation_id(root: int | str) -> conversation.ConversationId:
    """The id of the conversation with this root: a message, a thread or a direct message channel."""
    return conversation.ConversationId(f"{PLATFORM}:{root}")


def root(conversation_id: conversation.ConversationId) -> int:
    """The id of the message, thread or channel that a conversation's id holds."""
    return int(conversation_id.rpartition(":")[2])


def ignored(message: messages.Message, me: Me) -> str | None:
    """Why a message is no post at all; None when it may be one."""
    if message.author.id == me.id:
        return "own"
    if message.type.value not in _WRITTEN:
        return "system"
    if message.flags.ephemeral:
        return "ephemeral"
    return None


def seat(message: messages.Message, thread: messages.Thread | None, me: Me) -> Seat:
    """Where a message stands; `thread` is the one it stands in, if any."""
    if message.guild is None:
        address = str(message.channel.id)
        home = conversation.Home(platform=PLATFORM, workspace="", channel=address, address=address)
        return Seat(kind="dm", opens=conversation_id(address), home=home)
    if thread is not None:
        home = conversation.Home(
            platform=PLATFORM,
            workspace=str(message.guild.id),
            channel=str(thread.parent_id),
            address=str(thread.id),
        )
        return Seat(kind="thread", opens=conversation_id(thread.id), home=home)
    address = str(message.channel.id)
    home = conversation.Home(
        platform=PLATFORM, workspace=str(message.guild.id), channel=address, address=address
    )
    return Seat(
        kind="channel",
        opens=conversation_id(message.id),
        home=home,
        answers=_own_post_answered(message, me),
    )


def post(
    message: messages.Message, seat: Seat, me: Me, known: conversation.ConversationId | None
) -> conversation.Post | None:
    """The post that a message is, addressed or not; None for what is neither stored nor answered.

    `known` is the conversation it stands in, where the bot is in one: the thread's, or that of the post
    it replies to.
    """
    mentioned = mentions_me(message, me)
    if message.author.bot:
        addressed = False
        wanted = known is not None
    elif seat.kind == "dm":
        addressed = wanted = True
    elif known is None:
        addressed = wanted = mentioned
    elif seat.kind == "channel":
        addressed = wanted = True
    else:
        wanted = True
        spoken_to = mentioned or _own_post_answered(message, me) is not None
        addressed = spoken_to if me.needs_mention else not _opens_with_others(message, me)
    if not wanted:
        return None
    return _post(message, known or seat.opens, me, addressed=addressed)


def past(
    message: messages.Message, conversation_id: conversation.ConversationId, me: Me
) -> conversation.Post | None:
    """A message from before the bot was asked, as context; its own posts are the assistant's."""
    if message.type.value not in _WRITTEN or not (text(message, me).strip() or files(message)):
        return None
    return _post(message, conversation_id, me, addressed=False)


def command(post: conversation.Post, seat: Seat) -> commands.Command | None:
    """The `!word` that an addressed post is; None when it is a question."""
    said = commands.parse(post.text) if post.addressed else None
    if said is None:
        return None
    # A command in a channel opens no conversation: it is about the channel, whose id no conversation has.
    opens_one = seat.kind == "channel" and post.conversation == seat.opens
    return commands.Command(
        id=post.id,
        word=said[0],
        argument=said[1],
        conversation=conversation_id(seat.home.channel) if opens_one else post.conversation,
        author=post.author,
        author_name=post.author_name,
        standing=post.standing,
        direct=seat.kind == "dm",
    )


def mentions_me(message: messages.Message, me: Me) -> bool:
    """Whether a message names the bot or the role Discord made for it; `@everyone` does not."""
    role = _own_role(message)
    return any(user.id == me.id for user in message.mentions) or (
        role is not None and role in message.raw_role_mentions
    )


def text(message: messages.Message, me: Me) -> str:
    """A message as Markdown: names for marks, the bot's own opening mention left out, forwards quoted."""
    names = _names(message, me)
    content = markup.without_opening(message.content, user=me.id, role=_own_role(message))
    parts = [markup.readable(content, names).strip()]
    for snapshot in message.message_snapshots:
        quoted = markup.readable(snapshot.content, names) or "(no text)"
        parts.append("Forwarded:\n" + "\n".join(f"> {line}" for line in quoted.splitlines()))
    parts += [_embed(embed) for embed in message.embeds if embed.type == "rich"]
    parts += [f"(sticker: {sticker.name})" for sticker in message.stickers]
    if message.poll is not None:
        options = "".join(f"\n- {answer.text}" for answer in message.poll.answers)
        parts.append(f"(poll: {message.poll.question}){options}")
    whole = "\n".join(part for part in parts if part)
    # A bare mention is a summons: it must not become a blank post.
    return whole or ("" if files(message) else markup.readable(message.content, names).strip())


def files(message: messages.Message) -> tuple[conversation.Attachment, ...]:
    """The files of a message and of what it forwards, as Discord announced them."""
    forwarded = [each for snapshot in message.message_snapshots for each in snapshot.attachments]
    return tuple(
        conversation.Attachment(
            id=str(each.id),
            name=each.filename,
            media_type=(each.content_type or "application/octet-stream").partition(";")[0].strip(),
            size=each.size,
            url=each.url,
        )
        for each in [*message.attachments, *forwarded]
    )


def _post(
    message: messages.Message, conversation_id: conversation.ConversationId, me: Me, *, addressed: bool
) -> conversation.Post:
    return conversation.Post(
        conversation=conversation_id,
        id=str(message.id),
        role="assistant" if message.author.id == me.id else "user",
        author=str(message.author.id),
        author_name=message.author.display_name,
        text=text(message, me),
        sent_at=message.created_at,
        addressed=addressed,
        attachments=files(message),
        edited_at=message.edited_at,
    )


def _own_role(message: messages.Message) -> int | None:
    role = message.guild.self_role if message.guild is not None else None
    return role.id if role is not None else None


def _own_post_answered(message: messages.Message, me: Me) -> str | None:
    reference = message.reference
    if reference is None or reference.type.value != messages.REPLY_REFERENCE:
        return None
    # Of a deleted message no author is left.
    author = getattr(reference.resolved, "author", None)
    return str(reference.message_id) if author is not None and author.id == me.id else None


def _opens_with_others(message: messages.Message, me: Me) -> bool:
    opening = markup.opening(message.content)
    if me.id in opening.users or _own_role(message) in opening.roles:
        return False
    return bool(opening.users or opening.roles or opening.everybody)


def _names(message: messages.Message, me: Me) -> markup.Names:
    guild = message.guild
    mentioned = {user.id: user.display_name for user in message.mentions} | {me.id: me.name}

    def user(user_id: int) -> str | None:
        member = guild.get_member(user_id) if guild is not None else None
        return mentioned.get(user_id) or (member.display_name if member is not None else None)

    def role(role_id: int) -> str | None:
        found = guild.get_role(role_id) if guild is not None else None
        return found.name if found is not None else None

    def channel(channel_id: int) -> str | None:
        found = guild.get_channel_or_thread(channel_id) if guild is not None else None
        return found.name if found is not None else None

    return markup.Names(user=user, role=role, channel=channel)


def _embed(embed: messages.Card) -> str:
    """What a bot's card says; previews of links are not of type `rich` and are left out."""
    lines = [embed.title, embed.description, *(f"{field.name}: {field.value}" for field in embed.fields)]
    return "\n".join(line for line in lines if line)
