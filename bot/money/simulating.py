"""The prompt cache's bill, worked out instead of paid. Pure: the clock is passed in.

Rules, from the vendor's page "Prompt caching":

1. An entry stands at a breakpoint only, for all up to and including that block.
2. A breakpoint finds an entry at its own block or at one of the 19 before it.
3. An entry lives 5 minutes or 1 hour from the start of the request that wrote it or last read it.
4. A prefix below the model's minimum is not kept.
5. What lies behind the longest prefix found and before the last breakpoint is written; the rest is fresh.

An entry keeps the lifetime it was written with; one written behind a prefix that was read within the same
mark lives no longer than that one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Mapping, Sequence

from bot import conversation
from bot.planning import caching


@dataclasses.dataclass(kw_only=True)
class Prompt:
    """A row of blocks; what was laid out once can be extended in place."""

    chain: list[int] = dataclasses.field(default_factory=list)  # the prefix up to each block, as a number
    upto: list[int] = dataclasses.field(default_factory=list)  # its tokens


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Entry:
    lifetime: conversation.Lifetime
    expires: float


class Cache:
    """All live entries of one model. `minimum`: tokens of the shortest prefix it keeps."""

    def __init__(self, *, minimum: int) -> None:
        self._minimum = minimum
        self._numbers: dict[tuple[int, Hashable], int] = {}
        self._entries: dict[int, _Entry] = {}

    def prompt(self, blocks: Sequence[tuple[Hashable, int]]) -> Prompt:
        """Lay out blocks: (what it says, its tokens) each."""
        made = Prompt()
        self.extend(made, blocks)
        return made

    def extend(self, prompt: Prompt, blocks: Sequence[tuple[Hashable, int]]) -> None:
        """Append blocks."""
        at, tokens = (prompt.chain[-1], prompt.upto[-1]) if prompt.chain else (0, 0)
        for says, size in blocks:
            # Two rows have the same number where they say the same from the start: nothing collides.
            at = self._numbers.setdefault((at, says), len(self._numbers) + 1)
            tokens += size
            prompt.chain.append(at)
            prompt.upto.append(tokens)

    def bill(
        self, prompt: Prompt, marks: Mapping[int, conversation.Lifetime], *, now: float, output: int = 0
    ) -> conversation.Usage:
        """What a request with these marks (block ─▶ lifetime) is billed at `now` seconds; it is kept."""
        chain, upto = prompt.chain, prompt.upto
        kept = {at: life for at, life in sorted(marks.items()) if upto[at] >= self._minimum}
        found = {at: self._look_back(chain, at, now) for at in kept}
        edge = last = max((hit for hit in found.values() if hit is not None), default=-1)
        written: dict[conversation.Lifetime, int] = {"none": 0, "5m": 0, "1h": 0}
        for at, life in kept.items():
            if at > edge:
                written[life] += upto[at] - (upto[edge] if edge >= 0 else 0)
                edge = at
        for at, life in kept.items():
            if found[at] != at:
                shorter = at <= last and caching.SECONDS[self._entries[chain[last]].lifetime]
                keeps: conversation.Lifetime = "5m" if shorter and shorter < caching.SECONDS[life] else life
                self._entries[chain[at]] = _Entry(lifetime=keeps, expires=now + caching.SECONDS[keeps])
        for hit in found.values():
            if hit is not None:
                entry = self._entries[chain[hit]]
                expires = max(entry.expires, now + caching.SECONDS[entry.lifetime])
                self._entries[chain[hit]] = dataclasses.replace(entry, expires=expires)
        return conversation.Usage(
            read=upto[last] if last >= 0 else 0,
            written_5m=written["5m"],
            written_1h=written["1h"],
            fresh=upto[-1] - (upto[edge] if edge >= 0 else 0),
            output=output,
        )

    def _look_back(self, chain: Sequence[int], at: int, now: float) -> int | None:
        for place in range(at, max(-1, at - caching.LOOK_BACK), -1):
            entry = self._entries.get(chain[place])
            if entry is not None and now < entry.expires:
                return place
        return None
