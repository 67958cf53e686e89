"""The simulated prompt cache (pure: the clock is passed in).

Rules, from the vendor's page "Prompt caching":

1. An entry is written only at a breakpoint; it is a digest of everything up to and including that block.
2. A breakpoint finds an entry at its own block or at one of the 19 before it.
3. An entry lives 5 minutes or 1 hour from the start of the request that wrote it or last read it.
4. It can be read only after the response that writes it has begun.
5. A prefix below the model's minimum is not cached, and nothing says so.
6. Entries belong to one API key (really: workspace) and one model.
7. Of a request, what lies behind the longest prefix read and before the last breakpoint is written.

Not told by the vendor, and decided against the caller: an entry keeps the lifetime it was written with,
and a breakpoint inside a prefix that was read writes an entry that lives no longer than the one read.
"""

import hashlib
import itertools
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from emulators.claude import blocks, models, tokens

LOOK_BACK = 20
LIFETIMES = {"5m": 300.0, "1h": 3600.0}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What one request reads and writes, in tokens; ``fates`` tells it block by block."""

    read: int
    write_5m: int
    write_1h: int
    fresh: int
    fates: list[str]
    touched: list[str]
    written: dict[str, str]
    began: float

    @property
    def total(self) -> int:
        """All input tokens of the request."""
        return self.read + self.write_5m + self.write_1h + self.fresh

    def usage(self) -> dict[str, Any]:
        """Build the input half of ``anthropic.types.Usage``."""
        return {
            "input_tokens": self.fresh,
            "cache_creation_input_tokens": self.write_5m + self.write_1h,
            "cache_read_input_tokens": self.read,
            "cache_creation": {
                "ephemeral_5m_input_tokens": self.write_5m,
                "ephemeral_1h_input_tokens": self.write_1h,
            },
        }


@dataclass(frozen=True, kw_only=True)
class _Entry:
    ttl: str
    expires: float


class Cache:
    """All live entries; ``clock`` gives seconds and is the only time it knows."""

    def __init__(self, *, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._entries: dict[str, _Entry] = {}

    def plan(
        self, *, key: str, model: models.Model, body: dict[str, Any], row: Sequence[blocks.Block]
    ) -> Plan:
        """Decide what a request reads and writes; nothing changes until :meth:`commit`."""
        sizes = tokens.row(row, model=model)
        upto = list(itertools.accumulate(sizes))
        marks = {at: ttl for at, ttl in blocks.breakpoints(body, row).items() if upto[at] >= model.min_cache}
        digests = prefixes(key=key, model=model, body=body, row=row)
        began = self._clock()
        hits = {at: self._look_back(digests, at, began) for at in marks}
        found = [hit for hit in hits.values() if hit is not None]
        last_read = max(found, default=-1)
        fates = ["read" if at <= last_read else "fresh" for at in range(len(row))]
        edge = last_read
        for at, ttl in sorted(marks.items()):
            fates[edge + 1 : at + 1] = [f"write{ttl}"] * max(0, at - edge)
            edge = max(edge, at)
        sums = {fate: sum(s for s, f in zip(sizes, fates, strict=True) if f == fate) for fate in set(fates)}
        return Plan(
            read=sums.get("read", 0),
            write_5m=sums.get("write5m", 0),
            write_1h=sums.get("write1h", 0),
            fresh=sums.get("fresh", 0),
            fates=fates,
            touched=[digests[at] for at in found],
            written={
                digests[at]: ttl if at > last_read else self._shorter(ttl, digests[last_read])
                for at, ttl in marks.items()
                if hits[at] != at
            },
            began=began,
        )

    def commit(self, plan: Plan) -> None:
        """Make a plan true: call it when the first byte of the response goes out."""
        for digest in plan.touched:
            entry = self._entries.get(digest)
            if entry is not None:
                expires = max(entry.expires, plan.began + LIFETIMES[entry.ttl])
                self._entries[digest] = _Entry(ttl=entry.ttl, expires=expires)
        for digest, ttl in plan.written.items():
            self._entries[digest] = _Entry(ttl=ttl, expires=plan.began + LIFETIMES[ttl])
        self._entries = {
            digest: entry for digest, entry in self._entries.items() if entry.expires > plan.began
        }

    def _look_back(self, digests: Sequence[str], at: int, now: float) -> int | None:
        for place in range(at, max(-1, at - LOOK_BACK), -1):
            entry = self._entries.get(digests[place])
            if entry is not None and now < entry.expires:
                return place
        return None

    def _shorter(self, ttl: str, digest: str) -> str:
        return min(ttl, self._entries[digest].ttl, key=LIFETIMES.__getitem__)


def prefixes(
    *, key: str, model: models.Model, body: dict[str, Any], row: Sequence[blocks.Block]
) -> list[str]:
    """Digest every prefix of the row, with what else restarts the cache mixed in where it does.

    Tools restart everything. Citations, speed and web search restart system and messages. Tool choice,
    the presence of images, thinking and effort restart the messages.
    """
    seeds = {"tools": "", "system": _system_seed(body, row), "messages": _message_seed(body, row, model)}
    running = hashlib.sha256(f"{key}\n{model.id}".encode())
    digests: list[str] = []
    section = "tools"
    for block in row:
        if block.section != section:
            order = list(seeds)
            for passed in order[order.index(section) + 1 : order.index(block.section) + 1]:
                running.update(seeds[passed].encode())
            section = block.section
        running.update(b"\0" + blocks.canonical(block))
        digests.append(running.copy().hexdigest())
    return digests


def settings(*, model: models.Model, body: dict[str, Any], row: Sequence[blocks.Block]) -> str:
    """Give everything outside the prompt's own text that decides whether a prefix can be read."""
    return _system_seed(body, row) + _message_seed(body, row, model)


def _system_seed(body: dict[str, Any], row: Sequence[blocks.Block]) -> str:
    cited = any(
        (block.value.get("citations") or {}).get("enabled") for block in row if block.kind == "document"
    )
    web = any(block.kind.startswith("web_search") for block in row if block.section == "tools")
    return json.dumps([cited, web, body.get("speed") or "standard"])


def _message_seed(body: dict[str, Any], row: Sequence[blocks.Block], model: models.Model) -> str:
    thinking = body.get("thinking") or {"type": "adaptive" if model.thinks_by_default else "disabled"}
    mode = {field: value for field, value in thinking.items() if field != "display"}
    effort = (body.get("output_config") or {}).get("effort") or model.effort_default
    images = any(block.kind == "image" or _holds_image(block) for block in row)
    choice = body.get("tool_choice") or {"type": "auto"}
    return json.dumps([choice, images, mode, effort], sort_keys=True)


def _holds_image(block: blocks.Block) -> bool:
    inner = block.value.get("content") if block.kind == "tool_result" else None
    return isinstance(inner, list) and any(part.get("type") == "image" for part in inner)
