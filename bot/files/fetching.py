"""Files are fetched as soon as their post is recorded, in the background, and awaited before an answer.

The log is the queue, as it is for answers: what waits there is fetched, after a crash again. A task for each
conversation at most, which takes one file after the other, so that many files of one keep those of another
waiting for one of them. An answer waits for `WAIT_SECONDS`; a file that is not there by
then is unread for good, which is committed before the request is planned.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

import structlog

from bot import conversation, errors, ports
from bot.files import kinds, preparing

log = structlog.get_logger()

AT_ONCE = 2  # files in memory at the same time, MOST_BYTES each; one of them is read, which takes far more
MOST_WAITING = 50  # files of one conversation: the newest of more are fetched
TRIES = 4
PAUSES = (0.5, 2.0, 6.0)  # seconds between tries
WAIT_SECONDS = 45.0  # that an answer waits for its files
LATE = "the platform did not give it out in time; send it again"
TOO_MANY = f"there were more than {MOST_WAITING} files at once; send it again"
UNAVAILABLE = "the platform did not give it out; send it again"


class Waiting(Protocol):
    """A file that has to be fetched."""

    @property
    def conversation_id(self) -> conversation.ConversationId:
        """Where it was posted."""

    @property
    def home(self) -> conversation.Home:
        """Where that lives."""

    @property
    def post(self) -> str:
        """The post's id."""

    @property
    def attachment(self) -> conversation.Attachment:
        """As it was announced."""


class Shelf(Protocol):
    """What fetching needs of the thread log."""

    async def waiting(self, conversation_id: conversation.ConversationId | None = None) -> Sequence[Waiting]:
        """Files that have to be fetched, the newest first."""

    async def keep(self, file: Any, media: conversation.Media) -> bool:
        """Keep what a file holds, or why it is not read."""

    async def settle(self, reply: conversation.Reply, reason: str) -> int:
        """Wait no longer for the files of a reply's request."""


@dataclasses.dataclass(kw_only=True)
class Fetching:
    """Fetches what the log waits for."""

    log: Shelf
    platforms: Mapping[str, ports.Platform]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    prepare: Callable[[bytes], Awaitable[conversation.Media]] = preparing.prepare
    wait_seconds: float = WAIT_SECONDS
    _tasks: dict[conversation.ConversationId, asyncio.Task[None]] = dataclasses.field(default_factory=dict)
    _again: set[conversation.ConversationId] = dataclasses.field(default_factory=set)
    _reading: asyncio.Lock = dataclasses.field(default_factory=asyncio.Lock)
    _turnstile: asyncio.Semaphore = dataclasses.field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    def fetch(self, conversation_id: conversation.ConversationId) -> None:
        """Fetch what a conversation waits for in the background; returns at once."""
        if conversation_id in self._tasks:
            self._again.add(conversation_id)
            return
        task = asyncio.create_task(self._run(conversation_id), name=f"files {conversation_id}")
        self._tasks[conversation_id] = task

    async def resume(self) -> None:
        """Fetch what an earlier run left waiting."""
        for conversation_id in {file.conversation_id for file in await self.log.waiting()}:
            self.fetch(conversation_id)

    async def ready(self, reply: conversation.Reply) -> None:
        """Return when every file of the reply's request has been read, or is unread for good."""
        if not await self.log.waiting(reply.conversation):
            return
        self.fetch(reply.conversation)
        await asyncio.wait([self._tasks[reply.conversation]], timeout=self.wait_seconds)
        if late := await self.log.settle(reply, LATE):
            log.warning("file.late", conversation=reply.conversation, files=late)

    async def aclose(self) -> None:
        """Give up what is under way; it is fetched at the next start."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, conversation_id: conversation.ConversationId) -> None:
        try:
            while True:
                self._again.discard(conversation_id)
                waiting = await self.log.waiting(conversation_id)
                for file in waiting[MOST_WAITING:]:
                    await self.log.keep(file, preparing.unread(TOO_MANY))
                for file in waiting[:MOST_WAITING]:
                    await self._one(file)
                if conversation_id not in self._again:
                    return
        except errors.LogUnusable as error:  # they wait in the log until it can be written again
            log.warning("file.not_kept", conversation=conversation_id, error=type(error).__name__)
        finally:  # in the same breath as it ends: whoever asks next begins another
            self._tasks.pop(conversation_id, None)

    async def _one(self, file: Waiting) -> None:
        platform = self.platforms.get(file.home.platform)
        if platform is None:  # switched off
            return
        try:
            media = await self._read(platform, file)
        except errors.LogUnusable:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a file does, the other files are fetched
            log.error("file.error", conversation=file.conversation_id, error=type(error).__name__)  # noqa: TRY400
            media = preparing.unread(UNAVAILABLE)
        await self.log.keep(file, media)
        log.info(
            "file.read",
            conversation=file.conversation_id,
            kind=media.kind,
            tokens=media.tokens,
            reason=media.reason,
        )

    async def _read(self, platform: ports.Platform, file: Waiting) -> conversation.Media:
        """Download and prepare; what cannot be had has its reason."""
        if file.attachment.size > kinds.MOST_BYTES:
            return preparing.unread(kinds.TOO_LARGE)
        for attempt in range(TRIES):
            try:
                async with self._turnstile:  # not in the pauses: others have their turn meanwhile
                    data = await platform.fetch(file.home, file.post, file.attachment, kinds.MOST_BYTES)
                    async with self._reading:
                        return await self.prepare(data)
            except errors.FileRefused as refused:
                return preparing.unread(str(refused))
            except errors.PlatformUnavailable as error:
                log.info(
                    "file.retry", conversation=file.conversation_id, attempt=attempt + 1, error=str(error)
                )
            if attempt + 1 < TRIES:
                await self.sleep(PAUSES[attempt])
        return preparing.unread(UNAVAILABLE)
