"""Calls that write: a person's yes before each, and a record that survives a crash.

Rule 1  Only the asker can say yes, by a button, within WAIT_SECONDS; else the call is not made and Claude is
        told. A yes is for one call.
Rule 2  Each step is committed before the next: asked, allowed, running, ran. What an earlier life of the bot
        has left of the same answer is never repeated: the first call of that tool is answered with what is
        known of it, and one that is made all the same is asked about again.
Rule 3  The record holds the tool's name and the state, never what was asked of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import structlog

from bot import conversation, errors, ports, turns
from bot.tools import describing, toolsets

WAIT_SECONDS = 120.0
SHOWN_LENGTH = 1_200  # characters of what is asked of a tool that the question shows
ACTION = "tool"

NOT_YOURS = "Only the person who asked can allow this."
OVER = "This question is closed: it was answered, or it waited too long."

log = structlog.get_logger()


class Book(Protocol):
    """What this needs of the thread log. Each call has been committed when it returns."""

    async def note_call(self, reply: conversation.Reply, call: toolsets.Written, *, by: str = "") -> None:
        """Keep a call's state; `by`: who allowed or refused it."""

    async def calls(self, reply: conversation.Reply) -> Sequence[toolsets.Written]:
        """The calls of an answer, oldest first."""


@dataclasses.dataclass(kw_only=True)
class _Question:
    asker: str
    platform: str
    answer: asyncio.Future[str]  # who said yes, "" for no


@dataclasses.dataclass(kw_only=True)
class Desk:
    """The questions that are open now."""

    book: Book
    platforms: Mapping[str, ports.Platform]
    seconds: float = WAIT_SECONDS
    _open: dict[str, _Question] = dataclasses.field(default_factory=dict)

    async def press(self, press: conversation.Press) -> str | None:
        """Take an answer; a `pressing.Handler`."""
        token, _, word = press.value.partition(":")
        question = self._open.get(token)
        if question is None or question.answer.done():
            return OVER
        if (press.author, press.home.platform) != (question.asker, question.platform):
            return NOT_YOURS
        question.answer.set_result(word)
        return None

    async def ask(self, reply: conversation.Reply, text: str, *, key: str, kept: Kept) -> bool | None:
        """Ask the asker; whether they allow it, None where nobody answered in time. Raises PlatformError."""
        token = secrets.token_hex(8)
        question = _Question(
            asker=reply.asker.author,
            platform=reply.home.platform,
            answer=asyncio.get_running_loop().create_future(),
        )
        self._open[token] = question
        notice = conversation.Notice(
            text=text,
            buttons=(
                conversation.Button(action=ACTION, value=f"{token}:yes", label="Allow", style="primary"),
                conversation.Button(action=ACTION, value=f"{token}:no", label="Don't", style="danger"),
            ),
        )
        platform = self.platforms[reply.home.platform]
        shown = ""
        try:
            shown = await platform.notice(reply, notice, key=key)
            await kept(toolsets.State.ASKED, shown)
            async with asyncio.timeout(self.seconds):
                return await question.answer == "yes"
        except TimeoutError:
            return None
        finally:
            del self._open[token]
            if shown:
                await self._take_away(platform, reply, shown)

    async def clear(self, reply: conversation.Reply) -> None:
        """Take away the questions that an earlier life has left: their buttons do nothing any more.

        Raises PlatformUnavailable: they are still known then.
        """
        platform = self.platforms[reply.home.platform]
        for call in await self.book.calls(reply):
            if call.notice:
                try:
                    await platform.unnotice(reply, call.notice)
                except errors.PlatformUnavailable:
                    raise
                except errors.PlatformError:
                    log.info("tools.question_stays", conversation=reply.conversation)
                await self.book.note_call(
                    reply,
                    dataclasses.replace(
                        call,
                        notice="",
                        state=toolsets.State.EXPIRED if call.state is toolsets.State.ASKED else call.state,
                    ),
                )

    @staticmethod
    async def _take_away(platform: ports.Platform, reply: conversation.Reply, notice: str) -> None:
        with contextlib.suppress(errors.PlatformError):
            await platform.unnotice(reply, notice)


Kept = Callable[..., Any]
"""Commits how far the call has come: its state and the question's id."""


@dataclasses.dataclass(kw_only=True)
class Approval:
    """The calls that write of one answer, in one life of it."""

    reply: conversation.Reply
    desk: Desk
    _life: str = dataclasses.field(default_factory=lambda: secrets.token_hex(8))
    _left: dict[str, list[toolsets.Written]] | None = (
        None  # by tool: what an earlier life has left, until told
    )
    _asked: int = 0

    async def carry_out(
        self, call: toolsets.Call, offer: describing.Offer, run: Callable[[], Any]
    ) -> tuple[toolsets.Result, str]:
        """Ask, then have it carried out by `run`; what Claude is told, and the outcome as counted.

        `run` gives (toolsets.Result, sure): not sure where it may or may not have run.
        """
        left = (await self._earlier()).pop(offer.tool.name, [])
        if told := _known(offer, left):
            return toolsets.Result(text=told, failed=True), "repeated"

        async def keep(state: toolsets.State, notice: str = "", by: str = "") -> None:
            written = toolsets.Written(
                id=call.id, tool=offer.tool.name, state=state, life=self._life, notice=notice
            )
            await self.desk.book.note_call(self.reply, written, by=by)

        self._asked += 1
        await keep(toolsets.State.ASKED)
        state = toolsets.State.EXPIRED
        try:
            said = await self.desk.ask(
                self.reply, question(offer, call), key=f"tool{self._life}{self._asked}", kept=keep
            )
            if said is not None:
                state = toolsets.State.ALLOWED if said else toolsets.State.REFUSED
        except errors.PlatformError:
            log.warning("tools.cannot_ask", conversation=self.reply.conversation, server=offer.server)
        finally:
            await asyncio.shield(keep(state, by=self.reply.asker.author))
        log.info(
            "tools.approval",
            conversation=self.reply.conversation,
            server=offer.server,
            tool=offer.name,
            state=state.value,
        )
        if state is not toolsets.State.ALLOWED:
            why = "does not allow it" if state is toolsets.State.REFUSED else "did not answer in time"
            text = f"Not carried out: the person who asked {why}. Do not try it again; say so."
            return toolsets.Result(text=text, failed=True), state.value
        await keep(toolsets.State.RUNNING)
        result, sure = await run()
        if sure:
            await keep(toolsets.State.FAILED if result.failed else toolsets.State.RAN)
        return result, "failed" if result.failed else "ran"

    async def _earlier(self) -> dict[str, list[toolsets.Written]]:
        """What earlier lives of this answer have left, by tool."""
        if self._left is None:
            rows = [row for row in await self.desk.book.calls(self.reply) if row.life != self._life]
            self._left = {}
            for row in rows:
                if row.state in (toolsets.State.RUNNING, toolsets.State.RAN):
                    self._left.setdefault(row.tool, []).append(row)
        return self._left


def question(offer: describing.Offer, call: toolsets.Call) -> str:
    """What the asker is asked, with what Claude wants to do."""
    asked = turns.escaped(json.dumps(call.asked, ensure_ascii=False, indent=1))
    asked = turns.clean(asked).replace("```", "'''")
    if len(asked) > SHOWN_LENGTH:
        asked = f"{asked[:SHOWN_LENGTH]}\n[… {len(asked) - SHOWN_LENGTH} more characters]"
    return f"May I use **{offer.label}**? It changes something. This is what I would send:\n```\n{asked}\n```"


def _known(offer: describing.Offer, left: Sequence[toolsets.Written]) -> str:
    """What Claude is told of calls that an earlier life has made, "" for none."""
    if not left:
        return ""
    unsure = sum(each.state is toolsets.State.RUNNING for each in left)
    ran = len(left) - unsure
    said = [
        f"{ran} call(s) of it were carried out" if ran else "",
        f"{unsure} may have run" if unsure else "",
    ]
    return (
        f"Not repeated: I was interrupted while I wrote this answer, and before that "
        f"{' and '.join(filter(None, said))}. Find out whether it is done, or tell the person. Call "
        f"{offer.tool.name} again only if it is something else that has to be done; they will be asked again."
    )
