"""What a file holds, as a value (pure); see `conversation`, whose rule holds here, too."""

from __future__ import annotations

import dataclasses
from typing import Literal


@dataclasses.dataclass(frozen=True, kw_only=True)
class Media:
    """What a file holds, made ready once: from then on it is sent the same way for ever."""

    kind: Literal["image", "pdf", "text", "unread"]
    digest: str = ""  # SHA-256 of the original in hex; "" for one that was never had
    media_type: str = ""  # of `data`
    data: bytes = dataclasses.field(default=b"", repr=False)  # an image or a PDF; b"" where not asked for
    size: int = 0  # bytes of `data`
    text: str = dataclasses.field(default="", repr=False)  # what it says, clipped; of an image ""
    note: str = ""  # what was left out or changed
    reason: str = ""  # why it is not read
    tokens: int = 0  # an estimate
    width: int = 0  # pixels
    height: int = 0
    pages: int = 0
