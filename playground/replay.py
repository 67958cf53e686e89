"""Loads a conversation: its people post it again, at a chosen speed, and the bot answers anew.

The file is what `export` writes. People's posts are posted, in a new thread that opens with a mention of
the bot; where an answer stood, the replay waits for the bot's own.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

from bot import conversation, exporting
from bot.showing import splitting
from emulators import discord
from playground import side

Json = dict[str, Any]

SAMPLES = pathlib.Path(__file__).parent / "samples"
TITLES = {
    "release": "Planning a release (3 people, 24 posts)",
    "support": "A long support thread (real, from Ubuntu's IRC)",
}
ANSWER_SECONDS = 60.0  # how long an answer is waited for
BREATH = 200  # posts without a pause before the page gets a turn
MOST_POSTS = 20_000


@dataclasses.dataclass(kw_only=True)
class Progress:
    """How far a replay is."""

    side: str
    place: str
    posted: int = 0
    posts: int = 0
    state: str = "running"  # running, done, stopped, or what went wrong

    def public(self) -> Json:
        """For the page."""
        return dataclasses.asdict(self)


def sample(name: str) -> list[conversation.Post]:
    """The posts of a sample; LookupError for one that is not there."""
    if name not in TITLES:
        raise LookupError(f"there is no sample {name}")
    return read((SAMPLES / f"{name}.jsonl").read_text("utf-8"))


def read(text: str) -> list[conversation.Post]:
    """The posts of the first conversation in an exported file; ValueError names the line that is none."""
    posts: list[conversation.Post] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            post, _ = exporting.from_json(line)
        except exporting.BadLine as error:
            raise ValueError(f"line {number} {error}") from None
        if posts and post.conversation != posts[0].conversation:
            break
        posts.append(post)
        if len(posts) > MOST_POSTS:
            raise ValueError(f"a replay takes {MOST_POSTS} posts at most")
    if not any(post.role == "user" for post in posts):
        raise ValueError("there is no post by a person in this file")
    return posts


class Replay:
    """One replay at a time."""

    def __init__(self, *, changed: Callable[[Json], None]) -> None:
        self._changed = changed
        self._task: asyncio.Task[None] | None = None
        self.progress: Progress | None = None

    async def start(
        self,
        posts: Sequence[conversation.Post],
        *,
        where: side.Side,
        channel: str,
        per_second: float | None,
        ask: bool = True,
    ) -> None:
        """Begin; one that runs is stopped. `per_second` None: as fast as it goes. `ask`: talk to the bot."""
        await self.stop()
        self.progress = Progress(
            side=where.name, place=channel, posts=sum(post.role == "user" for post in posts)
        )
        self._task = asyncio.create_task(
            self._run(list(posts), where, channel, per_second, ask=ask, progress=self.progress),
            name="replay",
        )

    async def stop(self) -> None:
        """End the one that runs."""
        if self._task is not None and not self._task.done():
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(
        self,
        posts: list[conversation.Post],
        where: side.Side,
        channel: str,
        per_second: float | None,
        *,
        ask: bool,
        progress: Progress,
    ) -> None:
        try:
            people = self._people(posts, where)
            place = channel
            for at, post in enumerate(posts):
                if post.role == "assistant":
                    await self._answered(where, place if ask else None)
                    continue
                if at == 0 or not progress.posted:
                    place = await self._open(where, channel, people[post.author], post.text, ask=ask)
                    progress.place = place
                else:
                    await self._say(where, place, people[post.author], post.text)
                progress.posted += 1
                self._changed(progress.public())
                if per_second:
                    await asyncio.sleep(1 / per_second)
                elif progress.posted % BREATH == 0:
                    await asyncio.sleep(0)
            progress.state = "done"
        except asyncio.CancelledError:
            progress.state = "stopped"
            raise
        except (LookupError, ValueError, discord.ApiError) as error:
            progress.state = f"ended early: {error}"
        finally:
            self._changed(progress.public())

    @staticmethod
    def _people(posts: Sequence[conversation.Post], where: side.Side) -> dict[str, str]:
        """Everybody who speaks, as somebody on this side; who is not there yet comes in."""
        there = {each["name"].casefold(): each["id"] for each in where.directory()["people"]}
        found: dict[str, str] = {}
        for post in posts:
            if post.role == "user" and post.author not in found:
                name = post.author_name or post.author
                found[post.author] = there.get(name.casefold()) or where.add_user(name)
                there[name.casefold()] = found[post.author]
        return found

    @staticmethod
    async def _open(where: side.Side, channel: str, user: str, text: str, *, ask: bool) -> str:
        """The first post, which opens the thread that all others go to."""
        if not ask:
            await Replay._say(where, channel, user, text)
            return channel
        opening, *rest = splitting.split(f"@Threadmate {text}", limit=where.longest)
        first = await where.post(place=channel, user=user, text=opening)
        await Replay._answered(where, channel)
        root: str = await where.open_thread(place=channel, id=first, user=user)
        for piece in rest:
            await where.post(place=root, user=user, text=piece)
        return root

    @staticmethod
    async def _say(where: side.Side, place: str, user: str, text: str) -> None:
        """Post a text, in several posts where the platform takes it in no other way."""
        for piece in splitting.split(text, limit=where.longest):
            await where.post(place=place, user=user, text=piece)

    @staticmethod
    async def _answered(where: side.Side, place: str | None) -> None:
        """Wait until the bot's post is the newest there, and whole; or for as long as makes sense."""
        if place is None:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ANSWER_SECONDS):
                while not _stands(where, place):  # noqa: ASYNC110 - a side has no bell, it is looked at
                    await asyncio.sleep(0.1)


def _stands(where: side.Side, place: str) -> bool:
    posts = [post for post in where.posts(place) if post.only is None and not post.notice]
    if not posts or where.writing().get(place):
        return False
    newest = posts[-1]
    if newest.thread is not None and newest.thread.place != place:
        return _stands(where, newest.thread.place)
    return newest.author == where.bot and not newest.growing
