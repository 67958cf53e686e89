"""What happens to threads and their members, whoever does it."""

from collections.abc import Iterable

from emulators.discord import actions, drafts, errors, events, mentions, payloads, records, state

_QUIET = drafts.Draft(allowed=mentions.Allowed(parse=frozenset(), replied_user=False))
NAME = 100
ARCHIVE_MINUTES = (60, 1440, 4320, 10080)


class Threads:
    """Opening, joining, leaving, renaming and archiving threads."""

    def __init__(self, *, world: state.World, publish: events.Publish, acts: actions.Actions) -> None:
        self._world = world
        self._publish = publish
        self._acts = acts

    def open(
        self,
        *,
        parent: records.Channel,
        user: str,
        name: str,
        message: records.Message | None = None,
        kind: int | None = None,
        auto_archive: int = 1440,
    ) -> records.Channel:
        """Make a thread; one that starts from a message has that message's id."""
        world = self._world
        if parent.kind not in records.KINDS.values():
            raise errors.wrong_channel_type()
        if message is not None and message.id in world.channels:
            raise errors.has_thread()
        if kind is None:
            kind = (
                records.ANNOUNCEMENT_THREAD if parent.kind == records.ANNOUNCEMENT else records.PUBLIC_THREAD
            )
        now = world.clock()
        thread = records.Channel(
            id=message.id if message else world.ids.next(),
            kind=kind,
            guild=parent.guild,
            name=name,
            parent=parent.id,
            owner=user,
            members={user: now},
            auto_archive=auto_archive,
            archived_at=now,
            created_at=now,
        )
        world.channels[thread.id] = thread
        self._tell("THREAD_CREATE", thread, payloads.channel(world, thread) | {"newly_created": True})
        if message is not None:
            message.thread, message.flags = thread.id, message.flags | records.HAS_THREAD
            self._acts.updated(message)
            where = {"guild_id": parent.guild, "channel_id": parent.id, "message_id": message.id}
            self._acts.post(
                channel=thread, author=user, draft=_QUIET, kind=records.THREAD_STARTER, reference=where
            )
        elif kind != records.PRIVATE_THREAD and parent.kind != records.FORUM:
            where = {"guild_id": parent.guild, "channel_id": thread.id}
            note = drafts.Draft(content=name, allowed=_QUIET.allowed)
            self._acts.post(
                channel=parent, author=user, draft=note, kind=records.THREAD_CREATED, reference=where
            )
        return thread

    def post(
        self,
        *,
        thread: records.Channel,
        author: str,
        draft: drafts.Draft,
        kind: int = records.DEFAULT,
        reference: records.Json | None = None,
        snapshots: Iterable[records.Json] = (),
    ) -> records.Message:
        """Post into any channel; in a thread that wakes it up and lets in the author and those it names."""
        if thread.is_thread:
            if thread.archived:
                self.change(thread, archived=False)
            self.join(thread, [author])
        message = self._acts.post(
            channel=thread,
            author=author,
            draft=draft,
            kind=kind,
            reference=reference,
            snapshots=list(snapshots),
        )
        if thread.is_thread:
            self.join(thread, message.mentions)
        return message

    def join(self, thread: records.Channel, users: Iterable[str]) -> None:
        """Let users into a thread; who is in already stays."""
        fresh = [user for user in users if user not in thread.members]
        if not fresh:
            return
        for user in fresh:
            thread.members[user] = self._world.clock()
        self._members(thread, added=fresh, removed=[])

    def leave(self, thread: records.Channel, user: str) -> None:
        """Take a user out of a thread."""
        if thread.members.pop(user, None) is not None:
            self._members(thread, added=[], removed=[user])

    def change(
        self,
        thread: records.Channel,
        *,
        name: str | None = None,
        archived: bool | None = None,
        locked: bool | None = None,
        auto_archive: int | None = None,
    ) -> None:
        """Rename, archive, unarchive or lock a thread."""
        thread.name = thread.name if name is None else name
        thread.locked = thread.locked if locked is None else locked
        thread.auto_archive = auto_archive or thread.auto_archive
        if archived is not None and archived != thread.archived:
            thread.archived, thread.archived_at = archived, self._world.clock()
        self._tell("THREAD_UPDATE", thread, payloads.channel(self._world, thread))

    def remove(self, thread: records.Channel) -> None:
        """Delete a thread with everything in it."""
        body = {"id": thread.id, "guild_id": thread.guild, "parent_id": thread.parent, "type": thread.kind}
        self._tell("THREAD_DELETE", thread, body)
        del self._world.channels[thread.id]
        starter = self._world.channel(thread.parent or "").messages.get(thread.id)
        if starter is not None:
            starter.thread, starter.flags = None, starter.flags & ~records.HAS_THREAD

    def _members(self, thread: records.Channel, *, added: list[str], removed: list[str]) -> None:
        """Without the members intent a session hears of this only when it concerns the bot."""
        concerned = self._world.bot in (*added, *removed)
        body: records.Json = {
            "id": thread.id,
            "guild_id": thread.guild,
            "member_count": min(len(thread.members), 50),
            "added_members": [payloads.thread_member(thread, user) for user in added],
            "removed_member_ids": removed,
        }
        intent = events.GUILDS if concerned else events.MEMBERS
        self._publish(events.about(thread, name="THREAD_MEMBERS_UPDATE", intent=intent, data=body))

    def _tell(self, name: str, thread: records.Channel, data: records.Json) -> None:
        self._publish(events.about(thread, name=name, intent=events.GUILDS, data=data))


def check(name: object, auto_archive: object) -> tuple[str, int]:
    """A thread's name and archive time, refused when out of range."""
    if not isinstance(name, str) or not name.strip():
        raise errors.invalid("name", "BASE_TYPE_REQUIRED", "This field is required")
    if len(name.strip()) > NAME:
        raise errors.invalid("name", "BASE_TYPE_BAD_LENGTH", f"Must be between 1 and {NAME} in length.")
    if auto_archive not in (None, *ARCHIVE_MINUTES):
        raise errors.invalid(
            "auto_archive_duration", "BASE_TYPE_CHOICES", f"Value must be one of {ARCHIVE_MINUTES}."
        )
    return name.strip(), auto_archive if isinstance(auto_archive, int) else 1440
