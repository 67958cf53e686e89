"""What changes or erases posts, as the rest of the program sees it: one method, one transaction.

Whatever is erased leaves the answers that are being written at once, and the files of the database soon
after (`upkeep`).
"""

from __future__ import annotations

import datetime as dt
import functools
import sqlite3
from collections.abc import Callable, Sequence

from bot import conversation
from bot.thread_log import (
    asking,
    changes,
    intake,
    owners,
    replies,
    retention,
    rows,
    store,
    upkeep,
    workspaces,
)


class Editing(asking.Asking):
    """The part of the log that takes back what was said."""

    def __init__(
        self,
        *,
        store: store.Store,
        scrubber: upkeep.Scrubber,
        owner: owners.Owner,
        clock: Callable[[], dt.datetime],
    ) -> None:
        super().__init__(store=store, clock=clock)
        self._scrubber, self._owner = scrubber, owner
        self._erased_while_running: dict[str, list[str]] = {}  # by reply

    async def edit(
        self,
        conversation_id: conversation.ConversationId,
        post_id: str,
        text: str,
        edited_at: dt.datetime,
        *,
        attachments: Sequence[conversation.Attachment] | None = None,
    ) -> changes.EditEffect:
        """Give a person's post its new text and, unless that is None, files, everywhere."""
        work = functools.partial(
            changes.edit,
            conversation_id=conversation_id,
            post_id=post_id,
            text=text,
            edited_at=rows.micros(edited_at),
            now=self._now(),
            attachments=attachments,
        )
        return self._scrubbed(await self._store.write(lambda db: self._noted(db, work(db))))

    async def delete(
        self, conversation_id: conversation.ConversationId, post_id: str, *, expected: bool = True
    ) -> changes.EditEffect:
        """Erase a post, everywhere; one that is unknown, and was expected, cannot come any more."""
        work = functools.partial(
            changes.delete,
            conversation_id=conversation_id,
            post_id=post_id,
            expected=expected,
            now=self._now(),
        )
        return self._scrubbed(await self._store.write(lambda db: self._noted(db, work(db))))

    async def file_gone(
        self, platform: str, workspace: str, file_id: str
    ) -> list[tuple[conversation.ConversationId, changes.EditEffect]]:
        """Take a file that was deleted on its platform out of every post that holds it."""
        work = functools.partial(
            changes.file_gone, platform=platform, workspace=workspace, file_id=file_id, now=self._now()
        )
        done = await self._store.write(lambda db: [(key, self._noted(db, each)) for key, each in work(db)])
        return [(conversation_id, self._scrubbed(effect)) for conversation_id, effect in done]

    def _noted(
        self, db: sqlite3.Connection, done: tuple[changes.EditEffect, changes.Erased]
    ) -> changes.EditEffect:
        """Note for the answers that are being written what is gone, in the transaction that takes it away.

        So the next one in it, which may hold such an answer, knows. An answer that another process writes
        cannot: that one is written anew.
        """
        effect, erased = done
        for reply_id in erased.running:
            self._erased_while_running.setdefault(reply_id, []).append(erased.text)
            replies.reopen_others(db, reply_id=reply_id, owner=self._owner.name)
        return effect

    def _scrubbed(self, effect: changes.EditEffect) -> changes.EditEffect:
        """See to it that what is gone is gone from the files, too."""
        if effect.changed:
            self._scrubber.start()
        return effect

    async def forget(self, conversation_id: conversation.ConversationId) -> int:
        """Erase a conversation but for the ids of its posts and its bills; how many posts it had."""
        count = await self._store.write(
            functools.partial(changes.forget, conversation_id=conversation_id, now=self._now())
        )
        self._scrubber.start()
        return count

    async def expire(self, before: dt.datetime) -> list[conversation.ConversationId]:
        """Erase posts that were sent before then, but for their ids; the conversations that had any."""
        past = rows.micros(before)
        found = await self._store.read(functools.partial(retention.due, before=past))
        for conversation_id in found:
            work = functools.partial(
                retention.expire, conversation_id=conversation_id, before=past, now=self._now()
            )
            while await self._store.write(work) == retention.BATCH:
                pass
        others = functools.partial(retention.expire_words, before=past, now=self._now())
        if await self._store.write(others) or found:
            self._scrubber.start()
        return found

    async def scrubbed(self) -> None:
        """Return once the bytes of everything erased so far are gone from the files."""
        await self._scrubber.finished()

    async def leave(self, platform: str, workspace: str) -> None:
        """Erase what was chosen in a workspace; its conversations are forgotten one by one."""
        await self._store.write(functools.partial(workspaces.leave, platform=platform, workspace=workspace))
        self._scrubber.start()

    async def forget_user(self, user: str) -> int:
        """Erase every post of a person, an id with or without its platform in front; how many."""
        await self._store.write(functools.partial(changes.forget_user, user=user, now=self._now()))
        found = await self._store.read(functools.partial(intake.posts_by, user=user))
        for conversation_id, post_id in found:
            await self.delete(conversation_id, post_id)
        self._scrubber.start()
        return len(found)
