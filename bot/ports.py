"""The narrow doors between the parts, each named after who stands on which side.

adapter ──Intake──▶ core            what happened on a platform
core ──Platform, ReplyPost──▶ adapter   what the core wants done there
responder ──Log──▶ thread log       what an answer needs of the log
responder ──Model──▶ claude         one streamed call
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol, runtime_checkable

from bot import asides, conversation
from bot.desk import commands
from bot.showing import pacing
from bot.tools import toolsets


class Intake(Protocol):
    """What an adapter tells the core. Each call has been committed when it returns."""

    async def post(self, post: conversation.Post, home: conversation.Home) -> bool:
        """Record a post and wake its conversation; False when it was known. Acknowledge only after."""

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
        """Carry an edit into the log and a running answer; False when nothing changed or it is unknown.

        `attachments`: all files the post has now, None where that is not told; `standing`: of the person
        who edited.
        """

    async def file_gone(self, platform: str, workspace: str, file_id: str) -> int:
        """Erase a deleted file from every post of a workspace that holds it; how many that were."""

    async def delete(
        self, conversation_id: conversation.ConversationId, post_id: str, *, expected: bool = True
    ) -> bool:
        """Erase a post, and what links brought in of it.

        Also one that never arrived: where it is `expected` its id is kept, so that it cannot come.
        """

    async def gone(self, conversation_id: conversation.ConversationId) -> int:
        """Erase a conversation whose thread or channel was deleted; how many posts it had."""

    async def command(self, command: commands.Command, home: conversation.Home) -> commands.Outcome | None:
        """Carry out a command, or hint at an unknown word; None when it was handled before."""

    async def stop(
        self, conversation_id: conversation.ConversationId, *, standing: conversation.Standing | None = None
    ) -> bool:
        """Stop the running answer (a button or a reaction); False when none runs."""

    async def press(self, press: conversation.Press) -> str | None:
        """Carry out a press of a button, once; what the person is told privately, None for nothing."""

    async def holds(self, conversation_id: conversation.ConversationId) -> bool:
        """Whether the bot is in that conversation."""

    def refusal(self, standing: conversation.Standing) -> str:
        """What a person is told who may not talk with the bot, "" for who may: before it speaks for them."""

    async def stop_sign(self, platform: str, post_id: str, *, standing: conversation.Standing) -> bool:
        """Stop the answer that stands in this post, by a reaction to it; False where nothing was stopped.

        Only its asker and admins may.
        """

    async def front(
        self, standing: conversation.Standing, channel: conversation.Home | None
    ) -> commands.Front:
        """What somebody sees who opens the app; with a channel what is chosen there, for those who may."""

    async def complete(self, word: str, option: str, given: Mapping[str, str]) -> Sequence[str]:
        """What an option of a command can be, `given` the others and what is typed of this one so far."""

    async def needs_mention(self, conversation_id: conversation.ConversationId) -> bool:
        """Whether a post in a conversation the bot is in wants an answer only where it mentions the bot."""

    async def shared(self) -> bool:
        """Whether another process works on the same log now: it may hear what this one does not."""

    async def find(self, platform: str, post_id: str) -> conversation.ConversationId | None:
        """The conversation that holds this post or this part of a reply (for ids unique on a platform)."""

    async def has(self, conversation_id: conversation.ConversationId, post_id: str) -> bool:
        """Whether this conversation holds this post or this part of a reply."""

    async def leave(self, platform: str, workspace: str) -> int:
        """Erase every conversation of a workspace that removed the bot; how many that were."""

    async def posts_since(
        self, conversation_id: conversation.ConversationId, since: dt.datetime
    ) -> Sequence[str]:
        """The ids of people's posts and of answers in a conversation since then, oldest first."""

    async def homes(self, platform: str, since: dt.datetime) -> Sequence[Known]:
        """Conversations with a post since then, with the newest and what the platform should be asked."""


class Known(Protocol):
    """A conversation as catch-up sees it."""

    @property
    def conversation_id(self) -> conversation.ConversationId:
        """Its id."""

    @property
    def home(self) -> conversation.Home:
        """Where it lives."""

    @property
    def newest_post(self) -> str:
        """The id of the newest post the log has of it, "" for none."""

    @property
    def newest_at(self) -> dt.datetime:
        """When that was posted."""


class ReplyPost(Protocol):
    """The bot's post being written. Its methods are called one at a time, in this order."""

    pacer: pacing.Pacer
    """How often `show` is worth calling."""

    async def show(self, text: str) -> None:
        """Show the text so far; may fall behind or do nothing, never raises for a passing fault."""

    async def finish(self, text: str) -> None:
        """Make the whole text stand, in as many posts as it takes; repeatable."""

    async def fail(self, sentence: str) -> None:
        """Put one sentence in the place of the answer; repeatable."""

    async def withdraw(self) -> None:
        """Take the posts of this reply away; repeatable."""


Remember = Callable[[tuple[str, ...]], Awaitable[None]]
"""Commits the platform ids of a reply's posts, in order; called right after each new post."""


class Platform(asides.Asides, Protocol):
    """What the core asks of an adapter."""

    @property
    def name(self) -> str:
        """The `platform` of the homes that are its own."""

    async def history(
        self, home: conversation.Home, reply: conversation.Reply
    ) -> Sequence[conversation.Post]:
        """The posts of the thread before the asker's, oldest first, none addressed."""

    async def queued(
        self, conversation_id: conversation.ConversationId, home: conversation.Home, post_id: str
    ) -> None:
        """Show at a post that others are answered first; a courtesy that never raises."""

    async def open(self, reply: conversation.Reply, remember: Remember) -> ReplyPost:
        """Put a first sign of the answer in place and remember its id.

        Where `reply.platform_ids` is set the reply goes on there; where `reply.resumed` is and the ids
        are not, the adapter looks for its own post before it posts. Raises PlatformError.
        """


class Draft(Protocol):
    """Where a streaming model puts what it says."""

    def add(self, text: str) -> None:
        """Append."""

    def restart(self) -> None:
        """The call is made again: what was said so far no longer counts."""

    def billed(self, model: str, usage: conversation.Usage) -> None:
        """A call was billed that is not in the answer: it was cut, cancelled, declined or gone on from."""


@runtime_checkable
class Helper(Protocol):
    """A draft whose owner carries out what Claude asks for while it answers."""

    async def use(self, call: toolsets.Call) -> toolsets.Result:
        """Carry out a tool call; what it gives, bounded and marked as data."""

    def served(self, tool: str, *, done: bool) -> None:
        """Anthropic's servers begin, or have ended, a use of a tool of theirs."""


@runtime_checkable
class Meter(Protocol):
    """A draft that is asked before each call whether it may be made, and told what it cost."""

    async def calling(self, model: str, most: conversation.Usage) -> None:
        """A call is about to be made, with a bill of `most` at most. Raises ModelError where it may not."""

    def called(self, model: str, usage: conversation.Usage | None) -> None:
        """That call is over, with this bill; None where nobody knows."""


class Model(Protocol):
    """Claude, or what stands in for it."""

    async def facts(self, model: str) -> conversation.ModelFacts:
        """What a model can do; asked once and kept. Raises ModelError."""

    async def answer(self, request: conversation.Request, draft: Draft) -> conversation.Answer:
        """Make the call, with bounded retries; raises ModelError."""


class Toolbox(Protocol):
    """What Claude may use in one answer. `tell` shows a line of progress, "" takes it away."""

    async def use(self, call: toolsets.Call, tell: Callable[[str], None]) -> toolsets.Result:
        """Carry out a call; whatever goes wrong is the result."""

    def served(self, tool: str, tell: Callable[[str], None], *, done: bool) -> None:
        """Anthropic's servers begin, or have ended, a use of a tool of theirs."""

    def restart(self) -> None:
        """Claude is called again from the beginning of the answer."""


class Tools(Protocol):
    """Every tool there is, recall included."""

    async def offered(self, reply: conversation.Reply) -> toolsets.Toolset:
        """What is offered beside recall in a conversation now."""

    async def kept(self, list_id: str) -> toolsets.Toolset:
        """The list that a plan names."""

    async def keep(self, offered: toolsets.Toolset) -> None:
        """Commit a list before a plan names it."""

    def box(self, reply: conversation.Reply, request: conversation.Request) -> Toolbox:
        """The tools of one answer, which begins with this request."""

    async def tidy(self, reply: conversation.Reply) -> None:
        """Take away what an earlier life of this answer has asked and nobody can answer any more."""

    def refused(self, offered: toolsets.Toolset, taken: toolsets.Toolset) -> None:
        """Claude's API took a request only with fewer tools than it was offered."""


class Log(Protocol):
    """What an answer needs of the thread log. Every method is one transaction, committed on return."""

    async def begin(self, conversation_id: conversation.ConversationId) -> conversation.Reply | None:
        """Take up the conversation's next reply.

        Its unfinished reply (state DUE, OPENED or WRITTEN), `resumed`, if there is one. Else, where
        addressed posts wait, all waiting posts get the next place, in platform order, and a new reply
        row the place after. None when nothing is due.
        """

    async def let_go(self, reply: conversation.Reply) -> None:
        """Leave the reply to whoever can write it."""

    async def thread(self, reply: conversation.Reply, *, tail_only: bool = False) -> conversation.Thread:
        """The log before the reply's place, not hidden by `new`, past the summaries.

        With `tail_only` also without the posts that the newest plan left out.
        """

    async def add_history(self, reply: conversation.Reply, posts: Sequence[conversation.Post]) -> None:
        """Record what was posted before the bot came; placed with, and before, the reply's question."""

    async def plan(self, reply: conversation.Reply, plan: conversation.Plan) -> None:
        """Commit the decisions of the request that is about to be sent."""

    async def posted(self, reply: conversation.Reply, platform_ids: tuple[str, ...]) -> None:
        """Commit where the reply stands on the platform; the state becomes OPENED."""

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
        """Commit what one call cost, answered or not (`kind`: "answer", "call", "summary").

        `message_id`: the API's, of an answer; `miss`: why the cache gave less than it held, "" for no miss.
        """

    async def file_data(self, digests: Sequence[str]) -> Mapping[str, bytes]:
        """The bytes of files by their hashes; one that was erased is left out."""

    async def withhold(self, reply: conversation.Reply, names: frozenset[str]) -> None:
        """Put a word in the place of posts that Claude's API refuses, until they are edited.

        A file among the `names` (see `fitting.key`) is unread from then on, also where it is posted again.
        """

    async def written(self, reply: conversation.Reply, answer: conversation.Answer) -> str:
        """Commit the whole answer as the bot's post; the state becomes WRITTEN.

        Its text as committed: without words of posts that were deleted while it was written.
        """

    async def end(self, reply: conversation.Reply, state: conversation.ReplyState, note: str = "") -> None:
        """Close the row: FINISHED, FAILED (note: the error's class) or WITHDRAWN."""

    async def newest(self, conversation_id: conversation.ConversationId) -> Known | None:
        """Where a conversation lives, and its newest post by a person; None if it is unknown."""

    async def add_summary(
        self, summary: conversation.Summary, replaces: Sequence[conversation.Summary]
    ) -> None:
        """Commit a segment; later plans use it, and in the place of those it replaces."""
