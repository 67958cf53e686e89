"""The bot's answer on Discord: typing while it waits, then posts that grow in place.

Nothing is posted before there is something to read: a push notification shows a post as it was first
sent, so a placeholder would be all that many people see. Until then the open thread and the typing sign show
life. The id of a post is remembered in the same breath as it is made; where that breath was cut off, the
post is found again by its nonce or by its place before anything is posted.

Sources: "Create Message" in Discord's documentation: a nonce is unique for a few minutes, 25 characters at
most, and with `enforce_nonce`, which discord.py sets, a repeated post gives the first one back.
"""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
import functools
import hashlib
from collections.abc import Awaitable, Callable

import discord
import structlog

from adapters.discord import buttons, calls, places, under
from bot import conversation, errors, ports
from bot.desk import thumbs
from bot.showing import enclosing, pacing, splitting

log = structlog.get_logger()

LIMIT = 2000 - splitting.HEAL_ROOM  # one limit for growing and finished text, so that no piece moves
FINISH_SECONDS = 900.0  # how long the final text is tried for
NONCE_SECONDS = 60.0  # how long a repeated nonce is trusted to give the first post back
LOOK_BACK = 1_000  # messages after the question in which an unremembered post is looked for
OLD = dt.timedelta(minutes=50)  # edits of posts over an hour old are scarce: they are kept for the last one
TYPING_EVERY, TYPING_TIMES = 7.0, 85  # seconds; the sign lasts ten, and ten minutes are enough
ARCHIVED = 50083
BLANK = "\u2026"


def nonce(reply_id: str, part: int | str) -> str:
    """What makes a part of a reply, or a notice beside it, unique for Discord: at most 25 characters."""
    digest = hashlib.blake2s(f"{reply_id}/{part}".encode(), digest_size=15).digest()
    return base64.b32encode(digest).decode().lower()


class ReplyPost:
    """Implements ports.ReplyPost; `forget_own` is told of posts that the bot itself takes away."""

    def __init__(
        self,
        *,
        client: discord.Client,
        api: calls.Calls,
        place: places.Place,
        reply: conversation.Reply,
        remember: ports.Remember,
        find: Callable[[str], Awaitable[conversation.ConversationId | None]],
        forget_own: Callable[[int], None],
        wire: Callable[[str], str],
        pacer: pacing.Pacer,
        clock: Callable[[], float],
        now: Callable[[], dt.datetime],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self.pacer = pacer
        self._client, self._api, self._place, self._reply = client, api, place, reply
        self._remember, self._find, self._forget_own, self._wire = remember, find, forget_own, wire
        self._clock, self._now, self._sleep = clock, now, sleep
        self._ids = list(reply.platform_ids)
        # By part: what stands there, and under it, as far as this object knows.
        self._shown: dict[int, str] = {}
        self._under: dict[int, under.Under] = {}
        self._typing: asyncio.Task[None] | None = None
        self._unsaved = False

    async def begin(self) -> None:
        """Show that an answer is coming. Raises MayNotPost or PostGone."""
        try:
            await self._api.make(self._type, patience=0)
        except errors.PlatformUnavailable:
            log.info("discord.no_typing", conversation=self._reply.conversation)
        self._typing = asyncio.create_task(self._keep_typing(), name=f"typing {self._reply.conversation}")

    async def show(self, text: str) -> None:
        """Show the text so far in one try; see ports.ReplyPost."""
        pieces = splitting.split(self._wire(text), limit=LIMIT, measure=units)
        if not pieces or not (last := splitting.heal(pieces[-1])).strip():
            return
        if self._ids and self._is_old(self._ids[-1]):
            return
        try:
            await self._put([*pieces[:-1], last], patience=0)
        except errors.PlatformError as error:
            name = type(error).__name__
            log.info("discord.show_dropped", conversation=self._reply.conversation, error=name)

    async def finish(self, text: str) -> None:
        """Make the whole text stand, and the files that belong beside it; see ports.ReplyPost.

        Raises PlatformError when `FINISH_SECONDS` are not enough.
        """
        pieces = self._pieces(text)
        pair = thumbs.buttons(self._reply.id)
        files = enclosing.files(text, posts=len(pieces))
        try:
            await self._settle(pieces, under.Under(buttons=pair, files=files))
        except (errors.PostGone, errors.PlatformUnavailable):
            raise
        except errors.PlatformError as error:  # it may not attach files here, or they are too large
            if not files:
                raise
            log.warning("discord.files_refused", conversation=self._reply.conversation, error=str(error))
            await self._settle(pieces, under.Under(buttons=pair))

    async def fail(self, sentence: str) -> None:
        """Put one sentence in the place of the answer; see ports.ReplyPost."""
        await self._settle([sentence], under.Under())

    def _pieces(self, text: str) -> list[str]:
        return splitting.split(self._wire(text), limit=LIMIT, measure=units) or [BLANK]

    async def withdraw(self) -> None:
        """Take the posts away, also one that was made but not remembered."""
        try:
            await self._find_lost()
            await self._take_away(0)
        finally:
            self.stop_typing()

    async def _find_lost(self) -> None:
        """The post that an earlier life of this reply may have made last."""
        if not self._reply.resumed:
            return
        lost = await self._api.make(lambda: self._look(len(self._ids)), patience=FINISH_SECONDS)
        if lost is not None:
            self._ids.append(lost)

    def stop_typing(self) -> None:
        """End the typing sign; Discord lets it go by itself within ten seconds."""
        if self._typing is not None:
            self._typing.cancel()

    async def _settle(self, pieces: list[str], below: under.Under) -> None:
        try:
            await self._put(pieces, patience=FINISH_SECONDS, below=below)
            await self._find_lost()
            await self._take_away(len(pieces))
            if self._unsaved:
                await self._save()
        finally:
            self.stop_typing()

    async def _save(self) -> None:
        self._unsaved = True  # the log may be away just now: the end tries again
        await self._remember(tuple(self._ids))
        self._unsaved = False

    async def _put(self, pieces: list[str], *, patience: float, below: under.Under | None = None) -> None:
        """Bring the posts to these pieces, with `below` under the last alone; None leaves that as it is."""
        for part, piece in enumerate(pieces):
            wanted = below if below is None or part == len(pieces) - 1 else under.Under()
            if part >= len(self._ids):
                await self._post(part, piece, wanted or under.Under(), patience=patience)
            if self._shown.get(part) != piece or wanted not in (None, self._under.get(part)):
                await self._edit(part, piece, wanted, patience=patience)

    async def _post(self, part: int, piece: str, below: under.Under, *, patience: float) -> None:
        """Make the post of this part, or find the one that a cut-off try has left, and remember it."""
        began = self._clock()
        must_look = self._reply.resumed

        async def attempt() -> None:
            nonlocal must_look
            if part < len(self._ids):
                return  # an attempt whose caller was cancelled has made it meanwhile
            must_look = must_look or self._clock() - began > NONCE_SECONDS
            found = await self._look(part) if must_look else None
            if found is None:
                message = await self._send(piece, part, below)
                found = str(message.id)
                # A repeated nonce gives the first post back, with the text of then.
                self._shown[part] = piece if message.content == piece.strip() else message.content
                if below.stands(message):
                    self._under[part] = below
            self._ids.append(found)
            await self._save()
            self.stop_typing()

        await self._api.make(attempt, patience=patience, limited=self._limited)

    async def _send(self, piece: str, part: int, below: under.Under) -> discord.Message:
        channel, inline = self._place.channel, self._place.inline_under
        send = functools.partial(
            channel.send,
            piece,
            nonce=nonce(self._reply.id, part),
            view=buttons.view(below.buttons),
            files=below.attachments(),
            suppress_embeds=True,
            allowed_mentions=discord.AllowedMentions.none(),
        )
        if inline is None:
            return await send()
        reference = discord.MessageReference(
            message_id=inline, channel_id=channel.id, fail_if_not_exists=False
        )
        return await send(reference=reference, mention_author=False)

    async def _edit(self, part: int, piece: str, below: under.Under | None, *, patience: float) -> None:
        async def attempt() -> None:
            try:
                await self._patch(part, piece, below)
            except discord.HTTPException as error:
                if error.code != ARCHIVED:
                    raise
                await self._unarchive()
                await self._patch(part, piece, below)

        await self._api.make(attempt, patience=patience, limited=self._limited)
        self._shown[part] = piece
        if below is not None:
            self._under[part] = below

    async def _patch(self, part: int, piece: str, below: under.Under | None) -> None:
        """Change a post; an edit that names its attachments has those and no others after it."""
        # `PartialMessage.edit` cannot say that previews stay off, and an edit may bring them back.
        with discord.http.handle_message_parameters(
            content=piece,
            flags=discord.MessageFlags(suppress_embeds=True),
            allowed_mentions=discord.AllowedMentions.none(),
            view=buttons.view(below.buttons) if below is not None else discord.utils.MISSING,
            attachments=below.attachments() if below is not None else discord.utils.MISSING,
        ) as parameters:
            await self._client.http.edit_message(
                self._place.channel.id, int(self._ids[part]), params=parameters
            )

    async def _unarchive(self) -> None:
        thread = await self._client.fetch_channel(self._place.channel.id)
        if isinstance(thread, discord.Thread):
            await thread.edit(archived=False)

    async def _take_away(self, keep: int) -> None:
        """Delete the posts past the first `keep`."""
        while len(self._ids) > keep:
            post_id = int(self._ids[-1])
            self._forget_own(post_id)
            post = self._place.channel.get_partial_message(post_id)
            try:
                await self._api.make(post.delete, patience=FINISH_SECONDS)
            except errors.PostGone:
                log.info("discord.post_was_gone", conversation=self._reply.conversation)
            self._shown.pop(len(self._ids) - 1, None)
            self._under.pop(len(self._ids) - 1, None)
            self._ids.pop()
            await self._remember(tuple(self._ids))

    async def _look(self, part: int) -> str | None:
        """A post of this part that stands on Discord and was not remembered.

        It is the bot's own, after the part before it or the question, with our nonce where Discord still
        knows one. Without a nonce it must be unknown to the log (the parts of other replies are known) and
        answer the question (inline) or nothing (elsewhere; answers to commands reply to their command).
        """
        after = discord.Object(id=int(self._ids[part - 1] if part else self._reply.asker.id))
        ours = nonce(self._reply.id, part)
        try:
            messages = [
                message
                async for message in self._place.channel.history(
                    after=after, limit=LOOK_BACK, oldest_first=True
                )
            ]
        except discord.Forbidden:
            return None
        for message in messages:
            if self._may_be_ours(message, ours) and (
                message.nonce is not None or await self._find(str(message.id)) is None
            ):
                return str(message.id)
        return None

    def _may_be_ours(self, message: discord.Message, ours: str) -> bool:
        me = self._client.user
        if me is None or message.author.id != me.id or str(message.id) in self._ids:
            return False
        if message.nonce is not None:
            return str(message.nonce) == ours
        if buttons.is_notice(message):
            return False
        reference = message.reference.message_id if message.reference is not None else None
        written = message.type in (discord.MessageType.default, discord.MessageType.reply)
        return written and reference == self._place.inline_under

    async def _type(self) -> None:
        try:
            await self._place.channel.typing()
        except discord.NotFound as error:
            if error.code:  # without one it is the sign that is missing, not the channel: no reason to stop
                raise

    async def _keep_typing(self) -> None:
        for _ in range(TYPING_TIMES):
            await self._sleep(TYPING_EVERY)
            try:
                await self._api.make(self._type, patience=0)
            except errors.PlatformError:
                return

    def _limited(self, seconds: float) -> None:
        self.pacer.limited(seconds, self._clock())

    def _is_old(self, post_id: str) -> bool:
        return self._now() - discord.utils.snowflake_time(int(post_id)) > OLD


def units(text: str) -> int:
    """Length in UTF-16 units, the largest of the ways in which a length may be counted."""
    return len(text) + sum(1 for character in text if ord(character) > 0xFFFF)  # noqa: PLR2004 - the basic plane
