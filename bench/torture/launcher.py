"""Starts bots that share one warm interpreter, and bots that end at a named step.

    python -m bench.torture.launcher      reads a JSON line per wish, answers each with a JSON line

`{"start": {"env": {…}, "folder": …, "log": …, "kill": [step, nth] or null, "slow": seconds, "clock": file,
"memory": file}}` forks a child that runs `python -m bot` from its `main` on and answers `{"pid": …}`;
`{"wait": pid}` answers `{"status": …}` once it ended. Importing the program takes long, a fork a hundredth of
it: that buys a thousand kills. The bot itself knows nothing of steps: here, in a process made for it, its
parts are wrapped from outside.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import functools
import json
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

from bench.torture import memory
from bot import __main__ as program
from bot import claude, cli, thread_log
from bot.showing import drafts

ACK_SECONDS = 0.02  # after a commit the acknowledgement has gone out

# step: the class and method it belongs to, and whether the process ends before or after it (seconds after)
STEPS: dict[str, tuple[type, str, str]] = {
    "before the post is recorded": (thread_log.ThreadLog, "record", "before"),
    "recorded, not acknowledged": (thread_log.ThreadLog, "record", "after"),
    "acknowledged": (thread_log.ThreadLog, "record", "later"),
    "reply row made": (thread_log.ThreadLog, "begin", "after"),
    "plan stored": (thread_log.ThreadLog, "plan", "after"),
    "posted, id not stored": (thread_log.ThreadLog, "posted", "before"),
    "id stored": (thread_log.ThreadLog, "posted", "after"),
    "before Claude is called": (claude.Claude, "answer", "before"),
    "in mid answer": (drafts.Draft, "add", "fifth"),
    "answer whole, not stored": (thread_log.ThreadLog, "written", "before"),
    "answer stored, not shown": (thread_log.ThreadLog, "written", "after"),
    "shown, row open": (thread_log.ThreadLog, "end", "before"),
    "row closed": (thread_log.ThreadLog, "end", "after"),
}


def die() -> None:
    """End this process as a power cut does."""
    os.kill(os.getpid(), signal.SIGKILL)


def arm(step: str, nth: int) -> None:
    """Let this process end at the nth time that the step is reached."""
    owner, name, when = STEPS[step]
    original = getattr(owner, name)
    passed = 0

    @functools.wraps(original)
    async def stepped(*args: Any, **kwargs: Any) -> Any:
        nonlocal passed
        passed += 1
        mine = passed == nth
        if mine and when == "before":
            die()
        result = await original(*args, **kwargs)
        if mine and when == "after":
            die()
        if mine and when == "later":
            asyncio.get_running_loop().call_later(ACK_SECONDS, die)
        return result

    @functools.wraps(original)
    def counted(*args: Any, **kwargs: Any) -> Any:
        nonlocal passed
        passed += 1
        if passed == 5 * nth:
            die()
        return original(*args, **kwargs)

    setattr(owner, name, counted if when == "fifth" else stepped)


def slow_down(seconds: float) -> None:
    """Make every commit of a post take longer (a stalled disk)."""
    original: Callable[..., Awaitable[Any]] = thread_log.ThreadLog.record

    async def slowed(*args: Any, **kwargs: Any) -> Any:
        await asyncio.sleep(seconds)
        return await original(*args, **kwargs)

    thread_log.ThreadLog.record = slowed  # type: ignore[method-assign] # this process is made for it


def shift_clock(path: str) -> None:
    """Let the wall clock of this process be wrong by as many seconds as stand in a file, now and later."""
    true_time, true_class = time.time, dt.datetime

    def wrong() -> float:
        with open(path, encoding="ascii") as file:  # noqa: PTH123 - called for every look at the clock
            return float(file.read() or 0)

    class Shifted(true_class):  # type: ignore[valid-type, misc] # the class is a variable here
        """`datetime.now` as a host with a wrong clock gives it."""

        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> dt.datetime:
            """The wrong time, as a plain datetime."""
            moment: dt.datetime = true_class.fromtimestamp(true_time() + wrong(), tz)
            return moment

    time.time = lambda: true_time() + wrong()
    dt.datetime = Shifted  # type: ignore[misc] # this process is made for it


def child(wish: dict[str, Any]) -> None:
    """Become a bot; never returns."""
    status = 1
    try:
        os.environ.clear()
        os.environ.update(wish["env"])
        os.chdir(wish["folder"])
        log = os.open(wish["log"], os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        if wish.get("kill"):
            arm(*wish["kill"])
        if wish.get("slow"):
            slow_down(wish["slow"])
        if wish.get("clock"):
            shift_clock(wish["clock"])
        if wish.get("memory"):
            memory.tell(wish["memory"])
        sys.argv[1:] = []
        cli.main(run=program.run)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def main() -> None:
    """Serve wishes until standard input ends; then no bot is left, whatever became of who asked."""
    alive: set[int] = set()
    for line in sys.stdin:
        wish = json.loads(line)
        if "start" in wish:
            pid = os.fork()
            if pid == 0:
                child(wish["start"])
            alive.add(pid)
            answer: dict[str, Any] = {"pid": pid}
        else:
            _, status = os.waitpid(wish["wait"], 0)
            alive.discard(wish["wait"])
            answer = {"status": os.waitstatus_to_exitcode(status)}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    for pid in alive:
        os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
