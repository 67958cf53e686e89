"""Posts as JSON lines or Markdown, and JSON lines as posts. Pure.

One post a line, in order within a conversation:
`{"conversation", "id", "role", "author", "author_name", "text", "sent_at"}`; an assistant line may carry
`usage` as the API billed it, and a line whose post had files their names as `files`.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any

from bot import conversation

FIELDS = ("conversation", "id", "role", "author", "author_name", "text", "sent_at")


class BadLine(ValueError):
    """A line that is no post; the message says why, without its text."""


def to_json(post: conversation.Post, usage: Mapping[str, Any] | None = None) -> str:
    """One line, without its line end."""
    line: dict[str, Any] = {
        "conversation": post.conversation,
        "id": post.id,
        "role": post.role,
        "author": post.author,
        "author_name": post.author_name,
        "text": post.text,
        "sent_at": stamp(post.sent_at),
    }
    if post.attachments:
        line["files"] = [file.name for file in post.attachments]
    if usage:
        line["usage"] = dict(usage)
    return to_line(line)


def to_line(value: dict[str, Any]) -> str:
    """JSON in one line, also for readers to whom more than a line feed ends one (Python's `splitlines`)."""
    return json.dumps(value, ensure_ascii=False).translate(
        {0x85: "\\u0085", 0x2028: "\\u2028", 0x2029: "\\u2029"}
    )


def to_markdown(post: conversation.Post) -> str:
    """One post as a heading with speaker and time, its text, and a blank line."""
    who = "**Threadmate**" if post.role == "assistant" else f"**{post.author_name or post.author}**"
    files = "".join(f"*File: {file.name}*\n\n" for file in post.attachments)
    return f"{who}, {post.sent_at:%Y-%m-%d %H:%M:%S} UTC\n\n{files}{post.text}\n"


def from_json(line: str) -> tuple[conversation.Post, Mapping[str, Any] | None]:
    """A post and the usage that stood with it; raises BadLine."""
    try:
        data = json.loads(line)
    except (ValueError, RecursionError):  # the latter from thousands of brackets
        raise BadLine("is not JSON") from None
    if not isinstance(data, dict):
        raise BadLine("is not a JSON object")
    nameless = {"author": "", "author_name": ""} if data.get("role") == "assistant" else {}
    data = nameless | {field: value for field, value in data.items() if value is not None}
    for field in FIELDS:
        if not isinstance(data.get(field), str):
            raise BadLine(f'has no text field "{field}"')
    if data["role"] not in {"user", "assistant"}:
        raise BadLine('has a "role" other than user or assistant')
    if not data["conversation"] or not data["id"]:
        raise BadLine('has an empty "conversation" or "id"')
    usage = data.get("usage")
    if usage is not None and not isinstance(usage, dict):
        raise BadLine('has a "usage" that is not an object')
    return (
        conversation.Post(
            conversation=conversation.ConversationId(data["conversation"]),
            id=data["id"],
            role=data["role"],
            author=data["author"],
            author_name=data["author_name"],
            text=data["text"],
            sent_at=_time(data["sent_at"]),
            attachments=_files(data.get("files")),
        ),
        usage,
    )


def _files(names: object) -> tuple[conversation.Attachment, ...]:
    """Files of which only the names are known."""
    known = [name for name in names if isinstance(name, str)] if isinstance(names, list) else []
    return tuple(conversation.Attachment(id="", name=name, media_type="", size=0, url="") for name in known)


def stamp(time: dt.datetime) -> str:
    """ISO 8601 in UTC; milliseconds, or microseconds where there are any."""
    time = time.astimezone(dt.UTC)
    precision = "microseconds" if time.microsecond % 1000 else "milliseconds"
    return time.isoformat(timespec=precision).replace("+00:00", "Z")


def _time(text: str) -> dt.datetime:
    try:
        time = dt.datetime.fromisoformat(text)
        return (time if time.tzinfo else time.replace(tzinfo=dt.UTC)).astimezone(dt.UTC)
    except (ValueError, OverflowError):  # the latter from a zone at the calendar's very end
        raise BadLine('has a "sent_at" that is not ISO 8601') from None
