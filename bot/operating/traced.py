"""Claude and the platforms, each call of them a span."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from bot import conversation, linking, ports
from bot.operating import tracing
from bot.showing import drafts
from bot.tools import toolsets


def model(inside: ports.Model, tracer: tracing.Tracer) -> ports.Model:
    """Claude as this tracer wants it; as it is where nothing is traced."""
    return inside if tracer is tracing.OFF else Model(model=inside, tracer=tracer)


def platforms(inside: Mapping[str, ports.Platform], tracer: tracing.Tracer) -> Mapping[str, ports.Platform]:
    """The platforms, in the same way."""
    if tracer is tracing.OFF:
        return inside
    return {name: Platform(inside=each, tracer=tracer) for name, each in inside.items()}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Model:
    """Implements ports.Model around another: every call of an answer is a span with its tokens."""

    model: ports.Model
    tracer: tracing.Tracer

    async def facts(self, model: str) -> conversation.ModelFacts:
        """See ports.Model."""
        return await self.model.facts(model)

    async def answer(self, request: conversation.Request, draft: ports.Draft) -> conversation.Answer:
        """See ports.Model."""
        return await self.model.answer(request, _Draft(draft=draft, tracer=self.tracer))


@dataclasses.dataclass(kw_only=True)
class _Draft(drafts.Around):
    """A draft that is told of each call (ports.Meter), and tells the draft it stands for."""

    tracer: tracing.Tracer
    span: tracing.Span | None = None

    async def use(self, call: toolsets.Call) -> toolsets.Result:
        with self.tracer.span("tool", **{"gen_ai.tool.name": call.tool}):
            return await super().use(call)

    async def calling(self, model: str, most: conversation.Usage) -> None:
        if isinstance(self.draft, ports.Meter):
            with self.tracer.span("budget"):
                await self.draft.calling(model, most)
        self.span = self.tracer.begin(
            "claude", **{"gen_ai.provider.name": "anthropic", "gen_ai.request.model": model}
        )

    def called(self, model: str, usage: conversation.Usage | None) -> None:
        if isinstance(self.draft, ports.Meter):
            self.draft.called(model, usage)
        span, self.span = self.span, None
        if span is not None and usage is not None:
            span.note(
                **{
                    "gen_ai.usage.input_tokens": usage.input,
                    "gen_ai.usage.output_tokens": usage.output,
                    "gen_ai.usage.cache_read.input_tokens": usage.read,
                    "gen_ai.usage.cache_creation.input_tokens": usage.written_5m + usage.written_1h,
                }
            )
        if span is not None:
            span.end()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Platform:
    """Implements ports.Platform around another: what a reply asks of it is a span each."""

    inside: ports.Platform
    tracer: tracing.Tracer

    @property
    def name(self) -> str:
        """The platform's."""
        return self.inside.name

    async def history(
        self, home: conversation.Home, reply: conversation.Reply
    ) -> Sequence[conversation.Post]:
        """See ports.Platform."""
        with self.tracer.span("history") as span:
            posts = await self.inside.history(home, reply)
            span.note(posts=len(posts))
            return posts

    async def linked(self, post: conversation.Post, home: conversation.Home) -> Sequence[linking.Link]:
        """See ports.Platform."""
        with self.tracer.span("links"):
            return await self.inside.linked(post, home)

    async def fetch(
        self, home: conversation.Home, post_id: str, attachment: conversation.Attachment, limit: int
    ) -> bytes:
        """See ports.Platform."""
        with self.tracer.span("file"):
            return await self.inside.fetch(home, post_id, attachment, limit)

    async def queued(
        self, conversation_id: conversation.ConversationId, home: conversation.Home, post_id: str
    ) -> None:
        """See ports.Platform."""
        await self.inside.queued(conversation_id, home, post_id)

    async def open(self, reply: conversation.Reply, remember: ports.Remember) -> ports.ReplyPost:
        """See ports.Platform."""
        with self.tracer.span("open", resumed=reply.resumed):
            post = await self.inside.open(reply, remember)
        return _Post(post=post, tracer=self.tracer)

    async def refuse(self, post: conversation.Post, home: conversation.Home, sentence: str) -> None:
        """See ports.Platform."""
        await self.inside.refuse(post, home, sentence)

    async def tell(self, user: str, text: str) -> None:
        """See ports.Platform."""
        await self.inside.tell(user, text)

    async def notice(
        self, reply: conversation.Reply, notice: conversation.Notice, *, key: str, known: str = ""
    ) -> str:
        """See ports.Platform."""
        with self.tracer.span("notice"):
            return await self.inside.notice(reply, notice, key=key, known=known)

    async def unnotice(self, reply: conversation.Reply, platform_id: str) -> None:
        """See ports.Platform."""
        await self.inside.unnotice(reply, platform_id)


class _Post:
    """Implements ports.ReplyPost: each edit is a span with the length of what is shown."""

    def __init__(self, *, post: ports.ReplyPost, tracer: tracing.Tracer) -> None:
        self.pacer = post.pacer
        self._post, self._tracer = post, tracer

    async def show(self, text: str) -> None:
        with self._tracer.span("show", characters=len(text)):
            await self._post.show(text)

    async def finish(self, text: str) -> None:
        with self._tracer.span("finish", characters=len(text)):
            await self._post.finish(text)

    async def fail(self, sentence: str) -> None:
        with self._tracer.span("fail"):
            await self._post.fail(sentence)

    async def withdraw(self) -> None:
        with self._tracer.span("withdraw"):
            await self._post.withdraw()
