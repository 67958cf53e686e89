"""The shape of messages, system and every content block: types, fields, blank text."""

from collections.abc import Iterator
from typing import Any

from emulators.claude.refusal import Refusal
from emulators.claude.rules import parameters

FIELDS = {
    "text": {"type", "text", "cache_control", "citations"},
    "image": {"type", "source", "cache_control", "transformations"},
    "document": {"type", "source", "cache_control", "citations", "context", "title"},
    "search_result": {"type", "source", "title", "content", "cache_control", "citations"},
    "thinking": {"type", "thinking", "signature"},
    "redacted_thinking": {"type", "data"},
    "tool_use": {"type", "id", "input", "name", "cache_control", "caller", "toolset_name"},
    "tool_result": {"type", "tool_use_id", "content", "is_error", "cache_control", "toolset_name"},
    "server_tool_use": {"type", "id", "input", "name", "cache_control", "caller"},
    "web_search_tool_result": {"type", "tool_use_id", "content", "cache_control", "caller"},
    "web_fetch_tool_result": {"type", "tool_use_id", "content", "cache_control", "caller"},
}
REQUIRED: dict[str, dict[str, type]] = {
    "text": {"text": str},
    "image": {"source": dict},
    "document": {"source": dict},
    "search_result": {"source": str, "title": str, "content": list},
    "thinking": {"thinking": str, "signature": str},
    "redacted_thinking": {"data": str},
    "tool_use": {"id": str, "input": dict, "name": str},
    "tool_result": {"tool_use_id": str},
    "server_tool_use": {"id": str, "input": dict, "name": str},
    "web_search_tool_result": {"tool_use_id": str},
    "web_fetch_tool_result": {"tool_use_id": str},
}
BY_ROLE = {
    "user": {"text", "image", "document", "search_result", "tool_result"},
    "assistant": {
        "text",
        "thinking",
        "redacted_thinking",
        "tool_use",
        "server_tool_use",
        "web_search_tool_result",
        "web_fetch_tool_result",
    },
    "system": {"text"},
}
IN_TOOL_RESULT = {"text", "image", "document", "search_result"}
MAX_MESSAGES = 100_000


def check(body: dict[str, Any]) -> None:
    """Refuse malformed messages and system prompts."""
    messages = body["messages"]
    if not isinstance(messages, list):
        raise Refusal("messages: Input should be a valid list")
    if not messages:
        raise Refusal("messages: at least one message is required")
    if len(messages) > MAX_MESSAGES:
        raise Refusal(f"messages: at most {MAX_MESSAGES} messages are allowed")
    for at, message in enumerate(messages):
        _message(message, path=f"messages.{at}", last=at == len(messages) - 1)
    _system(body.get("system"))


def placed(body: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Walk every block of the messages with its path, those inside tool results included."""
    for at, message in enumerate(body["messages"]):
        blocks = message["content"] if isinstance(message["content"], list) else []
        for place, block in enumerate(blocks):
            path = f"messages.{at}.content.{place}"
            yield path, block
            inner = block.get("content") if block["type"] == "tool_result" else None
            for deep, part in enumerate(inner if isinstance(inner, list) else []):
                yield f"{path}.content.{deep}", part


def _message(message: object, *, path: str, last: bool) -> None:
    if not isinstance(message, dict):
        raise Refusal(f"{path}: Input should be a valid dictionary")
    role = message.get("role")
    if role not in BY_ROLE:
        raise Refusal(f"{path}.role: Input should be 'user', 'assistant' or 'system'")
    parameters.extra_keys(message, {"role", "content"}, path=f"{path}.")
    content = message.get("content")
    if not isinstance(content, str | list):
        raise Refusal(f"{path}.content: Input should be a valid string or list")
    if not content and not (last and role == "assistant"):
        raise Refusal(f"{path}: {role} messages must have non-empty content")
    if isinstance(content, str):
        if content and not content.strip():
            raise Refusal("messages: text content blocks must contain non-whitespace text")
        return
    for place, block in enumerate(content):
        _block(block, allowed=BY_ROLE[role], role=role, path=f"{path}.content.{place}")


def _block(block: object, *, allowed: set[str], role: str, path: str) -> None:
    if not isinstance(block, dict):
        raise Refusal(f"{path}: Input should be a valid dictionary")
    kind = block.get("type")
    if not isinstance(kind, str) or kind not in FIELDS:
        raise Refusal(
            f"{path}: Input tag '{kind}' found using 'type' does not match any of the expected tags"
        )
    if kind not in allowed:
        raise Refusal(f"{path}: `{kind}` blocks are not allowed in `{role}` messages")
    parameters.extra_keys(block, FIELDS[kind], path=f"{path}.{kind}.")
    for field, wanted in REQUIRED[kind].items():
        if field not in block:
            raise Refusal(f"{path}.{kind}.{field}: Field required")
        if not isinstance(block[field], wanted):
            raise Refusal(f"{path}.{kind}.{field}: Input should be a valid {wanted.__name__}")
    if kind == "text":
        _text(block, role=role, path=path)
    if kind == "tool_result":
        _tool_result(block, path=path)


def _text(block: dict[str, Any], *, role: str, path: str) -> None:
    where = path.partition(".")[0]
    if not block["text"]:
        if block.get("cache_control"):
            raise Refusal(f"{path}.text: cache_control cannot be set for empty text blocks")
        raise Refusal(f"{where}: text content blocks must be non-empty")
    if not block["text"].strip():
        raise Refusal(f"{where}: text content blocks must contain non-whitespace text")
    if role == "user" and block.get("citations"):
        raise Refusal(f"{path}.text.citations: citations are not allowed in `user` messages")


def _tool_result(block: dict[str, Any], *, path: str) -> None:
    inner = block.get("content")
    if not isinstance(inner, str | list | None):
        raise Refusal(f"{path}.tool_result.content: Input should be a valid string or list")
    if not isinstance(block.get("is_error", False), bool):
        raise Refusal(f"{path}.tool_result.is_error: Input should be a valid boolean")
    for place, part in enumerate(inner if isinstance(inner, list) else []):
        _block(part, allowed=IN_TOOL_RESULT, role="user", path=f"{path}.content.{place}")


def _system(system: object) -> None:
    if not isinstance(system, str | list | None):
        raise Refusal("system: Input should be a valid string or list")
    for place, block in enumerate(system if isinstance(system, list) else []):
        _block(block, allowed={"text"}, role="system", path=f"system.{place}")
