"""An answer as server-sent events (pure), in the order of the vendor's page "Streaming messages"."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from emulators.claude import answers


@dataclass(frozen=True, kw_only=True)
class Event:
    """One event; ``piece`` marks those that carry content, which faults and delays count by."""

    name: str
    data: dict[str, Any]
    piece: bool = False

    def encode(self) -> bytes:
        """Build the bytes on the wire."""
        return f"event: {self.name}\ndata: {json.dumps(self.data, ensure_ascii=False)}\n\n".encode()


def sequence(message: dict[str, Any], spoken: answers.Spoken) -> Iterator[Event]:
    """Lay out a whole answer; ``message`` is the finished one, as a call without streaming returns it."""
    usage = {**message["usage"], "output_tokens": min(1, spoken.output_tokens)}
    usage.pop("output_tokens_details", None)
    opening = {**message, "content": [], "stop_reason": None, "stop_sequence": None, "stop_details": None}
    yield _event("message_start", message={**opening, "usage": usage})
    yield _event("ping")
    for index, block in enumerate(spoken.content):
        yield _event("content_block_start", index=index, content_block=_opening(block))
        for delta in _deltas(block, spoken.chunk):
            yield _event("content_block_delta", index=index, delta=delta, piece=True)
        yield _event("content_block_stop", index=index)
    cumulative = {
        field: message["usage"][field]
        for field in (
            "input_tokens",
            "cache_creation_input_tokens",
            "cache_read_input_tokens",
            "output_tokens",
            "output_tokens_details",
            "server_tool_use",
        )
    }
    delta = {field: message[field] for field in ("stop_reason", "stop_sequence", "stop_details", "container")}
    yield _event("message_delta", delta=delta, usage=cumulative)
    yield _event("message_stop")


def error(body: dict[str, Any]) -> Event:
    """Wrap an error body as the event that ends a stream."""
    return Event(name="error", data=body)


def _event(name: str, *, piece: bool = False, **fields: Any) -> Event:
    return Event(name=name, data={"type": name, **fields}, piece=piece)


def _opening(block: dict[str, Any]) -> dict[str, Any]:
    match block["type"]:
        case "text":
            return {**block, "text": ""}
        case "thinking":
            return {**block, "thinking": "", "signature": ""}
        case "tool_use" | "server_tool_use":
            return {**block, "input": {}}
        case _:
            return block


def _deltas(block: dict[str, Any], chunk: int) -> Iterator[dict[str, Any]]:
    match block["type"]:
        case "text":
            for part in _parts(block["text"], chunk):
                yield {"type": "text_delta", "text": part}
            for citation in block.get("citations") or []:
                yield {"type": "citations_delta", "citation": citation}
        case "thinking":
            for part in _parts(block["thinking"], chunk):
                yield {"type": "thinking_delta", "thinking": part}
            yield {"type": "signature_delta", "signature": block["signature"]}
        case "tool_use" | "server_tool_use":
            for part in _parts(json.dumps(block["input"], ensure_ascii=False), chunk):
                yield {"type": "input_json_delta", "partial_json": part}


def _parts(text: str, chunk: int) -> Iterator[str]:
    for at in range(0, len(text), chunk):
        yield text[at : at + chunk]
