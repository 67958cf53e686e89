"""The gate: between the adapters and the core, so that nothing of a denied person comes in.

Both ways are guarded: what adapters tell (`Gate`), and what they are asked for (`Guarded`: threads that are
read late). A refusal is told once a day to each person in each conversation; of it only ids are kept.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import structlog

from bot import access, conversation, linking, ports
from bot.desk import commands, pressing

log = structlog.get_logger()


class Inside(Protocol):
    """The intake behind the gate; see ports.Intake."""

    async def post(self, post: conversation.Post, home: conversation.Home) -> bool:
        """Record a post."""

    async def edit(
        self,
        conversation_id: conversation.ConversationId,
        post_id: str,
        text: str,
        edited_at: dt.datetime,
        *,
        attachments: Sequence[conversation.Attachment] | None = None,
    ) -> bool:
        """Carry an edit into the log."""

    async def file_gone(self, platform: str, workspace: str, file_id: str) -> int:
        """Erase a file from every post that holds it."""

    async def delete(
        self, conversation_id: conversation.ConversationId, post_id: str, *, expected: bool = True
    ) -> bool:
        """Erase a post."""

    async def gone(self, conversation_id: conversation.ConversationId) -> int:
        """Erase a conversation whose thread was deleted."""

    async def command(self, command: commands.Command, home: conversation.Home) -> commands.Outcome | None:
        """Carry out a command."""

    async def stop(self, conversation_id: conversation.ConversationId) -> bool:
        """Stop the running answer."""

    async def holds(self, conversation_id: conversation.ConversationId) -> bool:
        """Whether the bot is in that conversation."""

    async def asked_by(self, platform: str, post_id: str) -> tuple[conversation.ConversationId, str] | None:
        """The conversation and the asker of the answer that is being written in a post."""

    async def front(
        self, standing: conversation.Standing, channel: conversation.Home | None
    ) -> commands.Front:
        """What somebody sees who opens the app."""

    async def complete(self, word: str, option: str, given: Mapping[str, str]) -> Sequence[str]:
        """What an option of a command can be."""

    async def needs_mention(self, conversation_id: conversation.ConversationId) -> bool:
        """Whether a post there wants an answer only where it mentions the bot."""

    async def shared(self) -> bool:
        """Whether another process works on the same log now."""

    async def find(self, platform: str, post_id: str) -> conversation.ConversationId | None:
        """The conversation that holds this post."""

    async def has(self, conversation_id: conversation.ConversationId, post_id: str) -> bool:
        """Whether the conversation holds this post."""

    async def leave(self, platform: str, workspace: str) -> int:
        """Erase every conversation of a workspace."""

    async def posts_since(
        self, conversation_id: conversation.ConversationId, since: dt.datetime
    ) -> Sequence[str]:
        """The ids of people's posts and of answers since then."""

    async def homes(self, platform: str, since: dt.datetime) -> Sequence[ports.Known]:
        """Conversations with a post since then."""


class Claims(Protocol):
    """What the gate needs of the thread log."""

    async def claim_command(self, conversation_id: conversation.ConversationId, command_id: str) -> bool:
        """True for the first that claims an id, False ever after."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Gate:
    """Implements ports.Intake: what is allowed goes on to `inside`, the rest is refused and not kept."""

    inside: Inside
    rules: access.Rules
    claims: Claims
    platforms: Mapping[str, ports.Platform]
    now: Callable[[], dt.datetime]
    presses: pressing.Presses

    async def post(self, post: conversation.Post, home: conversation.Home) -> bool:
        """Let a post in; see ports.Intake. A question by a denied person is refused, privately."""
        if self.rules.admits(post.standing or access.standing(post.author, home)):
            return await self.inside.post(post, home)
        log.info("access.denied", conversation=post.conversation, post=post.id)
        claim = f"refused:{post.author}:{self.now():%Y-%m-%d}"
        if post.addressed and await self.claims.claim_command(post.conversation, claim):
            await self.platforms[home.platform].refuse(post, home, access.REFUSAL)
        return False

    async def edit(
        self,
        conversation_id: conversation.ConversationId,
        post_id: str,
        text: str,
        edited_at: dt.datetime,
        *,
        attachments: Sequence[conversation.Attachment] | None = None,
        standing: conversation.Standing | None = None,
    ) -> bool:
        """Let an edit in, unless its author has been denied since the post was recorded."""
        if standing is not None and not self.rules.admits(standing):
            log.info("access.denied", conversation=conversation_id, post=post_id)
            return False
        return await self.inside.edit(conversation_id, post_id, text, edited_at, attachments=attachments)

    async def file_gone(self, platform: str, workspace: str, file_id: str) -> int:
        """Erase a file, whoever deleted it."""
        return await self.inside.file_gone(platform, workspace, file_id)

    async def delete(
        self, conversation_id: conversation.ConversationId, post_id: str, *, expected: bool = True
    ) -> bool:
        """Erase a post, whoever wrote it."""
        return await self.inside.delete(conversation_id, post_id, expected=expected)

    async def gone(self, conversation_id: conversation.ConversationId) -> int:
        """Erase a conversation, whoever deleted its thread."""
        return await self.inside.gone(conversation_id)

    async def command(self, command: commands.Command, home: conversation.Home) -> commands.Outcome | None:
        """Let a command in, or say that it is refused."""
        if self.rules.admits(command.standing or access.standing(command.author, home)):
            return await self.inside.command(command, home)
        log.info("access.denied", conversation=command.conversation, word=command.word)
        new = await self.claims.claim_command(command.conversation, command.id)
        return commands.Outcome(text=access.REFUSAL) if new else None

    async def press(self, press: conversation.Press) -> str | None:
        """Let a press in, or say that it is refused."""
        if self.rules.admits(press.standing or access.standing(press.author, press.home)):
            return await self.presses.press(press)
        log.info("access.denied", conversation=press.conversation, action=press.action)
        return access.REFUSAL

    async def stop(
        self,
        conversation_id: conversation.ConversationId,
        *,
        standing: conversation.Standing | None = None,
    ) -> bool:
        """Stop the running answer; a denied person stops nothing."""
        if standing is not None and not self.rules.admits(standing):
            return False
        return await self.inside.stop(conversation_id)

    async def holds(self, conversation_id: conversation.ConversationId) -> bool:
        """See ports.Intake."""
        return await self.inside.holds(conversation_id)

    def refusal(self, standing: conversation.Standing) -> str:
        """See ports.Intake."""
        return "" if self.rules.admits(standing) else access.REFUSAL

    async def stop_sign(self, platform: str, post_id: str, *, standing: conversation.Standing) -> bool:
        """Stop an answer by a reaction of its asker or an admin; see ports.Intake."""
        found = await self.inside.asked_by(platform, post_id)
        if found is None or not self.rules.admits(standing):
            return False
        conversation_id, asker = found
        if standing.user != asker and not self.rules.is_admin(platform, standing.user):
            return False
        return await self.inside.stop(conversation_id)

    async def front(
        self, standing: conversation.Standing, channel: conversation.Home | None
    ) -> commands.Front:
        """See ports.Intake; a denied person sees that they are."""
        if not self.rules.admits(standing):
            return commands.Front(text=access.REFUSAL)
        return await self.inside.front(standing, channel)

    async def complete(self, word: str, option: str, given: Mapping[str, str]) -> Sequence[str]:
        """See ports.Intake."""
        return await self.inside.complete(word, option, given)

    async def needs_mention(self, conversation_id: conversation.ConversationId) -> bool:
        """See ports.Intake."""
        return await self.inside.needs_mention(conversation_id)

    async def shared(self) -> bool:
        """See ports.Intake."""
        return await self.inside.shared()

    async def find(self, platform: str, post_id: str) -> conversation.ConversationId | None:
        """See ports.Intake."""
        return await self.inside.find(platform, post_id)

    async def has(self, conversation_id: conversation.ConversationId, post_id: str) -> bool:
        """See ports.Intake."""
        return await self.inside.has(conversation_id, post_id)

    async def leave(self, platform: str, workspace: str) -> int:
        """See ports.Intake."""
        return await self.inside.leave(platform, workspace)

    async def posts_since(
        self, conversation_id: conversation.ConversationId, since: dt.datetime
    ) -> Sequence[str]:
        """See ports.Intake."""
        return await self.inside.posts_since(conversation_id, since)

    async def homes(self, platform: str, since: dt.datetime) -> Sequence[ports.Known]:
        """See ports.Intake."""
        return await self.inside.homes(platform, since)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Guarded:
    """Implements ports.Platform: what a thread's history holds of denied people stays outside."""

    inside: ports.Platform
    rules: access.Rules

    @property
    def name(self) -> str:
        """The platform's."""
        return self.inside.name

    async def history(
        self, home: conversation.Home, reply: conversation.Reply
    ) -> Sequence[conversation.Post]:
        """The posts before the asker's, of people who may talk with the bot; the bot's own are all there."""
        posts = await self.inside.history(home, reply)
        kept = [post for post in posts if self._may(post, home)]
        if len(kept) < len(posts):
            log.info("access.history_denied", conversation=reply.conversation, posts=len(posts) - len(kept))
        return kept

    async def fetch(
        self, home: conversation.Home, post_id: str, attachment: conversation.Attachment, limit: int
    ) -> bytes:
        """See ports.Platform."""
        return await self.inside.fetch(home, post_id, attachment, limit)

    async def queued(
        self, conversation_id: conversation.ConversationId, home: conversation.Home, post_id: str
    ) -> None:
        """See ports.Platform."""
        await self.inside.queued(conversation_id, home, post_id)

    async def open(self, reply: conversation.Reply, remember: ports.Remember) -> ports.ReplyPost:
        """See ports.Platform."""
        return await self.inside.open(reply, remember)

    async def refuse(self, post: conversation.Post, home: conversation.Home, sentence: str) -> None:
        """See ports.Platform."""
        await self.inside.refuse(post, home, sentence)

    async def tell(self, user: str, text: str) -> None:
        """See ports.Platform."""
        await self.inside.tell(user, text)

    async def linked(self, post: conversation.Post, home: conversation.Home) -> Sequence[linking.Link]:
        """What links lead to, of people who may talk with the bot; the bot's own is all there."""
        return [self._let_in(link, home) for link in await self.inside.linked(post, home)]

    def _let_in(self, link: linking.Link, home: conversation.Home) -> linking.Link:
        posts = tuple(each for each in link.posts if self._may(each, home))
        refusal = linking.SHUT_OUT if link.posts and not posts else link.refusal
        return dataclasses.replace(link, posts=posts, refusal=refusal)

    def _may(self, post: conversation.Post, home: conversation.Home) -> bool:
        return post.role == "assistant" or self.rules.admits(
            post.standing or access.standing(post.author, home)
        )

    async def notice(
        self, reply: conversation.Reply, notice: conversation.Notice, *, key: str, known: str = ""
    ) -> str:
        """See ports.Platform."""
        return await self.inside.notice(reply, notice, key=key, known=known)

    async def unnotice(self, reply: conversation.Reply, platform_id: str) -> None:
        """See ports.Platform."""
        await self.inside.unnotice(reply, platform_id)


def guarded(platforms: Mapping[str, ports.Platform], rules: access.Rules) -> dict[str, ports.Platform]:
    """Every platform behind its guard, by name."""
    return {name: Guarded(inside=platform, rules=rules) for name, platform in platforms.items()}
