"""Claude's answer, if need be without the tools, file or post that its API refuses, which is remembered.

Rule 1  Nothing is believed, everything is tried: tools are blamed only when the same request without them was
        answered. First those of Anthropic's servers are left out (an organisation may have them turned off),
        then all, then recall. Only after that are posts suspected (`withholding`).
Rule 2  A refused call costs nothing.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable, Iterator

from bot import conversation, errors, ports, withholding
from bot.files import attaching
from bot.planning import context
from bot.showing import drafts
from bot.tools import toolsets

Ask = Callable[[conversation.Request], Awaitable[conversation.Answer]]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Insisting:
    """Asks for one answer until it comes or there is nothing left to leave out."""

    log: ports.Log
    tools: ports.Tools
    reply: conversation.Reply
    model: ports.Model
    draft: drafts.Draft

    async def ask(
        self, request: conversation.Request, thread: conversation.Thread, offered: toolsets.Toolset
    ) -> tuple[conversation.Answer, conversation.Plan]:
        """The answer, and the plan of the request that was taken. Raises ModelError."""
        first = True

        async def ask(tried: conversation.Thread) -> conversation.Answer:
            nonlocal first, request
            if not first:
                again = context.request(tried, request.plan, system=request.system, tools=offered)
                return await self._call(await carrying(again, self.log))
            first = False
            answer, request = await self._with_fewer_tools(request, thread, offered)
            return answer

        answer, refused = await withholding.answer(ask, thread, request.turns)
        if refused:
            await self.log.withhold(self.reply, refused)
            self.draft.note = withholding.note(thread, refused)
        return answer, request.plan

    async def _with_fewer_tools(
        self, request: conversation.Request, thread: conversation.Thread, offered: toolsets.Toolset
    ) -> tuple[conversation.Answer, conversation.Request]:
        try:
            return await self._call(request), request
        except errors.TooLong:
            raise
        except errors.Rejected as refusal:
            for fewer, recall in _fewer(offered, recall=request.plan.offers_recall):
                plan = dataclasses.replace(
                    request.plan,
                    tools=fewer.id,
                    offers_recall=recall,
                    previous_place=None,
                    expected_read=0,
                )
                smaller = context.request(thread, plan, system=request.system, tools=fewer)
                smaller = dataclasses.replace(smaller, files=request.files)
                try:
                    answer = await self._call(smaller)
                except errors.Rejected:
                    continue
                if fewer != offered:
                    self.tools.refused(offered, fewer)
                await self.tools.keep(fewer)
                await self.log.plan(self.reply, plan)
                return answer, smaller
            raise refusal from None

    async def _call(self, request: conversation.Request) -> conversation.Answer:
        self.draft.restart()
        return await self.model.answer(request, self.draft)


async def carrying(request: conversation.Request, log: ports.Log) -> conversation.Request:
    """The request with the bytes of its pictures and papers."""
    digests = attaching.needed(request.turns)
    return dataclasses.replace(request, files=await log.file_data(digests)) if digests else request


def _fewer(offered: toolsets.Toolset, *, recall: bool) -> Iterator[tuple[toolsets.Toolset, bool]]:
    """Lists, and whether recall goes with them, each another: without Anthropic's tools, none, no recall.

    What recall gave may be what is refused, and no post of the thread is to blame for it.
    """
    ours = toolsets.Toolset(tools=tuple(tool for tool in offered.tools if tool.served is None))
    if ours.id != offered.id:
        yield ours, recall
    if ours.tools:
        yield toolsets.NONE, recall
    if recall:
        yield toolsets.NONE, False
