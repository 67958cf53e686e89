"""The laws over long random lives: whatever happens in whatever order, the log is what a simple list says."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import datetime as dt
import pathlib
import tempfile
from collections.abc import Coroutine
from typing import Any, TypeVar

import log_support
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from bot import conversation, thread_log

T = TypeVar("T")
NUMBERS = st.integers(0, 12)
TEXTS = st.text("ab \x00é漢", max_size=8)


@dataclasses.dataclass
class Line:
    """A post as the list has it: of a person, or a reply's."""

    key: str  # the post's id, or the reply's
    text: str | None  # None: a reply without an answer
    place: int | None = None


class Life(RuleBasedStateMachine):
    """One conversation, delivered, answered, edited, erased, restarted."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.path = pathlib.Path(self.folder.name) / "bot.db"
        self.clock = log_support.Clock()
        self.open()
        self.sent: list[Line] = []
        self.waiting: dict[str, conversation.Post] = {}
        self.unanswered: set[str] = set()  # ids of questions no reply has taken up
        self.question: set[str] = set()  # ids of those the running reply answers
        self.erased: set[str] = set()
        self.reply: conversation.Reply | None = None
        self.reopened = False  # what it answers has changed since it was begun

    def open(self) -> None:
        """Open the log."""
        self.stack = contextlib.AsyncExitStack()
        url = f"sqlite:///{self.path}"
        opened = thread_log.open(url, clock=self.clock)
        self.log = self.wait(self.stack.enter_async_context(opened))

    def teardown(self) -> None:
        """Answer what is due, then all is quiet and as the list says."""
        while self.log_due():
            self.begin()
            self.finish("end")
        assert not self.unanswered
        self.compare()
        self.wait(self.stack.aclose())
        self.runner.close()
        self.folder.cleanup()

    def wait(self, steps: Coroutine[Any, Any, T]) -> T:
        """Run to the end."""
        return self.runner.run(steps)

    def log_due(self) -> bool:
        """Whether the log says that the conversation is due."""
        return self.wait(self.log.due()) == [log_support.HERE]

    @rule(number=NUMBERS, text=TEXTS, addressed=st.booleans())
    def record(self, number: int, text: str, addressed: bool) -> None:
        """Deliver a post, once or again, in any order."""
        post = log_support.post(number, text, addressed=addressed)
        known = {line.key for line in self.sent} | set(self.waiting) | self.erased
        assert self.wait(self.log.record(post, log_support.HOME)) == (post.id not in known)
        if post.id not in known:
            self.waiting[post.id] = post
            if addressed:
                self.unanswered.add(post.id)

    @rule()
    def begin(self) -> None:
        """Take up the next reply, or the same again."""
        reply = self.wait(self.log.begin(log_support.HERE))
        if self.reply is not None:
            assert reply is not None
            assert (reply.id, reply.resumed) == (self.reply.id, True)
            assert (reply.state is conversation.ReplyState.WITHDRAWN) == (not self.question)
            self.reopened = False
        elif not self.unanswered:
            assert reply is None
        else:
            assert reply is not None
            assert not reply.resumed
            for post in sorted(self.waiting.values(), key=lambda post: post.order):
                self.sent.append(Line(key=post.id, text=post.text.replace("\0", "\ufffd")))
            self.sent.append(Line(key=reply.id, text=None))
            self.waiting, self.question, self.unanswered = {}, self.unanswered, set()
            self.reply, self.reopened = reply, False

    @precondition(lambda self: self.reply is not None)
    @rule(text=TEXTS)
    def finish(self, text: str) -> None:
        """Answer, or withdraw where nothing is left to answer.

        An answer to what the question was before an edit is not taken: the reply has to be begun anew.
        """
        assert self.reply is not None
        if self.reopened and self.question:
            self.wait(
                log_support.finish(self.log, self.reply, "too late", platform_id=f"bot-{self.reply.id}")
            )
            assert self.log_due()
            self.begin()
        if self.question:
            self.wait(log_support.finish(self.log, self.reply, text, platform_id=f"bot-{self.reply.id}"))
            self.sent[-1].text = text.replace("\0", "\ufffd")
        else:
            self.wait(self.log.end(self.reply, conversation.ReplyState.WITHDRAWN))
        self.reply = None

    @precondition(lambda self: self.reply is not None)
    @rule()
    def fail(self) -> None:
        """Give up after half an answer."""
        assert self.reply is not None
        self.wait(self.log.posted(self.reply, (f"bot-{self.reply.id}",)))
        self.wait(self.log.written(self.reply, log_support.answer("half")))
        self.wait(self.log.end(self.reply, conversation.ReplyState.FAILED, "Overloaded"))
        self.reply = None

    @rule(number=NUMBERS, text=TEXTS, at=st.integers(0, 3))
    def edit(self, number: int, text: str, at: int) -> None:
        """Edit a post that may be there; only the newest edit counts."""
        post_id = f"{number}.1"
        clean = text.replace("\0", "\ufffd")
        edited_at = log_support.START + dt.timedelta(hours=1, seconds=at)
        effect = self.wait(self.log.edit(log_support.HERE, post_id, text, edited_at))
        if not effect.changed:
            return
        running = None if self.reply is None or post_id not in self.question else self.reply.id
        assert effect.running_reply == running
        self.reopened = self.reopened or running is not None
        assert not effect.withdrawn
        if post_id in self.waiting:
            self.waiting[post_id] = dataclasses.replace(self.waiting[post_id], text=clean)
        else:
            (line,) = [line for line in self.sent if line.key == post_id]
            assert line.text != clean
            line.text = clean

    @rule(number=NUMBERS)
    def delete(self, number: int) -> None:
        """Erase a post, there or not."""
        post_id = f"{number}.1"
        effect = self.wait(self.log.delete(log_support.HERE, post_id))
        there = post_id in self.waiting or any(line.key == post_id for line in self.sent)
        assert effect.changed == there
        asked = self.reply is not None and post_id in self.question
        self.question.discard(post_id)
        self.unanswered.discard(post_id)
        self.waiting.pop(post_id, None)
        self.sent = [line for line in self.sent if line.key != post_id]
        self.erased.add(post_id)
        assert (effect.running_reply is not None, effect.withdrawn) == (asked, asked and not self.question)
        self.reopened = self.reopened or asked

    @rule()
    def restart(self) -> None:
        """End the program and start it again: what is unfinished it takes up before it writes anything."""
        self.wait(self.stack.aclose())
        self.open()
        if self.reply is not None:
            self.begin()

    @invariant()
    def compare(self) -> None:
        """The log holds what the list does; no place ever changes; the index is as if built anew."""
        posts = self.wait(log_support.everything(self.log))
        placed = [post for post in posts if post.place is not None]
        lines = [line for line in self.sent if line.text is not None]
        assert [post.text for post in placed] == [line.text for line in lines]
        for post, line in zip(placed, lines, strict=True):
            assert line.place in (None, post.place)
            line.place = post.place
        waiting = sorted(self.waiting.values(), key=lambda post: post.order)
        assert [post.id for post in posts if post.place is None] == [post.id for post in waiting]
        if self.reply is not None:
            thread = self.wait(self.log.thread(self.reply))
            assert list(thread.posts) == placed
        assert self.log_due() == (self.reply is not None or bool(self.unanswered))
        assert log_support.index_rows(self.path) == log_support.rebuilt_index_rows(self.path)


Life.TestCase.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
test_a_long_life = Life.TestCase
