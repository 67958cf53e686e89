"""The door through which adapters come in: what they tell is in the log first, then it is acted upon."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from bot import conversation, journal, ports, workers
from bot.desk import choosing, commands
from bot.operating import metrics, tracing


class Desks(Protocol):
    """Where what people say and press beside posts is carried out; see ports.Intake."""

    async def command(self, command: commands.Command, home: conversation.Home) -> commands.Outcome | None:
        """Carry out a command."""

    async def complete(self, word: str, option: str, given: Mapping[str, str]) -> Sequence[str]:
        """What an option of a command can be."""

    async def front(
        self, standing: conversation.Standing, channel: conversation.Home | None
    ) -> commands.Front:
        """What somebody sees who opens the app."""


@dataclasses.dataclass(kw_only=True)
class Conversations:
    """Implements ports.Intake."""

    log: journal.Journal
    workers: workers.Workers
    metrics: metrics.Metrics
    choose: choosing.Choose | None = None
    desks: Desks | None = None
    tend: Callable[[conversation.ConversationId], None] = lambda _: None  # after a change took a summary
    fetch: Callable[[conversation.ConversationId], None] = lambda _: None  # a post brought files
    trace: tracing.Tracer = tracing.OFF

    async def post(self, post: conversation.Post, home: conversation.Home) -> bool:
        """Record, then wake; see ports.Intake."""
        came = self.trace.now()
        new = await self.log.record(post, home)
        if new:
            self.metrics.posts.labels(platform=home.platform, addressed=str(post.addressed).lower()).inc()
        if new and post.attachments:
            self.fetch(post.conversation)
        if new and post.addressed:
            self.trace.recorded(post.conversation, came)
            self.workers.wake(post.conversation)
        return new

    async def edit(
        self,
        conversation_id: conversation.ConversationId,
        post_id: str,
        text: str,
        edited_at: dt.datetime,
        *,
        attachments: Sequence[conversation.Attachment] | None = None,
    ) -> bool:
        """Carry an edit into the log; a running answer to that post is redone in place."""
        effect = await self.log.edit(conversation_id, post_id, text, edited_at, attachments=attachments)
        if effect.changed and attachments:
            self.fetch(conversation_id)
        return self._carried(conversation_id, effect)

    async def file_gone(self, platform: str, workspace: str, file_id: str) -> int:
        """Erase a file from every post that holds it; see ports.Intake."""
        touched = await self.log.file_gone(platform, workspace, file_id)
        for conversation_id, effect in touched:
            self._carried(conversation_id, effect)
        return len(touched)

    def _carried(self, conversation_id: conversation.ConversationId, effect: journal.Effect) -> bool:
        """See to what rests on a post that has changed; whether it has."""
        if effect.stale_summaries:
            self.tend(conversation_id)
        if effect.running_reply:
            self.workers.restart(conversation_id)
        return effect.changed

    async def delete(
        self, conversation_id: conversation.ConversationId, post_id: str, *, expected: bool = True
    ) -> bool:
        """Erase a post; a running answer to it is redone without it, or withdrawn with it."""
        effect = await self.log.delete(conversation_id, post_id, expected=expected)
        return self._carried(conversation_id, effect)

    async def gone(self, conversation_id: conversation.ConversationId) -> int:
        """Erase what stood in a deleted thread, and write no answer there any more."""
        posts = await self.log.forget(conversation_id)
        self.workers.restart(conversation_id)
        return posts

    async def command(self, command: commands.Command, home: conversation.Home) -> commands.Outcome | None:
        """Carry out a command; see ports.Intake."""
        return await self.desks.command(command, home) if self.desks else None

    async def stop(self, conversation_id: conversation.ConversationId) -> bool:
        """Stop the running answer where it is; what was written stays."""
        return await self.workers.stop(conversation_id)

    async def holds(self, conversation_id: conversation.ConversationId) -> bool:
        """Whether the bot is in that conversation."""
        return await self.log.holds(conversation_id)

    async def asked_by(self, platform: str, post_id: str) -> tuple[conversation.ConversationId, str] | None:
        """The conversation and the asker of the answer that is being written in a post."""
        return await self.log.asked_by(platform, post_id)

    async def front(
        self, standing: conversation.Standing, channel: conversation.Home | None
    ) -> commands.Front:
        """What somebody sees who opens the app; see ports.Intake."""
        return await self.desks.front(standing, channel) if self.desks else commands.Front(text="")

    async def complete(self, word: str, option: str, given: Mapping[str, str]) -> Sequence[str]:
        """What an option of a command can be; see ports.Intake."""
        return await self.desks.complete(word, option, given) if self.desks else ()

    async def needs_mention(self, conversation_id: conversation.ConversationId) -> bool:
        """Whether a post there wants an answer only where it mentions the bot."""
        return self.choose is not None and (await self.choose(conversation_id)).thread_replies == "mention"

    async def shared(self) -> bool:
        """Whether another process works on the same log; see ports.Intake."""
        return await self.log.shared()

    async def find(self, platform: str, post_id: str) -> conversation.ConversationId | None:
        """The conversation that holds a post; see ports.Intake."""
        return await self.log.find(platform, post_id)

    async def has(self, conversation_id: conversation.ConversationId, post_id: str) -> bool:
        """Whether the conversation holds it; see ports.Intake."""
        return await self.log.has(conversation_id, post_id)

    async def leave(self, platform: str, workspace: str) -> int:
        """Stop and erase every conversation of a workspace; see ports.Intake."""
        found = await self.log.of_workspace(platform, workspace)
        for conversation_id in found:
            await self.gone(conversation_id)
        await self.log.leave(platform, workspace)
        return len(found)

    async def posts_since(
        self, conversation_id: conversation.ConversationId, since: dt.datetime
    ) -> Sequence[str]:
        """The ids of people's posts and of answers since then; see ports.Intake."""
        return await self.log.posts_since(conversation_id, since)

    async def homes(self, platform: str, since: dt.datetime) -> Sequence[ports.Known]:
        """What to catch up on; see ports.Intake."""
        return await self.log.homes(platform, since)
