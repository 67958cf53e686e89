"""What people do in the emulated Discord: they write, edit, delete, react, open threads, use commands."""

import dataclasses
import mimetypes
from collections.abc import Mapping, Sequence
from typing import Any

from emulators.discord import actions, drafts, errors, events, interactions, payloads, records, routing
from emulators.discord import permissions as rights

Id = str | int
Json = records.Json
Attachment = tuple[str, bytes] | tuple[str, bytes, str]


class People:
    """The human half of the service; ids may be given as `str` or `int` and come back as `str`."""

    def __init__(self, *, backend: routing.Backend, publish: events.Publish) -> None:
        self._backend = backend
        self._publish = publish
        self._world = backend.world

    def add_guild(self, name: str) -> str:
        """Make a server that the bot is in; servers made one after the other fall on shards in turn."""
        guild = self._world.add_guild(name)
        data = payloads.guild(self._world, guild, members=False, gateway=True)
        del data["unavailable"]  # only a server that comes back has it: the library tells a new one by that
        self._publish(events.Event(name="GUILD_CREATE", data=data, guild=guild.id, intent=events.GUILDS))
        return guild.id

    def remove_guild(self, guild: Id) -> None:
        """Throw the bot out of a server; what was in it is out of its reach."""
        gone = self._world.guild(guild).id
        self._publish(events.Event(name="GUILD_DELETE", data={"id": gone}, guild=gone, intent=events.GUILDS))
        self._world.remove_guild(gone)

    def add_channel(
        self, guild: Id, name: str, *, kind: str = "text", permissions: set[str] | None = None
    ) -> str:
        """Make a text, announcement or forum channel; `permissions` are those taken from the bot there."""
        channel = records.Channel(
            id=self._world.ids.next(),
            kind=records.KINDS[kind],
            guild=self._world.guild(guild).id,
            name=name,
            denied=rights.mask(permissions or ()),
        )
        self._world.channels[channel.id] = channel
        self._tell("CHANNEL_CREATE", channel, payloads.channel(self._world, channel))
        return channel.id

    async def delete_channel(self, channel: Id) -> None:
        """Delete a channel with its threads and everything in them; of the threads nothing is told."""
        found = self._world.channel(channel)
        for each in [each for each in self._world.channels.values() if found.id in {each.id, each.parent}]:
            del self._world.channels[each.id]
        self._tell("CHANNEL_DELETE", found, payloads.channel(self._world, found))

    def _tell(self, name: str, channel: records.Channel, data: Json) -> None:
        """Of a channel itself the bot hears also when it may not view what is posted there."""
        self._publish(events.Event(name=name, data=data, guild=channel.guild, intent=events.GUILDS))

    def set_permissions(self, channel: Id, taken: set[str]) -> None:
        """Take these permissions from the bot in a channel, and give it all others back.

        When it may view the channel again, it is told the channel's threads.
        """
        found = self._world.channel(channel)
        saw = self._world.sees(found)
        found.denied = rights.mask(taken)
        self._tell("CHANNEL_UPDATE", found, payloads.channel(self._world, found))
        if self._world.sees(found) and not saw:
            open_threads = [each for each in self._world.threads(parent=found.id) if not each.archived]
            mine = [each for each in open_threads if self._world.bot in each.members]
            data = {
                "guild_id": found.guild,
                "channel_ids": [found.id],
                "threads": [payloads.channel(self._world, each) for each in open_threads],
                "members": [payloads.thread_member(each, self._world.bot) for each in mine],
            }
            self._tell("THREAD_LIST_SYNC", found, data)

    def hide_channel(self, channel: Id, user: Id) -> None:
        """Keep somebody from viewing a channel; they are not kept from writing, as no test needs that."""
        found = self._world.channel(channel)
        found.hidden_from.append(self._world.user(user).id)
        self._tell("CHANNEL_UPDATE", found, payloads.channel(self._world, found))

    def add_user(self, name: str, *, bot: bool = False) -> str:
        """Make an account."""
        return self._world.add_user(name, bot=bot)

    def add_role(self, guild: Id, name: str, *, mentionable: bool = False) -> str:
        """Make a role."""
        role = records.Role(id=self._world.ids.next(), name=name, mentionable=mentionable)
        self._world.guild(guild).roles[role.id] = role
        return role.id

    def grant(self, guild: Id, names: set[str]) -> None:
        """Give the bot a role with these permissions, beside what everybody has; do it before it connects."""
        home = self._world.guild(guild)
        role = records.Role(id=self._world.ids.next(), name="Granted", permissions=rights.mask(names))
        home.roles[role.id] = role
        home.members[self._world.bot].roles.append(role.id)

    def join(self, guild: Id, user: Id, *, nick: str | None = None, roles: Sequence[Id] = ()) -> None:
        """Let a user into a server."""
        home, known = self._world.guild(guild), self._world.user(user)
        held = [str(role) for role in roles]
        if unknown := [role for role in held if role not in home.roles]:
            raise LookupError(f"the server has no role {unknown}")
        at = self._world.clock()
        home.members[known.id] = records.Member(user=known.id, nick=nick, roles=held, joined_at=at)
        data = payloads.member(self._world, home, known.id) | {"guild_id": home.id}
        self._publish(events.Event(name="GUILD_MEMBER_ADD", data=data, guild=home.id, intent=events.MEMBERS))

    def open_dm(self, user: Id) -> str:
        """The direct-message channel of a user with the bot."""
        return self._world.dm(str(user)).id

    def _present(self, channel: Id, user: Id) -> tuple[records.Channel, str]:
        """A channel and somebody who can write there; LookupError for anybody else."""
        found, known = self._world.channel(channel), self._world.user(user)
        inside = (
            found.recipient == known.id
            if found.guild is None
            else known.id in self._world.guild(found.guild).members
        )
        if not inside:
            raise LookupError(f"{known.display_name} is not there; let them join the server first")
        return found, known.id

    async def post(
        self,
        *,
        channel: Id,
        user: Id,
        content: str = "",
        reply_to: Id | None = None,
        ping: bool = True,
        forward: Id | None = None,
        attachments: Sequence[Attachment] | None = None,
        type: int | None = None,  # noqa: A002 - the field's name on the wire
    ) -> str:
        """Write a message; `type` makes it one of the system messages."""
        where, author = self._present(channel, user)
        body: Json = {"content": content}
        if reply_to is not None and not ping:
            body["allowed_mentions"] = {"parse": ["users", "roles", "everyone"], "replied_user": False}
        limit = self._world.portal.upload_limit
        draft = drafts.parse(body, uploads=[_upload(each) for each in attachments or ()], upload_limit=limit)
        reference: Json | None = None
        snapshots: list[Json] = []
        if forward is not None:
            origin = self._anywhere(forward)
            reference = {"type": 1, "channel_id": origin.channel, "message_id": origin.id}
            snapshots = [actions.forwarded(self._world, origin)]
        elif reply_to is not None:
            target = self._world.message(where.id, reply_to)
            reference = {"type": 0, "channel_id": where.id, "message_id": target.id, "guild_id": where.guild}
        elif draft.is_empty and type is None:
            raise errors.empty_message()
        usual = records.DEFAULT if reply_to is None else records.REPLY
        return self._backend.threads.post(
            thread=where,
            author=author,
            draft=draft,
            kind=usual if type is None else type,
            reference=reference,
            snapshots=snapshots,
        ).id

    def _anywhere(self, message: Id) -> records.Message:
        """A message by its id alone."""
        for channel in self._world.channels.values():
            if (found := channel.messages.get(str(message))) is not None:
                return found
        raise errors.unknown_message()

    async def create_thread(
        self, *, channel: Id, user: Id, name: str, message: Id | None = None, private: bool = False
    ) -> str:
        """Open a thread; from a message it has that message's id."""
        parent, author = self._present(channel, user)
        starter = None if message is None else self._world.message(parent.id, message)
        kind = records.PRIVATE_THREAD if private else None
        return self._backend.threads.open(
            parent=parent, user=author, name=name, message=starter, kind=kind
        ).id

    async def create_forum_post(self, *, channel: Id, user: Id, name: str, content: str) -> str:
        """Open a post in a forum; its first message has the thread's id."""
        thread = self._world.channel(await self.create_thread(channel=channel, user=user, name=name))
        draft = drafts.parse({"content": content}, uploads=[], upload_limit=self._world.portal.upload_limit)
        self._backend.acts.post(channel=thread, author=str(user), draft=draft, message_id=thread.id)
        return thread.id

    async def join_thread(self, thread: Id, user: Id) -> None:
        """Let somebody into a thread."""
        self._backend.threads.join(self._world.channel(thread), [self._world.user(user).id])

    async def leave_thread(self, thread: Id, user: Id) -> None:
        """Take somebody out of a thread."""
        self._backend.threads.leave(self._world.channel(thread), self._world.user(user).id)

    async def change_thread(
        self, thread: Id, *, name: str | None = None, archived: bool | None = None, locked: bool | None = None
    ) -> None:
        """Rename, archive or lock a thread."""
        self._backend.threads.change(self._world.channel(thread), name=name, archived=archived, locked=locked)

    async def delete_thread(self, thread: Id) -> None:
        """Delete a thread."""
        self._backend.threads.remove(self._world.channel(thread))

    async def edit(
        self,
        channel: Id,
        message: Id,
        content: str,
        *,
        keep: Sequence[str] | None = None,
        attachments: Sequence[Attachment] = (),
    ) -> None:
        """Edit a message, as its author; of its files those named in `keep` stay, None for all."""
        limit = self._world.portal.upload_limit
        uploads = [_upload(each) for each in attachments]
        draft = drafts.parse({"content": content}, uploads=uploads, upload_limit=limit)
        found = self._world.message(channel, message)
        if keep is not None:
            draft = dataclasses.replace(
                draft, kept=[file.id for file in found.files if file.filename in keep]
            )
        self._backend.acts.edit(found, draft)

    async def delete(self, channel: Id, message: Id) -> None:
        """Delete a message."""
        self._backend.acts.delete(self._world.channel(channel), [self._world.message(channel, message).id])

    async def delete_bulk(self, channel: Id, messages: Sequence[Id]) -> None:
        """Delete several messages in one event."""
        found = [self._world.message(channel, message).id for message in messages]
        self._backend.acts.delete(self._world.channel(channel), found)

    async def unfurl(self, channel: Id, message: Id) -> None:
        """Let Discord add a link preview to a message."""
        embed = {"type": "link", "url": "https://example.com/", "title": "Example", "description": "A page"}
        self._backend.acts.unfurl(self._world.message(channel, message), embed)

    async def react(self, channel: Id, message: Id, user: Id, emoji: str, *, add: bool = True) -> None:
        """Add a reaction, or take it back."""
        _, who = self._present(channel, user)
        self._backend.acts.react(self._world.message(channel, message), user=who, emoji=emoji, add=add)

    async def pin(self, channel: Id, message: Id, user: Id, *, pinned: bool = True) -> None:
        """Pin a message, or unpin it."""
        _, who = self._present(channel, user)
        self._backend.acts.pin(self._world.message(channel, message), user=who, pinned=pinned)

    async def type_in(self, channel: Id, user: Id) -> None:
        """Show that somebody types."""
        where, who = self._present(channel, user)
        self._backend.acts.type_in(where, user=who)

    async def slash(
        self,
        user: Id,
        channel: Id,
        name: str,
        options: Mapping[str, Any] | None = None,
        *,
        focused: str | None = None,
    ) -> interactions.Interaction:
        """Use a slash command; `focused` names the option being typed and asks for completion."""
        where, who = self._present(channel, user)
        return self._backend.desk.command(
            user=who, channel=where, words=name.split(), values=options or {}, focused=focused
        )

    async def context_menu(self, user: Id, message: Id, name: str) -> interactions.Interaction:
        """Use a command of a message's menu."""
        found = self._anywhere(message)
        _, who = self._present(found.channel, user)
        return self._backend.desk.menu(user=who, message=found, name=name)

    async def button(
        self, user: Id, message: Id, custom_id: str, *, values: Sequence[str] | None = None
    ) -> interactions.Interaction:
        """Click a button, or choose `values` in a select."""
        found = self._clickable(message)
        _, who = self._present(found.channel, user)
        return self._backend.desk.component(user=who, message=found, custom_id=custom_id, values=values)

    def _clickable(self, message: Id) -> records.Message:
        for each in self._backend.desk.all.values():
            for shown in each.messages:
                if shown.id == str(message):
                    return shown
        return self._anywhere(message)

    async def submit(
        self, shown: interactions.Interaction, values: Mapping[str, str]
    ) -> interactions.Interaction:
        """Send the modal that an interaction was answered with."""
        return self._backend.desk.submit(shown=shown, values=values)


def _upload(attachment: Attachment) -> drafts.Upload:
    """A name and bytes, with the type given or guessed from the name."""
    name, data = attachment[0], attachment[1]
    guessed = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return drafts.Upload(
        filename=name, data=data, content_type=attachment[2] if len(attachment) == 3 else guessed
    )
