"""Ten thousand requests, the bot restarted between any two: no prefix breaks by itself."""

from __future__ import annotations

import dataclasses

from bench import context_data
from bot import conversation
from bot.money import replay
from bot.planning import context
from bot.thread_log import rows

REQUESTS = 10_000


@dataclasses.dataclass(kw_only=True)
class Watcher:
    """Holds each request against the one before, block by block."""

    system: str
    requests: int = 0
    renewals: int = 0  # a cut or a segment put to use: the prefix is meant to change
    breaks: int = 0
    _before: list[str] = dataclasses.field(default_factory=list)
    _cover: tuple[int | None, int] = (None, 0)

    def __call__(self, thread: conversation.Thread, plan: conversation.Plan) -> None:
        """Build the request as a new process would, from what is in the log."""
        plan = rows.load_plan(rows.dump_plan(plan))
        request = context.request(thread, plan, system=self.system)
        sent = [f"{turn.role}{block.text}" for turn in request.turns for block in turn.blocks]
        cover = (plan.newest_summary, plan.first_place)
        if self.requests and cover != self._cover:
            self.renewals += 1
        elif sent[: len(self._before)] != self._before:
            self.breaks += 1
        self._before, self._cover = sent, cover
        self.requests += 1


def measure(setting: replay.Setting) -> str:
    """Replay until there were enough requests; what was seen."""
    total = Watcher(system=setting.system)
    _, threads = context_data.threads(5_000)
    while total.requests < REQUESTS:
        for thread in threads:
            watcher = Watcher(system=setting.system)
            for _ in replay.run(replay.exchanges(thread), setting, watcher):
                pass
            total.requests += watcher.requests
            total.renewals += watcher.renewals
            total.breaks += watcher.breaks
    return (
        f"Prefixes over {total.requests:,} requests, each built anew from its logged plan: {total.renewals} "
        f"renewed by a cut or a segment put to use, {total.breaks} broken otherwise."
    )
