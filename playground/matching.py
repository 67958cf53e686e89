"""Which conversation a request belongs to. The API is not told, so the posts in it tell (pure).

Every post stands in a request with its speaker's mark; the newest one that a conversation also has decides.
Where the same person wrote the same words in two conversations, the one whose post is nearer in time wins.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from bot import conversation, prompts, turns

_MARKED = re.compile(r'<post by="[^"]*" id="[^"]*">.*?</post>', re.DOTALL)
_MEMORY = prompts.SUMMARISE.partition(".")[0]  # the sentence that both kinds of them begin with

Index = dict[str, list[tuple[float, conversation.ConversationId]]]
"""Each marked post with when and where it was posted."""


def index(posts: Iterable[conversation.Post]) -> Index:
    """An index of people's posts."""
    found: Index = {}
    for post in posts:
        if post.role == "user":
            found.setdefault(turns.mark(post), []).append((post.sent_at.timestamp(), post.conversation))
    return found


def conversation_of(
    body: Mapping[str, Any], known: Index, *, at: float
) -> conversation.ConversationId | None:
    """The conversation of a request sent at `at`; None when no post in it is known (any more)."""
    for mark in reversed(_MARKED.findall(_text(body))):
        if places := known.get(mark):
            return min(places, key=lambda place: abs(at - place[0]))[1]
    return None


def is_summary(body: Mapping[str, Any]) -> bool:
    """Whether this request asks for a summary: its instructions are those for keeping the memory."""
    parts = body.get("system") or []
    system = parts if isinstance(parts, str) else "".join(str(part.get("text", "")) for part in parts)
    return system.startswith(_MEMORY)


def _text(body: Mapping[str, Any]) -> str:
    found: list[str] = []
    for turn in body.get("messages") or []:
        content = turn.get("content")
        if turn.get("role") != "user":
            continue
        if isinstance(content, str):
            found.append(content)
            continue
        found += [str(part["text"]) for part in content or [] if part.get("type") == "text"]
    return "\n".join(found)
