"""The REST API as discord.py calls it: posting, reading, threads, permissions, limits and faults."""

import asyncio
import io
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import discord
import pytest
from test_discord_support import Bot, Clock, Room, running

from emulators import discord as fake


@pytest.fixture
async def service() -> AsyncIterator[fake.Discord]:
    """A service on loopback."""
    async with fake.Discord() as started:
        yield started


@pytest.fixture
def room(service: fake.Discord) -> Room:
    """A server in it."""
    return Room(service)


@pytest.fixture
async def bot(service: fake.Discord, room: Room) -> AsyncIterator[Bot]:
    """A connected client that knows the room."""
    async with running(service, Bot()) as connected:
        assert connected.get_channel(int(room.channel)) is not None
        yield connected


@pytest.fixture
def channel(bot: Bot, room: Room) -> discord.TextChannel:
    """The room's channel as the client has it."""
    found = bot.get_channel(int(room.channel))
    assert isinstance(found, discord.TextChannel)
    return found


async def test_the_bots_post_is_kept_logged_and_heard(
    service: fake.Discord, bot: Bot, channel: discord.TextChannel
) -> None:
    """A post of the bot stands in the channel, in the log of calls, and comes back as an event."""
    sent = await channel.send("  hello  ")
    assert sent.content == "hello"
    (stored,) = service.messages(channel.id)
    assert (stored["id"], stored["author"]["id"]) == (str(sent.id), service.bot_user_id)
    call = service.calls[-1]
    assert (call.method, call.route, call.status) == ("POST", "/channels/{channel_id}/messages", 200)
    assert call.body["content"] == "  hello  "
    (heard,) = await bot.hears("message")
    assert heard.id == sent.id


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"content": "x" * 2001}, 50035),  # one too many
        ({"content": " \n "}, 50006),  # nothing but white space
        ({"content": ""}, 50006),  # nothing
        ({"embed": discord.Embed(description="x" * 4097)}, 50035),  # one part too long
        ({"embeds": [discord.Embed(description="x" * 4000)] * 2}, 50035),  # too long together
        ({"content": "x", "reference": discord.MessageReference(message_id=1, channel_id=2)}, 50035),
        ({"content": "x", "nonce": "n" * 26}, 50035),
    ],
)
async def test_a_bad_post_is_refused(channel: discord.TextChannel, fields: dict[str, Any], code: int) -> None:
    """What Discord would not take is refused with its code, and nothing is posted."""
    with pytest.raises(discord.HTTPException) as refused:
        await channel.send(**fields)
    assert (refused.value.status, refused.value.code) == (400, code)
    assert [message async for message in channel.history()] == []


async def test_two_thousand_code_points_fit(channel: discord.TextChannel) -> None:
    """The limit counts code points."""
    sent = await channel.send("😀" * 2000)
    assert len(sent.content) == 2000


async def test_a_nonce_gives_the_first_message_back() -> None:
    """Within the window the same nonce posts nothing new; after it, it does; a deleted one is a 404."""
    clock = Clock()
    async with fake.Discord(clock=clock) as service:
        room = Room(service)
        async with running(service, Bot()) as bot:
            channel: Any = bot.get_channel(int(room.channel))
            first = await channel.send("one", nonce="turn-1")
            assert (await channel.send("one again", nonce="turn-1")).id == first.id
            clock.now += 3600
            second = await channel.send("later", nonce="turn-1")
            assert second.id != first.id
            await second.delete()
            with pytest.raises(discord.NotFound) as refused:
                await channel.send("later", nonce="turn-1")
            assert refused.value.code == 10008
            assert [message["content"] for message in service.messages(room.channel)] == ["one"]


async def test_edit_and_delete_are_for_the_author(
    service: fake.Discord, room: Room, channel: discord.TextChannel
) -> None:
    """The bot edits and deletes its own posts; of another's it may do neither."""
    own = await channel.send("draft")
    assert (await own.edit(content="final")).edited_at is not None
    foreign = await channel.fetch_message(
        int(await service.post(channel=room.channel, user=room.ada, content="x"))
    )
    for attempt, code in ((foreign.edit(content="y"), 50005), (foreign.delete(), 50013)):
        with pytest.raises(discord.Forbidden) as refused:
            await attempt
        assert refused.value.code == code
    with pytest.raises(discord.HTTPException) as empty:
        await own.edit(content="")
    assert empty.value.code == 50006
    await own.delete()
    assert [message["content"] for message in service.messages(room.channel)] == ["x"]


async def test_old_messages_take_few_edits() -> None:
    """A fourth edit of an hour-old message within twenty seconds is a 429 with code 30046."""
    clock = Clock()
    async with fake.Discord(clock=clock) as service:
        room = Room(service)
        headers = {"Authorization": f"Bot {service.token}"}
        async with aiohttp.ClientSession(base_url=service.api_url + "/", headers=headers) as http:
            path = f"channels/{room.channel}/messages"
            made = await (await http.post(path, json={"content": "x"})).json()
            clock.now += 3601
            statuses = []
            for number in range(4):
                answer = await http.patch(f"{path}/{made['id']}", json={"content": str(number)})
                statuses.append(answer.status)
            assert statuses == [200, 200, 200, 429]
            body = await answer.json()
            assert (body["code"], body["retry_after"]) == (30046, 20)


async def test_history_pages_both_ways(
    service: fake.Discord, room: Room, channel: discord.TextChannel
) -> None:
    """More than a page is read whole and in order, from either end and around a message."""
    ids = [int(await service.post(channel=room.channel, user=room.ada, content=str(n))) for n in range(205)]
    after = [m.id async for m in channel.history(after=discord.Object(ids[2]), oldest_first=True, limit=None)]
    assert after == ids[3:]
    before = [m.id async for m in channel.history(before=discord.Object(ids[150]), limit=None)]
    assert before == ids[149::-1]
    around = [m.id async for m in channel.history(around=discord.Object(ids[100]), limit=5)]
    assert sorted(around) == ids[98:103]


async def test_a_thread_has_its_messages_id(
    service: fake.Discord, room: Room, channel: discord.TextChannel
) -> None:
    """A thread from a message shares its id, holds the bot, starts with message 21, and is made once."""
    root = await service.post(channel=room.channel, user=room.ada, content="root")
    message = await channel.fetch_message(int(root))
    thread = await message.create_thread(name="A question")
    assert str(thread.id) == root
    await thread.send("answer")
    posts = [m async for m in thread.history(oldest_first=True)]
    assert [m.type for m in posts] == [
        discord.MessageType.thread_starter_message,
        discord.MessageType.default,
    ]
    assert posts[0].reference is not None
    assert isinstance(posts[0].reference.resolved, discord.Message)
    assert posts[0].reference.resolved.content == "root"
    assert service.thread_members(root) == [service.bot_user_id]
    with pytest.raises(discord.HTTPException) as again:
        await message.create_thread(name="Again")
    assert (again.value.status, again.value.code) == (400, 160004)
    assert service.threads(room.channel)[0]["message_count"] == 1


async def test_threads_are_listed_joined_and_left(
    service: fake.Discord, room: Room, channel: discord.TextChannel
) -> None:
    """Active and archived threads are listed apart; who writes or is named in a thread is in it."""
    thread_id = await service.create_thread(channel=room.channel, user=room.ada, name="t")
    assert [thread.id for thread in await channel.guild.active_threads()] == [int(thread_id)]
    assert service.thread_members(thread_id) == [room.ada]
    await service.post(channel=thread_id, user=room.bob, content=f"<@{service.bot_user_id}> look")
    assert service.thread_members(thread_id) == [room.ada, room.bob, service.bot_user_id]
    thread = await channel.guild.fetch_channel(int(thread_id))
    assert isinstance(thread, discord.Thread)
    assert thread.me is not None
    await thread.leave()
    assert service.bot_user_id not in service.thread_members(thread_id)
    await service.change_thread(thread_id, archived=True)
    assert await channel.guild.active_threads() == []
    assert [each.id async for each in channel.archived_threads()] == [int(thread_id)]
    await thread.send("awake")
    assert [each.id for each in await channel.guild.active_threads()] == [int(thread_id)]


async def test_archived_and_locked_threads_refuse(
    service: fake.Discord, room: Room, channel: discord.TextChannel
) -> None:
    """In an archived thread no message is edited; in a locked one the bot posts nothing."""
    thread = await channel.create_thread(name="t", type=discord.ChannelType.public_thread)
    own = await thread.send("x")
    await service.change_thread(thread.id, archived=True)
    with pytest.raises(discord.HTTPException) as archived:
        await own.edit(content="y")
    assert archived.value.code == 50083
    await service.change_thread(thread.id, archived=False, locked=True)
    with pytest.raises(discord.HTTPException) as locked:
        await thread.send("z")
    assert locked.value.code == 160005
    assert [message["type"] for message in service.messages(room.channel)] == [18]


async def test_a_forum_post_has_its_threads_id(service: fake.Discord, bot: Bot, room: Room) -> None:
    """The first message of a forum post has the thread's id, and the forum itself takes none."""
    forum = service.add_channel(room.guild, "forum", kind="forum")
    post = await service.create_forum_post(channel=forum, user=room.ada, name="Help", content="why?")
    assert [(m["id"], m["content"]) for m in service.messages(post)] == [(post, "why?")]
    with pytest.raises(discord.HTTPException) as refused:
        await bot.get_partial_messageable(int(forum)).send("x")
    assert refused.value.code == 50024


@pytest.mark.parametrize(
    ("taken", "act", "code"),
    [
        ("send_messages", lambda message: message.channel.send("x"), 50013),
        ("create_public_threads", lambda message: message.create_thread(name="t"), 50013),
        ("view_channel", lambda message: message.channel.send("x"), 50001),
        ("read_message_history", lambda message: message.reply("x"), 160002),
        ("read_message_history", lambda message: message.add_reaction("👍"), 50013),
        ("add_reactions", lambda message: message.add_reaction("👍"), 50013),
        (
            "attach_files",
            lambda message: message.channel.send(file=discord.File(io.BytesIO(b"x"), "x")),
            50013,
        ),
        ("manage_messages", lambda message: message.channel.delete_messages([message, message]), 50013),
    ],
)
async def test_a_missing_permission_is_refused(
    service: fake.Discord, room: Room, channel: discord.TextChannel, taken: str, act: Any, code: int
) -> None:
    """What the bot may not do is a 403 with Discord's code."""
    message = await channel.fetch_message(
        int(await service.post(channel=room.channel, user=room.ada, content="x"))
    )
    service.set_permissions(room.channel, {taken})
    with pytest.raises(discord.Forbidden) as refused:
        await act(message)
    assert refused.value.code == code


async def test_threads_have_a_permission_of_their_own(
    service: fake.Discord, room: Room, channel: discord.TextChannel
) -> None:
    """Posting in a thread takes send_messages_in_threads, not send_messages."""
    thread = await channel.create_thread(name="t", type=discord.ChannelType.public_thread)
    service.set_permissions(room.channel, {"send_messages"})
    await thread.send("fine")
    service.set_permissions(room.channel, {"send_messages_in_threads"})
    with pytest.raises(discord.Forbidden) as refused:
        await thread.send("x")
    assert refused.value.code == 50013


async def test_history_without_permission_is_empty(
    service: fake.Discord, room: Room, channel: discord.TextChannel
) -> None:
    """Without read_message_history the list is empty rather than refused."""
    await service.post(channel=room.channel, user=room.ada, content="x")
    service.set_permissions(room.channel, {"read_message_history"})
    assert [message async for message in channel.history()] == []


async def test_the_portal_rules_what_rest_shows(service: fake.Discord, room: Room) -> None:
    """With the content toggle off, a post that does not concern the bot is empty in the history too."""
    service.missing_intents.add("message_content")
    async with running(service, Bot(intents=discord.Intents(guilds=True, messages=True))) as bot:
        await service.post(channel=room.channel, user=room.ada, content="secret")
        found: Any = bot.get_channel(int(room.channel))
        assert [message.content async for message in found.history()] == [""]


@pytest.mark.parametrize(
    ("allowed", "expected"),
    [
        (None, fake.Ping(everyone=True, here=True, roles=("role",), users=("bob",), replied_user="ada")),
        (discord.AllowedMentions.none(), fake.Ping()),
        (
            discord.AllowedMentions(everyone=False, roles=False, users=True, replied_user=False),
            fake.Ping(users=("bob",)),
        ),
        (
            discord.AllowedMentions(everyone=False, roles=False, users=False, replied_user=True),
            fake.Ping(replied_user="ada"),
        ),
    ],
)
async def test_pings_follow_allowed_mentions(
    service: fake.Discord, room: Room, allowed: discord.AllowedMentions | None, expected: fake.Ping
) -> None:
    """Without allowed_mentions everything pings; with it only what it lets through."""
    role = service.add_role(room.guild, "team", mentionable=True)
    names = {role: "role", room.bob: "bob", room.ada: "ada"}
    question = await service.post(channel=room.channel, user=room.ada, content="?")
    async with running(service, Bot(allowed_mentions=allowed)) as bot:
        channel: Any = bot.get_channel(int(room.channel))
        message = await channel.fetch_message(int(question))
        sent = await message.reply(f"@everyone @here <@&{role}> <@{room.bob}>")
    ping = service.pings[str(sent.id)]
    named = fake.Ping(
        everyone=ping.everyone,
        here=ping.here,
        roles=tuple(names[each] for each in ping.roles),
        users=tuple(names[each] for each in ping.users),
        replied_user=names.get(ping.replied_user or ""),
    )
    assert named == expected


async def test_everyone_takes_a_permission(service: fake.Discord, room: Room) -> None:
    """Without mention_everyone the bot's @everyone and unmentionable roles notify nobody."""
    role = service.add_role(room.guild, "quiet")
    service.set_permissions(room.channel, {"mention_everyone"})
    async with running(service, Bot(allowed_mentions=None)) as bot:
        channel: Any = bot.get_channel(int(room.channel))
        sent = await channel.send(f"@everyone <@&{role}>")
    assert service.pings[str(sent.id)].nobody


async def test_a_dm_can_be_opened_and_closed(service: fake.Discord, bot: Bot, room: Room) -> None:
    """The bot opens one DM with a person; who takes none answers 50007; a stranger is 10013."""
    ada = await bot.fetch_user(int(room.ada))
    await ada.send("hello")
    assert [message["content"] for message in service.messages(service.open_dm(room.ada))] == ["hello"]
    service.portal.closed_dms.add(room.ada)
    with pytest.raises(discord.Forbidden) as closed:
        await ada.send("again")
    assert closed.value.code == 50007
    with pytest.raises(discord.NotFound) as unknown:
        await bot.fetch_user(12345678901234567)
    assert unknown.value.code == 10013


async def test_attachments_travel_both_ways_and_expire() -> None:
    """Files are read by their signed address until it expires; a fresh message has a fresh address."""
    clock = Clock()
    async with fake.Discord(clock=clock) as service:
        room = Room(service)
        async with running(service, Bot()) as bot:
            posted = await service.post(
                channel=room.channel, user=room.ada, content="see", attachments=[("à b!.txt", b"text")]
            )
            channel: Any = bot.get_channel(int(room.channel))
            message = await channel.fetch_message(int(posted))
            (file,) = message.attachments
            assert (file.filename, file.size, file.content_type) == ("à b!.txt", 4, "text/plain")
            assert await file.read() == b"text"
            clock.now += 2 * 86_400
            with pytest.raises(discord.NotFound):
                await file.read()
            assert await (await channel.fetch_message(int(posted))).attachments[0].read() == b"text"
            sent = await channel.send("mine", file=discord.File(io.BytesIO(b"export"), "export.jsonl"))
            assert await sent.attachments[0].read() == b"export"
            with pytest.raises(discord.HTTPException) as large:
                await channel.send(file=discord.File(io.BytesIO(b"x" * (10 * 1024 * 1024 + 1)), "big"))
            assert (large.value.status, large.value.code) == (413, 40005)


async def test_reactions_and_typing(service: fake.Discord, room: Room, channel: discord.TextChannel) -> None:
    """The bot reacts, takes it back and types; what is no emoji is refused."""
    message = await channel.fetch_message(
        int(await service.post(channel=room.channel, user=room.ada, content="x"))
    )
    await message.add_reaction("👀")
    assert service.reactions == {str(message.id): {"👀": [service.bot_user_id]}}
    await message.remove_reaction("👀", channel.guild.me)
    assert service.reactions == {}
    with pytest.raises(discord.HTTPException) as refused:
        await message.add_reaction("eyes")
    assert refused.value.code == 10014
    async with channel.typing():
        pass
    assert [(each.channel, each.user) for each in service.typing] == [(room.channel, service.bot_user_id)]


async def test_pinning_takes_a_permission(service: fake.Discord, room: Room) -> None:
    """With pin_messages the bot pins, which a system message tells; without it that is refused."""
    bare = Room(service)
    service.grant(room.guild, {"pin_messages"})
    async with running(service, Bot()) as bot:
        channels: list[Any] = [bot.get_channel(int(each.channel)) for each in (room, bare)]
        sent = [await channel.send("x") for channel in channels]
        await sent[0].pin()
        assert [each.id async for each in channels[0].pins()] == [sent[0].id]
        assert [message["type"] for message in service.messages(room.channel)] == [0, 6]
        with pytest.raises(discord.Forbidden):
            await sent[1].pin()


async def test_forwards_carry_a_snapshot(service: fake.Discord, bot: Bot, room: Room) -> None:
    """A forwarded message is empty itself and carries the text in a snapshot."""
    origin = await service.post(channel=room.channel, user=room.ada, content="the text")
    await service.post(channel=room.channel, user=room.bob, forward=origin)
    message = (await bot.hears("message", 2))[1]
    assert message.content == ""
    assert message.message_snapshots[0].content == "the text"


@pytest.mark.parametrize("kind", ["ratelimited", "global"])
async def test_a_429_is_waited_out(service: fake.Discord, channel: discord.TextChannel, kind: Any) -> None:
    """The library waits the time it is told and then posts once."""
    service.fail(fake.Fault(kind=kind, method="POST", path="/messages$", retry_after=0.05))
    await channel.send("x")
    posts = [call for call in service.calls if call.method == "POST"]
    assert [call.status for call in posts] == [429, 200]
    assert posts[1].at - posts[0].at >= 0.05
    assert len(service.messages(channel.id)) == 1


async def test_a_lost_answer_has_taken_effect(service: fake.Discord, channel: discord.TextChannel) -> None:
    """After a lost answer the message stands; the same nonce gives it back."""
    service.fail(fake.Fault(kind="lose_response", method="POST", path="/messages$"))
    with pytest.raises((aiohttp.ClientError, ConnectionError)):
        await channel.send("once", nonce="n1")
    assert (service.calls[-1].status, service.calls[-1].lost) == (0, True)
    again = await channel.send("once", nonce="n1")
    assert [message["id"] for message in service.messages(channel.id)] == [str(again.id)]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (fake.Fault(kind="drop", method="POST"), (aiohttp.ClientError, ConnectionError)),
        (fake.Fault(kind="error", method="POST", status=503), discord.DiscordServerError),
        (fake.Fault(kind="cloudflare", method="POST"), discord.HTTPException),
        (fake.Fault(kind="http", method="POST", status=403, code=50013), discord.Forbidden),
    ],
)
async def test_a_failed_call_has_no_effect(
    service: fake.Discord, channel: discord.TextChannel, fault: fake.Fault, error: Any
) -> None:
    """A fault before the call leaves the channel as it was, and is over after its times."""
    service.fail(fault)
    with pytest.raises(error):
        await channel.send("x")
    assert service.messages(channel.id) == []
    await channel.send("x")
    assert len(service.messages(channel.id)) == 1


async def test_a_held_call_waits_for_its_release(service: fake.Discord, channel: discord.TextChannel) -> None:
    """A held call does nothing until it is let go."""
    held = service.fail(fake.Fault(kind="hold", method="POST", path="/messages$"))
    sending = asyncio.create_task(channel.send("x"))
    await held.reached()
    assert service.messages(channel.id) == []
    held.release()
    await sending
    assert len(service.messages(channel.id)) == 1


async def test_buckets_are_counted_when_switched_on(service: fake.Discord, room: Room) -> None:
    """The sixth post within five seconds is refused, with its bucket's headers; another channel is free."""
    service.rate_limits = True
    other = service.add_channel(room.guild, "other")
    headers = {"Authorization": f"Bot {service.token}"}
    async with aiohttp.ClientSession(base_url=service.api_url + "/", headers=headers) as http:
        answers = [
            await http.post(f"channels/{room.channel}/messages", json={"content": "x"}) for _ in range(6)
        ]
        assert [answer.status for answer in answers] == [200] * 5 + [429]
        assert answers[0].headers["X-RateLimit-Remaining"] == "4"
        assert answers[0].headers["Content-Type"] == "application/json"
        refused = answers[5]
        assert refused.headers["Via"]
        assert 0 < (await refused.json())["retry_after"] <= 5
        assert (await http.post(f"channels/{other}/messages", json={"content": "x"})).status == 200


@pytest.mark.parametrize(
    ("method", "path", "sent", "status", "code"),
    [
        ("GET", "nowhere", None, 404, 0),  # no such path
        ("DELETE", "users/@me", None, 405, 0),  # no such method
        ("GET", "channels/12", None, 404, 10003),
        ("GET", "channels/abc", None, 400, 50035),  # no id
        ("GET", "guilds/12", None, 404, 10004),
        ("POST", "channels/{channel}/messages", b"{", 400, 50109),  # no JSON
        ("GET", "channels/{channel}/messages?limit=101", None, 400, 50035),
        ("GET", "channels/{channel}/messages/1", None, 404, 10008),
    ],
)
async def test_wrong_calls_are_refused(
    service: fake.Discord, room: Room, method: str, path: str, sent: bytes | None, status: int, code: int
) -> None:
    """A wrong call gets Discord's status and code; without the token it gets 401."""
    url = f"{service.api_url}/{path.format(channel=room.channel)}"
    async with aiohttp.ClientSession() as http:
        answer = await http.request(method, url, data=sent, headers={"Authorization": f"Bot {service.token}"})
        assert (answer.status, (await answer.json())["code"]) == (status, code)
        if status not in (404, 405) or code:
            bare = await http.request(method, url, data=sent)
            assert bare.status == 401


async def test_until_tells_what_it_waited_for(service: fake.Discord) -> None:
    """A wait that comes to nothing ends with a readable error."""
    with pytest.raises(TimeoutError, match="0 sessions live"):
        await service.until(lambda _: False, timeout=0.01)
