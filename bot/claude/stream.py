"""One streamed message, put together from its events (pure).

Events are the API's own objects, as decoded from JSON. What is unknown is passed over, as the API's
versioning asks of clients; what is known but malformed raises Garbled.

Source: the vendor's page "Streaming messages".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from bot import conversation
from bot.claude import citing, wire

_RESULT = "_tool_result"
_WORDS = ("text", "thinking", "redacted_thinking")
_APPENDED = {"text_delta": "text", "thinking_delta": "thinking", "signature_delta": "signature"}


class Garbled(ValueError):
    """An event is not what the API sends."""


class Message:
    """A message as far as it has been received."""

    def __init__(self) -> None:
        self.id = ""
        self.model = ""
        self.stop_reason: str | None = None
        self.stop_category: str | None = None  # why a refusal, where the API says
        self.cache_miss = ""  # the API's reason why the previous message's prefix was not found
        self.content: list[dict[str, Any]] = []  # blocks as they may be sent back
        self.service: tuple[str, bool] | None = None  # by the newest event: a server tool begins or has ended
        self._said: list[str] = []  # the text for people: with links where the blocks hold citations
        self._usage: dict[str, Any] = {}
        self._json: dict[int, str] = {}  # the input of a tool block arrives as pieces of JSON text
        self._blocks: dict[int, dict[str, Any]] = {}

    @property
    def text(self) -> str:
        """What was said so far."""
        return "".join(self._said)

    @property
    def tool_calls(self) -> list[dict[str, Any]]:
        """The blocks that ask for one of our tools."""
        return [block for block in self.content if block.get("type") == "tool_use"]

    @property
    def usage(self) -> conversation.Usage:
        """What was billed, as far as it has been told."""
        return wire.usage(self._usage)

    def feed(self, event: object) -> str:
        """Take one event; returns the text it adds, often "". Raises Garbled."""
        self.service = None
        try:
            text = self._feed(event)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            raise Garbled(f"{type(error).__name__} in a stream event") from error
        if text:
            self._said.append(text)
        return text

    def _feed(self, event: Any) -> str:
        match event["type"]:
            case "content_block_delta":
                return self._grow(event["index"], event["delta"])
            case "content_block_start":
                return self._open(event["index"], dict(event["content_block"]))
            case "content_block_stop":
                return self._close(event["index"])
            case "message_start":
                message = event["message"]
                self.id, self.model = str(message["id"]), str(message["model"])
                self._usage.update(message.get("usage") or {})
                reason = (message.get("diagnostics") or {}).get("cache_miss_reason") or {}
                self.cache_miss = str(reason.get("type") or "")
            case "message_delta":
                delta = event["delta"]
                self.stop_reason = delta.get("stop_reason")
                self.stop_category = (delta.get("stop_details") or {}).get("category")
                # Cumulative: each figure replaces the one before; one that is not told stays.
                told = (event.get("usage") or {}).items()
                self._usage.update({name: figure for name, figure in told if figure is not None})
            case _:
                pass
        return ""

    def _open(self, index: int, block: dict[str, Any]) -> str:
        after_tool = bool(self.content) and self.content[-1].get("type") not in _WORDS
        self._blocks[index] = block
        self.content.append(block)
        kind = str(block.get("type"))
        if kind == "server_tool_use":
            self.service = str(block.get("name")), False
        elif kind.endswith(_RESULT):
            self.service = kind.removesuffix(_RESULT), True
        if kind != "text":
            return ""
        gap = "\n\n" if after_tool and self.text.strip() and not self.text.endswith("\n") else ""
        return gap + str(block["text"])

    def _close(self, index: int) -> str:
        """The end of a block; a text that rests on sources is followed by links to them."""
        block = self._blocks[index]
        if pieces := self._json.pop(index, ""):
            block["input"] = json.loads(pieces)
        return citing.links(block.get("citations") or (), after=self.text)

    def _grow(self, index: int, delta: Mapping[str, Any]) -> str:
        block = self._blocks[index]
        kind = delta["type"]
        if kind in _APPENDED:
            field, piece = _APPENDED[kind], delta[_APPENDED[kind]]
            block[field] = (block.get(field) or "") + piece
            return str(piece) if kind == "text_delta" else ""
        if kind == "citations_delta":
            block["citations"] = [*(block.get("citations") or []), delta["citation"]]
        elif kind == "input_json_delta":
            self._json[index] = self._json.get(index, "") + delta["partial_json"]
        return ""
