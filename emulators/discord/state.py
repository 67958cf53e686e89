"""The world: users, servers, channels and messages, found by id or refused with Discord's error."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from emulators.discord import errors, mentions, permissions, records, snowflakes

PRIVILEGED = {"members": 1 << 1, "presences": 1 << 8, "message_content": 1 << 15}
"""Gateway intents that the developer portal must allow."""


@dataclass(kw_only=True)
class Portal:
    """What is set in the developer portal, and a few switches of the emulator."""

    token: str
    missing_intents: set[str] = field(default_factory=set)
    shards: int = 1
    closed_dms: set[str] = field(default_factory=set)
    old_edits: tuple[int, float] = (3, 20.0)
    attachment_seconds: float = 86_400.0
    upload_limit: int = 10 * 1024 * 1024
    lean: bool = False  # messages lack what is empty in them and need not be there


class World:
    """Everything that exists, and what the bot may do in it."""

    def __init__(self, *, clock: Callable[[], float], token: str) -> None:
        self.clock = clock
        self.ids = snowflakes.Snowflakes(clock=clock)
        self.portal = Portal(token=token)
        self.users: dict[str, records.User] = {}
        self.guilds: dict[str, records.Guild] = {}
        self.channels: dict[str, records.Channel] = {}
        self.pings: dict[str, mentions.Ping] = {}
        self.nonces: dict[str, tuple[float, str, str]] = {}
        self.cdn = ""
        self.application_id = self.ids.next()
        self.bot = self.add_user("threadmate", bot=True)

    def add_user(self, name: str, *, bot: bool) -> str:
        """Make an account and give its id."""
        user = records.User(
            id=self.ids.next(), username=name.lower().replace(" ", "_"), display_name=name, bot=bot
        )
        self.users[user.id] = user
        return user.id

    def add_guild(self, name: str) -> records.Guild:
        """Make a server that the bot is in."""
        guild_id = self.ids.next(own_millisecond=True)
        owner = self.add_user(f"{name} owner", bot=False)
        guild = records.Guild(id=guild_id, name=name, owner=owner)
        guild.roles[guild_id] = records.Role(id=guild_id, name="@everyone", permissions=permissions.EVERYONE)
        self.guilds[guild_id] = guild
        for user in (owner, self.bot):
            guild.members[user] = records.Member(user=user, joined_at=self.clock())
        return guild

    def remove_guild(self, guild: str) -> None:
        """Take a server away with its channels."""
        del self.guilds[guild]
        self.channels = {each.id: each for each in self.channels.values() if each.guild != guild}

    def dm(self, user: str) -> records.Channel:
        """The bot's direct-message channel with a user, made when it is not there."""
        self.user(user)
        for channel in self.channels.values():
            if channel.kind == records.DM and channel.recipient == user:
                return channel
        channel = records.Channel(id=self.ids.next(), kind=records.DM, recipient=user)
        self.channels[channel.id] = channel
        return channel

    def user(self, user: str | int) -> records.User:
        """Find a user."""
        if (found := self.users.get(str(user))) is None:
            raise errors.unknown_user()
        return found

    def guild(self, guild: str | int) -> records.Guild:
        """Find a server."""
        if (found := self.guilds.get(str(guild))) is None:
            raise errors.unknown_guild()
        return found

    def channel(self, channel: str | int) -> records.Channel:
        """Find a channel, thread or direct message."""
        if (found := self.channels.get(str(channel))) is None:
            raise errors.unknown_channel()
        return found

    def message(self, channel: str | int, message: str | int) -> records.Message:
        """Find a message."""
        if (found := self.channel(channel).messages.get(str(message))) is None:
            raise errors.unknown_message()
        return found

    def threads(self, *, parent: str | None = None, guild: str | None = None) -> Iterator[records.Channel]:
        """Every thread of a channel or of a server, oldest first."""
        for channel in self.channels.values():
            if channel.is_thread and (parent in (None, channel.parent)) and (guild in (None, channel.guild)):
                yield channel

    def bot_permissions(self, channel: records.Channel) -> int:
        """The bits the bot holds in a channel; a thread has its parent's."""
        if channel.guild is None:
            return permissions.EVERYONE
        home = self.channels[channel.parent] if channel.parent else channel
        guild = self.guilds[channel.guild]
        held = guild.roles[guild.id].permissions
        for role in guild.members[self.bot].roles:
            held |= guild.roles[role].permissions
        return held & ~home.denied

    def may(self, channel: records.Channel, name: str) -> bool:
        """Whether the bot holds one permission in a channel."""
        return bool(self.bot_permissions(channel) & permissions.BITS[name])

    def require(self, channel: records.Channel, *names: str) -> None:
        """Refuse with 50001 when the bot cannot see the channel, with 50013 when it lacks a permission."""
        if not self.sees(channel):
            raise errors.missing_access()
        if not all(self.may(channel, name) for name in names):
            raise errors.missing_permissions()

    def sees(self, channel: records.Channel) -> bool:
        """Whether the bot gets this channel's events."""
        if channel.kind == records.PRIVATE_THREAD and self.bot not in channel.members:
            return self.may(channel, "view_channel") and self.may(channel, "manage_threads")
        return self.may(channel, "view_channel")

    def present(self, channel: records.Channel) -> set[str]:
        """Users who can be pinged in a channel."""
        if channel.guild is None:
            return {self.bot, channel.recipient or ""}
        return set(self.guilds[channel.guild].members)
