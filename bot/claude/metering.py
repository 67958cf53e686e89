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
from bot.claude import stream

WEB_SEARCHES = 10  # in one call, where its tool names no number; each is paid for
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

    No tokenizer makes more tokens of a text than it has bytes of UTF-8. What is sent as something else (a
    picture, a document), or read on the way (the web), is bounded by what the model can read at all.
    """
    size = len(json.dumps(body, ensure_ascii=False).encode("utf-8", "replace"))
    searches = sum(
        int(tool.get("max_uses") or WEB_SEARCHES) for tool in body.get("tools") or () if _is_web(tool)
    )
    if searches or any(_is_media(block) for block in _blocks(body)):
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


def _is_media(block: Mapping[str, Any]) -> bool:
    inner = block.get("content")
    nested = isinstance(inner, list) and any(_is_media(each) for each in inner)
    return block.get("type") in {"image", "document", "container_upload"} or nested
