"""What happens to messages, whoever does it: state and gateway event change together."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from emulators.discord import drafts, errors, events, mentions, payloads, records, snowflakes, state

NONCE_SECONDS = 300.0
"""Discord says "the past few minutes" and no figure."""


@dataclass(frozen=True, kw_only=True)
class Typing:
    """Somebody began to type."""

    channel: str
    user: str
    at: float


class Actions:
    """Posting, editing, deleting, reacting, pinning, typing."""

    def __init__(self, *, world: state.World, publish: events.Publish) -> None:
        self._world = world
        self._publish = publish
        self.typing: list[Typing] = []
        self._old_edits: dict[str, list[float]] = {}

    def post(
        self,
        *,
        channel: records.Channel,
        author: str,
        draft: drafts.Draft,
        kind: int = records.DEFAULT,
        reference: records.Json | None = None,
        interaction: records.Json | None = None,
        snapshots: Sequence[records.Json] = (),
        message_id: str | None = None,
    ) -> records.Message:
        """Put a message into a channel and tell everybody; only a forum's first message brings its id."""
        world = self._world
        ping = self._ping(channel, author, draft, reference if kind == records.REPLY else None)
        named = [*ping.users, *([ping.replied_user] if ping.replied_user else [])]
        message = records.Message(
            id=message_id or world.ids.next(),
            channel=channel.id,
            author=author,
            at=world.clock(),
            kind=kind,
            content=draft.content or "",
            embeds=list(draft.embeds or ()),
            components=list(draft.components or ()),
            files=self.store(draft.uploads),
            flags=draft.flags,
            mentions=list(dict.fromkeys(named)),
            mention_roles=list(ping.roles),
            mention_everyone=ping.everyone or ping.here,
            reference=reference,
            snapshots=list(snapshots),
            nonce=draft.nonce,
            interaction=interaction,
            position=channel.total if channel.is_thread else None,
        )
        world.pings[message.id] = ping
        channel.messages[message.id] = message
        channel.last_message = message.id
        if channel.is_thread and kind != records.THREAD_STARTER:
            channel.total += 1
        self._tell("MESSAGE_CREATE", channel, payloads.message(world, message, gateway=True))
        return message

    def _ping(
        self, channel: records.Channel, author: str, draft: drafts.Draft, reference: records.Json | None
    ) -> mentions.Ping:
        """Whom a new message notifies; nobody is notified by what they write themselves."""
        world = self._world
        replied = None
        if (
            reference
            and (target := channel.messages.get(reference["message_id"]))
            and target.author != author
        ):
            replied = target.author
        guild = world.guilds.get(channel.guild or "")
        may = author != world.bot or world.may(channel, "mention_everyone")
        roles = {role.id for role in guild.roles.values() if may or role.mentionable} if guild else set()
        return mentions.notified(
            draft.content or "",
            allowed=draft.allowed,
            replied=replied,
            may_everyone=may and guild is not None,
            mentionable=roles - {guild.id} if guild else (),
            present=world.present(channel) - {author},
        )

    def store(self, uploads: Sequence[drafts.Upload]) -> list[records.File]:
        """Uploaded files as attachments."""
        return [
            records.File(
                id=self._world.ids.next(),
                filename=upload.filename,
                content_type=upload.content_type,
                data=upload.data,
                description=upload.description,
            )
            for upload in uploads
        ]

    def edit(self, message: records.Message, draft: drafts.Draft) -> None:
        """Change a message; an edit notifies nobody, but its mentions are read anew."""
        world, channel = self._world, self._world.channel(message.channel)
        if draft.content is not None:
            message.content = draft.content
            reference = message.reference if message.kind == records.REPLY else None
            ping = self._ping(channel, message.author, draft, reference)
            message.mentions = list(
                dict.fromkeys([*ping.users, *([ping.replied_user] if ping.replied_user else [])])
            )
            message.mention_roles, message.mention_everyone = list(ping.roles), ping.everyone or ping.here
        if draft.embeds is not None:
            message.embeds = draft.embeds
        if draft.components is not None:
            message.components = draft.components
        if draft.kept is not None:
            message.files = [file for file in message.files if file.id in draft.kept]
        message.files += self.store(draft.uploads)
        message.flags = (message.flags & ~records.SUPPRESS_EMBEDS) | draft.flags
        message.edited_at = world.clock()
        self.updated(message)

    def count_old_edit(self, message: records.Message) -> None:
        """Refuse with 30046 when a channel sees too many edits of messages over an hour old.

        Discord publishes no figure; three in twenty seconds is what bot writers report.
        """
        now = self._world.clock()
        if now - snowflakes.seconds(message.id) <= 3600:
            return
        most, span = self._world.portal.old_edits
        recent = [at for at in self._old_edits.get(message.channel, []) if now - at < span]
        if len(recent) >= most:
            raise errors.old_edits(round(recent[0] + span - now, 3))
        self._old_edits[message.channel] = [*recent, now]

    def updated(self, message: records.Message) -> None:
        """Send MESSAGE_UPDATE with the whole message."""
        channel = self._world.channel(message.channel)
        if message.id in channel.messages:
            self._tell("MESSAGE_UPDATE", channel, payloads.message(self._world, message, gateway=True))

    def unfurl(self, message: records.Message, embed: records.Json) -> None:
        """Add the preview of a link, as Discord itself does: no edit time, the text untouched."""
        if not message.flags & records.SUPPRESS_EMBEDS:
            message.embeds.append(embed)
            self.updated(message)

    def delete(self, channel: records.Channel, messages: Sequence[str]) -> None:
        """Take messages away; more than one goes as MESSAGE_DELETE_BULK."""
        for message in messages:
            channel.messages.pop(message, None)
        where = {"channel_id": channel.id} | ({"guild_id": channel.guild} if channel.guild else {})
        if len(messages) == 1:
            self._tell("MESSAGE_DELETE", channel, {"id": messages[0], **where})
        else:
            self._tell("MESSAGE_DELETE_BULK", channel, {"ids": list(messages), **where})

    def react(self, message: records.Message, *, user: str, emoji: str, add: bool) -> None:
        """Add or take one reaction; doing so twice changes nothing."""
        if not emoji.partition(":")[2] and not any(unicodedata.category(sign)[0] in "SC" for sign in emoji):
            raise errors.unknown_emoji()
        users = message.reactions.setdefault(emoji, [])
        if (user in users) == add:
            return
        (users.append if add else users.remove)(user)
        if not users:
            del message.reactions[emoji]
        world, channel = self._world, self._world.channel(message.channel)
        data: records.Json = {"user_id": user, "channel_id": channel.id, "message_id": message.id, "type": 0}
        data |= {"emoji": payloads.emoji(emoji), "burst": False, "message_author_id": message.author}
        if channel.guild is not None:
            data["guild_id"] = channel.guild
            guild = world.guild(channel.guild)
            if add and user in guild.members:
                data["member"] = payloads.member(world, guild, user)
        name = "MESSAGE_REACTION_ADD" if add else "MESSAGE_REACTION_REMOVE"
        self._publish(events.about(channel, name=name, intent=events.GUILD_REACTIONS, data=data))

    def pin(self, message: records.Message, *, user: str, pinned: bool) -> None:
        """Pin or unpin; a new pin is announced by a system message."""
        channel = self._world.channel(message.channel)
        if pinned == (message.pinned_at is not None):
            return
        message.pinned_at = self._world.clock() if pinned else None
        self.updated(message)
        if pinned:
            where = {"channel_id": channel.id, "message_id": message.id, "guild_id": channel.guild}
            quiet = drafts.Draft(allowed=mentions.Allowed(parse=frozenset(), replied_user=False))
            self.post(channel=channel, author=user, draft=quiet, kind=records.PINNED, reference=where)

    def type_in(self, channel: records.Channel, *, user: str) -> None:
        """Show that somebody types."""
        world = self._world
        self.typing.append(Typing(channel=channel.id, user=user, at=world.clock()))
        data: records.Json = {"channel_id": channel.id, "user_id": user, "timestamp": int(world.clock())}
        if channel.guild is not None:
            data |= {
                "guild_id": channel.guild,
                "member": payloads.member(world, world.guild(channel.guild), user),
            }
        self._publish(events.about(channel, name="TYPING_START", intent=events.GUILD_TYPING, data=data))

    def same_nonce(self, draft: drafts.Draft) -> records.Message | None:
        """The bot's message of the last minutes that has this nonce, if uniqueness was asked for.

        A message that was deleted in between is refused with 10008.
        """
        known = self._world.nonces.get(str(draft.nonce))
        if not draft.enforce_nonce or draft.nonce is None or known is None:
            return None
        at, channel, message = known
        if self._world.clock() - at > NONCE_SECONDS:
            return None
        return self._world.message(channel, message)

    def _tell(self, name: str, channel: records.Channel, data: records.Json) -> None:
        self._publish(events.about(channel, name=name, intent=events.GUILD_MESSAGES, data=data))


def forwarded(world: state.World, message: records.Message) -> records.Json:
    """The snapshot of a message that a forward carries."""
    body = payloads.message(world, message)
    kept = (
        "type",
        "content",
        "embeds",
        "attachments",
        "timestamp",
        "edited_timestamp",
        "flags",
        "components",
    )
    return {name: body[name] for name in (*kept, "mentions", "mention_roles")}
