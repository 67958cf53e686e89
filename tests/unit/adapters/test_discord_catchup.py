"""What the Discord adapter missed: found after a restart and after every session that is not resumed."""

from __future__ import annotations

import contextlib
import datetime as dt
import time
from collections.abc import AsyncIterator

import discord_helpers
import pytest

from emulators import discord as emulator


class Clock:
    """Seconds since 1970 that a test moves."""

    def __init__(self) -> None:
        self.at = time.time()

    def __call__(self) -> float:
        """The time."""
        return self.at

    def now(self) -> dt.datetime:
        """The time, for the adapter."""
        return dt.datetime.fromtimestamp(self.at, dt.UTC)


@contextlib.asynccontextmanager
async def left_alone(clock: Clock) -> AsyncIterator[discord_helpers.Scene]:
    """A scene in which the bot has answered in a thread and in a DM, and is gone now."""
    async with emulator.Discord(clock=clock) as service:
        guild = service.add_guild("Team")
        channel = service.add_channel(guild, "general")
        ada, bob = service.add_user("Ada"), service.add_user("Bob")
        service.join(guild, ada)
        service.join(guild, bob)
        core = discord_helpers.Core()
        async with discord_helpers.connected(service, core, now=clock.now) as adapter:
            scene = discord_helpers.Scene(
                service=service, core=core, adapter=adapter, guild=guild, channel=channel, ada=ada, bob=bob
            )
            core.answered = lambda post, home: scene.answer(post, home, "Yes.")
            await scene.ask(channel, "first")
            await scene.heard(await service.post(channel=service.open_dm(ada), user=ada, content="hi"))
            await core.settled()
            core.answered = None
        yield scene


async def test_a_restart_finds_what_was_missed() -> None:
    """Posts in its threads and DMs, and mentions where it has answered, are recorded once, in order."""
    clock = Clock()
    async with left_alone(clock) as scene:
        service, core = scene.service, scene.core
        [thread] = [each["id"] for each in service.threads(scene.channel)]
        clock.at += 60
        missed = [
            await service.post(channel=thread, user=scene.bob, content="in the thread"),
            await service.post(channel=service.open_dm(scene.ada), user=scene.ada, content="in the DM"),
            await service.post(
                channel=scene.channel, user=scene.bob, content=f"<@{scene.bot}> in the channel"
            ),
        ]
        await service.post(channel=scene.channel, user=scene.bob, content="not for the bot")
        elsewhere = service.add_channel(scene.guild, "elsewhere")
        await service.post(channel=elsewhere, user=scene.bob, content=f"<@{scene.bot}> never answered here")
        clock.at += 60
        async with discord_helpers.connected(service, core, now=clock.now):
            for each in missed:
                await scene.heard(each)
            await scene.barrier()
        assert core.texts() == ["first", "hi", "in the thread", "in the DM", "in the channel"]
        assert core.texts(addressed=True) == core.texts()
        told = [call for call in core.calls if call == f"post {missed[0]}"]
        assert len(told) == 1


async def test_every_page_is_read() -> None:
    """More posts than one page of history holds are all found, in platform order."""
    clock = Clock()
    async with left_alone(clock) as scene:
        [thread] = [each["id"] for each in scene.service.threads(scene.channel)]
        sent = []
        for number in range(250):
            clock.at += 1
            sent.append(await scene.service.post(channel=thread, user=scene.bob, content=f"n{number}"))
        async with discord_helpers.connected(scene.service, scene.core, now=clock.now):
            await scene.heard(sent[-1])
        told = [call.removeprefix("post ") for call in scene.core.calls if call.startswith("post")]
        assert [each for each in told if each in sent] == sent


async def test_older_than_a_day_is_left_alone() -> None:
    """What was posted more than a day ago is not answered any more."""
    clock = Clock()
    async with left_alone(clock) as scene:
        dm = scene.service.open_dm(scene.ada)
        clock.at += 60
        await scene.service.post(channel=dm, user=scene.ada, content="long ago")
        clock.at += 86_460
        late = await scene.service.post(channel=dm, user=scene.ada, content="just now")
        async with discord_helpers.connected(scene.service, scene.core, now=clock.now):
            await scene.heard(late)
        assert scene.core.texts() == ["first", "hi", "just now"]


async def test_a_wrong_clock_of_the_host_leaves_nothing_alone() -> None:
    """What is too old is told by Discord's clock: a host that lives years ahead misses nothing."""
    clock = Clock()
    async with left_alone(clock) as scene:
        dm = scene.service.open_dm(scene.ada)
        clock.at += 60
        missed = await scene.service.post(channel=dm, user=scene.ada, content="missed")

        def ahead() -> dt.datetime:
            return clock.now() + dt.timedelta(days=4_000)

        async with discord_helpers.connected(scene.service, scene.core, now=ahead):
            await scene.heard(missed)
        assert scene.core.texts() == ["first", "hi", "missed"]


async def test_edits_while_it_was_down_are_found() -> None:
    """A post that was edited while the bot was down has its new text afterwards."""
    clock = Clock()
    async with left_alone(clock) as scene:
        dm = scene.service.open_dm(scene.ada)
        [hi] = [post for post in scene.core.posts.values() if post.text == "hi"]
        clock.at += 60
        await scene.service.edit(dm, hi.id, "hi there")
        async with discord_helpers.connected(scene.service, scene.core, now=clock.now):
            await scene.core.until(lambda core: bool(core.edits))
        assert scene.core.edits == [(hi.conversation, hi.id, "hi there")]


async def test_a_live_event_waits_for_what_was_missed() -> None:
    """A post that comes while its channel is read is recorded after the missed ones."""
    clock = Clock()
    async with left_alone(clock) as scene:
        dm = scene.service.open_dm(scene.ada)
        clock.at += 60
        missed = await scene.service.post(channel=dm, user=scene.ada, content="missed")
        held = scene.service.fail(emulator.Fault(kind="hold", method="GET", path=f"/channels/{dm}/messages"))
        async with discord_helpers.connected(scene.service, scene.core, now=clock.now):
            await held.reached()
            clock.at += 1
            live = await scene.service.post(channel=dm, user=scene.ada, content="live")
            await scene.service.settled()
            held.release()
            await scene.heard(live)
        told = [call.removeprefix("post ") for call in scene.core.calls if call.startswith("post")]
        assert [each for each in told if each in (missed, live)][:2] == [missed, live]


@pytest.mark.parametrize("resumable", [True, False])
async def test_a_broken_session_loses_nothing(resumable: bool) -> None:
    """Posts during a break are recorded once, whether the session is resumed or made anew."""
    async with discord_helpers.scene(sleep=discord_helpers.at_once) as scene:
        scene.core.answered = lambda post, home: scene.answer(post, home, "Yes.")
        asked = await scene.ask(scene.channel)
        await scene.core.settled()
        scene.core.answered = None
        await scene.service.break_gateway(kind="reconnect", refuse_resume=not resumable)
        sent = [
            await scene.service.post(channel=asked, user=scene.bob, content=f"n{number}")
            for number in range(5)
        ]
        for each in sent:
            await scene.heard(each)
        kinds = [each.kind for each in scene.service.handshakes]
        assert ("resume" in kinds) is resumable
        assert scene.core.texts() == ["hello", *(f"n{number}" for number in range(5))]


async def test_a_gap_is_read_past_newer_posts() -> None:
    """After a gap, a lost post is found although the log has a newer one already."""
    async with discord_helpers.scene(sleep=discord_helpers.at_once) as scene:
        dm = scene.service.open_dm(scene.ada)
        await scene.heard(await scene.service.post(channel=dm, user=scene.ada, content="one"))
        scene.service.disturb(emulator.Disturbance(kind="lose", event="MESSAGE_CREATE"))
        lost = await scene.service.post(channel=dm, user=scene.ada, content="two")
        await scene.heard(await scene.service.post(channel=dm, user=scene.ada, content="three"))
        await scene.service.break_gateway(kind="invalid_session", resumable=False)
        await scene.heard(lost)
        assert scene.core.texts() == ["one", "two", "three"]


@pytest.mark.parametrize("resumable", [True, False])
async def test_one_shard_of_two_that_breaks_loses_nothing(resumable: bool) -> None:
    """A shard is resumed, or read again, by itself: its servers miss nothing, and the other's go on."""
    async with emulator.Discord() as service:
        service.portal.shards = 2
        ada = service.add_user("Ada")
        rooms: dict[int, str] = {}
        while len(rooms) < 2:  # a server's shard follows from its id
            guild = service.add_guild(f"Team {len(rooms)}")
            service.join(guild, ada)
            rooms.setdefault((int(guild) >> 22) % 2, service.add_channel(guild, "general"))
        core = discord_helpers.Core()
        async with discord_helpers.connected(service, core, sleep=discord_helpers.at_once) as adapter:
            mention = f"<@{service.bot_user_id}>"
            for room in rooms.values():
                await service.post(channel=room, user=ada, content=f"{mention} before")
            await core.until(lambda core: len(core.posts) == 2)
            await service.break_gateway(kind="invalid_session", resumable=resumable, shard=1)
            for room in rooms.values():
                await service.post(channel=room, user=ada, content=f"{mention} meanwhile")
            await core.until(lambda core: len(core.posts) == 4)
            await service.connected()
            assert adapter.healthy() is None
        kinds = [(shake.kind, shake.shard) for shake in service.handshakes if shake.kind != "closed"]
        again = "resume" if resumable else "identify"
        assert sorted(kinds) == sorted([("identify", 0), ("identify", 1), (again, 1)])
