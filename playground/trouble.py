"""Trouble on demand: each button with what it does, what one should see, and what pressing it has done."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable, Mapping

from playground import bot_process, calls, side

BUSY_TIMES = 2  # calls that fail in a row
PLATFORM_SECONDS = 3.0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Trouble:
    """One kind of trouble; `where`: the model, this side's platform, or the bot itself."""

    id: str
    label: str
    where: str
    does: str
    expect: str
    done: str  # told after the press


KINDS = (
    Trouble(
        id="rate_limit",
        label="Rate limit",
        where="model",
        does="The next call of the Messages API is answered with 429 and Retry-After: 2.",
        expect="The answer comes two seconds later.",
        done="It waits for the next call.",
    ),
    Trouble(
        id="overloaded",
        label="Overloaded model",
        where="model",
        does=f"The next {BUSY_TIMES} calls are answered with 529.",
        expect="The bot tries again, waiting a little longer each time.",
        done=f"It waits for the next {BUSY_TIMES} calls.",
    ),
    Trouble(
        id="cut",
        label="Cut stream",
        where="model",
        does="The next answer's stream breaks off in the middle.",
        expect="The call is made again and the post shows one whole answer.",
        done="It waits for the next answer.",
    ),
    Trouble(
        id="down",
        label="Model stays down",
        where="model",
        does="Every call is answered with 529, until you press “Model is back”.",
        expect="After a bounded wait one short sentence says so; nothing false enters the log.",
        done="The model is down.",
    ),
    Trouble(
        id="up",
        label="Model is back",
        where="model",
        does="Calls go through again; trouble that has not struck yet is forgotten.",
        expect="“retry” brings the answer, and so does the next post.",
        done="Calls are answered again.",
    ),
    Trouble(
        id="refuse_writes",
        label="Platform rate limit",
        where="platform",
        does="The platform answers the bot's next two writes with 429.",
        expect="The bot waits as told, and the answer arrives once.",
        done="It waits for the bot's next two writes.",
    ),
    Trouble(
        id="socket",
        label="Dropped socket",
        where="platform",
        does="The bot's connection to the platform is reset.",
        expect="It connects again; what was posted meanwhile is answered.",
        done="The connection was reset.",
    ),
    Trouble(
        id="duplicate",
        label="Duplicate delivery",
        where="platform",
        does="The platform delivers the next post twice.",
        expect="One answer.",
        done="It waits for the next post.",
    ),
    Trouble(
        id="kill",
        label="Kill the bot",
        where="bot",
        does="SIGKILL: the bot's process ends at once, in the middle of whatever it does.",
        expect="Start it again, and it finishes what it had accepted.",
        done="The bot was killed.",
    ),
    Trouble(
        id="start",
        label="Start the bot",
        where="bot",
        does="Starts the bot's process again on the same thread log.",
        expect="Half-shown answers are completed in place; what was missed is caught up.",
        done="The bot is starting.",
    ),
)

Cause = Callable[[], Awaitable[None]]


def causes(where: side.Side, model: calls.Model, bot: bot_process.BotProcess) -> Mapping[str, Cause]:
    """What each button does, on this side."""

    async def fail(kind: str, times: int | None) -> None:
        model.fail(kind, times=times)

    async def heal() -> None:
        model.heal()

    async def refuse() -> None:
        where.refuse_writes(seconds=PLATFORM_SECONDS)

    async def duplicate() -> None:
        where.duplicate_next()

    return {
        "rate_limit": lambda: fail("rate_limit", 1),
        "overloaded": lambda: fail("overloaded", BUSY_TIMES),
        "cut": lambda: fail("cut", 1),
        "down": lambda: fail("overloaded", None),
        "up": heal,
        "refuse_writes": refuse,
        "socket": where.drop_socket,
        "duplicate": duplicate,
        "kill": bot.kill,
        "start": bot.start,
    }
