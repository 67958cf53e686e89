"""The thread log as the rest of the program sees it: one method, one transaction."""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import pathlib
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence

from bot import conversation, errors
from bot.thread_log import (
    accounts,
    bills,
    choices,
    copies,
    echoes,
    editing,
    finding,
    installs,
    intake,
    owners,
    refused,
    replies,
    rows,
    segments,
    shelf,
    stops,
    store,
    threads,
    tool_calls,
    upkeep,
)


def _utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@contextlib.asynccontextmanager
async def open(  # noqa: A001 - `thread_log.open` reads as what it does
    url: str, *, clock: Callable[[], dt.datetime] = _utc_now, busy_seconds: float = 5.0
) -> AsyncIterator[ThreadLog]:
    """Open `sqlite:///relative.db` or `sqlite:////absolute.db`.

    Raises LogUnusable with what to do, and LogTooNew. `busy_seconds`: how long a write waits for another
    process before it fails with LogUnusable.
    """
    scheme, separator, path = url.partition(":///")
    if scheme != "sqlite" or not separator or path in ("", ":memory:"):
        raise errors.LogUnusable(
            "The thread log lives in an SQLite file: write DATABASE_URL as sqlite:///bot.db"
            " (relative to the working directory) or sqlite:////var/lib/bot.db."
        )
    opening = store.opened(pathlib.Path(path), now=rows.micros(clock()), busy_seconds=busy_seconds)
    async with opening as opened, copies.ageing(pathlib.Path(path)):
        scrubber = upkeep.Scrubber(store=opened)
        scrubber.start()  # what an earlier run erased may not be scrubbed yet
        try:
            with owners.present(pathlib.Path(path)) as owner:
                yield ThreadLog(store=opened, scrubber=scrubber, clock=clock, owner=owner)
        finally:
            await scrubber.stop()


class ThreadLog(editing.Editing):
    """Posts, replies, bills and summaries of every conversation.

    Implements `ports.Log` and what intake, commands and the command line need. Every method raises
    LogUnusable when the disk fails; the log recovers by itself when the disk does.
    """

    def __init__(
        self,
        *,
        store: store.Store,
        scrubber: upkeep.Scrubber,
        clock: Callable[[], dt.datetime],
        owner: owners.Owner,
    ) -> None:
        super().__init__(store=store, scrubber=scrubber, owner=owner, clock=clock)
        self.accounts = accounts.Accounts(store=store)
        self.files = shelf.Files(store=store)
        self.installs = installs.Installs(store=store, scrubber=scrubber)
        self.choices = choices.ChoiceBook(store=store, clock=clock)
        self.tools = tool_calls.ToolBook(store=store, clock=clock)

    # What an answer needs (ports.Log).

    async def begin(self, conversation_id: conversation.ConversationId) -> conversation.Reply | None:
        """Take up the next reply, see ports.Log.

        Its state is WITHDRAWN where its whole question was deleted before it ended: take its posts away
        and end it.
        """
        work = functools.partial(
            replies.begin, conversation_id=conversation_id, now=self._now(), owner=self._owner
        )
        return await self._store.write(work)

    async def let_go(self, reply: conversation.Reply) -> None:
        """Leave the reply to whoever can write it."""
        await self._store.write(functools.partial(replies.let_go, reply_id=reply.id))

    async def ask_stop(self, conversation_id: conversation.ConversationId) -> bool:
        """Have another process that writes an answer there stop; False where none does."""
        work = functools.partial(stops.ask, conversation_id=conversation_id, owner=self._owner)
        return self._owner.has_others() and await self._store.write(work)

    async def is_to_stop(self, conversation_id: conversation.ConversationId) -> bool:
        """Whether another process wants the answer stopped that is being written there."""
        work = functools.partial(stops.are_asked, conversation_id=conversation_id)
        return await self._store.read(work)

    async def thread(self, reply: conversation.Reply, *, tail_only: bool = False) -> conversation.Thread:
        """The log before the reply's place; `tail_only`: from the newest plan's first place on."""
        return await self._store.read(functools.partial(threads.thread, reply=reply, tail_only=tail_only))

    async def add_history(self, reply: conversation.Reply, posts: Sequence[conversation.Post]) -> None:
        """Record what was posted before the bot came."""
        await self._store.write(functools.partial(intake.add_history, reply_id=reply.id, posts=posts))

    async def plan(self, reply: conversation.Reply, plan: conversation.Plan) -> None:
        """Commit the decisions of the request that is about to be sent, and that it is sent now."""
        await self._store.write(
            functools.partial(replies.plan, reply_id=reply.id, plan=plan, now=self._now())
        )

    async def posted(self, reply: conversation.Reply, platform_ids: tuple[str, ...]) -> None:
        """Commit where the reply stands on the platform: all its posts, in order."""
        await self._store.write(
            functools.partial(replies.posted, reply_id=reply.id, platform_ids=platform_ids)
        )

    async def billed(
        self,
        reply: conversation.Reply,
        kind: str,
        model: str,
        usage: conversation.Usage,
        *,
        message_id: str = "",
        miss: str = "",
    ) -> None:
        """Commit what one call cost."""
        await self._store.write(
            functools.partial(
                bills.billed,
                reply_id=reply.id,
                kind=kind,
                model=model,
                usage=usage,
                now=self._now(),
                message_id=message_id,
                miss=miss,
            )
        )

    async def billed_beside(
        self,
        conversation_id: conversation.ConversationId,
        kind: str,
        model: str,
        usage: conversation.Usage,
    ) -> None:
        """Commit what a call in the background cost; it counts to the newest reply."""
        await self._store.write(
            functools.partial(
                bills.billed_beside,
                conversation_id=conversation_id,
                kind=kind,
                model=model,
                usage=usage,
                now=self._now(),
            )
        )

    async def withhold(self, reply: conversation.Reply, names: frozenset[str]) -> None:
        """Leave files that Claude's API refuses unread, and posts out until they are edited."""
        await self._store.write(functools.partial(refused.withhold, reply_id=reply.id, names=names))

    async def file_data(self, digests: Sequence[str]) -> dict[str, bytes]:
        """The bytes of files by their hashes."""
        return await self.files.data(digests)

    async def written(self, reply: conversation.Reply, answer: conversation.Answer) -> str:
        """Commit the whole answer, without words of posts that were deleted while it was written."""
        now = self._now()

        def work(db: sqlite3.Connection) -> str:
            text = rows.clean(answer.text)
            for deleted in self._erased_while_running.get(reply.id, ()):
                text = echoes.without(text, deleted=deleted)
            replies.written(db, reply_id=reply.id, text=text, stop_reason=answer.stop_reason, now=now)
            return text

        return await self._store.write(work)

    async def end(self, reply: conversation.Reply, state: conversation.ReplyState, note: str = "") -> None:
        """Close the row; FINISHED only where the answer is in the log, else `begin` gives the reply again."""
        await self._store.write(
            functools.partial(replies.end, reply_id=reply.id, state=state, note=note, now=self._now())
        )
        self._erased_while_running.pop(reply.id, None)

    async def add_summary(
        self, summary: conversation.Summary, replaces: Sequence[conversation.Summary]
    ) -> None:
        """Commit a summary; those it replaces are gone.

        `created_at` is when its posts were read: where one of them changed since then, or another summary
        covers them by now, nothing is kept and `thread` gives the posts word for word.
        """
        await self._store.write(functools.partial(segments.add, summary=summary, replaces=replaces))

    # What happened on a platform.

    async def record(self, post: conversation.Post, home: conversation.Home) -> bool:
        """Record a post; False when it is known, was erased, or is one of the bot's own."""
        return await self._store.write(
            functools.partial(intake.record, post=post, home=home, now=self._now()), urgent=True
        )

    async def record_all(self, posts: Sequence[conversation.Post], home: conversation.Home) -> int:
        """Record posts of one home in one commit; how many were new."""
        return await self._store.write(
            functools.partial(intake.record_all, posts=posts, home=home, now=self._now())
        )

    async def holds(self, conversation_id: conversation.ConversationId) -> bool:
        """Whether the bot is in that conversation."""
        return await self._store.read(functools.partial(finding.holds, conversation_id=conversation_id))

    async def shared(self) -> bool:
        """Whether another process works on it now."""
        return self._owner.has_others()

    async def find(self, platform: str, post_id: str) -> conversation.ConversationId | None:
        """The conversation that holds this post or this part of a reply."""
        return await self._store.read(functools.partial(finding.find, platform=platform, post_id=post_id))

    async def posts_since(
        self, conversation_id: conversation.ConversationId, since: dt.datetime
    ) -> list[str]:
        """The ids of people's posts and of answers in a conversation since then, oldest first."""
        work = functools.partial(
            finding.posts_since, conversation_id=conversation_id, since=rows.micros(since)
        )
        return await self._store.read(work)

    async def homes(self, platform: str, since: dt.datetime) -> list[intake.Known]:
        """Conversations with a post since then, the most recent first."""
        work = functools.partial(intake.homes, platform=platform, since=rows.micros(since))
        return await self._store.read(work)

    async def newest(self, conversation_id: conversation.ConversationId) -> intake.Known | None:
        """Where a conversation lives, and its newest post by a person; None if it is unknown."""
        return await self._store.read(functools.partial(intake.newest, conversation_id=conversation_id))

    async def due(self, most: int | None = None) -> list[conversation.ConversationId]:
        """Conversations with an unfinished reply or an unanswered question, longest waiting first."""
        return await self._store.read(functools.partial(intake.due, most=most))

    async def healthy(self) -> str | None:
        """None when the log can be read and written, else what is wrong."""
        try:
            await self._store.read(functools.partial(intake.due, most=1))
            await self._store.write(upkeep.touch)
        except errors.LogUnusable as error:
            return str(error)
        return None
