"""The core whole, on the real log in a file, with stand-ins for Claude, the platform and the clock."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import datetime as dt
import pathlib
from collections.abc import AsyncIterator
from typing import Any

import fakes

from bot import conversation, conversations, prompts, responder, thread_log, workers
from bot.desk import choosing
from bot.operating import metrics
from bot.planning import context
from bot.tools import approving, listing, shelf

KEY = conversation.ConversationId("slack:T1:C1:1.0")
HOME = conversation.Home(platform="slack", workspace="T1", channel="C1", address="C1/1.0")
INSTRUCTIONS = "You are a helpful colleague."
SYSTEM = prompts.system(INSTRUCTIONS)


def a_policy(**changes: Any) -> context.Policy:
    """The default settings' policy."""
    fields: dict[str, Any] = {
        "strategy": "summarise",
        "model": "claude-sonnet-5-5",
        "effort": "low",
        "max_output_tokens": 8192,
        "budget_tokens": 32_000,
        "floor_tokens": 16_000,
        "window_turns": 20,
    }
    return context.Policy(**{**fields, **changes})


def some_choices(**policy: Any) -> choosing.Choices:
    """What the settings choose."""
    return choosing.Choices(policy=a_policy(**policy), instructions=INSTRUCTIONS)


def a_post(number: int, text: str = "hello", **changes: Any) -> conversation.Post:
    """A post that wants an answer, posted so many seconds after the start."""
    fields: dict[str, Any] = {
        "conversation": KEY,
        "id": str(number),
        "role": "user",
        "author": "U1",
        "author_name": "Ada",
        "text": text,
        "sent_at": fakes.START + dt.timedelta(seconds=number),
        "addressed": True,
    }
    return conversation.Post(**{**fields, **changes})


@dataclasses.dataclass(kw_only=True)
class World:
    """One process of the bot."""

    log: thread_log.ThreadLog
    model: fakes.Model
    platform: fakes.Platform
    clock: fakes.Clock
    responder: responder.Responder
    workers: workers.Workers
    intake: conversations.Conversations
    metrics: metrics.Metrics
    chooser: choosing.Chooser

    async def say(self, number: int, text: str = "hello", **changes: Any) -> None:
        """A person posts."""
        await self.intake.post(a_post(number, text, **changes), HOME)

    async def idle(self) -> None:
        """Return once every worker has ended."""
        while self.workers.busy:
            await asyncio.wait([worker.task for worker in self.workers._workers.values()])

    async def said(self) -> list[tuple[str, str]]:
        """(role, text) of every post in the log, in order."""
        return [(post.role, post.text) async for post in self.log.posts(KEY)]


@contextlib.asynccontextmanager
async def opened(
    folder: pathlib.Path,
    *,
    model: fakes.Model | None = None,
    platform: fakes.Platform | None = None,
    clock: fakes.Clock | None = None,
    at_once: int = 100,
    **policy: Any,
) -> AsyncIterator[World]:
    """A process on the log in this folder; when the block ends it is killed, with whatever it was doing."""
    model, platform = model or fakes.Model(), platform or fakes.Platform()
    clock, counted = clock or fakes.Clock(), metrics.create()
    async with thread_log.open(f"sqlite:///{folder / 'bot.db'}", clock=clock.now) as log:
        chooser = choosing.Chooser(base=some_choices(**policy), book=log.choices)
        kit = shelf.Tools(
            servers={},
            web=listing.EMPTY.web,
            choose=chooser.of,
            log=log,
            book=log.tools,
            desk=approving.Desk(book=log.tools, platforms={platform.name: platform}),
            metrics=counted,
            monotonic=clock.monotonic,
        )
        answering = responder.Responder(
            log=log,
            model=model,
            platforms={platform.name: platform},
            choose=chooser.of,
            tools=kit,
            summary_model="claude-haiku-5-5",
            metrics=counted,
            now=clock.now,
            monotonic=clock.monotonic,
        )
        working = workers.Workers(
            log=log, responder=answering, metrics=counted, sleep=clock.sleep, at_once=at_once
        )
        try:
            yield World(
                log=log,
                model=model,
                platform=platform,
                clock=clock,
                responder=answering,
                workers=working,
                intake=conversations.Conversations(log=log, workers=working, metrics=counted),
                metrics=counted,
                chooser=chooser,
            )
        finally:
            await working.drain(0)
