"""What an answer rests on, as links behind the words (pure).

Rule: a link is made of the source's address alone, never of its title: a page says of itself what it likes.

Source: the vendor's page "Web search": citations have to be shown to the people who read the answer.
"""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Iterable, Mapping
from typing import Any

MOST = 3  # links behind one passage
MOST_LENGTH = 500  # characters of an address that is shown as a link
_HOST = re.compile(r"[a-z0-9.-]+")


def links(citations: Iterable[Mapping[str, Any]], *, after: str) -> str:
    """` ([docs.python.org](https://…), …)` for these citations; "" for none, or where `after` ends so."""
    found: dict[str, str] = {}
    for citation in citations:
        if url := _safe(citation.get("url")):
            found.setdefault(url, f"[{_host(url)}]({url})")
    text = f" ({', '.join(list(found.values())[:MOST])})" if found else ""
    return "" if after.endswith(text) else text


def _safe(url: object) -> str:
    """The address with nothing in it that could end a Markdown link; "" for none that people can open."""
    if not isinstance(url, str) or len(url) > MOST_LENGTH:
        return ""
    parts = urllib.parse.urlsplit(url.strip())
    if parts.scheme not in ("http", "https") or not _HOST.fullmatch(parts.hostname or ""):
        return ""
    return urllib.parse.quote(url.strip(), safe=":/?#@!$&'*+,;=%~-._")


def _host(url: str) -> str:
    return (urllib.parse.urlsplit(url).hostname or "").removeprefix("www.")
