"""Endpoints of channels, threads, servers and users."""

from emulators.discord import errors, payloads, records, routing, snowflakes, state, threads

table = routing.Table()

_CHANNEL = "/channels/{channel_id}"
_MEMBERS = _CHANNEL + "/thread-members"


@table.on("GET", _CHANNEL)
def channel(backend: routing.Backend, request: routing.Request) -> routing.Reply:
    """One channel, thread or direct message."""
    found = backend.world.channel(request.ids["channel_id"])
    backend.world.require(found)
    return routing.Reply(body=payloads.channel(backend.world, found))


@table.on("PATCH", _CHANNEL)
def change(backend: routing.Backend, request: routing.Request) -> routing.Reply:
    """Rename, archive or lock a thread; its owner may do all but lock it without manage_threads."""
    world, fields = backend.world, request.fields
    found = world.channel(request.ids["channel_id"])
    world.require(found)
    if not found.is_thread:
        world.require(found, "manage_channels")
        raise errors.wrong_channel_type()
    if found.owner != world.bot or "locked" in fields:
        world.require(found, "manage_threads")
    if found.archived and fields.get("archived") is not False:
        raise errors.thread_archived()
    name = fields.get("name")
    if name is not None:
        name, _ = threads.check(name, None)
    backend.threads.change(
        found,
        name=name,
        archived=fields.get("archived"),
        locked=fields.get("locked"),
        auto_archive=fields.get("auto_archive_duration"),
    )
    return routing.Reply(body=payloads.channel(world, found))


@table.on("DELETE", _CHANNEL)
def remove(backend: routing.Backend, request: routing.Request) -> routing.Reply:
    """Delete a thread."""
    world = backend.world
    found = world.channel(request.ids["channel_id"])
    world.require(found, "manage_threads" if found.is_thread else "manage_channels")
    if not found.is_thread:
        raise errors.wrong_channel_type()
    body = payloads.channel(world, found)
    backend.threads.remove(found)
    return routing.Reply(body=body)


@table.on("POST", _CHANNEL + "/messages/{message_id}/threads")
def open_from(backend: routing.Backend, request: routing.Request) -> routing.Reply:
    """Open a thread from a message; the thread gets the message's id."""
    world = backend.world
    parent = world.channel(request.ids["channel_id"])
    world.require(parent, "create_public_threads")
    message = world.message(parent.id, request.ids["message_id"])
    name, minutes = threads.check(request.fields.get("name"), request.fields.get("auto_archive_duration"))
    thread = backend.threads.open(
        parent=parent, user=world.bot, name=name, message=message, auto_archive=minutes
    )
    return routing.Reply(body=payloads.channel(world, thread), status=201)


@table.on("POST", _CHANNEL + "/threads")
def open_bare(backend: routing.Backend, request: routing.Request) -> routing.Reply:
    """Open a thread without a message; private unless `type` says otherwise, as in the real API."""
    world = backend.world
    parent = world.channel(request.ids["channel_id"])
    kind = request.fields.get("type", records.PRIVATE_THREAD)
    if parent.kind == records.FORUM or kind not in records.THREADS:
        raise errors.wrong_channel_type()
    private = kind == records.PRIVATE_THREAD
    world.require(parent, "create_private_threads" if private else "create_public_threads")
    name, minutes = threads.check(request.fields.get("name"), request.fields.get("auto_archive_duration"))
    thread = backend.threads.open(parent=parent, user=world.bot, name=name, kind=kind, auto_archive=minutes)
    return routing.Reply(body=payloads.channel(world, thread), status=201)


def _thread(world: state.World, request: routing.Request) -> records.Channel:
    found = world.channel(request.ids["channel_id"])
    world.require(found)
    if not found.is_thread:
        raise errors.wrong_channel_type()
    return found


def _who(world: state.World, request: routing.Request) -> str:
    asked = request.ids["user_id"]
    return world.bot if asked == "@me" else world.user(asked).id


@table.on("GET", _MEMBERS)
def members(backend: routing.Backend, request: routing.Request) -> routing.Reply:
    """Everybody in a thread; the list takes the members intent."""
    thread = _thread(backend.world, request)
    if "members" in backend.world.portal.missing_intents:
        raise errors.missing_access()
    return routing.Reply(body=[payloads.thread_member(thread, user) for user in thread.members])


@table.on("GET", _MEMBERS + "/{user_id}")
def is_member(backend: routing.Backend, request: routing.Request) -> routing.Reply:
    """One thread member, or 10007."""
    thread, user = _thread(backend.world, request), _who(backend.world, request)
    if user not in thread.members:
        raise errors.unknown_member()
    return routing.Reply(body=payloads.thread_member(thread, user))


@table.on("PUT", _MEMBERS + "/{user_id}")
def join(backend: routing.Backend, request: routing.Request) -> routing.Reply:
    """Join a thread, or let somebody in."""
    thread = _thread(backend.world, request)
    if thread.archived:
        raise errors.thread_archived()
    backend.threads.join(thread, [_who(backend.world, request)])
    return routing.NOTHING


@table.on("DELETE", _MEMBERS + "/{user_id}")
def leave(backend: routing.Backend, request: routing.Request) -> routing.Reply:
    """Leave a thread, or take somebody out with manage_threads."""
    thread, user = _thread(backend.world, request), _who(backend.world, request)
    if user != backend.world.bot:
        backend.world.require(thread, "manage_threads")
    backend.threads.leave(thread, user)
    return routing.NOTHING


@table.on("GET", _CHANNEL + "/threads/archived/public")
def archived(backend: routing.Backend, request: routing.Request) -> routing.Reply:
    """Archived public threads of a channel, the last archived first."""
    world = backend.world
    parent = world.channel(request.ids["channel_id"])
    world.require(parent, "read_message_history")
    before = request.query.get("before")
    found = [
        each
        for each in world.threads(parent=parent.id)
        if each.archived
        and each.kind != records.PRIVATE_THREAD
        and (before is None or snowflakes.stamp(each.archived_at) < before)
    ]
    found.sort(key=lambda each: each.archived_at, reverse=True)
    limit = request.limit(default=50, most=100)
    return routing.Reply(body=_listed(world, found[:limit]) | {"has_more": len(found) > limit})


def _listed(world: state.World, found: list[records.Channel]) -> records.Json:
    mine = [payloads.thread_member(each, world.bot) for each in found if world.bot in each.members]
    return {"threads": [payloads.channel(world, each) for each in found], "members": mine}


@table.on("GET", "/guilds/{guild_id}/threads/active")
def active(backend: routing.Backend, request: routing.Request) -> routing.Reply:
    """Threads of a server that are not archived, the newest first."""
    world = backend.world
    guild = world.guild(request.ids["guild_id"])
    found = [each for each in world.threads(guild=guild.id) if not each.archived and world.sees(each)]
    found.sort(key=lambda each: int(each.id), reverse=True)
    return routing.Reply(body=_listed(world, found))


@table.on("GET", "/guilds/{guild_id}")
def guild(backend: routing.Backend, request: routing.Request) -> routing.Reply:
    """One server."""
    found = backend.world.guild(request.ids["guild_id"])
    body = payloads.guild(backend.world, found, members=False, gateway=False)
    counts = {"approximate_member_count": len(found.members), "approximate_presence_count": 0}
    return routing.Reply(body=body | (counts if request.query.get("with_counts") in ("true", "1") else {}))


@table.on("GET", "/guilds/{guild_id}/channels")
def channels(backend: routing.Backend, request: routing.Request) -> routing.Reply:
    """Every channel of a server that is not a thread."""
    world = backend.world
    found = world.guild(request.ids["guild_id"])
    every = [each for each in world.channels.values() if each.guild == found.id and not each.is_thread]
    return routing.Reply(body=[payloads.channel(world, each) for each in every])


@table.on("GET", "/guilds/{guild_id}/roles")
def roles(backend: routing.Backend, request: routing.Request) -> routing.Reply:
    """Every role of a server."""
    return routing.Reply(body=payloads.roles(backend.world.guild(request.ids["guild_id"])))


@table.on("GET", "/guilds/{guild_id}/members")
def guild_members(backend: routing.Backend, request: routing.Request) -> routing.Reply:
    """Members by rising id; the list takes the members intent."""
    world = backend.world
    found = world.guild(request.ids["guild_id"])
    if "members" in world.portal.missing_intents:
        raise errors.missing_access()
    after = int(request.query.get("after", "0"))
    users = sorted((user for user in found.members if int(user) > after), key=int)
    limit = request.limit(default=1, most=1000)
    return routing.Reply(body=[payloads.member(world, found, user) for user in users[:limit]])


@table.on("GET", "/guilds/{guild_id}/members/{user_id}")
def guild_member(backend: routing.Backend, request: routing.Request) -> routing.Reply:
    """One member."""
    world = backend.world
    found = world.guild(request.ids["guild_id"])
    user = world.user(request.ids["user_id"])
    if user.id not in found.members:
        raise errors.unknown_member()
    return routing.Reply(body=payloads.member(world, found, user.id))


@table.on("GET", "/users/@me")
def me(backend: routing.Backend, request: routing.Request) -> routing.Reply:  # noqa: ARG001 - a handler's signature
    """The bot's own account."""
    world = backend.world
    own = {"verified": True, "mfa_enabled": True, "email": None, "flags": 0}
    return routing.Reply(body=payloads.user(world, world.bot) | own)


@table.on("GET", "/users/@me/guilds")
def my_guilds(backend: routing.Backend, request: routing.Request) -> routing.Reply:
    """The servers that the bot is in, by rising id."""
    limit = request.limit(default=200, most=200)
    after = int(request.query.get("after", "0"))
    found = sorted(
        (each for each in backend.world.guilds.values() if int(each.id) > after), key=lambda g: int(g.id)
    )
    shown: list[records.Json] = [
        {"id": each.id, "name": each.name, "icon": None, "owner": False, "features": [], "permissions": "0"}
        for each in found[:limit]
    ]
    return routing.Reply(body=shown)


@table.on("POST", "/users/@me/channels")
def open_dm(backend: routing.Backend, request: routing.Request) -> routing.Reply:
    """The direct-message channel with somebody."""
    user = backend.world.user(str(request.fields.get("recipient_id")))
    if user.id == backend.world.bot:
        raise errors.cannot_dm()
    return routing.Reply(body=payloads.channel(backend.world, backend.world.dm(user.id)))


@table.on("GET", "/users/{user_id}")
def user(backend: routing.Backend, request: routing.Request) -> routing.Reply:
    """One user."""
    return routing.Reply(body=payloads.user(backend.world, request.ids["user_id"]))
