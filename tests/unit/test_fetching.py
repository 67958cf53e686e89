"""An answer waits for its files so long and no longer."""

from __future__ import annotations

import asyncio
import dataclasses
import pathlib

import fakes
import pytest
import world

from bot import conversation, errors
from bot.files import fetching

FILE = conversation.Attachment(id="F1", name="a.txt", media_type="text/plain", size=5, url="https://x/y")


@dataclasses.dataclass(kw_only=True)
class Slow(fakes.Platform):
    """A platform whose downloads take as long as a test likes."""

    arrived: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)

    async def fetch(
        self, home: conversation.Home, post_id: str, attachment: conversation.Attachment, limit: int
    ) -> bytes:
        """The bytes, once they have arrived."""
        self.step("fetch")
        await self.arrived.wait()
        return await super().fetch(home, post_id, attachment, limit)


@dataclasses.dataclass(kw_only=True)
class Telling(fakes.Platform):
    """A platform that tells when the file "other" was downloaded."""

    came: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)

    async def fetch(
        self, home: conversation.Home, post_id: str, attachment: conversation.Attachment, limit: int
    ) -> bytes:
        """The bytes."""
        data = await super().fetch(home, post_id, attachment, limit)
        if attachment.id == "other":
            self.came.set()
        return data


async def prepared(data: bytes) -> conversation.Media:
    """A text file, without a process of its own."""
    return conversation.Media(kind="text", digest="d", media_type="text/plain", text=data.decode(), tokens=3)


async def test_a_late_file_is_named_and_stays_out(tmp_path: pathlib.Path) -> None:
    """An answer that has waited long enough says so of the file; when it arrives it changes nothing."""
    platform = Slow(files={"F1": b"hello"})
    async with world.opened(tmp_path, platform=platform) as bot:
        files = fetching.Fetching(
            log=bot.log.files, platforms={"slack": platform}, prepare=prepared, wait_seconds=0.0
        )
        bot.responder.collect = files.ready
        await bot.say(1, attachments=(FILE,))
        await bot.idle()
        [answer] = platform.visible
        assert answer.startswith(f"*Not read: `a.txt` ({fetching.LATE}).*")
        platform.arrived.set()
        await asyncio.gather(*files._tasks.values())
        await bot.say(2)
        await bot.idle()
        first, second = bot.model.requests
        assert second.turns[: len(first.turns)] == first.turns
    assert fetching.WAIT_SECONDS == 45.0


async def test_an_edit_during_a_download_is_fetched_for(tmp_path: pathlib.Path) -> None:
    """A file that an edit adds while another is fetched is fetched as well, by the same task."""
    platform = Slow(files={"F1": b"one", "F2": b"two"})
    async with world.opened(tmp_path, platform=platform) as bot:
        files = fetching.Fetching(log=bot.log.files, platforms={"slack": platform}, prepare=prepared)
        bot.intake.fetch = files.fetch
        await bot.say(1, attachments=(FILE,), addressed=False)
        await platform.reached("fetch")
        more = dataclasses.replace(FILE, id="F2", name="b.txt")
        await bot.intake.edit(world.KEY, "1", "hello", bot.clock.now(), attachments=[FILE, more])
        platform.arrived.set()
        await asyncio.gather(*files._tasks.values())
        [post] = [post async for post in bot.log.posts(world.KEY)]
        assert [file.media is not None for file in post.attachments] == [True, True]


@pytest.mark.parametrize("times", [1, fetching.TRIES])
async def test_a_platform_that_is_away_is_tried_again(tmp_path: pathlib.Path, times: int) -> None:
    """A download that fails is repeated after a pause, and given up after a few."""
    platform, slept = fakes.Platform(files={"F1": b"one"}), []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    platform.faults["fetch"] = [errors.PlatformUnavailable("away")] * times
    async with world.opened(tmp_path, platform=platform) as bot:
        files = fetching.Fetching(
            log=bot.log.files, platforms={"slack": platform}, prepare=prepared, sleep=sleep
        )
        bot.intake.fetch = files.fetch
        await bot.say(1, attachments=(FILE,), addressed=False)
        await asyncio.gather(*files._tasks.values())
        [post] = [post async for post in bot.log.posts(world.KEY)]
        [media] = [file.media for file in post.attachments]
        assert media is not None
        assert (media.reason or media.kind) == ("text" if times == 1 else fetching.UNAVAILABLE)
        assert slept == list(fetching.PAUSES[:times])


async def test_many_files_of_one_conversation_keep_no_other_waiting(tmp_path: pathlib.Path) -> None:
    """While a conversation's many files are read, another's is fetched, and read after one of them."""
    platform = Telling(files={each: each.encode() for each in ("F1", "F2", "F3", "F4", "other")})
    order, reading = list[str](), asyncio.Event()

    async def prepare(data: bytes) -> conversation.Media:
        order.append(data.decode())
        reading.set()
        async with asyncio.timeout(10):
            await platform.came.wait()
        return await prepared(data)

    async with world.opened(tmp_path, platform=platform) as bot:
        files = fetching.Fetching(log=bot.log.files, platforms={"slack": platform}, prepare=prepare)
        bot.intake.fetch = files.fetch
        many = [dataclasses.replace(FILE, id=each) for each in platform.files if each != "other"]
        await bot.say(1, attachments=tuple(many), addressed=False)
        await reading.wait()
        elsewhere = conversation.ConversationId("slack:T1:C1:2.0")
        one = (dataclasses.replace(FILE, id="other"),)
        await bot.say(2, conversation=elsewhere, attachments=one, addressed=False)
        await asyncio.gather(*files._tasks.values())
    assert order[1] == "other"


async def test_files_are_read_one_at_a_time(tmp_path: pathlib.Path) -> None:
    """Of two conversations files are downloaded together, and read singly: reading takes the memory."""
    platform = Slow(files={"F1": b"one", "F2": b"two", "F3": b"three"})
    reading, most = 0, 0

    async def prepare(data: bytes) -> conversation.Media:
        nonlocal reading, most
        reading += 1
        most = max(most, reading)
        for _ in range(5):
            await asyncio.sleep(0)
        reading -= 1
        return await prepared(data)

    async with world.opened(tmp_path, platform=platform) as bot:
        files = fetching.Fetching(log=bot.log.files, platforms={"slack": platform}, prepare=prepare)
        for number, each in enumerate(platform.files):
            where = conversation.ConversationId(f"slack:T1:C1:{number}.0")
            file = dataclasses.replace(FILE, id=each)
            await bot.say(number, conversation=where, attachments=(file,), addressed=False)
            files.fetch(where)
        await platform.reached("fetch")
        platform.arrived.set()
        await asyncio.gather(*files._tasks.values())
        assert await bot.log.files.waiting() == []
    assert most == 1


async def test_a_slow_channel_is_waited_for_by_nobody_else(tmp_path: pathlib.Path) -> None:
    """Between the tries of two files that cannot be had now, another conversation's is fetched."""
    platform, pauses = fakes.Platform(files={"other": b"one"}), asyncio.Event()
    paused = asyncio.Semaphore(0)

    async def sleep(_seconds: float) -> None:
        paused.release()
        await pauses.wait()

    async with world.opened(tmp_path, platform=platform) as bot:
        files = fetching.Fetching(
            log=bot.log.files, platforms={"slack": platform}, prepare=prepared, sleep=sleep
        )
        bot.intake.fetch = files.fetch
        platform.faults["fetch"] = [errors.PlatformUnavailable("away")] * fetching.AT_ONCE
        for number in range(fetching.AT_ONCE):
            where = conversation.ConversationId(f"slack:T1:C1:{number}.5")
            file = dataclasses.replace(FILE, id="other")
            await bot.say(10 + number, conversation=where, attachments=(file,), addressed=False)
        await paused.acquire()
        await paused.acquire()
        elsewhere = conversation.ConversationId("slack:T1:C1:9.5")
        file = dataclasses.replace(FILE, id="other")
        await bot.say(2, conversation=elsewhere, attachments=(file,), addressed=False)
        await files._tasks[elsewhere]
        pauses.set()
        await asyncio.gather(*files._tasks.values())
        (post,) = [post async for post in bot.log.posts(elsewhere)]
        assert post.attachments[0].media is not None
