"""What the bot says that is no answer: outcomes of commands, the Home tab, suggested prompts.

Outcomes are for one person: an ephemeral post in channels and threads, a plain post in a DM, where nobody
else is. A file cannot be ephemeral, so one asked for in a channel goes to the person's DM.
"""

from __future__ import annotations

import contextlib
import dataclasses
import types
from collections.abc import Mapping, Sequence
from typing import Any

import structlog

from adapters.slack import address, buttons, forms, native, parse, web
from bot import conversation, errors
from bot.desk import commands

PROMPTS = (
    ("Summarise a text", "Summarise the text that I paste next in five sentences."),
    ("Draft a message", "Help me draft a short message to my team. Ask me what it is about."),
    ("Explain something", "Explain to me, in plain words, what I ask about next."),
)
PATIENCE = 20.0  # seconds that Slack is tried for
_FILE_SENT = "I sent you the file in a direct message."
_FILE_KEPT = (
    "I could not send the file: Slack does not take files from me. Please tell whoever runs me; "
    "I need Slack's permission files:write."
)

log = structlog.get_logger()


class Notices:
    """Says things that are not answers; a failure is logged and harms nothing."""

    def __init__(self, *, api: web.Web, name_of: forms.NameOf) -> None:
        self._api = api
        self._name_of = name_of

    async def outcome(self, outcome: commands.Outcome, home: conversation.Home, *, user: str) -> None:
        """Tell the person what their command did."""
        spot = address.read(home)
        text = forms.tame(outcome.text, name_of=self._name_of)
        try:
            if not outcome.file_name:
                await self._say(spot, text, user=user, under=buttons.blocks(outcome.buttons))
            elif spot.is_dm:
                await self._say(spot, text, user=user)
                await self._send_file(outcome, channel=spot.channel, thread=spot.thread)
            else:
                dm = address.Address(channel=user, thread="", user_team=spot.user_team)
                channel = await self._post(dm, forms.BLOCKS.content(text or outcome.file_name))
                await self._send_file(outcome, channel=channel, thread="")
                await self._say(spot, _FILE_SENT, user=user)
        except _NoFile as error:
            log.warning("slack.outcome_without_file", channel=spot.channel, fault=str(error))
            with contextlib.suppress(errors.PlatformError):
                await self._say(spot, _FILE_KEPT, user=user)
        except errors.PlatformError as error:
            log.warning("slack.outcome_not_shown", channel=spot.channel, fault=str(error))

    async def refusal(self, sentence: str, post: conversation.Post, home: conversation.Home) -> None:
        """Tell the author of a post that it is not answered; nobody else sees it."""
        spot = address.read(home)
        if spot.thread == post.id:  # an ephemeral post shows in a thread only where that has begun
            spot = dataclasses.replace(spot, thread=spot.thread if spot.is_dm else "")
        try:
            await self._say(spot, sentence, user=post.author)
        except errors.PlatformError as error:
            log.warning("slack.refusal_not_shown", channel=spot.channel, fault=str(error))

    async def direct(self, user: str, text: str) -> None:
        """Write to somebody's DM. Raises PlatformError."""
        dm = address.Address(channel=user, thread="", user_team="")
        for part in forms.BLOCKS.split(forms.tame(text, name_of=self._name_of)):
            await self._post(dm, forms.BLOCKS.content(part))

    async def queued(self, home: conversation.Home, has: native.Native) -> None:
        """The status under the thread says that others come first."""
        spot = address.read(home)
        if not spot.thread or not has.has(native.STATUS):
            return
        try:
            await self._api.call(
                native.STATUS,
                patience=0,
                channel_id=spot.channel,
                thread_ts=spot.thread,
                status="is busy, your turn will come…",
            )
        except errors.PlatformError as error:
            log.info("slack.courtesy_skipped", method=native.STATUS, fault=type(error).__name__)

    async def app_opened(self, event: Mapping[str, Any]) -> None:
        """Somebody opened the app's Messages tab: prompts to begin with."""
        prompts = [{"title": title, "message": message} for title, message in PROMPTS]
        channel = str(event.get("channel") or "")
        try:
            await self._api.call("assistant.threads.setSuggestedPrompts", channel_id=channel, prompts=prompts)
        except errors.PlatformError as error:
            log.info("slack.app_home_skipped", tab=event.get("tab"), fault=str(error))

    async def _say(
        self, spot: address.Address, text: str, *, user: str, under: Sequence[dict[str, Any]] = ()
    ) -> None:
        """Say it to one person; `under`: blocks that follow its last part, where blocks are taken."""
        parts = forms.BLOCKS.split(text)
        for number, part in enumerate(parts, start=1):
            content = forms.BLOCKS.content(part)
            if number == len(parts):
                content["blocks"] = [*content["blocks"], *under]
            try:
                await self._whisper(spot, content, user=user)
            except web.Refused as refused:
                if refused.code not in forms.REFUSED:
                    raise
                for piece in forms.PLAIN.split(part):
                    await self._whisper(spot, forms.PLAIN.content(piece), user=user)

    async def _whisper(self, spot: address.Address, content: Mapping[str, Any], *, user: str) -> None:
        """Post what one person is to see: in their DM, else there and then, else by DM."""
        their_own = dataclasses.replace(spot, channel=user, thread="")
        if not spot.channel or spot.is_dm:  # no channel: the Home tab, which is no place to post in
            await self._post(spot if spot.channel else their_own, content)
            return
        try:
            await self._api.call(
                "chat.postEphemeral",
                channel=spot.channel,
                user=user,
                thread_ts=spot.thread or None,
                parse="none",
                link_names=False,
                **content,
            )
        except web.Refused as refused:
            if refused.code in forms.REFUSED:
                raise
            await self._post(their_own, content)

    async def say(
        self, spot: address.Address, text: str, *, mark: Mapping[str, str], known: str, patience: float
    ) -> str:
        """Say it where all can read it, `known` the post it stands in already; the ts. Raises PlatformError.

        `mark` stands in its metadata, which anybody in the workspace may read: opaque ids only.
        """
        (part, *_) = forms.BLOCKS.split(text)
        content = forms.BLOCKS.content(part)
        if not known:
            return str((await self._posted(spot, content, mark=mark, patience=patience))["ts"])
        content |= {"metadata": metadata(mark), "parse": "none", "link_names": False}
        try:
            await self._api.call("chat.update", patience=patience, channel=spot.channel, ts=known, **content)
        except web.Refused as refused:
            if refused.code not in forms.UNEDITABLE:
                raise
            await self._api.call("chat.delete", patience=patience, channel=spot.channel, ts=known)
            return await self.say(spot, text, mark=mark, known="", patience=patience)
        return known

    async def _post(self, spot: address.Address, content: Mapping[str, Any]) -> str:
        """Post to a DM; returns its channel, which for a user id is the DM with them."""
        return str((await self._posted(spot, content))["channel"])

    async def _posted(
        self,
        spot: address.Address,
        content: Mapping[str, Any],
        *,
        mark: Mapping[str, str] = types.MappingProxyType({}),
        patience: float = PATIENCE,
    ) -> Mapping[str, Any]:
        answer: Mapping[str, Any] = await self._api.call(
            "chat.postMessage",
            patience=patience,
            repeatable=False,
            channel=spot.channel,
            thread_ts=spot.thread or None,
            metadata=metadata(mark),
            unfurl_links=False,
            unfurl_media=False,
            parse="none",
            link_names=False,
            **content,
        )
        return answer

    async def _send_file(self, outcome: commands.Outcome, *, channel: str, thread: str) -> None:
        """The three steps of an upload (docs.slack.dev, working with files). Raises _NoFile for a refusal."""
        try:
            place = await self._api.call(
                "files.getUploadURLExternal", filename=outcome.file_name, length=len(outcome.file)
            )
            await self._api.upload(str(place["upload_url"]), outcome.file)
            await self._api.call(
                "files.completeUploadExternal",
                repeatable=False,
                files=[{"id": str(place["file_id"]), "title": outcome.file_name}],
                channel_id=channel,
                thread_ts=thread or None,
            )
        except web.Refused as refused:
            raise _NoFile(str(refused)) from refused


def mark(message: Mapping[str, Any]) -> Mapping[str, str]:
    """By what a notice can be told from other notices; {} for what is none."""
    held = message.get("metadata") or {}
    return held.get("event_payload") or {} if held.get("event_type") == parse.NOTICE else {}


def metadata(mark: Mapping[str, str]) -> dict[str, Any]:
    """What tells a notice from an answer, and by `mark` from other notices."""
    return {"event_type": parse.NOTICE, "event_payload": dict(mark)}


class _NoFile(Exception):
    """Slack does not take a file from the bot."""
