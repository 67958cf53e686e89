"""What a request to Claude holds, read back from the body that the emulator received (pure)."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

Body = Mapping[str, Any]

_POST = re.compile(r'<post by="([^"]*)" id="([^"]*)">(.*?)</post>', re.DOTALL)
_FILES = re.compile(r"\A(?:<file [^\n]*?(?:/>|>\n.*?\n</file>)(?:\n|\Z))+", re.DOTALL)
_LINKED = re.compile(r'<linked from="[^"]*"[^>]*>\n.*?\n</linked>', re.DOTALL)
_NOW = "<now>"
_USES = {"tool_use", "tool_result", "server_tool_use"}


class Spoken(NamedTuple):
    """A post as Claude reads it."""

    by: str
    account: str
    text: str


def posts(body: Body) -> list[Spoken]:
    """Every post by a person in the request, in order; what a summary covers is not among them."""
    texts = [block["text"] for role, block in blocks(body) if role == "user" and block["type"] == "text"]
    found = [match.groups() for text in texts for match in _POST.finditer(text)]
    return [
        Spoken(by=html.unescape(by), account=html.unescape(account), text=_FILES.sub("", text))
        for by, account, text in found
    ]


def texts(body: Body) -> list[str]:
    """The texts of the posts by people, in order."""
    return [post.text for post in posts(body)]


def linked(body: Body) -> list[str]:
    """What links brought in, mark by mark, in order."""
    return [
        found for role, block in blocks(body) if role == "user" for found in _LINKED.findall(block["text"])
    ]


def dialogue(body: Body) -> list[tuple[str, str]]:
    """Who said what, in order: ("user", the text of a post) or ("assistant", an answer)."""
    said: list[tuple[str, str]] = []
    for role, block in blocks(body):
        if role == "assistant":
            said.append((role, block["text"]))
        else:
            said += [(role, _FILES.sub("", match[3])) for match in _POST.finditer(block.get("text", ""))]
    return said


def blocks(body: Body) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every content block of `messages` with its role."""
    for message in body["messages"]:
        content = message["content"]
        for block in [{"type": "text", "text": content}] if isinstance(content, str) else content:
            yield message["role"], block


def lasting(body: Body) -> list[str]:
    """The instructions and the history, block by block as bytes would tell them; cache marks and time aside.

    What varies with the request alone (the time) is its last block; everything before it has to come back.
    """
    flat = [("system", block) for block in _system(body)] + list(blocks(body))
    if _is_time(flat[-1][1]):
        flat.pop()
    return [f"{role} {_bare(block)}" for role, block in flat]


def goes_on(body: Body) -> bool:
    """Whether the request goes on with an answer that has used a tool: it ends in what that answer said."""
    return any(block["type"] in _USES for _, block in blocks(body))


def marks(body: Body) -> list[int]:
    """The positions of the blocks that carry a cache mark, counted over `system` and `messages`."""
    flat = _system(body) + [block for _, block in blocks(body)]
    return [position for position, block in enumerate(flat) if "cache_control" in block]


def _system(body: Body) -> list[dict[str, Any]]:
    system = body.get("system") or []
    return [{"type": "text", "text": system}] if isinstance(system, str) else list(system)


def _is_time(block: Mapping[str, Any]) -> bool:
    return str(block.get("text", "")).startswith(_NOW)


def _bare(block: Mapping[str, Any]) -> str:
    return json.dumps({key: value for key, value in block.items() if key != "cache_control"})
