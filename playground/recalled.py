"""What Claude looked up while it wrote an answer: its questions to `recall`, and what it got back (pure).

The API is told both in the answer's next call: the question in a `tool_use` block, the posts in the
`tool_result` of the same id. Later answers are sent neither.
"""

from __future__ import annotations

import dataclasses
import html
import re
from collections.abc import Iterator, Mapping
from typing import Any

from bot.tools import recalling

_POST = re.compile(r'<post at="([^"]*)" by="([^"]*)"[^>]*>(.*?)</post>', re.DOTALL)  # see recalling.result


@dataclasses.dataclass(frozen=True, kw_only=True)
class Post:
    """One post that came back."""

    at: str  # as Claude reads it, in UTC
    by: str
    text: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recall:
    """One question with its result."""

    id: str
    query: str
    file: str  # the name of a file that was asked for, "" for none
    posts: tuple[Post, ...]
    text: str  # the result word for word: a file, or why nothing was found
    failed: bool


def of(body: Mapping[str, Any]) -> list[Recall]:
    """What a request carries, in the order in which it was asked."""
    every = list(_blocks(body))
    results = {each["tool_use_id"]: each for each in every if each.get("type") == "tool_result"}
    return [
        _recall(each, results[each["id"]])
        for each in every
        if each.get("type") == "tool_use"
        and each.get("name") == recalling.TOOL.name
        and each["id"] in results
    ]


def _blocks(body: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for turn in body.get("messages") or ():
        content = turn.get("content")
        yield from content if isinstance(content, list) else ()


def _recall(asked: Mapping[str, Any], result: Mapping[str, Any]) -> Recall:
    words = asked.get("input") or {}
    text = _text(result.get("content"))
    posts = [
        Post(at=at, by=html.unescape(by), text=html.unescape(said)) for at, by, said in _POST.findall(text)
    ]
    return Recall(
        id=str(asked["id"]),
        query=recalling.query(words),
        file=recalling.file_name(words),
        posts=tuple(posts),
        text=text,
        failed=bool(result.get("is_error")),
    )


def _text(content: object) -> str:
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "\n".join(str(part["text"]) for part in parts if part.get("type") == "text")
