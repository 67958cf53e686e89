"""What a Web API method is, and how it reads its arguments."""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from emulators.slack import api_error

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from emulators.slack import records, state

Json = dict[str, Any]
_TS = re.compile(r"\d{1,12}\.\d{1,6}")


@dataclass(frozen=True, kw_only=True)
class Method:
    """A method: its scope (None: none, or the handler's own check), its rate-limit tier, its token's kind."""

    handler: Callable[[Request], Json]
    scope: str | None = None
    tier: str = "3"
    app_token: bool = False


@dataclass(frozen=True, kw_only=True)
class Request:
    """One call: the workspace, the arguments, and readers that refuse what Slack refuses."""

    state: state.State
    name: str
    args: Json

    def text(self, key: str, *, default: str | None = None) -> str:
        """A required string, or `default`."""
        value = self.args.get(key, default)
        if not isinstance(value, str) or (value == "" and default is None):
            raise api_error.invalid_arguments(f"missing or invalid required field: {key}")
        return value

    def optional(self, key: str) -> str | None:
        """A string or nothing."""
        value = self.args.get(key)
        if value is not None and not isinstance(value, str):
            raise api_error.invalid_arguments(f"must be a string: {key}")
        return value or None

    def flag(self, key: str, *, default: bool = False) -> bool:
        """A boolean, as JSON or as the form's 1, 0, true, false."""
        value = self.args.get(key)
        if value is None:
            return default
        return value is True or str(value).lower() in {"1", "true"}

    def integer(self, key: str, *, default: int) -> int:
        """A whole number."""
        try:
            return int(self.args.get(key, default))
        except (TypeError, ValueError) as error:
            raise api_error.invalid_arguments(f"must be a number: {key}") from error

    def json(self, key: str) -> Any:
        """A JSON value, as itself or written in a string; None if absent."""
        value = self.args.get(key)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except ValueError as error:
            raise api_error.invalid_arguments(f"must be JSON: {key}") from error

    def ts(self, key: str, *, error: str) -> str | None:
        """A message timestamp or nothing; `error` is the code for anything else."""
        value = self.args.get(key)
        if value is None or value == "":
            return None
        if not isinstance(value, str) or not _TS.fullmatch(value):
            raise api_error.ApiError(error)
        return value

    def need(self, scope: str) -> None:
        """Refuse unless the token has this scope."""
        if scope not in self.state.scopes:
            provided = ",".join(sorted(self.state.scopes))
            raise api_error.ApiError("missing_scope", needed=scope, provided=provided)

    def channel(self, key: str = "channel") -> records.Channel:
        """The channel named by an argument, visible to the bot."""
        return self.state.visible_channel(self.text(key))

    def joined_channel(self, key: str = "channel") -> records.Channel:
        """The channel named by an argument; the bot must be in it and it must not be archived."""
        channel = self.channel(key)
        if not self.state.is_member(channel):
            raise api_error.ApiError("not_in_channel")
        if channel.archived:
            raise api_error.ApiError("is_archived")
        return channel

    def page(
        self, items: Sequence[Any], *, default: int, most: int, forced: bool = False
    ) -> tuple[list[Any], str]:
        """One page and the cursor of the next ("" at the end); `forced` ignores a larger `limit`."""
        limit = self.integer("limit", default=default) or default
        limit = min(limit, most) if forced else limit
        if not 0 < limit <= most:
            raise api_error.ApiError("invalid_limit")
        start = decode_cursor(self.optional("cursor"))
        following = encode_cursor(start + limit) if start + limit < len(items) else ""
        return list(items[start : start + limit]), following


def encode_cursor(offset: int) -> str:
    """An opaque cursor, base64 as Slack's are."""
    return base64.b64encode(f"offset:{offset}".encode()).decode()


def decode_cursor(cursor: str | None) -> int:
    """The offset behind a cursor; `invalid_cursor` for anything we did not hand out."""
    if cursor is None:
        return 0
    try:
        return int(base64.b64decode(cursor, validate=True).decode().removeprefix("offset:"))
    except (binascii.Error, ValueError) as error:
        raise api_error.ApiError("invalid_cursor") from error
