"""Stand-ins for what lies outside of the core, written by hand and asserted on what they hold."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
from collections.abc import Sequence

from bot import conversation, errors, linking, ports
from bot.planning import sizes
from bot.showing import pacing

START = dt.datetime(2026, 11, 22, 10, tzinfo=dt.UTC)
THINKING = "…"  # the first sign of an answer


@dataclasses.dataclass(kw_only=True)
class Clock:
    """A clock that moves only when somebody sleeps or a test says so."""

    seconds: float = 0.0
    slept: list[float] = dataclasses.field(default_factory=list)

    def now(self) -> dt.datetime:
        """The time of day; a microsecond later at every look, as no two events share one."""
        self.seconds += 1e-6
        return START + dt.timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        """Seconds since some moment."""
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        """Pass the time at once."""
        self.slept.append(seconds)
        self.seconds += seconds
        await asyncio.sleep(0)


def an_answer(text: str, **changes: object) -> conversation.Answer:
    """An answer with a small bill."""
    fields: dict[str, object] = {
        "text": text,
        "usage": conversation.Usage(fresh=100, output=10, raw={"input_tokens": 100, "output_tokens": 10}),
        "model": "claude-sonnet-5-5",
        "stop_reason": "end_turn",
        "message_id": "msg_1",
    }
    return conversation.Answer(**{**fields, **changes})  # type: ignore[arg-type] # a table of fields


def a_reply(request: conversation.Request, text: str) -> conversation.Answer:
    """The answer to a request, billed by its size, nothing cached."""
    sent = [request.system, request.varying, *(block.text for turn in request.turns for block in turn.blocks)]
    usage = conversation.Usage(fresh=sum(map(sizes.estimate, sent)), output=sizes.estimate(text))
    return an_answer(text, model=request.plan.model, usage=usage)


def facts(model: str, **changes: object) -> conversation.ModelFacts:
    """What `/v1/models` says of a usual model."""
    fields: dict[str, object] = {
        "id": model,
        "context_tokens": 200_000,
        "max_output_tokens": 64_000,
        "min_prefix_tokens": 1024,
        "thinking": "adaptive",
        "efforts": ("low", "medium", "high"),
    }
    return conversation.ModelFacts(**{**fields, **changes})  # type: ignore[arg-type] # a table of fields


@dataclasses.dataclass(kw_only=True)
class Model:
    """Claude by script: each call takes the next answer or error, and says "ok" when there is none.

    While `holding` is set a call says its first half and then waits for `go`.
    """

    script: list[str | conversation.Answer | Exception] = dataclasses.field(default_factory=list)
    requests: list[conversation.Request] = dataclasses.field(default_factory=list)
    known: dict[str, conversation.ModelFacts] = dataclasses.field(default_factory=dict)
    holding: bool = False
    go: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)
    running: int = 0
    most_running: int = 0
    _called: asyncio.Condition = dataclasses.field(default_factory=asyncio.Condition)

    async def facts(self, model: str) -> conversation.ModelFacts:
        """What is known of a model."""
        return self.known.get(model) or facts(model)

    async def models(self) -> Sequence[str]:
        """Those that were told."""
        return tuple(self.known)

    async def answer(self, request: conversation.Request, draft: ports.Draft) -> conversation.Answer:
        """Take the next step of the script."""
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            step = self.script.pop(0) if self.script else "ok"
            answer = a_reply(request, step) if isinstance(step, str) else step
            if isinstance(answer, conversation.Answer):
                half = len(answer.text) // 2
                draft.add(answer.text[:half])
            async with self._called:
                self.requests.append(request)
                self._called.notify_all()
            if self.holding:
                await self.go.wait()
            if isinstance(answer, Exception):
                raise answer
            draft.add(answer.text[half:])
            return answer
        finally:
            self.running -= 1

    async def called(self, times: int) -> None:
        """Return once so many calls have been made."""
        async with self._called:
            await self._called.wait_for(lambda: len(self.requests) >= times)

    def asked(self) -> list[str]:
        """The ids of the posts in the last block of each request: what was the question."""
        return [" ".join(request.turns[-1].blocks[-1].posts) for request in self.requests]


@dataclasses.dataclass(kw_only=True)
class Platform:
    """A platform, and what a person sees of the bot there.

    `faults` holds errors to be raised by the next calls of open, history, show, finish, fail or withdraw;
    an error behind "opened" is raised after the post is there but before its id is remembered.
    """

    name: str = "slack"
    seen: dict[str, str] = dataclasses.field(default_factory=dict)  # platform id ─▶ text, in order
    shown: list[str] = dataclasses.field(default_factory=list)  # every text that was shown on the way
    faults: dict[str, list[Exception]] = dataclasses.field(default_factory=dict)
    earlier: Sequence[conversation.Post] = ()
    opened: dict[str, str] = dataclasses.field(default_factory=dict)  # reply id ─▶ platform id
    calls: list[str] = dataclasses.field(default_factory=list)
    refused: list[tuple[str, str]] = dataclasses.field(default_factory=list)  # user, sentence
    told: list[tuple[str, str]] = dataclasses.field(default_factory=list)  # user, text
    notices: dict[str, conversation.Notice] = dataclasses.field(default_factory=dict)  # by reply and key
    files: dict[str, bytes] = dataclasses.field(default_factory=dict)  # attachment id ─▶ bytes
    _reached: dict[str, asyncio.Event] = dataclasses.field(default_factory=dict)

    def step(self, name: str) -> None:
        """Note a call, and fail it if it is to fail."""
        self.calls.append(name)
        self._reached.setdefault(name, asyncio.Event()).set()
        if self.faults.get(name):
            raise self.faults[name].pop(0)

    async def reached(self, name: str) -> None:
        """Return once such a call was made."""
        await self._reached.setdefault(name, asyncio.Event()).wait()

    @property
    def visible(self) -> list[str]:
        """The bot's posts as they stand, in the order they were posted."""
        return list(self.seen.values())

    async def history(
        self, _home: conversation.Home, _reply: conversation.Reply
    ) -> Sequence[conversation.Post]:
        """What was posted before the bot came."""
        self.step("history")
        return self.earlier

    async def fetch(
        self, _home: conversation.Home, _post_id: str, attachment: conversation.Attachment, limit: int
    ) -> bytes:
        """The bytes of a file that a test laid out."""
        self.step("fetch")
        return self.files[attachment.id][:limit]

    async def queued(
        self, _conversation_id: conversation.ConversationId, _home: conversation.Home, _post_id: str
    ) -> None:
        """Others are answered first."""
        self.step("queued")

    async def open(self, reply: conversation.Reply, remember: ports.Remember) -> Reply:
        """Find the reply's post, or post a first sign."""
        self.step("open")
        post_id = next(iter(reply.platform_ids), "") or (
            self.opened.get(reply.id, "") if reply.resumed else ""
        )
        if not post_id:
            post_id = f"B{len(self.opened) + 1}"
            self.opened[reply.id] = post_id
            self.seen[post_id] = THINKING
        self.step("opened")
        await remember((post_id,))
        return Reply(platform=self, id=post_id)

    async def refuse(self, post: conversation.Post, _home: conversation.Home, sentence: str) -> None:
        """Keep what the author of a post was told."""
        self.refused.append((post.author, sentence))

    async def tell(self, user: str, text: str) -> None:
        """Keep what somebody was told directly."""
        self.step("tell")
        self.told.append((user, text))

    async def linked(self, _post: conversation.Post, _home: conversation.Home) -> Sequence[linking.Link]:
        """No link leads anywhere here."""
        return ()

    async def notice(
        self, reply: conversation.Reply, notice: conversation.Notice, *, key: str, known: str = ""
    ) -> str:
        """Keep a sentence with buttons."""
        self.step("notice")
        post_id = known or f"{reply.id}/{key}"
        self.notices[post_id] = notice
        return post_id

    async def unnotice(self, _reply: conversation.Reply, platform_id: str) -> None:
        """Take it away."""
        self.step("unnotice")
        self.notices.pop(platform_id, None)


@dataclasses.dataclass(kw_only=True)
class Reply:
    """The bot's post being written."""

    platform: Platform
    id: str
    pacer: pacing.Pacer = dataclasses.field(default_factory=lambda: pacing.Pacer(interval=0, first=0))

    async def show(self, text: str) -> None:
        """Put the text so far."""
        self.platform.step("show")
        self.platform.shown.append(text)
        self._put(text)
        self.platform.step("shown")

    async def finish(self, text: str) -> None:
        """Put the whole text."""
        self.platform.step("finish")
        self._put(text)

    async def fail(self, sentence: str) -> None:
        """Put a sentence."""
        self.platform.step("fail")
        self._put(sentence)

    async def withdraw(self) -> None:
        """Take the post away."""
        self.platform.step("withdraw")
        self.platform.seen.pop(self.id, None)

    def _put(self, text: str) -> None:
        if self.id not in self.platform.seen:
            raise errors.PostGone("deleted")
        self.platform.seen[self.id] = text
