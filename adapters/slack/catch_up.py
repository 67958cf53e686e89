"""What was missed while the bot was away, read from the history and told as if it had just happened.

Which posts count as missed: those after the newest the log has of their conversation, and those after a sign
in the same thread that the bot was in it by then (its own post, or a mention), whatever the log has since:
an event may be lost while a later one arrives. Everything goes through `events.Events`, and the log knows
what it has, so reading too much does no harm.

A post that the log has and the history has not is asked for by its `ts`: it is erased only when it is not
there.

Bounds: a day back, `MOST_CONVERSATIONS` conversations, newest first, `MOST_THREADS` unknown threads of each
channel, and as many pages as `reader` reads.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import functools
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import structlog

from adapters.slack import address, events, names, parse, reader, standings, web
from bot import conversation, errors, ports

READ_SECONDS = 86_400.0  # patience for one thread or channel: a limit is waited out, whatever it takes
AGAIN_SECONDS = (1.0, 5.0, 15.0, 60.0)  # between tries of what passes by itself, the last one repeated
MOST_CONVERSATIONS = 500
MOST_THREADS = 50
MOST_LOOKS = 100  # posts of a conversation that are asked for one by one
AT_ONCE = 4

log = structlog.get_logger()

T = TypeVar("T")


class CatchUp:
    """Catches up on the conversations and channels the log knows."""

    def __init__(
        self,
        *,
        intake: ports.Intake,
        events: events.Events,
        reader: reader.Reader,
        rules: parse.Rules,
        names: names.Names,
        standings: standings.Standings,
        sleep: web.Sleep,
    ) -> None:
        self._intake = intake
        self._events = events
        self._reader = reader
        self._rules = rules
        self._names = names
        self._standings = standings
        self._sleep = sleep
        self._turnstile = asyncio.Semaphore(AT_ONCE)

    async def run(self, known: Sequence[ports.Known], *, since: dt.datetime) -> None:
        """Read what happened since then; a place that cannot be read is logged and left out."""
        after = f"{since.timestamp():.6f}"
        newest_first = sorted(known, key=lambda each: each.newest_at, reverse=True)[:MOST_CONVERSATIONS]
        channels = {(each.home.workspace, each.home.channel): each for each in reversed(newest_first)}
        threads = {each.conversation_id for each in newest_first}
        work = [self._guarded(self._thread(each, after=after), each) for each in newest_first]
        work += [
            self._guarded(self._channel(each, after=after, known=threads), each) for each in channels.values()
        ]
        await asyncio.gather(*work)
        log.info("slack.caught_up", conversations=len(newest_first), channels=len(channels))

    async def read_on(self, event: parse.Event, team: str) -> None:
        """What followed a mention that came late: the process that heard it did not know the thread."""
        channel, mention = str(event["channel"]), str(event["ts"])
        root = str(event.get("thread_ts") or mention)
        try:
            async for message in self._reader.thread(channel, root, after=mention, patience=READ_SECONDS):
                await self._tell(message, channel, team)
        except errors.PlatformError as error:
            log.warning("slack.catch_up_skipped", thread=root, fault=str(error))

    async def _guarded(self, work: Awaitable[None], each: ports.Known) -> None:
        async with self._turnstile:
            try:
                await work
            except errors.PlatformError as error:
                log.warning("slack.catch_up_skipped", conversation=each.conversation_id, fault=str(error))

    async def _thread(self, each: ports.Known, *, after: str) -> None:
        """Posts and edits of a thread the log knows. A flat DM is read as its channel."""
        spot, team = address.read(each.home), each.home.workspace
        if not spot.thread:
            return
        was_in = spot.is_dm or await self._was_in(each, after=after)
        seen: set[str] = set()
        ids = await self._intake.posts_since(each.conversation_id, parse.moment(after))
        pages = self._reader.thread(spot.channel, spot.thread, after=after, patience=READ_SECONDS)
        try:
            async for message in pages:
                _note(message, seen)
                await self._edit(_event(message, spot.channel), each.conversation_id, team=team)
                is_newer = not each.newest_post or each.newest_at < parse.moment(str(message["ts"]))
                if was_in or is_newer:
                    await self._tell(message, spot.channel, team)
                was_in = was_in or self._is_sign(message)
        except web.Refused as refused:
            if refused.code != "thread_not_found":  # else nothing of it is left
                raise
        await self._look_for_deleted(each, ids, seen)

    async def _was_in(self, each: ports.Known, *, after: str) -> bool:
        """Whether the log has a post of the conversation from before the time that is read."""
        ids = await self._intake.posts_since(each.conversation_id, parse.moment("0"))
        return bool(ids) and reader.order(ids[0]) <= reader.order(after)

    async def _look_for_deleted(self, each: ports.Known, ids: Sequence[str], seen: set[str]) -> None:
        """Erase what of these posts, which the log had before the reading, Slack no longer has."""
        spot = address.read(each.home)
        for ts in [post_id for post_id in ids if post_id not in seen][-MOST_LOOKS:]:
            # In a flat DM a post may stand in a thread, which the top level does not show.
            thread = spot.thread or ts
            if not await self._reader.stands(spot.channel, ts, thread=thread, patience=READ_SECONDS):
                await self._insist(functools.partial(self._intake.delete, each.conversation_id, ts))
                log.info("slack.deletion_recorded", conversation=each.conversation_id, post=ts)

    async def _channel(
        self, each: ports.Known, *, after: str, known: set[conversation.ConversationId]
    ) -> None:
        """The top level of a channel or DM: new posts, mentions, and threads with a mention in them."""
        channel, team = each.home.channel, each.home.workspace
        ids = await self._intake.posts_since(each.conversation_id, parse.moment(after))
        pages = self._reader.channel(channel, after=after, patience=READ_SECONDS)
        messages = [message async for message in pages][::-1]
        if not address.read(each.home).thread:
            await self._flat(each, messages, ids, after=after)
            return
        unknown = 0
        for message in messages:
            event = _event(message, channel)
            where = parse.conversation_of(event, team=team, rules=self._rules)
            if where in known and message["ts"] == message.get("thread_ts"):
                continue
            await self._edit(event, where, team=team)
            # A thread the bot has answered in but the log does not know was forgotten: it stays so.
            if self._rules.bot_user in (message.get("reply_users") or []):
                continue
            await self._tell(message, channel, team)
            if message.get("reply_count") and unknown < MOST_THREADS:
                unknown += 1
                await self._mentions(message, channel, team, after=after)

    async def _flat(
        self, each: ports.Known, messages: Sequence[reader.Message], ids: Sequence[str], *, after: str
    ) -> None:
        """A flat DM: its top level and all threads below are one conversation."""
        channel, team = each.home.channel, each.home.workspace
        seen: set[str] = set()

        async def take(message: reader.Message) -> None:
            _note(message, seen)
            await self._edit(_event(message, channel), each.conversation_id, team=team)
            await self._tell(message, channel, team)

        for root in messages:
            await take(root)
            if not root.get("reply_count"):
                continue
            pages = self._reader.thread(channel, str(root["ts"]), after=after, patience=READ_SECONDS)
            async for message in pages:
                if message["ts"] != root["ts"]:
                    await take(message)
        await self._look_for_deleted(each, ids, seen)

    async def _mentions(self, root: reader.Message, channel: str, team: str, *, after: str) -> None:
        """From the first mention on, the posts of a thread that the log does not know."""
        was_in = False
        async for message in self._reader.thread(
            channel, str(root["ts"]), after=after, patience=READ_SECONDS
        ):
            was_in = was_in or self._is_sign(message)
            if was_in and message["ts"] != root["ts"]:
                await self._tell(message, channel, team)

    def _is_sign(self, message: reader.Message) -> bool:
        return parse.is_own(message, self._rules) or parse.mentions_bot(message, self._rules)

    async def _tell(self, message: reader.Message, channel: str, team: str) -> None:
        await self._insist(lambda: self._events.take(_event(message, channel), team=team))

    async def _insist(self, deed: Callable[[], Awaitable[T]]) -> T:
        """Do it until it is done: nobody sends again what is read here."""
        for attempt in range(1_000_000):
            try:
                return await deed()
            except (errors.PlatformUnavailable, errors.LogUnusable) as error:
                log.info("slack.catch_up_waits", fault=type(error).__name__)
            await self._sleep(AGAIN_SECONDS[min(attempt, len(AGAIN_SECONDS) - 1)])
        raise AssertionError("unreachable")

    async def _edit(self, message: parse.Event, where: conversation.ConversationId, *, team: str) -> None:
        if parse.edit_of(message, where=where, rules=self._rules, names={}) is None:
            return
        known = await self._names.look_up(parse.people(message) - {self._rules.bot_user})
        edit = parse.edit_of(message, where=where, rules=self._rules, names=known)
        if edit is None:
            return

        async def told() -> None:
            await self._intake.edit(
                edit.conversation,
                edit.post_id,
                edit.text,
                edit.edited_at,
                attachments=edit.attachments,
                standing=await self._standings.of(message, team=team),
            )

        await self._insist(told)


def _note(message: reader.Message, seen: set[str]) -> None:
    """Note that a post stands; a deleted root leaves a mark behind, which is none."""
    if message.get("subtype") != "tombstone":
        seen.add(str(message["ts"]))


def _event(message: reader.Message, channel: str) -> parse.Event:
    """The event that brought this message, or would have."""
    return {**message, "type": "message", "channel": channel}
