"""One answer on Slack while it is written: streamed where the workspace has it, edited where it has not.

Why streams *and* edits. A stream shows text as it comes, costs no edit per step and carries the agent's
status and stop button, but three things cannot be done with it: adding is not repeatable (a lost answer may
have added), it dies about five minutes after its start (python-slack-sdk#1859), and it cannot take back what
it showed. An edit can do all three, always, in the same post. So a reply starts as a stream, and the moment
one of the three happens the stream is stopped and the same post goes on by edits: after four minutes, after
an `append` whose outcome is unknown, after text that does not extend what was shown, after somebody pressed
stop, and after a crash. Nothing has to be moved or doubled for that, and where the parts of a long answer
begin stays a function of its text alone, so that a resumed reply finds its parts where they stand.

Why looking settles what is unknown: see `posts`. The id of each new post is committed before the next call.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Sequence
from typing import Any

import structlog

from adapters.slack import buttons, forms, native, posts, session, uploads, web
from bot import conversation, errors, ports
from bot.showing import enclosing, pacing, splitting

FINISH_SECONDS = 300.0  # how long a finished text is tried to be shown
OPEN_SECONDS = 60.0
CUT_SECONDS = 10.0  # how long a post on its way is waited for when the answer is cut off
STREAM_SECONDS = 240.0  # then the post goes on by edits
_PAUSE = 1.0  # seconds between two tries to finish

_Blocks = Sequence[dict[str, Any]]

log = structlog.get_logger()


@dataclasses.dataclass(kw_only=True)
class _Stream:
    """The part that is being streamed."""

    part: int
    since: float
    text: str = ""


class Reply:
    """Implements ports.ReplyPost."""

    def __init__(
        self,
        *,
        posts: posts.Posts,
        reply: conversation.Reply,
        remember: ports.Remember,
        pacer: pacing.Pacer,
        native: native.Native,
        name_of: forms.NameOf,
        clock: web.Clock,
    ) -> None:
        self.pacer = pacer
        self._posts = posts
        self._reply = reply
        self._remember = remember
        self._native = native
        self._name_of = name_of
        self._clock = clock
        self._ids = uploads.posts_of(reply.platform_ids)
        self._shown: list[tuple[str, bool] | None] = [None] * len(self._ids)  # text, thumbs; None: not known
        self._uploads = uploads.Uploads(
            api=posts.api,
            spot=posts.spot,
            platform_ids=reply.platform_ids,
            save=self._save,
            sleep=posts.sleep,
        )
        self._form = forms.BLOCKS
        self._unsaved = False
        self._anew = False  # posts may not be edited here: they are made whole
        self._stream: _Stream | None = None
        self._streams = bool(posts.spot.thread)
        self._unsure = reply.resumed  # whether a post that is not in `_ids` may stand already
        self._session = session.Session(api=posts.api, spot=posts.spot, native=native)
        if reply.resumed and self._streams:
            self._session.status = "processing"  # an earlier life may have left it so

    async def open(self) -> None:
        """Put the first sign in place; a resumed reply goes on in the posts it has or finds."""
        if self._ids:
            return
        if self._streams:
            await self._session.begin()
        await self._add(0, until=self._clock() + OPEN_SECONDS)

    async def show(self, text: str) -> None:
        """Show the text so far; see ports.ReplyPost."""
        tamed = forms.tame(text, name_of=self._name_of)
        try:
            await self._write(tamed, final=False, until=self._clock())
        except web.Busy as busy:
            self.pacer.limited(min(busy.retry_after, web.RETRY_AFTER_CAP), self._clock())
        except errors.PlatformError as error:
            log.info("slack.show_skipped", conversation=self._reply.conversation, fault=str(error))

    async def finish(self, text: str) -> None:
        """Make the whole text stand, and the files that belong beside it; see ports.ReplyPost."""
        await self._stand(text, thumbs=True)
        may = self._native.has(uploads.ADDRESS)
        files = enclosing.files(text, posts=len(self._ids)) if may else ()
        try:
            await self._uploads.bring(files, patience=FINISH_SECONDS)
        except web.Refused as refused:  # the text stands, so that nothing is lost
            log.warning("slack.file_refused", conversation=self._reply.conversation, code=refused.code)
            self._native.refused(refused)

    async def fail(self, sentence: str) -> None:
        """Put one sentence in the place of the answer; see ports.ReplyPost."""
        await self._stand(sentence, thumbs=False)
        await self._uploads.bring((), patience=FINISH_SECONDS)

    async def _stand(self, text: str, *, thumbs: bool) -> None:
        tamed = forms.tame(text, name_of=self._name_of)
        until = self._clock() + FINISH_SECONDS
        while True:
            # Where there are blocks, only they are shown: beside plain text there can be no thumbs.
            with_blocks = self._form is not forms.PLAIN and not self._anew
            may = thumbs and with_blocks and self._native.has(native.THUMBS)
            under = buttons.thumbs_of(self._reply.id) if may else []
            try:
                await self._write(tamed, final=True, until=until, under=under)
                break
            except web.Refused as refused:
                if refused.code in forms.UNEDITABLE and not self._anew:
                    await self._begin_anew(refused, until=until)
                    continue
                if refused.code not in forms.REFUSED or self._form is forms.PLAIN:
                    raise
                log.warning("slack.blocks_refused", conversation=self._reply.conversation, code=refused.code)
                if under:
                    self._native.lacks(native.THUMBS, refused.code)
                else:
                    self._form = forms.PLAIN
                self._shown = [None] * len(self._ids)
            except web.Unknown:
                if self._left(until) <= 0:
                    raise
                await self._posts.sleep(_PAUSE)
        if self._unsaved:
            await self._save()
        await self._session.end()

    async def _begin_anew(self, refused: web.Refused, *, until: float) -> None:
        """Take away what may not be edited any more; the text is posted whole in its place."""
        log.warning("slack.edit_refused", conversation=self._reply.conversation, code=refused.code)
        await self._drop(0, until=until)
        self._anew, self._streams, self._stream = True, False, None

    async def withdraw(self) -> None:
        """Take the posts away; see ports.ReplyPost."""
        await self._find_lost(patience=FINISH_SECONDS)
        for part, ts in reversed(list(enumerate(self._ids))):
            await self._posts.delete(ts, part=part, patience=FINISH_SECONDS)
        await self._uploads.bring((), patience=FINISH_SECONDS)
        self._ids, self._shown, self._stream = [], [], None
        await self._session.end()

    async def _write(self, text: str, *, final: bool, until: float, under: _Blocks = ()) -> None:
        """Bring the posts to this text: known parts are changed where they stand, new ones follow.

        `under`: blocks that stand under the last part of a final text.
        """
        parts = self._form.split(text) or ([forms.THINKING] if final else [])
        for number, part in enumerate(parts):
            if number == len(self._ids):
                await self._add(number, first=part if self._anew else forms.THINKING, until=until)
            is_last = number == len(parts) - 1
            await self._put(
                number, part, growing=not final and is_last, until=until, under=under if is_last else ()
            )
        if final:
            await self._drop(len(parts), until=until)

    async def _put(self, number: int, part: str, *, growing: bool, until: float, under: _Blocks) -> None:
        """Bring one post to this text, by its stream or by an edit."""
        stream, ts = self._stream, self._ids[number]
        status = "processing" if growing else "active"
        if stream is not None and stream.part == number:
            text = forms.written(part, growing=growing)
            if await self._extend(stream, ts, text, growing=growing, until=until, under=under):
                self._shown[number] = part, bool(under)
                return
            self._stream = None
            await self._posts.stop(ts, part=number, status=status, patience=self._left(until))
        text = splitting.heal(part) if growing else part
        if (text, bool(under)) == self._shown[number]:
            return
        content = self._form.content(text)
        content["blocks"] = [*content["blocks"], *under]
        await self._posts.edit(ts, content, part=number, status=status, patience=self._left(until))
        self._shown[number] = text, bool(under)

    async def _extend(
        self, stream: _Stream, ts: str, text: str, *, growing: bool, until: float, under: _Blocks
    ) -> bool:
        """Bring a stream to this text; False when it cannot be, and the post must go on by edits."""
        if growing and stream.text.startswith(text):
            return True
        if not text.startswith(stream.text) or self._clock() - stream.since > STREAM_SECONDS:
            return False
        try:
            if rest := text[len(stream.text) :]:
                await self._posts.append(ts, rest, patience=self._left(until))
                stream.text = text
            if not growing:
                patience = self._left(until)
                await self._posts.stop(ts, part=stream.part, status="active", patience=patience, under=under)
                self._stream, self._session.status = None, "active"
        except (web.Unknown, web.Refused) as fault:
            log.info("slack.stream_left", conversation=self._reply.conversation, fault=str(fault))
            return False
        return True

    async def _add(self, number: int, *, until: float, first: str = forms.THINKING) -> None:
        """Add the next post with these words, or find it where an earlier life of this reply may have."""
        making = asyncio.ensure_future(self._make(number, first=first, until=until))
        try:
            await asyncio.shield(making)
        except asyncio.CancelledError:
            # It is on its way: whoever takes the reply up again must find it in the log, or on Slack.
            await asyncio.wait([making], timeout=CUT_SECONDS)
            making.cancel()
            await asyncio.gather(making, return_exceptions=True)
            raise

    async def _make(self, number: int, *, first: str, until: float) -> None:
        after = self._ids[-1] if self._ids else self._reply.asker.id
        patience = self._left(until)
        ts = await self._posts.look(part=number, after=after, patience=patience) if self._unsure else None
        # Until the post's id is known it may stand without our knowledge, unless Slack says no.
        try:
            self._unsure = True
            if ts is None and self._streams and self._native.has(native.START):
                ts = await self._start(number, after=after, patience=patience)
            if ts is None:
                ts = await self._post(number, first, after=after, patience=patience)
        except (web.Refused, web.Busy, web.Unreached):
            self._unsure = self._reply.resumed
            raise
        self._unsure = self._reply.resumed
        self._ids.append(ts)
        self._shown.append((first, False) if self._anew else None)
        await self._save()

    async def _post(self, number: int, first: str, *, after: str, patience: float) -> str:
        """Make a post with these words; the first of a reply without blocks where they are refused.

        A later one is left to `_stand`: in another form the text has other parts.
        """
        try:
            content = self._form.content(first)
            return await self._posts.add(content, part=number, after=after, patience=patience)
        except web.Refused as refused:
            if number or refused.code not in forms.REFUSED or self._form is forms.PLAIN:
                raise
            log.warning("slack.blocks_refused", conversation=self._reply.conversation, code=refused.code)
        self._form = forms.PLAIN
        content = self._form.content(first)
        return await self._posts.add(content, part=number, after=after, patience=patience)

    async def _save(self) -> None:
        self._unsaved = True  # the log may be away just now: the end tries again
        await self._remember((*self._ids, *self._uploads.ids))
        self._unsaved = False

    async def _start(self, number: int, *, after: str, patience: float) -> str | None:
        try:
            ts = await self._posts.start_stream(part=number, after=after, patience=patience)
        except web.Refused as refused:
            log.info("slack.stream_refused", conversation=self._reply.conversation, code=refused.code)
            self._native.refused(refused)
            self._streams = False
            return None
        if ts is not None:
            self._stream, self._session.status = _Stream(part=number, since=self._clock()), "processing"
        return ts

    async def _drop(self, kept: int, *, until: float) -> None:
        """Take away posts that a shorter text no longer needs, also one that was made and not remembered."""
        await self._find_lost(patience=self._left(until))
        for number in range(len(self._ids) - 1, kept - 1, -1):
            await self._posts.delete(self._ids[number], part=number, patience=self._left(until))
        if len(self._ids) > kept:
            del self._ids[kept:], self._shown[kept:]
            await self._save()

    async def _find_lost(self, *, patience: float) -> None:
        """The part that an earlier life of this reply may have added last, once."""
        if not self._unsure or not self._ids:
            return
        lost = await self._posts.look(part=len(self._ids), after=self._ids[-1], patience=patience)
        self._unsure = False
        if lost is not None:
            self._ids.append(lost)
            self._shown.append(None)

    def _left(self, until: float) -> float:
        return max(0.0, until - self._clock())
