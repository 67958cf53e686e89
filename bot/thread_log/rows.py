"""Values to rows and back. Rule: whatever text comes in, what goes into the database can be read and sent.

Times are integers: microseconds since 1970, UTC. Structures are JSON.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import re
import sqlite3
from typing import Any

from bot import conversation

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)
ANNOUNCED = ("id", "name", "media_type", "size", "url")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")

POST = (
    "id, role, author, author_name, text, sent_at, addressed, attachments, edited_at, place, withheld,"
    " CASE attachments WHEN '[]' THEN NULL ELSE (SELECT json_group_array(json_object('position', a.position,"
    " 'state', a.state, 'reason', a.reason, 'digest', f.digest, 'kind', f.kind, 'media_type', f.media_type,"
    " 'size', length(f.data), 'text', f.text, 'note', f.note, 'tokens', f.tokens, 'width', f.width,"
    " 'height', f.height, 'pages', f.pages)) FROM post_files a LEFT JOIN files f ON f.digest = a.digest"
    " WHERE a.conversation = posts.conversation AND a.post = posts.id) END"
)
"""The columns that `post` reads, in its order; the table must be called `posts`."""


def clean(text: str) -> str:
    """Put U+FFFD for NUL and lone surrogates: neither UTF-8 nor SQL's text functions can carry them."""
    return _UNSTORABLE.sub("\ufffd", text)


def micros(at: dt.datetime) -> int:
    """Microseconds since 1970; the time must know its zone."""
    return (at - _EPOCH) // _MICROSECOND


def moment(value: int) -> dt.datetime:
    """The time of so many microseconds since 1970."""
    return _EPOCH + dt.timedelta(microseconds=value)


def number(db: sqlite3.Connection, conversation_id: conversation.ConversationId) -> int | None:
    """The short key of a conversation, None if it is unknown."""
    found = db.execute("SELECT number FROM conversations WHERE id = ?", (conversation_id,)).fetchone()
    return None if found is None else found[0]


def cleaned(post: conversation.Post) -> conversation.Post:
    """The post with every text in it storable."""
    return dataclasses.replace(
        post,
        id=clean(post.id),
        author=clean(post.author),
        author_name=clean(post.author_name),
        text=clean(post.text),
        attachments=tuple(clean_file(file) for file in post.attachments),
    )


def post(conversation_id: conversation.ConversationId, row: tuple[Any, ...]) -> conversation.Post:
    """The post of a row of POST."""
    post_id, role, author, author_name, text, sent_at, addressed, attachments, edited_at, place = row[:10]
    withheld, read = row[10:]
    return conversation.Post(
        conversation=conversation_id,
        id=post_id,
        role=role,
        author=author,
        author_name=author_name,
        text=text,
        sent_at=moment(sent_at),
        addressed=bool(addressed),
        attachments=() if attachments == "[]" else _files(attachments, read),
        edited_at=None if edited_at is None else moment(edited_at),
        place=place,
        withheld=bool(withheld),
    )


def dump_files(files: tuple[conversation.Attachment, ...]) -> str:
    """JSON of a post's files."""
    return (
        json.dumps([{name: getattr(file, name) for name in ANNOUNCED} for file in files]) if files else "[]"
    )


def dump_plan(plan: conversation.Plan) -> str:
    """JSON of a plan."""
    return json.dumps(dataclasses.asdict(plan))


def load_plan(text: str) -> conversation.Plan:
    """The plan; fields of another version are left out, missing ones take their default."""
    known = {field.name for field in dataclasses.fields(conversation.Plan)}
    fields = {name: value for name, value in json.loads(text).items() if name in known}
    return conversation.Plan(**{**fields, "described": tuple(fields.get("described", ()))})


def announced(text: str) -> tuple[conversation.Attachment, ...]:
    """The files of a post as the platform announced them."""
    return tuple(conversation.Attachment(**file) for file in json.loads(text))


def _files(text: str, read: str | None) -> tuple[conversation.Attachment, ...]:
    """The files of a post with what is known of each."""
    known = {row["position"]: row for row in json.loads(read or "[]")}
    return tuple(
        dataclasses.replace(file, media=_media(known.get(position)))
        for position, file in enumerate(announced(text))
    )


def _media(row: dict[str, Any] | None) -> conversation.Media | None:
    """What became of a file, without its bytes; None while it is waited for."""
    if row is None or row["state"] == "waiting":
        return None
    if row["kind"] is None or row["state"] == "unread":
        return conversation.Media(kind="unread", digest=row["digest"] or "", reason=row["reason"])
    fields = ("kind", "digest", "media_type", "size", "text", "note", "tokens", "width", "height", "pages")
    return conversation.Media(**{name: row[name] for name in fields})


def clean_file(file: conversation.Attachment) -> conversation.Attachment:
    """The file with every text about it storable."""
    return dataclasses.replace(
        file,
        id=clean(file.id),
        name=clean(file.name),
        media_type=clean(file.media_type),
        url=clean(file.url),
    )
