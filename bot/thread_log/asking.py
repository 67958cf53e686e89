"""What people and the command line ask of the thread log: one method, one transaction."""

from __future__ import annotations

import datetime as dt
import functools
import types
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

from bot import conversation
from bot.money import billing
from bot.thread_log import (
    bills,
    changes,
    commands,
    finding,
    intake,
    ledger,
    links,
    ratings,
    recall,
    replies,
    rows,
    segments,
    stops,
    store,
    threads,
    workspaces,
)
from bot.thread_log.bills import By

PAGE = 500  # posts read at once by `posts`


class Asking:
    """The part of `ThreadLog` that people use; answering is in `log`."""

    def __init__(self, *, store: store.Store, clock: Callable[[], dt.datetime]) -> None:
        self._store = store
        self._clock = clock
        self.links = links.LinkBook(store=store)
        self.ratings = ratings.Ratings(store=store)

    async def waiting(self, platforms: Sequence[str]) -> tuple[int, dt.datetime | None]:
        """How many conversations of these platforms wait for an answer, and since when the oldest does."""
        return await self._store.read(functools.partial(intake.waiting, platforms=platforms))

    async def asked_by(self, platform: str, post_id: str) -> tuple[conversation.ConversationId, str] | None:
        """The conversation and the asker of the answer that is being written in this post, None for none."""
        return await self._store.read(functools.partial(stops.asked_by, platform=platform, post_id=post_id))

    # What people ask for.

    async def claim_command(self, conversation_id: conversation.ConversationId, command_id: str) -> bool:
        """True for the first that claims a command, False ever after."""
        return await self._store.write(
            functools.partial(
                commands.claim, conversation_id=conversation_id, command_id=command_id, now=self._now()
            )
        )

    async def unclaim_command(self, conversation_id: conversation.ConversationId, command_id: str) -> None:
        """It was not carried out: whoever claims it next has it."""
        await self._store.write(
            functools.partial(commands.unclaim, conversation_id=conversation_id, command_id=command_id)
        )

    async def reset(self, conversation_id: conversation.ConversationId) -> None:
        """Hide what was said so far from requests, summaries and recall (`new`)."""
        await self._store.write(functools.partial(changes.reset, conversation_id=conversation_id))

    async def retry(self, conversation_id: conversation.ConversationId, at: dt.datetime) -> bool:
        """Make the last question due again and drop its answer; False when there is none or one is due."""
        return await self._store.write(
            functools.partial(replies.retry, conversation_id=conversation_id, at=rows.micros(at))
        )

    async def summaries(
        self, conversation_id: conversation.ConversationId
    ) -> tuple[conversation.Summary, ...]:
        """The active segments that `new` has not hidden, oldest first."""
        return await self._store.read(functools.partial(segments.visible, conversation_id=conversation_id))

    async def correct(
        self, conversation_id: conversation.ConversationId, *, author: str, author_name: str, text: str
    ) -> bool:
        """Put a person's correction under the newest segment; False where nothing is summarised."""
        return await self._store.write(
            functools.partial(
                segments.correct,
                conversation_id=conversation_id,
                author=author,
                author_name=author_name,
                text=text,
                now=self._now(),
            )
        )

    async def search(
        self, conversation_id: conversation.ConversationId, query: str, limit: int
    ) -> list[recall.Hit]:
        """The posts that fit a question best, best first."""
        return await self._store.read(
            functools.partial(recall.search, conversation_id=conversation_id, query=query, limit=limit)
        )

    async def around(self, post: conversation.Post, posts: int) -> list[conversation.Post]:
        """A post with up to so many before and after it, in platform order."""
        return await self._store.read(functools.partial(recall.around, post=post, posts=posts))

    # What the command line asks for.

    async def conversations(self) -> list[conversation.ConversationId]:
        """Every conversation that has posts, oldest first."""
        return await self._store.read(intake.ids)

    async def posts(self, conversation_id: conversation.ConversationId) -> AsyncIterator[conversation.Post]:
        """Every post, in the order Claude saw them, those not sent yet last."""
        page: Sequence[conversation.Post] = ()
        while True:
            after = page[-1] if page else None
            work = functools.partial(intake.page, conversation_id=conversation_id, after=after, limit=PAGE)
            page = await self._store.read(work)
            for post in page:
                yield post
            if len(page) < PAGE:
                return

    async def bills(
        self, conversation_id: conversation.ConversationId | None = None, *, by: By = "model"
    ) -> list[billing.Bill]:
        """Every billed call of one conversation or of all, each with what it is added up by."""
        work = functools.partial(bills.bills, by=by, conversation_id=conversation_id)
        return await self._store.read(work)

    async def answer_usage(
        self, conversation_id: conversation.ConversationId
    ) -> dict[str, dict[str, object]]:
        """The API's own usage object of each answer, by the id of its post."""
        return await self._store.read(functools.partial(bills.answer_usage, conversation_id=conversation_id))

    async def import_posts(
        self,
        posts: Sequence[conversation.Post],
        usages: Mapping[intake.PostKey, Mapping[str, Any]] = types.MappingProxyType({}),
    ) -> int:
        """Record exported posts; how many were new. They are never due. `usages`: what answers cost."""
        work = functools.partial(intake.import_posts, posts=posts, usages=usages, now=self._now())
        return await self._store.write(work)

    async def overview(self, conversation_id: conversation.ConversationId) -> conversation.Thread:
        """What the next request would be built from, without the posts that still wait."""
        return await self._store.read(functools.partial(threads.overview, conversation_id=conversation_id))

    async def ledger(
        self, conversation_id: conversation.ConversationId, limit: int = 50
    ) -> list[ledger.Entry]:
        """The newest replies of a conversation as rows, oldest first."""
        return await self._store.read(
            functools.partial(ledger.entries, conversation_id=conversation_id, limit=limit)
        )

    def _now(self) -> int:
        return rows.micros(self._clock())

    async def of_workspace(self, platform: str, workspace: str) -> list[conversation.ConversationId]:
        """Every conversation of a workspace."""
        return await self._store.read(
            functools.partial(workspaces.of_workspace, platform=platform, workspace=workspace)
        )

    async def has(self, conversation_id: conversation.ConversationId, post_id: str) -> bool:
        """Whether this conversation holds this post or this part of a reply."""
        work = functools.partial(finding.has, conversation_id=conversation_id, post_id=post_id)
        return await self._store.read(work)
