"""What a call of Claude can cost at most, told before it, and what it did cost, told after it."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import anthropic
import httpx2

from bot import conversation, ports
from bot.claude import stream, wire

WEB_SEARCHES = 10  # in one call, where its tool names no number; each is paid for
IMAGE_TOKENS = 4_784  # the most of one picture (the vendor's page "Vision", October 2026)
PAGE_TOKENS = 12_000  # of a PDF page: its picture, and more text than anybody prints on one
UNREAD = 1_000_000_000  # tokens: more than any model reads, so that the model's window is the bound
_NOT_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.LocalProtocolError)


@contextlib.asynccontextmanager
async def metered(
    draft: ports.Draft, body: Mapping[str, Any], message: stream.Message
) -> AsyncIterator[None]:
    """Around one call: a draft that pays (`ports.Meter`) is asked before, which may raise, and told after."""
    if not isinstance(draft, ports.Meter):
        yield
        return
    model = str(body["model"])
    await draft.calling(model, most(body))
    free = False
    try:
        yield
    except anthropic.APIStatusError:
        free = not message.id  # refused, not begun
        raise
    except anthropic.APIConnectionError as error:
        free = isinstance(error.__cause__, _NOT_SENT)
        raise
    finally:
        draft.called(model, conversation.Usage() if free else _cost(body, message))


def most(body: Mapping[str, Any]) -> conversation.Usage:
    """A bill that no bill of this call exceeds.

    No tokenizer makes more tokens of a text than it has bytes of UTF-8. A picture costs a bounded number, a
    page of a PDF its text and its picture. What is not known, or read on the way (the web), is bounded by
    what the model can read at all.
    """
    size = len(json.dumps(_without_data(body), ensure_ascii=False).encode("utf-8", "replace"))
    size += sum(_media_tokens(block) for block in _blocks(body))
    searches = sum(
        int(tool.get("max_uses") or WEB_SEARCHES) for tool in body.get("tools") or () if _is_web(tool)
    )
    if searches:
        size = UNREAD
    lifetimes = _lifetimes(body)
    usage = conversation.Usage(output=int(body["max_tokens"]), web_searches=searches)
    if "1h" in lifetimes:
        return dataclasses.replace(usage, written_1h=size)
    return (
        dataclasses.replace(usage, written_5m=size) if lifetimes else dataclasses.replace(usage, fresh=size)
    )


def _cost(body: Mapping[str, Any], message: stream.Message) -> conversation.Usage | None:
    """The bill of a call; one that was cut counts all it could write, one without a sign is not known."""
    if not message.id:
        return None
    if message.stop_reason is not None:
        return message.usage
    return dataclasses.replace(message.usage, output=int(body["max_tokens"]))


def _blocks(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    turns = [turn["content"] for turn in body["messages"]]
    return [block for content in turns if not isinstance(content, str) for block in content]


def _lifetimes(body: Mapping[str, Any]) -> set[str]:
    marked = [*(body.get("system") or ()), *(body.get("tools") or ()), *_blocks(body)]
    return {str(block["cache_control"].get("ttl", "5m")) for block in marked if block.get("cache_control")}


def _is_web(tool: Mapping[str, Any]) -> bool:
    return str(tool.get("type", "")).startswith("web_")


def _media_tokens(block: Mapping[str, Any]) -> int:
    """The most that pictures and documents in a block can cost."""
    kind, inner = block.get("type"), block.get("content")
    nested = sum(map(_media_tokens, inner)) if isinstance(inner, list) else 0
    if kind == "image":
        return IMAGE_TOKENS + nested
    if kind == "document":
        pages = wire.pages(block)
        return (UNREAD if pages is None else pages * PAGE_TOKENS) + nested
    return (UNREAD if kind == "container_upload" else 0) + nested


def _without_data(value: Any) -> Any:
    """A body without the base64 of its pictures and documents."""
    if isinstance(value, Mapping):
        hides = value.get("type") == "base64"
        return {name: "" if hides and name == "data" else _without_data(part) for name, part in value.items()}
    return [_without_data(part) for part in value] if isinstance(value, list) else value
