"""The Web API's refusals: every method raises `ApiError`, the HTTP layer turns it into `{"ok": false, …}`."""

from __future__ import annotations

from typing import Any


class ApiError(Exception):
    """The Web API refuses the call; `code` is Slack's own error string, `fields` join the JSON answer."""

    def __init__(self, code: str, **fields: Any) -> None:
        super().__init__(code)
        self.code = code
        self.fields = fields


def invalid_arguments(problem: str) -> ApiError:
    """The refusal of a missing or malformed argument, told the way Slack tells it."""
    return ApiError("invalid_arguments", response_metadata={"messages": [f"[ERROR] {problem}"]})


def invalid_blocks(problem: str, *, pointer: str) -> ApiError:
    """The refusal of blocks that break Block Kit's rules; `pointer` is a JSON pointer into the arguments."""
    message = f"[ERROR] {problem} [json-pointer:{pointer}]"
    return ApiError("invalid_blocks", errors=[message], response_metadata={"messages": [message]})
