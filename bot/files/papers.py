"""A PDF: its pages counted, a lock found, its text read for search and summaries; the bytes stay as they are.

Runs in the child process.
"""

from __future__ import annotations

import time
from io import BytesIO
from typing import Any

import pypdf

from bot.files import kinds, texts

TEXT_SECONDS = 6.0  # for reading the text of the pages: past it the rest is not searched


def read(data: bytes) -> dict[str, Any]:
    """The fields of a `child.Read`; raises what pypdf raises."""
    if len(data) > kinds.MOST_PDF_BYTES:
        return {"kind": "unread", "reason": kinds.PDF_TOO_LARGE}
    paper = pypdf.PdfReader(BytesIO(data), strict=False)
    if paper.is_encrypted:
        return {"kind": "unread", "reason": kinds.PDF_LOCKED}
    pages = len(paper.pages)
    if pages == 0:
        return {"kind": "unread", "reason": "it has no pages"}
    if pages > kinds.MOST_PAGES:
        reason = f"it has {pages:,} pages and I read up to {kinds.MOST_PAGES}; send the part that matters"
        return {"kind": "unread", "reason": reason}
    text, _ = texts.clip(_text(paper))
    return {"kind": "pdf", "media_type": "application/pdf", "data": data, "text": text, "pages": pages}


def _text(paper: pypdf.PdfReader) -> str:
    """What the pages say, as far as time and room go; a page that cannot be read says nothing."""
    until = time.monotonic() + TEXT_SECONDS
    said: list[str] = []
    length = 0
    for page in paper.pages:
        if time.monotonic() > until or length > kinds.MOST_CHARACTERS:
            break
        try:
            said.append(page.extract_text().strip())
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001, S112 - one odd page does not make a PDF unreadable
            continue
        length += len(said[-1])
    return "\n\n".join(filter(None, said))
