"""The core as a state machine: whatever happens in whatever order, each post is answered once, as it stands.

Deliver, deliver again, deliver late, edit, delete, kill, faults of the platform, of Claude and of the clock,
each at any moment of the work that is going on. The oracle is a dictionary of what people wrote.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import pathlib
import re
import tempfile
from collections import Counter
from collections.abc import Coroutine
from typing import Any

import fakes
import hypothesis
import world
from hypothesis import stateful
from hypothesis import strategies as st

from bot import conversation, errors, ports

EXAMPLES = int(os.environ.get("STATE_MACHINE_EXAMPLES", "25"))  # the torture asks for 2,000
STEPS = 30
HOUR = 3600


class Model(fakes.Model):
    """Claude, who names the posts of the last turn; `told` are those of calls that failed."""

    def __init__(self) -> None:
        super().__init__()
        self.failing: list[errors.ModelError] = []
        self.told: set[str] = set()

    async def answer(self, request: conversation.Request, draft: ports.Draft) -> conversation.Answer:
        """Name the posts, or fail."""
        asked = [post_id for block in request.turns[-1].blocks for post_id in block.posts]
        if self.failing:
            self.told.update(asked)
            self.script.insert(0, self.failing.pop())
        else:
            self.script.insert(0, f"<{' '.join(asked)}>")
        await asyncio.sleep(0)  # others come between
        return await super().answer(request, draft)


@dataclasses.dataclass(kw_only=True)
class Written:
    """A post as its author left it; None: deleted."""

    text: str | None
    edits: int = 0


class Machine(stateful.RuleBasedStateMachine):
    """One conversation, its people, and a bot that is killed and started again on the same log."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory()
        self.model, self.platform, self.clock = Model(), fakes.Platform(), fakes.Clock()
        self.posts: dict[int, Written] = {}
        self.late: list[int] = []
        self.stack = contextlib.AsyncExitStack()
        self.run(self.start())

    def run(self, work: Coroutine[Any, Any, Any]) -> None:
        """Do something, then let the bot go on for a moment."""
        self.loop.run_until_complete(work)

    async def start(self) -> None:
        """A process on the log that is there; it takes up what is due."""
        self.bot = await self.stack.enter_async_context(
            world.opened(
                pathlib.Path(self.folder.name), model=self.model, platform=self.platform, clock=self.clock
            )
        )
        await self.bot.workers.resume()

    async def moment(self, steps: int) -> None:
        """Let the bot work for a while, however far that takes it."""
        for _ in range(steps):
            await asyncio.sleep(0.0005)

    def new(self) -> int:
        """A number for the next post."""
        return len(self.posts) + len(self.late) + 1

    async def deliver(self, number: int) -> None:
        """An event arrives."""
        written = self.posts[number]
        if written.text is not None:
            await self.bot.say(number, written.text)

    @stateful.rule(steps=st.integers(0, 6))
    def post(self, steps: int) -> None:
        """A person writes, and the event arrives."""
        number = self.new()
        self.posts[number] = Written(text=f"text {number}")
        self.run(self.deliver(number))
        self.run(self.moment(steps))

    @stateful.rule()
    def post_and_be_late(self) -> None:
        """A person writes, and the event takes its time."""
        self.late.append(self.new())

    @stateful.precondition(lambda self: self.late)
    @stateful.rule(data=st.data(), steps=st.integers(0, 6))
    def arrive(self, data: st.DataObject, steps: int) -> None:
        """A late event arrives, after events of later posts."""
        number = data.draw(st.sampled_from(self.late))
        self.late.remove(number)
        self.posts[number] = Written(text=f"text {number}")
        self.run(self.deliver(number))
        self.run(self.moment(steps))

    @stateful.precondition(lambda self: self.posts)
    @stateful.rule(data=st.data())
    def repeat(self, data: st.DataObject) -> None:
        """An event arrives once more."""
        self.run(self.deliver(data.draw(st.sampled_from(sorted(self.posts)))))

    @stateful.precondition(lambda self: any(each.text for each in self.posts.values()))
    @stateful.rule(data=st.data(), steps=st.integers(0, 6))
    def edit(self, data: st.DataObject, steps: int) -> None:
        """A person changes a post."""
        number = data.draw(st.sampled_from([each for each, post in self.posts.items() if post.text]))
        post = self.posts[number]
        post.edits += 1
        post.text = f"text {number} edited {post.edits}"
        at = world.a_post(number + HOUR * post.edits).sent_at
        self.run(self.bot.intake.edit(world.KEY, str(number), post.text, at))
        self.run(self.moment(steps))

    @stateful.precondition(lambda self: any(each.text for each in self.posts.values()))
    @stateful.rule(data=st.data(), steps=st.integers(0, 6))
    def delete(self, data: st.DataObject, steps: int) -> None:
        """A person takes a post away."""
        number = data.draw(st.sampled_from([each for each, post in self.posts.items() if post.text]))
        self.posts[number].text = None
        self.run(self.bot.intake.delete(world.KEY, str(number)))
        self.run(self.moment(steps))

    @stateful.rule()
    def kill(self) -> None:
        """The process ends, whatever it was doing, and another one starts."""
        self.run(self.stack.aclose())
        self.run(self.start())

    @stateful.rule(where=st.sampled_from(["open", "opened", "show", "finish"]))
    def platform_fault(self, where: str) -> None:
        """A call of the platform will fail for once."""
        self.platform.faults.setdefault(where, []).append(errors.PlatformUnavailable())

    @stateful.rule(error=st.sampled_from([errors.Overloaded, errors.Unreachable]))
    def model_fault(self, error: type[errors.ModelError]) -> None:
        """A call of Claude will fail for good."""
        self.model.failing.append(error())

    @stateful.rule(seconds=st.integers(-3600, 7200))
    def clock_jumps(self, seconds: int) -> None:
        """The bot's clock jumps, back as well."""
        self.clock.seconds += seconds

    @stateful.rule()
    def settle(self) -> None:
        """The bot comes to rest, and the promises are looked at."""
        self.run(self.bot.idle())
        answered = Counter(word for text in self.platform.visible for word in re.findall(r"\d+", text))
        sentences = {errors.Overloaded().sentence, errors.Unreachable().sentence}
        for text in self.platform.visible:
            assert text in sentences or re.fullmatch(r"<[\d ]*>", text), f"left unfinished: {text!r}"
        for number, post in self.posts.items():
            count = answered[str(number)]
            assert count <= 1, f"post {number} was answered {count} times"
            assert count == 1 or post.text is None or str(number) in self.model.told, (
                f"post {number} was lost"
            )
        self.run(self.look_at_the_log())

    async def look_at_the_log(self) -> None:
        """The log holds each post that stands once, as it stands, and no other."""
        stored = {post.id: post.text async for post in self.bot.log.posts(world.KEY) if post.role == "user"}
        assert stored == {str(number): post.text for number, post in self.posts.items() if post.text}
        assert await self.bot.log.due() == []

    def teardown(self) -> None:
        """Look once more, and end."""
        try:
            self.settle()
        finally:
            self.run(self.stack.aclose())
            self.loop.close()
            self.folder.cleanup()


Machine.TestCase.settings = hypothesis.settings(
    max_examples=EXAMPLES,
    stateful_step_count=STEPS,
    deadline=None,
    suppress_health_check=list(hypothesis.HealthCheck),
)
TestMachine = Machine.TestCase
