"""A request as a command that one can run: the same body to the same endpoint, the key a variable (pure).

The body goes in by a here-document: an argument of a command may have 128 kB on Linux, and one picture has
more; nothing in it is quoted, and the shell reads nothing into it.
"""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Mapping
from typing import Any

from bot.operating import checking

_END = "JSON"  # never a line of the body: a line of indented JSON has a bracket or a quote in it


def curl(body: Mapping[str, Any], *, endpoint: str) -> str:
    """The command, for a POSIX shell; `endpoint` is the base URL of the API; a password in it is left out."""
    parts = urllib.parse.urlsplit(endpoint)
    open_to_all = parts._replace(netloc=parts.netloc.rpartition("@")[2])
    lines = (
        f"curl {open_to_all.geturl().rstrip('/')}/v1/messages",
        '-H "authorization: Bearer $ANTHROPIC_API_KEY"',
        f'-H "anthropic-version: {checking.API_VERSION}"',
        '-H "content-type: application/json"',
        f"--data-binary @- <<'{_END}'",
    )
    command = " \\\n  ".join(lines)
    return f"{command}\n{json.dumps(body, ensure_ascii=False, indent=2)}\n{_END}\n"
