"""What stands beside a conversation: its requests, its summary, its money, its rows."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import json
from collections.abc import Sequence
from typing import Any

from bot import conversation, thread_log
from bot.claude import models
from bot.desk import choosing
from bot.money import prices
from bot.planning import outlook, segmenting
from bot.thread_log import ledger
from playground import calls, copying, costs, matching, misses, recalled, shapes, side

Json = dict[str, Any]

LOOKED_THROUGH = 40  # newest posts of a place that are looked up in the log
ROWS = 60  # newest posts that are shown as rows
SEEN = 400  # newest calls that are matched with conversations


@dataclasses.dataclass(frozen=True, kw_only=True)
class Found:
    """A call with the conversation it belongs to."""

    call: calls.Call
    conversation: conversation.ConversationId | None
    summary: bool


class Inspector:
    """Reads the log beside the bot and the calls that were made; changes neither."""

    def __init__(
        self,
        *,
        book: thread_log.ThreadLog,
        model: calls.Model,
        chooser: choosing.Chooser,
        summary_model: str,
    ) -> None:
        self._book, self._model, self._chooser = book, model, chooser
        self._summary_model = summary_model
        self._owners: dict[int, conversation.ConversationId] = {}
        self._compared: dict[conversation.ConversationId, tuple[int, list[costs.Cost]]] = {}

    async def conversation_of(self, where: side.Side, place: str) -> conversation.ConversationId | None:
        """The conversation of a place: of its newest post that the log knows."""
        for post in list(reversed(where.posts(place)))[:LOOKED_THROUGH]:
            if post.only is None and (found := await self._book.find(where.name, post.id)):
                return found
        return None

    async def overview(self, where: side.Side, place: str) -> Json:
        """Everything beside a conversation but the requests' own text."""
        key = await self.conversation_of(where, place)
        if key is None:
            return {"conversation": None, "policy": self.policy()}
        chosen = await self._chooser.of(key)
        thread = await self._book.overview(key)
        seen = outlook.see(
            thread,
            policy=chosen.policy,
            facts=models.table(chosen.policy.model),
            system=chosen.system,
            now=dt.datetime.now(dt.UTC),
        )
        posts = [post async for post in self._book.posts(key)]
        mine = [each for each in await self._found() if each.conversation == key]
        return {
            "conversation": key,
            "policy": self.policy(chosen),
            "context": self._context(seen, posts),
            "calls": self._listed(mine),
            "total": _total([each.call for each in mine]),
            "summaries": _segments(thread, seen, chosen.policy.strategy),
            "costs": await self._costs(key, posts, chosen),
            "rows": [_row(post) for post in posts[-ROWS:]],
            "recalls": shapes.plain(_recalls_of([each.call for each in mine])),
            "replies": [_entry(entry) for entry in await self._book.ledger(key)],
            "posts": len(posts),
        }

    async def request(self, number: int) -> Json:
        """One request whole: its blocks with what happened to each, and its body."""
        found = next((each for each in await self._found() if each.call.number == number), None)
        if found is None:
            raise LookupError(f"there is no request {number}")
        every = await self._found()
        before = self._before(found, every)
        return {
            **self._summary(found, before),
            "blocks": shapes.plain(calls.shown(found.call)),
            "recalls": shapes.plain(_recalls(found, every)),
            "json": json.dumps(found.call.body, ensure_ascii=False, indent=2),
            "curl": copying.curl(found.call.body, endpoint=self._model.endpoint),
        }

    async def recall(self, where: side.Side, place: str, query: str) -> list[Json]:
        """What the search finds in this conversation, best first."""
        key = await self.conversation_of(where, place)
        if key is None:
            return []
        hits = await self._book.search(key, query, limit=12)
        return [{**_row(hit.post), "score": hit.score} for hit in hits]

    def policy(self, choices: choosing.Choices | None = None) -> Json:
        """What is chosen for a conversation, or by the operator for all."""
        chosen = (choices or self._chooser.base).policy
        return {
            "strategy": chosen.strategy,
            "budget": chosen.budget_tokens,
            "floor": chosen.floor_tokens,
            "model": chosen.model,
            "summary_model": self._summary_model,
        }

    @staticmethod
    def _context(seen: outlook.Outlook, posts: Sequence[conversation.Post]) -> Json:
        """The same figures as the command `context` tells."""
        return {
            "tokens": seen.tokens,
            "word_for_word": seen.word_for_word,
            "summarised": seen.summarised,
            "waiting": sum(post.place is None for post in posts),
            "left_out": seen.left_out,
        }

    async def _costs(
        self, key: conversation.ConversationId, posts: Sequence[conversation.Post], chosen: choosing.Choices
    ) -> list[Json]:
        """The comparison, made anew with each answer; in a thread, since a long story takes its time."""
        answers = sum(post.role == "assistant" for post in posts)
        known, found = self._compared.get(key, (0, []))
        if known != answers:
            found = await asyncio.to_thread(
                costs.compare,
                posts,
                policy=chosen.policy,
                summary_model=self._summary_model,
                system=chosen.system,
            )
            self._compared[key] = (answers, found)
        return [
            {"strategy": each.strategy, "usd": float(each.usd), "keeps": each.keeps, "current": each.current}
            for each in found
        ]

    def _listed(self, mine: Sequence[Found]) -> list[Json]:
        return [self._summary(each, self._before(each, mine)) for each in mine]

    @staticmethod
    def _before(found: Found, every: Sequence[Found]) -> calls.Call | None:
        """The last billed request of the same kind before it, in its conversation."""
        earlier = [
            each.call
            for each in every
            if each.conversation == found.conversation
            and each.summary == found.summary
            and each.call.number < found.call.number
            and each.call.usage
        ]
        return earlier[-1] if earlier else None

    @staticmethod
    def _summary(found: Found, before: calls.Call | None) -> Json:
        call, billed = found.call, found.call.billed
        cost = prices.cost(str(call.body.get("model")), billed) if call.usage else None
        reading = misses.explain(call, before) if call.usage and not found.summary else None
        return {
            "number": call.number,
            "conversation": found.conversation,
            "at": call.at,
            "kind": "summary" if found.summary else "answer",
            "model": call.body.get("model"),
            "status": call.status,
            "error": call.error,
            "stop_reason": call.stop_reason,
            "done": call.done,
            "usage": _usage(billed) if call.usage else None,
            "usd": None if cost is None else float(cost),
            "reading": shapes.plain(reading) if reading else None,
        }

    async def _found(self) -> list[Found]:
        """The newest calls with their conversations; what was matched once stays matched."""
        recent = list(self._model.calls())[-SEEN:]
        if any(call.number not in self._owners for call in recent):
            keys = await self._book.conversations()
            posts = [post for key in keys async for post in self._book.posts(key)]
            known = matching.index(posts)
            for call in recent:
                if call.number not in self._owners and (
                    owner := matching.conversation_of(call.body, known, at=call.at)
                ):
                    self._owners[call.number] = owner
        return [
            Found(
                call=call,
                conversation=self._owners.get(call.number),
                summary=matching.is_summary(call.body),
            )
            for call in recent
        ]


def _recalls(found: Found, every: Sequence[Found]) -> list[recalled.Recall]:
    """What the answer had looked up by this call, and what it then asked: the next call tells."""
    of_answer = [found.call]
    if found.call.stop_reason == "tool_use":
        of_answer += [
            each.call
            for each in every
            if each.conversation == found.conversation and each.call.number > found.call.number
        ][:1]
    return _recalls_of(of_answer)


def _recalls_of(made: Sequence[calls.Call]) -> list[recalled.Recall]:
    """Each once, though an answer's every further call carries it again."""
    return list({each.id: each for call in made for each in recalled.of(call.body)}.values())


def _segments(thread: conversation.Thread, seen: outlook.Outlook, strategy: str) -> list[Json]:
    """What stands for older posts, then what was made ahead for posts that are still sent word for word."""
    newest = () if strategy == "window" else segmenting.in_use(thread.summaries, None)
    return [
        {
            "text": each.text,
            "posts": each.posts,
            "model": each.model,
            "at": each.created_at.timestamp(),
            "first_place": each.first_place,
            "last_place": each.last_place,
            "ahead": each not in seen.used,
        }
        for each in (*seen.used, *(each for each in newest if each not in seen.used))
    ]


def _usage(billed: conversation.Usage) -> Json:
    return {
        "read": billed.read,
        "written_5m": billed.written_5m,
        "written_1h": billed.written_1h,
        "fresh": billed.fresh,
        "output": billed.output,
        "input": billed.input,
    }


def _total(made: Sequence[calls.Call]) -> Json:
    billed = [call for call in made if call.usage]
    known = [prices.cost(str(call.body.get("model")), call.billed) for call in billed]
    return {
        "requests": len(billed),
        "usage": _usage(sum((call.billed for call in billed), conversation.Usage())),
        "usd": float(sum(cost for cost in known if cost is not None)),
        "unpriced": sum(cost is None for cost in known),
    }


def _row(post: conversation.Post) -> Json:
    return {
        "id": post.id,
        "role": post.role,
        "author_name": post.author_name,
        "text": post.text,
        "sent_at": post.sent_at.timestamp(),
        "place": post.place,
        "addressed": post.addressed,
        "edited": post.edited_at is not None,
        "files": [file.name for file in post.attachments],
    }


def _entry(entry: ledger.Entry) -> Json:
    return {
        "id": entry.id,
        "place": entry.place,
        "state": entry.state.value,
        "note": entry.note,
        "asker": entry.asker,
        "platform_ids": list(entry.platform_ids),
        "seconds": (entry.ended_at - entry.begun_at).total_seconds() if entry.ended_at else None,
        "requests": entry.requests,
        "usage": _usage(entry.usage),
    }
