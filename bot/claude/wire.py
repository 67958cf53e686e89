"""A request in the Messages API's own form, and the API's usage in ours (pure).

Law: the same Request gives the same bytes; keys stand in one order, and nothing is added that the plan
does not hold. Sampling parameters are never sent: since API version 2026-10-21 even their defaults are
refused.

Sources: the vendor's pages "Messages", "Prompt caching" (October 2026) and the SDK's parameter types.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from bot import conversation
from bot.tools import toolsets

SYSTEM = -1  # a breakpoint's turn that means the end of `system`


def body(request: conversation.Request, *, max_tokens: int, diagnoses: bool = False) -> dict[str, Any]:
    """The JSON body of a streamed call; `diagnoses`: the endpoint can say why a prefix was not found."""
    plan = request.plan
    marks = {(mark.turn, mark.block): mark.lifetime for mark in request.breakpoints}
    written: dict[str, Any] = {"model": plan.model, "max_tokens": max_tokens}
    if request.tools:
        written["tools"] = [_tool(tool) for tool in request.tools]
    if request.system.strip():  # a blank block is refused
        on_system = [lifetime for (turn, _), lifetime in marks.items() if turn == SYSTEM]
        written["system"] = [_text(request.system, on_system[0] if on_system else None)]
    written["messages"] = _messages(request, marks)
    if plan.thinking is not None:
        written["thinking"] = {"type": plan.thinking}
    if plan.sends_effort:
        written["output_config"] = {"effort": plan.effort}
    if diagnoses and plan.previous_message:
        written["diagnostics"] = {"previous_message_id": plan.previous_message}
    written["stream"] = True
    return written


def continued(sent: Mapping[str, Any], content: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The call that follows `pause_turn`: what the model said goes back unchanged and it goes on.

    Blank text blocks are the one thing left out: the API writes them and refuses them.
    """
    said = [block for block in content if block.get("type") != "text" or block["text"].strip()]
    return {**sent, "messages": [*sent["messages"], {"role": "assistant", "content": said}]}


def answered(
    sent: Mapping[str, Any], content: Sequence[Mapping[str, Any]], results: Mapping[str, toolsets.Result]
) -> dict[str, Any]:
    """The call that follows tool calls: what the model said, thinking included, then what each call gave."""
    said = continued(sent, content)
    gave = [
        {
            "type": "tool_result",
            "tool_use_id": call,
            "content": [*_shown(result.shown), _text(result.text, None)],
            **({"is_error": True} if result.failed else {}),
        }
        for call, result in results.items()
    ]
    return {**said, "messages": [*said["messages"], {"role": "user", "content": gave}]}


def _shown(block: conversation.Block | None) -> list[dict[str, Any]]:
    media = block.media if block is not None else None
    return [] if block is None or media is None else [_block(block, {media.digest: media.data}, None)]


def _tool(tool: conversation.Tool) -> dict[str, Any]:
    if tool.served is not None:
        return dict(tool.served)
    return {"name": tool.name, "description": tool.description, "input_schema": dict(tool.parameters)}


def pages(block: Mapping[str, Any]) -> int | None:
    """The pages of a document block that `body` wrote, None where it says nothing of them."""
    number = str(block.get("context") or "").removesuffix(" pages")
    return int(number) if number.isdigit() else None


def usage(raw: Mapping[str, Any]) -> conversation.Usage:
    """What the API billed; where it lists several iterations, the sum of them.

    With server-side compaction or fallbacks the figures on top leave those attempts out.
    """
    iterations = [part for part in raw.get("iterations") or () if isinstance(part, Mapping)]
    parts = [_tokens(part) for part in iterations] or [_tokens(raw)]
    return conversation.Usage(
        fresh=sum(part.fresh for part in parts),
        written_5m=sum(part.written_5m for part in parts),
        written_1h=sum(part.written_1h for part in parts),
        read=sum(part.read for part in parts),
        output=sum(part.output for part in parts),
        web_searches=_count(raw.get("server_tool_use") or {}, "web_search_requests"),
        raw=dict(raw),
    )


def _messages(request: conversation.Request, marks: Mapping[tuple[int, int], str]) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = [
        {
            "role": turn.role,
            "content": [
                _block(block, request.files, marks.get((turn_index, block_index)))
                for block_index, block in enumerate(turn.blocks)
            ],
        }
        for turn_index, turn in enumerate(request.turns)
    ]
    if request.varying.strip():
        if not messages or messages[-1]["role"] != "user":
            raise ValueError("what varies needs a user turn at the end to stand in")
        messages[-1]["content"].append(_text(request.varying, None))
    return messages


def _block(block: conversation.Block, files: Mapping[str, bytes], lifetime: str | None) -> dict[str, Any]:
    media = block.media
    if media is None:
        return _text(block.text, lifetime)
    if media.digest not in files:  # erased between the plan and now
        return _text(f"(The file {block.text} is gone.)", lifetime)
    written: dict[str, Any] = {
        "type": "image" if media.kind == "image" else "document",
        "source": {
            "type": "base64",
            "media_type": media.media_type,
            "data": base64.b64encode(files[media.digest]).decode("ascii"),
        },
    }
    if media.kind == "pdf":
        written["title"] = block.text
        written["context"] = f"{media.pages} pages"
    return _marked(written, lifetime)


def _text(text: str, lifetime: str | None) -> dict[str, Any]:
    return _marked({"type": "text", "text": text}, lifetime)


def _marked(block: dict[str, Any], lifetime: str | None) -> dict[str, Any]:
    if lifetime == "5m":
        block["cache_control"] = {"type": "ephemeral"}
    elif lifetime is not None:
        block["cache_control"] = {"type": "ephemeral", "ttl": lifetime}
    return block


def _tokens(raw: Mapping[str, Any]) -> conversation.Usage:
    by_lifetime = raw.get("cache_creation") or {}
    written_1h = _count(by_lifetime, "ephemeral_1h_input_tokens")
    # The split is told at the start of a stream only; what the total holds beyond it counts as 5m.
    written = max(
        _count(raw, "cache_creation_input_tokens"),
        written_1h + _count(by_lifetime, "ephemeral_5m_input_tokens"),
    )
    return conversation.Usage(
        fresh=_count(raw, "input_tokens"),
        written_5m=written - written_1h,
        written_1h=written_1h,
        read=_count(raw, "cache_read_input_tokens"),
        output=_count(raw, "output_tokens"),
    )


def _count(figures: Mapping[str, Any], name: str) -> int:
    figure = figures.get(name)
    return figure if isinstance(figure, int) else 0
