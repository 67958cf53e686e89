"""What the emulator remembers of each call."""

import json
from dataclasses import dataclass, field
from typing import Any

from emulators.claude.refusal import Refusal


@dataclass(kw_only=True)
class Request:
    """One call of ``POST /v1/messages``, refused ones included; it fills up while it is answered.

    ``status`` is ``None`` until the answer begins. ``cache`` says for each block of ``paths`` whether it
    was ``read``, ``write5m``, ``write1h`` or ``fresh``. ``at`` is the emulator's clock. ``content``,
    ``stop_reason`` and ``message_id`` are the whole answer, also of a stream that broke; ``closed`` is true
    once the client hung up before the end, ``done`` once the whole answer went out.
    """

    raw: bytes
    headers: dict[str, str]
    at: float
    request_id: str
    body: dict[str, Any] = field(default_factory=dict)
    status: int | None = None
    error: str | None = None
    usage: dict[str, Any] | None = None
    cache: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    message_id: str | None = None
    content: list[dict[str, Any]] | None = None
    stop_reason: str | None = None
    closed: bool = False
    done: bool = False

    @property
    def key(self) -> str:
        """The API key the call came with: ``Authorization: Bearer``, or else ``X-Api-Key``."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else self.headers.get("x-api-key", "")

    def public(self) -> dict[str, Any]:
        """Build the JSON form, without the key."""
        hidden = ("authorization", "x-api-key")
        headers = {name: value for name, value in self.headers.items() if name not in hidden}
        fields = {name: value for name, value in vars(self).items() if name not in ("raw", "headers")}
        return {**fields, "headers": headers, "bytes": len(self.raw)}


def parse(raw: bytes) -> dict[str, Any]:
    """Read a request body as strictly as the service: UTF-8, no NaN, no lone surrogates, an object."""
    try:
        body = json.loads(raw.decode(), parse_constant=_not_json)
        json.dumps(body, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise Refusal("The request body is not valid JSON: no low surrogate in string") from None
    except (ValueError, RecursionError) as error:
        raise Refusal(f"The request body is not valid JSON: {error}") from None
    if not isinstance(body, dict):
        raise Refusal("Input should be a valid dictionary")
    return body


def _not_json(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
