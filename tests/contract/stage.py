"""One platform with its people, a Claude, and the real bot between them: what every test of a promise uses.

A test says what people do (`post`, `mention`, `edit` …), waits at a barrier (`idle`), and looks at what
people see (`answers`) and at what Claude was sent (`requests`). No test knows which platform it is on.
"""

from __future__ import annotations

import abc
import asyncio
import collections
import dataclasses
import pathlib
import re
import time
from collections.abc import Callable, Sequence
from typing import Protocol, Self

import laws
import operated
import sent

from emulators import claude

DAY = 86_400.0
File = tuple[str, bytes, str]  # name, bytes, announced media type
LIMIT = 20.0  # seconds after which a barrier that is not reached fails the test
# What the bot does on its own is done in tasks with these names.
BUSY = (
    "worker ",
    "discord lane ",
    "catch up",
    "fill gap",
    "command outcome",
    "budget alert",
    "tending ",
    "files ",
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Place:
    """Where people write: a channel, a thread or a DM."""

    channel: str
    thread: str = ""  # Slack: the ts of the root; on Discord a thread is a channel itself


@dataclasses.dataclass(frozen=True, kw_only=True)
class Said:
    """A post of a person."""

    place: Place
    id: str
    text: str  # without the mention of the bot


class Held(Protocol):
    """Something that waits in the platform."""

    async def reached(self) -> None:
        """Wait until the bot has run into it."""

    def release(self) -> None:
        """Let it go on."""


class Clock:
    """The platform's clock: the real time, moved by `offset` seconds.

    It begins in the past, where the place is made, because ids never go back behind the newest.
    """

    def __init__(self) -> None:
        self.offset = -30 * DAY

    def __call__(self) -> float:
        """Seconds since 1970."""
        return time.time() + self.offset


class Stage(operated.Operated):
    """A platform, its people and the bot; see the module. `start` and `stop` are the bot's."""

    name: str
    limit: int  # characters of one post
    bot: str  # the bot's user id
    ada: str
    bob: str
    channel: Place
    side_channel: Place

    def __init__(self, *, api: claude.Claude, folder: pathlib.Path) -> None:
        super().__init__(api=api, folder=folder)
        self.clock = Clock()
        self.names: dict[str, str] = {}
        self._wrote: dict[str, set[str]] = collections.defaultdict(set)
        self._breaks: collections.Counter[str] = collections.Counter()
        api.answer = answer

    # What people do.

    async def post(
        self,
        place: Place,
        text: str,
        *,
        by: str | None = None,
        to: Said | None = None,
        event: bool = True,
        files: Sequence[File] = (),
    ) -> Said:
        """Write a post; `to` makes it a reply (Discord), `event=False` keeps it from the bot for now."""
        post_id = await self._post(place, text, by=by or self.ada, to=to, event=event, files=files)
        shown = self.readable(text)
        said = Said(place=place, id=post_id, text=shown)
        self.belongs(shown, self.conversation(said) if to is None else self.conversation(to))
        return said

    async def mention(
        self,
        place: Place,
        text: str,
        *,
        by: str | None = None,
        event: bool = True,
        files: Sequence[File] = (),
    ) -> Said:
        """Write a post that opens by mentioning the bot."""
        return await self.post(place, f"{self.at(self.bot)} {text}", by=by, event=event, files=files)

    async def edit(self, said: Said, text: str, *, event: bool = True) -> Said:
        """Change a post; the conversation's next request may differ from the last."""
        edited = dataclasses.replace(said, text=self.readable(text))
        self.belongs(edited.text, self.conversation(said))
        self.may_break(said)
        await self._edit(said, text, event=event)
        return edited

    async def delete(self, said: Said, *, event: bool = True) -> None:
        """Delete a post; the conversation's next request may differ from the last."""
        self.may_break(said)
        await self._delete(said, event=event)

    async def take_away_file(self, said: Said, name: str, *, event: bool = True) -> None:
        """Take a file out of a post that stays; the conversation's next request may differ from the last."""
        self.may_break(said)
        await self._take_away_file(said, name, event=event)

    def at(self, user: str) -> str:
        """How a mention is written; both platforms write it alike."""
        return f"<@{user}>"

    def readable(self, text: str) -> str:
        """A text as people and Claude read it: mentions as names, without the opening mention of the bot."""
        text = text.removeprefix(self.at(self.bot)).lstrip()
        for user, name in self.names.items():
            text = text.replace(self.at(user), f"@{name}")
        return text

    @abc.abstractmethod
    def person(self, name: str) -> str:
        """Somebody who can write in the channels; their id."""

    @abc.abstractmethod
    def group(self, name: str) -> str:
        """A group of people that can be mentioned; its id."""

    @abc.abstractmethod
    def dm(self, user: str) -> Place:
        """The direct messages of somebody with the bot."""

    @abc.abstractmethod
    def under(self, said: Said) -> Place:
        """Where the answer to a post stands, and where its conversation goes on."""

    @abc.abstractmethod
    async def thread_of_people(self, said: Said) -> Place:
        """A thread that people open under a post of theirs."""

    @abc.abstractmethod
    async def command(self, place: Place, word: str, argument: str = "", *, by: str | None = None) -> str:
        """Give a command where the platform takes it, and return what the person is told."""

    @abc.abstractmethod
    async def press(self, place: Place, post: str, label: str, *, by: str | None = None) -> str:
        """Press the button of that label under a post of the bot, and return what the person is told."""

    @abc.abstractmethod
    async def rate(self, place: Place, thumb: str, *, by: str | None = None) -> None:
        """Press a thumb, "up" or "down", under the newest answer; LookupError where there is none."""

    @abc.abstractmethod
    def link(self, said: Said) -> str:
        """The address of a post, as the platform gives it to people."""

    @abc.abstractmethod
    def link_elsewhere(self) -> str:
        """The address of a post in a place that is not this workspace or guild."""

    @abc.abstractmethod
    def closed_channel(self) -> Place:
        """A channel that Ada and the bot can see, and Bob cannot."""

    @abc.abstractmethod
    async def react(self, place: Place, post: str, *, by: str) -> None:
        """Put the stop sign to a post."""

    @abc.abstractmethod
    async def ask_about(self, said: Said, question: str, *, by: str) -> None:
        """Ask about a post by its menu: the form is filled in and sent."""

    @abc.abstractmethod
    async def preview(self, said: Said) -> None:
        """The platform adds a link preview to a post."""

    @abc.abstractmethod
    async def noise(self, place: Place) -> None:
        """What is no post of a person: a bot that writes in the place, and what the platform itself says."""

    def forbid_threads(self) -> None:
        """Take from the bot what it needs to open threads in the channel, where the platform knows that."""
        raise NotImplementedError(self.name)

    def group_dm(self) -> Place:
        """A direct message of several people and the bot, where the platform has that."""
        raise NotImplementedError(self.name)

    # What goes wrong.

    @abc.abstractmethod
    def repeat_events(self, times: int) -> None:
        """Send each coming event of a post so many times."""

    @abc.abstractmethod
    def swap_events(self, count: int = 2) -> None:
        """Send the next events in reverse order; Discord swaps no more than two."""

    @abc.abstractmethod
    async def disconnect(self, kind: str) -> None:
        """Break the connections: "asked" (the platform asks for a new one) or "torn" (reset)."""

    @abc.abstractmethod
    def lose_first_sign(self) -> None:
        """The next call that puts a post of the bot in place takes effect, and its outcome is lost."""

    @abc.abstractmethod
    def lose_next_file(self) -> None:
        """The next call that posts a file takes effect, and its outcome is lost."""

    # What people see.

    @abc.abstractmethod
    def answers(self, place: Place) -> list[str]:
        """The texts of the bot's posts in a place, oldest first."""

    @abc.abstractmethod
    def files(self, place: Place) -> dict[str, bytes]:
        """The files the bot has posted in a place, by name, oldest first; two of a name fail the test."""

    @abc.abstractmethod
    def hold_downloads(self) -> Held:
        """The next download of a file waits until it is released."""

    @abc.abstractmethod
    def refuse_files(self) -> None:
        """Take from the bot what it needs to post files."""

    @abc.abstractmethod
    def told(self, place: Place) -> str:
        """Everything the bot has said in a place, also to one person alone."""

    @abc.abstractmethod
    def answer_ids(self, place: Place) -> list[str]:
        """The ids of those posts."""

    @abc.abstractmethod
    def pinged(self) -> set[str]:
        """Everybody whom a post of the bot has notified: ids, and words such as `everyone`."""

    @abc.abstractmethod
    def previews(self) -> int:
        """How many links of the bot's posts the platform would fetch to preview them."""

    @property
    def requests(self) -> list[sent.Body]:
        """What Claude was sent, in order, but for requests for a summary."""
        return [call.body for call in self.claude.requests if call.body and not laws.is_summary(call.body)]

    # Barriers.

    @abc.abstractmethod
    async def heard(self) -> None:
        """Wait until the bot has recorded, or passed by, everything that happened so far."""

    @abc.abstractmethod
    async def until(self, predicate: Callable[[], bool]) -> None:
        """Wait until it holds; looked at again whenever the platform changes."""

    async def idle(self) -> None:
        """Wait until the bot has heard everything and has nothing left to do."""
        async with asyncio.timeout(LIMIT):
            await self.heard()
            while busy := [task for task in asyncio.all_tasks() if task.get_name().startswith(BUSY)]:
                await asyncio.wait(busy)

    # The laws.

    @abc.abstractmethod
    def conversation(self, said: Said) -> str:
        """A name for the conversation that a post belongs to: the same for every post of it."""

    def belongs(self, text: str, conversation: str) -> None:
        """Say that a text was written in a conversation."""
        self._wrote[_letters(text)].add(conversation)

    def may_break(self, said: Said, *, times: int = 1) -> None:
        """Announce that the conversation's next request need not extend the last."""
        self._breaks[self.conversation(said)] += times

    def conversation_of(self, body: sent.Body) -> str:
        """The one conversation whose posts a request holds; AssertionError where it mixes two."""
        candidates: set[str] | None = None
        for text in sent.texts(body):
            where = self._wrote.get(_letters(text))
            assert where, f"nobody wrote {text!r}"
            candidates = set(where) if candidates is None else candidates & where
            assert candidates, f"{text!r} belongs to another conversation than the posts before it"
        assert candidates, "the request holds no post"
        return min(candidates)

    def check(self) -> None:
        """Assert the laws on everything Claude was sent."""
        bodies = [call.body for call in self.claude.requests if call.body and call.status != 400]  # not taken
        laws.check(bodies, conversation_of=self.conversation_of, breaks=self._breaks)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()
        if self._process is not None:
            await self.kill()

    @abc.abstractmethod
    async def _post(
        self,
        place: Place,
        text: str,
        *,
        by: str,
        to: Said | None,
        event: bool,
        files: Sequence[File] = (),
    ) -> str:
        """Write a post, return its id."""

    @abc.abstractmethod
    async def _edit(self, said: Said, text: str, *, event: bool) -> None:
        """Change a post."""

    @abc.abstractmethod
    async def _take_away_file(self, said: Said, name: str, *, event: bool) -> None:
        """Take a file out of a post."""

    @abc.abstractmethod
    async def _delete(self, said: Said, *, event: bool) -> None:
        """Delete a post."""


def answer(body: sent.Body) -> str:
    """What Claude says where a test does not say otherwise: the same to the same, and no word of a post."""
    return f"Answer to {len(sent.texts(body))} so far."


def answered(*counts: int) -> list[str]:
    """The answers that `answer` gives to requests with these numbers of posts."""
    return [f"Answer to {count} so far." for count in counts]


def _letters(text: str) -> str:
    """A text without what may be markup, by which a post is known again."""
    return re.sub(r"[\W_]+", "", text) or text.strip()


def slowly(text: str) -> claude.Answer:
    """An answer that takes a second and a half, so that it is shown while it grows."""
    pieces = 30
    return claude.Answer(text=text, chunk=-(-len(text) // pieces), delay=1.5 / pieces)
