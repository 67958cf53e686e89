"""Pure: one event of Slack to what happened, or to nothing with a reason.

Law 1: whatever way a post arrives (`message`, `app_mention`, read from the history), the same `Post` comes
out, so that the log can tell by its id that it is known.
Law 2: the table under "What gets an answer" in the contract is decided here and nowhere else.
Shapes: docs.slack.dev, the reference of the message event and its subtypes.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from adapters.slack import address, happenings, markdown
from bot import conversation
from bot.desk import commands

Event = Mapping[str, Any]
Names = Mapping[str, str]

CHANGES = frozenset({"message_changed", "message_deleted"})  # subtypes that tell of a post there was
_POSTS = frozenset({None, "file_share", "thread_broadcast", "me_message", "bot_message"})
_SLACKBOT = "USLACKBOT"
_OPENING_MENTION = re.compile(r"\s*<(?:@([UW][A-Z0-9]+)|!subteam\^[A-Z0-9]+)(?:\|[^>]*)?>")
NOTICE = "threadmate_notice"  # metadata event type of what the bot says that is no answer


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rules:
    """Who the bot is here, and the settings that decide what gets an answer."""

    bot_user: str
    bot_id: str
    bot_name: str
    dm_mode: Literal["threads", "flat"]
    thread_replies: Literal["always", "mention"] = "always"  # as is chosen for the event's conversation


_NO_NAMES: Names = {}


def team_of(body: Event) -> str:
    """The workspace of the installation an event was sent to: in a shared channel not always its author's."""
    return next(iter(teams_of(body)), str(body.get("enterprise_id") or ""))


def teams_of(body: Event) -> list[str]:
    """The workspaces of the installations an event may be for, the likeliest first."""
    told = [each.get("team_id") for each in body.get("authorizations") or []]
    return [str(team) for team in dict.fromkeys([*told, body.get("team_id")]) if team]


def author(event: Event) -> str:
    """The id of whoever wrote, changed or pressed: a person's, else a bot's; "" for nobody."""
    message = event.get("message") or event
    return str(message.get("user") or message.get("bot_id") or "")


def people(event: Event) -> frozenset[str]:
    """The ids whose names `read` wants."""
    message = event.get("message") or event
    text = str(message.get("text") or "")
    return frozenset(filter(None, (*markdown.mentioned_users(text), author(event))))


def conversation_of(event: Event, *, team: str, rules: Rules) -> conversation.ConversationId:
    """The id of the conversation an event of a channel belongs to."""
    channel = str(event.get("channel") or "")
    post = event.get("message") or event.get("previous_message") or event
    root = post.get("thread_ts") or event.get("thread_ts") or event.get("deleted_ts") or post.get("ts") or ""
    is_flat = rules.dm_mode == "flat" and address.is_dm(channel)
    return address.conversation_id(team=team, channel=channel, thread="" if is_flat else str(root))


def read(
    event: Event, *, team: str, rules: Rules, held: bool = False, names: Names = _NO_NAMES
) -> happenings.Happening:
    """What happened. `held`: whether the bot is in the conversation (`conversation_of`).

    Only texts and the author's name depend on `names`; without them ids stand in their place.
    """
    where = conversation_of(event, team=team, rules=rules)
    if event.get("type") == "agent_session_stopped":
        return happenings.Stopped(conversation=where)
    if event.get("type") not in {"message", "app_mention"}:
        return happenings.Nothing(reason=f"event {event.get('type')}")
    subtype = event.get("subtype")
    if subtype == "message_changed":
        return _changed(event, where=where, rules=rules, names=names)
    if subtype == "message_deleted":
        return _deleted(event, where=where, rules=rules)
    if subtype not in _POSTS:
        return happenings.Nothing(reason=f"subtype {subtype}")
    if is_own(event, rules):
        return happenings.Nothing(reason="own post")
    return _posted(event, where=where, team=team, rules=rules, held=held, names=names)


def history_post(
    message: Event, *, where: conversation.ConversationId, rules: Rules, names: Names
) -> conversation.Post | None:
    """A post of a thread's history as context, not addressed; None for what is no post."""
    if message.get("subtype") not in _POSTS or (message.get("metadata") or {}).get("event_type") == NOTICE:
        return None
    post = _post(message, where=where, rules=rules, names=names, addressed=False)
    if is_own(message, rules):
        blocks = [
            block.get("text") for block in message.get("blocks") or [] if block.get("type") == "markdown"
        ]
        text = "\n\n".join(blocks) or post.text
        post = dataclasses.replace(post, role="assistant", author_name=rules.bot_name, text=text)
    return post if post.text or post.attachments else None


def edit_of(
    message: Event, *, where: conversation.ConversationId, rules: Rules, names: Names
) -> happenings.Edited | None:
    """The edit that a post of the history has behind it; None where it has none or is the bot's own.

    A file that was deleted is one too, and leaves no time of editing: the time of posting stands for it.
    """
    edited = (message.get("edited") or {}).get("ts")
    if is_own(message, rules) or not (edited or any(map(_is_deleted, message.get("files") or []))):
        return None
    return _edited(message, where=where, rules=rules, names=names)


def is_own(message: Event, rules: Rules) -> bool:
    """Whether the bot wrote it."""
    return message.get("user") == rules.bot_user or message.get("bot_id") == rules.bot_id


def mentions_bot(message: Event, rules: Rules) -> bool:
    """Whether the text mentions the bot."""
    return rules.bot_user in markdown.mentioned_users(str(message.get("text") or ""))


def moment(ts: str) -> dt.datetime:
    """The time in a `ts` (seconds and microseconds since 1970), UTC, exact."""
    seconds, _, fraction = ts.partition(".")
    micros = int((fraction + "000000")[:6])
    return dt.datetime.fromtimestamp(int(seconds), tz=dt.UTC) + dt.timedelta(microseconds=micros)


def _posted(
    event: Event,
    *,
    where: conversation.ConversationId,
    team: str,
    rules: Rules,
    held: bool,
    names: Names,
) -> happenings.Happening:
    """The table "What gets an answer", row by row."""
    channel, ts = str(event["channel"]), str(event["ts"])
    thread = str(event.get("thread_ts") or ts)
    in_thread = thread != ts
    mentioned = mentions_bot(event, rules)
    is_dm = address.is_dm(channel)
    if _is_bot(event):
        if not held or not (in_thread or is_dm):
            return happenings.Nothing(reason="another bot")
        addressed = False
    elif is_dm or mentioned:
        addressed = True
    elif not in_thread:
        return happenings.Nothing(reason="channel post without a mention")
    elif not held:
        return happenings.Nothing(reason="thread the bot is not in")
    else:
        addressed = rules.thread_replies == "always" and not _opens_to_another(event, rules)
    post = _post(event, where=where, rules=rules, names=names, addressed=addressed)
    if not post.text and not post.attachments:
        return happenings.Nothing(reason="blank")
    flat = is_dm and rules.dm_mode == "flat"
    user_team = str(event.get("user_team") or event.get("source_team") or event.get("team") or team)
    spot = address.Address(channel=channel, thread="" if flat else thread, user_team=user_team)
    home = address.home(spot, team=team)
    given = commands.parse(post.text) if addressed else None
    if given is None:
        return happenings.Said(post=post, home=home)
    command = commands.Command(
        id=ts,
        word=given[0],
        argument=given[1],
        conversation=where,
        author=post.author,
        author_name=post.author_name,
        direct=is_dm,
    )
    return happenings.Ordered(command=command, home=home)


def _changed(
    event: Event, *, where: conversation.ConversationId, rules: Rules, names: Names
) -> happenings.Happening:
    message: Event = event.get("message") or {}
    before: Event = event.get("previous_message") or {}
    if is_own(message, rules):
        return happenings.Nothing(reason="own edit")
    if message.get("subtype") == "tombstone":
        return happenings.Erased(conversation=where, post_id=str(message["ts"]))
    # Slack tells of a file that was deleted while its post stays by such an event, without a time of editing.
    fewer = _file_ids(before) - _file_ids(message)
    if message.get("text") == before.get("text") and not fewer:
        return happenings.Nothing(reason="edit without new words")
    edit = edit_of(message, where=where, rules=rules, names=names)
    if edit is None and fewer:
        edit = _edited(message, where=where, rules=rules, names=names)
    return edit or happenings.Nothing(reason="change that is no edit")


def _edited(
    message: Event, *, where: conversation.ConversationId, rules: Rules, names: Names
) -> happenings.Edited:
    return happenings.Edited(
        conversation=where,
        post_id=str(message["ts"]),
        text=_words(message, rules=rules, names=names),
        attachments=_attachments(message.get("files") or []),
        edited_at=moment(str((message.get("edited") or {}).get("ts") or message["ts"])),
    )


def _deleted(event: Event, *, where: conversation.ConversationId, rules: Rules) -> happenings.Erased:
    before: Event = event.get("previous_message") or {}
    return happenings.Erased(
        conversation=where,
        post_id=str(event.get("deleted_ts") or before.get("ts") or ""),
        own=is_own(before, rules),
    )


def _post(
    message: Event, *, where: conversation.ConversationId, rules: Rules, names: Names, addressed: bool
) -> conversation.Post:
    wrote = author(message)
    given_name = message.get("username") or (message.get("bot_profile") or {}).get("name")
    edited = (message.get("edited") or {}).get("ts")
    return conversation.Post(
        conversation=where,
        id=str(message["ts"]),
        role="user",
        author=wrote,
        author_name=names.get(wrote) or str(given_name or wrote),
        text=_words(message, rules=rules, names=names),
        sent_at=moment(str(message["ts"])),
        addressed=addressed,
        attachments=_attachments(message.get("files") or []),
        edited_at=moment(str(edited)) if edited else None,
    )


def _words(message: Event, *, rules: Rules, names: Names) -> str:
    """The post's text as Markdown, mentions as names, without the mention of the bot it opens with."""
    text = str(message.get("text") or "")
    if not text.strip():
        shared = message.get("attachments") or []
        text = "\n".join(str(each.get("text") or each.get("fallback") or "") for each in shared)
    opening = _OPENING_MENTION.match(text)
    if opening and opening[1] == rules.bot_user and (rest := text[opening.end() :].lstrip(" \t\n,:")):
        text = rest
    return markdown.from_mrkdwn(text, users={**names, rules.bot_user: rules.bot_name}).strip()


def _attachments(files: Sequence[Event]) -> tuple[conversation.Attachment, ...]:
    """The files of a post; one that Slack hides or has deleted has no name and no address."""
    return tuple(
        conversation.Attachment(
            id=str(file["id"]),
            name=str(file.get("name") or file.get("title") or file["id"]),
            media_type=str(file.get("mimetype") or "application/octet-stream"),
            size=int(file.get("size") or 0),
            url=str(file.get("url_private_download") or file.get("url_private") or ""),
        )
        for file in files
        if file.get("id") and not _is_deleted(file)
    )


def _is_deleted(file: Event) -> bool:
    return file.get("mode") == "tombstone"


def _file_ids(message: Event) -> set[str]:
    return {file.id for file in _attachments(message.get("files") or [])}


def _is_bot(event: Event) -> bool:
    user = event.get("user")
    return bool(event.get("bot_id")) or event.get("subtype") == "bot_message" or user == _SLACKBOT


def _opens_to_another(event: Event, rules: Rules) -> bool:
    opening = _OPENING_MENTION.match(str(event.get("text") or ""))
    return opening is not None and opening[1] != rules.bot_user
