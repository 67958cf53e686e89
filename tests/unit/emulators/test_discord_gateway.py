"""The gateway as discord.py lives on it: connecting, hearing, losing and resuming sessions."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import discord
import pytest
from test_discord_support import Bot, Clock, Room, ShardedBot, running

from emulators import discord as fake


@pytest.fixture
async def service() -> AsyncIterator[fake.Discord]:
    """A service on loopback."""
    async with fake.Discord() as started:
        yield started


async def test_a_client_connects_and_knows_the_server(service: fake.Discord) -> None:
    """After READY the client holds the servers, channels and its own member."""
    room = Room(service)
    async with running(service, Bot()) as bot:
        await service.connected()
        assert bot.user is not None
        assert str(bot.user.id) == service.bot_user_id
        guild = bot.get_guild(int(room.guild))
        assert guild is not None
        assert [channel.name for channel in guild.text_channels] == ["general"]
        assert guild.me.id == bot.user.id
        assert bot.application_id == int(service.application_id)


async def test_posts_of_people_arrive(service: fake.Discord) -> None:
    """A channel post and a direct message each arrive once, with author and text."""
    room = Room(service)
    async with running(service, Bot()) as bot:
        dm = service.open_dm(room.ada)
        first = await service.post(
            channel=room.channel, user=room.ada, content=f"<@{service.bot_user_id}> hi"
        )
        second = await service.post(channel=dm, user=room.ada, content="just us")
        heard = await bot.hears("message", 2)
        assert [str(message.id) for message in heard] == [first, second]
        assert heard[0].author.display_name == "Ada"
        assert heard[0].mentions[0].id == bot.user.id  # type: ignore[union-attr]  # it is connected
        assert heard[1].guild is None
        assert heard[1].content == "just us"


async def test_edits_deletions_and_previews_are_told_apart(service: fake.Discord) -> None:
    """An edit has an edit time, a link preview has not, and deletions name their messages."""
    room = Room(service)
    async with running(service, Bot(max_messages=None)) as bot:
        ids = [await service.post(channel=room.channel, user=room.ada, content=text) for text in "abc"]
        await service.unfurl(room.channel, ids[0])
        await service.edit(room.channel, ids[0], "A")
        await service.delete(room.channel, ids[0])
        await service.delete_bulk(room.channel, ids[1:])
        preview, edited = await bot.hears("raw_message_edit", 2)
        assert (preview.message.content, preview.message.edited_at) == ("a", None)
        assert preview.message.embeds
        assert edited.message.content == "A"
        assert edited.message.edited_at is not None
        (gone,) = await bot.hears("raw_message_delete")
        assert str(gone.message_id) == ids[0]
        (bulk,) = await bot.hears("raw_bulk_message_delete")
        assert {str(each) for each in bulk.message_ids} == set(ids[1:])


async def test_reactions_and_typing_arrive(service: fake.Discord) -> None:
    """A reaction, its removal and typing reach the client and the state."""
    room = Room(service)
    async with running(service, Bot()) as bot:
        message = await service.post(channel=room.channel, user=room.ada, content="x")
        await service.react(room.channel, message, room.bob, "👍")
        await service.type_in(room.channel, room.bob)
        (added,) = await bot.hears("raw_reaction_add")
        assert (str(added.user_id), added.emoji.name) == (room.bob, "👍")
        assert service.reactions == {message: {"👍": [room.bob]}}
        await service.react(room.channel, message, room.bob, "👍", add=False)
        await bot.hears("raw_reaction_remove")
        await bot.hears("raw_typing")
        assert service.reactions == {}


@pytest.mark.parametrize(
    ("how", "resumed"),
    [
        ({"kind": "reconnect"}, True),  # op 7
        ({"kind": "abort"}, True),  # the TCP connection is reset
        ({"kind": "cut"}, True),  # in the middle of a compressed event
        ({"kind": "close", "code": 4000}, True),  # unknown error
        ({"kind": "close", "code": 4009}, False),  # session timed out
        ({"kind": "invalid_session", "resumable": True}, True),  # op 9, true
        ({"kind": "invalid_session", "resumable": False}, False),  # op 9, false
        ({"kind": "reconnect", "refuse_resume": True}, False),  # the resume is turned down
    ],
)
async def test_a_broken_session_is_resumed_or_lost(
    service: fake.Discord, how: dict[str, Any], resumed: bool
) -> None:
    """A resumed session replays what was posted meanwhile; a new one never tells of it."""
    room = Room(service)
    async with running(service, Bot()) as bot:
        await service.post(channel=room.channel, user=room.ada, content="before")
        await bot.hears("message")
        await service.break_gateway(**how)
        await service.post(channel=room.channel, user=room.ada, content="meanwhile")
        if resumed:
            await bot.hears("message", 2)
            await bot.hears("resumed")
        else:
            await bot.hears("ready", 2)
        await service.connected()
        await service.post(channel=room.channel, user=room.ada, content="after")
        heard = await bot.hears("message", 3 if resumed else 2)
        expected = ["before", "meanwhile", "after"] if resumed else ["before", "after"]
        assert [message.content for message in heard] == expected
        kinds = [shake.kind for shake in service.handshakes]
        assert kinds.count("resume") == int(resumed)
        assert kinds.count("identify") == 2 - int(resumed)


async def test_an_outage_changes_the_state_only(service: fake.Discord) -> None:
    """What is posted during an outage is in the history afterwards and in no event."""
    room = Room(service)
    async with running(service, Bot()) as bot:
        service.down()
        await service.post(channel=room.channel, user=room.ada, content="unheard")
        with pytest.raises(discord.DiscordServerError):
            await bot.fetch_user(int(room.ada))
        service.up()
        await bot.hears("ready", 2)
        channel: Any = bot.get_channel(int(room.channel))
        assert [message.content async for message in channel.history()] == ["unheard"]
        assert bot.all("message") == []


async def test_ready_can_come_twice(service: fake.Discord) -> None:
    """A second READY on the same connection is taken as one."""
    Room(service)
    async with running(service, Bot()) as bot:
        await service.break_gateway(kind="ready")
        assert len(await bot.hears("ready", 2)) == 2


async def test_a_silent_socket_is_noticed_and_resumed(service: fake.Discord) -> None:
    """When nothing is written any more the client comes back by itself and misses nothing."""
    room = Room(service)
    async with fake.Discord(heartbeat_seconds=0.2) as quick:
        room = Room(quick)
        async with running(quick, Bot(heartbeat_timeout=0.5)) as bot:
            await quick.break_gateway(kind="silent")
            await quick.post(channel=room.channel, user=room.ada, content="into the void")
            (message,) = await bot.hears("message")
            assert message.content == "into the void"


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("duplicate", ["a", "a", "b"]),
        ("reorder", ["b", "a"]),
        ("lose", ["b"]),
    ],
)
async def test_events_can_be_disturbed(service: fake.Discord, kind: Any, expected: list[str]) -> None:
    """Events come twice, in the wrong order, or not at all, as a test asks."""
    room = Room(service)
    async with running(service, Bot()) as bot:
        service.disturb(fake.Disturbance(kind=kind))
        for text in "ab":
            await service.post(channel=room.channel, user=room.ada, content=text)
        heard = await bot.hears("message", len(expected))
        assert [message.content for message in heard] == expected


async def test_a_thread_may_be_heard_of_after_its_first_message(service: fake.Discord) -> None:
    """With THREAD_CREATE kept back the first message comes from a channel the client does not know."""
    room = Room(service)
    async with running(service, Bot()) as bot:
        service.disturb(fake.Disturbance(kind="reorder", event="THREAD_CREATE"))
        root = await service.post(channel=room.channel, user=room.ada, content="root")
        await service.create_thread(channel=room.channel, user=room.ada, name="t", message=root)
        (thread,) = await bot.hears("thread_create")
        assert str(thread.id) == root
        names = [name for name, _ in bot.heard]
        assert names.index("raw_message_edit") < names.index("thread_create")


async def test_a_missing_intent_closes_with_4014(service: fake.Discord) -> None:
    """An intent that is off in the portal ends the start with PrivilegedIntentsRequired."""
    service.missing_intents.add("message_content")
    with pytest.raises(discord.PrivilegedIntentsRequired):
        async with running(service, Bot()):
            pass


async def test_a_bad_token_is_refused(service: fake.Discord) -> None:
    """A wrong token ends the start with LoginFailure."""
    service.portal.token = "another"
    with pytest.raises(discord.LoginFailure):
        async with running(service, Bot()):
            pass


async def test_without_the_content_intent_only_what_concerns_the_bot_has_text(service: fake.Discord) -> None:
    """Direct messages, mentions and own posts keep their text, others come empty."""
    room = Room(service)
    intents = discord.Intents(guilds=True, messages=True)
    async with running(service, Bot(intents=intents)) as bot:
        await service.post(channel=room.channel, user=room.ada, content="secret")
        await service.post(channel=room.channel, user=room.ada, content=f"<@{service.bot_user_id}> open")
        await service.post(channel=service.open_dm(room.ada), user=room.ada, content="private")
        heard = await bot.hears("message", 3)
        assert [message.content for message in heard] == ["", f"<@{service.bot_user_id}> open", "private"]


async def test_without_an_intent_its_events_stay_away(service: fake.Discord) -> None:
    """A client that asks for servers alone hears of no message."""
    room = Room(service)
    async with running(service, Bot(intents=discord.Intents(guilds=True))) as bot:
        await service.post(channel=room.channel, user=room.ada, content="x")
        await service.create_thread(channel=room.channel, user=room.ada, name="t")
        await bot.hears("thread_create")
        assert bot.all("message") == []


async def test_hidden_channels_are_not_heard(service: fake.Discord) -> None:
    """A channel that the bot may not view sends no messages; once it may, it is told the threads."""
    room = Room(service)
    hidden = service.add_channel(room.guild, "hidden", permissions={"view_channel"})
    async with running(service, Bot()) as bot:
        await service.post(channel=hidden, user=room.ada, content="x")
        await service.post(channel=room.channel, user=room.ada, content="y")
        assert [message.content for message in await bot.hears("message")] == ["y"]
        thread = await service.create_thread(channel=hidden, user=room.ada, name="t")
        channel: Any = bot.get_channel(int(hidden))
        assert not channel.permissions_for(channel.guild.me).view_channel
        with pytest.raises(discord.Forbidden) as refused:
            await bot.fetch_channel(int(hidden))
        assert refused.value.code == 50001
        service.set_permissions(hidden, set())
        assert [str(each.id) for each in await bot.hears("thread_join")] == [thread]


async def test_servers_and_channels_come_and_go(service: fake.Discord) -> None:
    """A server or channel that is made while the client is connected is heard of, and so is the way out."""
    intents = discord.Intents(guilds=True, members=True)
    Room(service)
    async with running(service, Bot(intents=intents)) as bot:
        guild = service.add_guild("New")
        await bot.hears("guild_join")
        channel = service.add_channel(guild, "talk")
        eve = service.add_user("Eve")
        service.join(guild, eve, nick="E")
        (joined,) = await bot.hears("member_join")
        assert (str(joined.id), joined.display_name) == (eve, "E")
        assert [str(each.id) for each in bot.all("guild_channel_create")] == [channel]
        service.remove_guild(guild)
        (gone,) = await bot.hears("guild_remove")
        assert str(gone.id) == guild
        with pytest.raises(discord.NotFound):
            await bot.fetch_channel(int(channel))


async def test_shards_hear_their_own_servers(service: fake.Discord) -> None:
    """Each server speaks on its shard, direct messages on shard 0, and each shard resumes alone."""
    service.portal.shards = 2
    rooms = [Room(service)]
    while len({(int(room.guild) >> 22) % 2 for room in rooms}) < 2:  # a server's shard follows from its id
        rooms.append(Room(service))
    rooms = [rooms[0], rooms[-1]]
    async with running(service, ShardedBot()) as bot:
        await service.connected()
        assert {session.shard for session in service.sessions} == {(0, 2), (1, 2)}
        assert {guild.shard_id for guild in bot.guilds} == {0, 1}
        await service.break_gateway(kind="reconnect", shard=1)
        for room in rooms:
            await service.post(channel=room.channel, user=room.ada, content=room.guild)
        await service.post(channel=service.open_dm(rooms[0].ada), user=rooms[0].ada, content="dm")
        heard = await bot.hears("message", 3)
        assert {message.content for message in heard} == {rooms[0].guild, rooms[1].guild, "dm"}
        assert [shake.shard for shake in service.handshakes if shake.kind == "resume"] == [1]
        assert len(bot.all("message")) == 3


async def test_sessions_expire_by_the_clock() -> None:
    """A session without a socket cannot be resumed after some minutes."""
    clock = Clock()
    async with fake.Discord(clock=clock) as service:
        room = Room(service)
        async with running(service, Bot()) as bot:
            service.gateway.closed = True
            await service.break_gateway(kind="abort")
            await service.until(lambda each: not each.sessions)
            clock.now += 600
            service.gateway.closed = False
            await bot.hears("ready", 2)
            await service.post(channel=room.channel, user=room.ada, content="x")
            await bot.hears("message")
            assert "refused" in [shake.kind for shake in service.handshakes]


async def _refusal(
    service: fake.Discord, talk: Callable[[Any], Any], query: str = "v=10&encoding=json"
) -> int | None:
    """The close code that a raw client gets for what it sends."""
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{service.gateway_url}?{query}") as socket,
    ):
        await talk(socket)
        async with asyncio.timeout(5):
            while (await socket.receive()).type is aiohttp.WSMsgType.TEXT:
                pass
        return socket.close_code


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ({"op": 99}, 4003),  # not identified yet
        ("{", 4002),  # no JSON
        ({"op": 2, "d": {"token": "wrong", "intents": 0, "properties": {}}}, 4004),
        ({"op": 2, "d": {"token": None, "intents": 1 << 30, "properties": {}}}, 4013),  # a bit nobody knows
        ({"op": 2, "d": {"token": None, "intents": 0, "properties": {}, "shard": [2, 2]}}, 4010),
        ({"op": 6, "d": {"token": "wrong", "session_id": "x", "seq": 0}}, 4004),
    ],
)
async def test_broken_protocol_is_closed_with_its_code(service: fake.Discord, sent: Any, code: int) -> None:
    """A client that breaks the protocol gets the close code for it."""

    async def talk(socket: Any) -> None:
        if isinstance(sent, str):
            await socket.send_str(sent)
            return
        if "d" in sent and sent["d"]["token"] is None:
            sent["d"]["token"] = service.token
        await socket.send_json(sent)

    assert await _refusal(service, talk) == code
