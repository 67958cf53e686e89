"""One child process for each file: started, fed, timed, and believed in nothing but what it may say.

The bot's own process imports no reader of pictures or papers, so that it stays small and none of them can
hang it, exhaust it or see its secrets.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import hashlib
import json
import pathlib
import sys

import structlog

from bot import conversation
from bot.files import kinds
from bot.planning import sizes

SECONDS = 30.0  # of wall time, for one file
TOKENS_PER_PAGE = 3_000  # of a PDF: its text and its picture; the vendor gives 1,500 to 3,000 and more
PATCH = 28  # pixels a side: a token of a picture
_ROOT = pathlib.Path(__file__).parents[2]
_START = f"import sys; sys.path.insert(0, {str(_ROOT)!r}); from bot.files import child; child.main()"
COMMAND = (sys.executable, "-I", "-c", _START)
ENVIRONMENT = {"LC_ALL": "C.UTF-8"}  # and nothing of ours: no token, no key

log = structlog.get_logger()


async def prepare(data: bytes) -> conversation.Media:
    """What becomes of a file's bytes; never raises for anything that is in them."""
    digest = hashlib.sha256(data).hexdigest()
    if not data:
        return unread(kinds.EMPTY, digest=digest)
    if len(data) > kinds.MOST_BYTES:
        return unread(kinds.TOO_LARGE, digest=digest)
    said = await _said(data)
    if said is None:
        return unread(kinds.TOO_MUCH, digest=digest)
    head, _, prepared = said.partition(b"\n")
    try:
        told = json.loads(head)
        media = conversation.Media(digest=digest, data=prepared, **told)
    except (ValueError, TypeError):
        return unread(kinds.DAMAGED, digest=digest)
    return dataclasses.replace(media, tokens=tokens(media))


def unread(reason: str, *, digest: str = "") -> conversation.Media:
    """A file that is not read, and why."""
    return conversation.Media(kind="unread", digest=digest, reason=reason)


def tokens(media: conversation.Media) -> int:
    """What a file costs in a request, an estimate on the safe side."""
    match media.kind:
        case "image":
            return -(-media.width // PATCH) * -(-media.height // PATCH)
        case "pdf":
            return media.pages * TOKENS_PER_PAGE
        case "text":
            return sizes.estimate(media.text)
        case _:
            return 0


async def _said(data: bytes) -> bytes | None:
    """What the child tells of a file; None where it ended at a limit."""
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=ENVIRONMENT,
        cwd="/",
    )
    try:
        async with asyncio.timeout(SECONDS):
            said, _ = await process.communicate(data)
    except TimeoutError:
        log.warning("file.too_slow", bytes=len(data))
        return None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode != 0 or not said:
        log.warning("file.child_ended", status=process.returncode, bytes=len(data))
        return None
    return said
