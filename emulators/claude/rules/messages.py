"""The order of the messages: who may come first, last and in between."""

from typing import Any

from emulators.claude import models
from emulators.claude.refusal import Refusal

SERVER_RESULTS = ("web_search_tool_result", "web_fetch_tool_result")
SERVER_BLOCKS = ("server_tool_use", *SERVER_RESULTS)


def check(body: dict[str, Any], *, model: models.Model) -> None:
    """Refuse a wrong order. Neighbours of one role are combined, so they need not alternate."""
    messages = body["messages"]
    if messages[0]["role"] != "user":
        raise Refusal("messages: first message must use the `user` role")
    _system_turns(messages, model=model)
    last = messages[-1]
    if last["role"] != "assistant" or _paused(last):
        return
    if not model.prefill:
        raise Refusal(
            "This model does not support assistant message prefill. The conversation must end with a "
            "user message."
        )
    if (body.get("thinking") or {}).get("type") == "enabled":
        raise Refusal("messages: prefill cannot be combined with thinking")
    text = last["content"] if isinstance(last["content"], str) else _closing(last["content"])
    if text != text.rstrip():
        raise Refusal("messages: final assistant content cannot end with trailing whitespace")


def _system_turns(messages: list[dict[str, Any]], *, model: models.Model) -> None:
    for at, message in enumerate(messages):
        if message["role"] != "system":
            continue
        path = f"messages.{at}"
        if not model.system_turns:
            raise Refusal(f"{path}: role 'system' is not supported on this model")
        before = next(m for m in reversed(messages[:at]) if m["role"] != "system")
        if before["role"] == "assistant" and not _ends_in_server_result(before):
            raise Refusal(f"{path}: a `system` message must directly follow a `user` message")
        after = next((m for m in messages[at + 1 :] if m["role"] != "system"), None)
        if after is not None and after["role"] != "assistant":
            raise Refusal(f"{path}: a `system` message must be last or be followed by `assistant`")


def _paused(message: dict[str, Any]) -> bool:
    """Tell whether it is a turn paused in server tools, which is sent back as it is."""
    content = message["content"]
    return isinstance(content, list) and bool(content) and content[-1]["type"] in SERVER_BLOCKS


def _ends_in_server_result(message: dict[str, Any]) -> bool:
    content = message["content"]
    return isinstance(content, list) and bool(content) and content[-1]["type"] in SERVER_RESULTS


def _closing(content: list[dict[str, Any]]) -> str:
    return str(content[-1].get("text", "")) if content else ""
