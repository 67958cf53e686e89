"""One platform, one Claude, one database, and bots on it: what every row is played in."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import inspect
import os
import pathlib
import random
import shutil
import signal
import socket
import sqlite3
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

from bench.torture import nursery, oracle, worlds
from bot import errors
from emulators import claude

KEY = "sk-ant-emulated-key-of-the-torture"
SETTLE_SECONDS = 60.0
LOOK_SECONDS = 0.02
LAST = 600  # characters of the log that a row which breaks leaves behind
SENTENCES = (
    *(
        " ".join((inspect.getdoc(each) or "").split())
        for each in vars(errors).values()
        if isinstance(each, type) and issubclass(each, errors.ThreadmateError)
    ),
    "Claude takes no more requests for about",  # as long as it says
)
REFUSALS = ("is used up", "more than the whole budget", "what is left of the budget")  # for want of money
_STOP = frozenset({"unhandled", "was never retrieved", "bot.crashed"})


@dataclasses.dataclass(frozen=True, kw_only=True)
class Health:
    """What is asserted after every row, whatever it is about (row G of the matrix)."""

    integrity: str  # SQLite's own word
    due: int  # conversations with something left to do
    secrets: int  # lines of the log that hold a token
    unhandled: int  # lines of the log that tell of an exception nobody took
    peak_mib: float  # the last bot's

    @property
    def good(self) -> bool:
        """Whether all of it is as it should be."""
        return self.integrity == "ok" and not (self.due or self.secrets or self.unhandled)


class Arena:
    """See the module. Made by `opened`."""

    def __init__(
        self, *, world: worlds.World, api: claude.Claude, home: nursery.Nursery, folder: pathlib.Path
    ) -> None:
        self.world, self.api, self._home, self.folder = world, api, home, folder
        self.chance = random.Random(0)  # noqa: S311 - a test's luck, not a secret
        self.database = folder / "bot.db"
        self.asked: list[oracle.Asked] = []
        self.options: dict[str, str] = {}
        self.kills = 0
        self.pid: int | None = None
        self.exits: list[int] = []
        self._numbers = 0
        self._peak = 0.0
        api.answer = self._say
        self.host_clock: pathlib.Path | None = None  # a file: seconds by which the bots' is wrong
        self.memory: pathlib.Path | None = None  # a file: where the bots tell what they hold
        self.pace = 0.02  # seconds between pieces of 16 characters that Claude says

    # People.

    async def ask(self, place: worlds.Place | None = None, text: str = "", **how: Any) -> worlds.Said:
        """Ask a question with a word of its own: by mention in a channel, as it is in a thread or a DM."""
        place = place or self.world.channels[0]
        self._numbers += 1
        word = oracle.word(self._numbers)
        top = place in self.world.channels
        write = self.world.mention if top else self.world.post
        said = await write(place, f"{word} {text or 'what do you say?'}", **how)
        self.asked.append(oracle.Asked(word=word, conversation=said.conversation, post=said.id))
        return said

    # The bot.

    @property
    def log(self) -> pathlib.Path:
        """What the bots have logged."""
        return self.folder / "bot.log"

    def environment(self) -> dict[str, str]:
        """What a bot is started with."""
        return {
            "PATH": os.environ.get("PATH", ""),
            "ANTHROPIC_API_KEY": KEY,
            "ANTHROPIC_BASE_URL": self.api.url,
            "DATABASE_URL": f"sqlite:///{self.database}",
            "BOT_HTTP_PORT": "0",
            "BOT_LOG_FORMAT": "json",
            **self.world.credentials(),
            **self.options,
        }

    async def start(
        self, *, wait: bool = True, kill: tuple[str, int] | None = None, slow: float = 0.0
    ) -> int:
        """Start a bot and wait until it is connected."""
        self.pid = await self._home.start(
            env=self.environment(),
            folder=self.folder,
            log=self.log,
            kill=kill,
            slow=slow,
            clock=self.host_clock,
            memory=self.memory,
        )
        if wait:
            await self.until(self.world.listening)
        return self.pid

    async def kill(self) -> None:
        """`kill -9`, and wait until the platform has noticed."""
        if self.pid is not None:
            self._note_peak()
            await self._home.kill(self.pid)
            self.pid = None
            self.kills += 1
            await self.until(self.world.deaf)

    async def stop(self, *, seconds: float = 40.0) -> int:
        """SIGTERM, and wait until it is gone; its exit status."""
        assert self.pid is not None
        self._note_peak()
        pid, self.pid = self.pid, None
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        if not await self.gone(pid, seconds=seconds):
            await self._home.kill(pid)
            raise TimeoutError("the bot did not end on SIGTERM")
        self.exits.append(await self._home.ended(pid))
        return self.exits[-1]

    @property
    def alive(self) -> bool:
        """Whether the bot has not ended by itself."""
        return self.pid is not None and _running(self.pid)

    async def gone(self, pid: int, *, seconds: float) -> bool:
        """Wait until a process has ended by itself; False when it has not in so many seconds."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not _running(pid):
                return True
            await asyncio.sleep(0.01)
        return False

    async def died(self, *, seconds: float) -> bool:
        """Wait until the bot has met its step; True when it ended by itself, else it is killed."""
        assert self.pid is not None
        by_itself = await self.gone(self.pid, seconds=seconds)
        await self.kill()
        return by_itself

    def peak_mib(self) -> float:
        """The most memory that the running bot has used."""
        self._note_peak()
        return self._peak

    # The oracle.

    async def until(self, predicate: Callable[[], bool], *, seconds: float = 30.0) -> None:
        """Wait until something holds; TimeoutError after so many seconds."""
        async with asyncio.timeout(seconds):
            while not predicate():  # noqa: ASYNC110 - what is waited for has no event
                await asyncio.sleep(LOOK_SECONDS)

    async def called(self, calls: int) -> None:
        """Wait until Claude was called so often."""
        await self.until(lambda: self.calls >= calls)

    def verdict(self) -> oracle.Verdict:
        """What people see now against what they wrote."""
        return oracle.judge(self.asked, self.world.seen(), sentences=(*SENTENCES, *REFUSALS))

    async def settle(self, *, seconds: float = SETTLE_SECONDS) -> oracle.Verdict:
        """Wait until everything is answered and whole, and a while longer for what is too much."""
        with contextlib.suppress(TimeoutError):
            await self.until(self._complete, seconds=seconds)
            await asyncio.sleep(0.3)
        return self.verdict()

    def _complete(self) -> bool:
        verdict = self.verdict()
        return not verdict.lost and not verdict.stuck

    @property
    def calls(self) -> int:
        """How often Claude was called."""
        return len(self.api.requests)

    async def health(self) -> Health:
        """End the bot and look at what it leaves behind."""
        self._note_peak()
        if self.pid is not None:
            await self.stop()
        with contextlib.closing(sqlite3.connect(self.database)) as db:
            integrity = str(db.execute("PRAGMA integrity_check").fetchone()[0])
            due = db.execute(
                "SELECT count(*) FROM (SELECT conversation FROM replies"
                " WHERE state IN ('due', 'opened', 'written') UNION"
                " SELECT conversation FROM posts WHERE addressed = 1 AND reply IS NULL)"
            ).fetchone()[0]
        lines = self.told().splitlines()
        hidden = [KEY, *self.world.secrets()]
        return Health(
            integrity=integrity,
            due=due,
            secrets=sum(any(secret in line for secret in hidden) for line in lines),
            unhandled=sum(any(word in line for word in _STOP) for line in lines),
            peak_mib=self._peak,
        )

    def told(self) -> str:
        """What the bots have logged so far."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def _note_peak(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
                if line.startswith("VmHWM"):
                    self._peak = max(self._peak, int(line.split()[1]) / 1024)

    def _say(self, body: dict[str, Any]) -> claude.Answer:
        return claude.Answer(text=oracle.answer(body), delay=self.pace)


@contextlib.asynccontextmanager
async def opened(
    platform: str, *, home: nursery.Nursery, seed: int = 0, offset: float = 0.0
) -> AsyncIterator[Arena]:
    """An arena on "slack" or "discord", with no bot running; `offset` of the platform's clock in seconds."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="torture-"))
    world = worlds.WORLDS[platform](offset=offset)
    try:
        async with claude.Claude() as api, world as made:
            arena = Arena(world=made, api=api, home=home, folder=folder)
            arena.chance.seed(seed)
            try:
                yield arena
            except Exception as error:
                error.add_note(f"the bot's last lines: {arena.told()[-LAST:]}")
                raise
            finally:
                api.heal()
                if arena.pid is not None:
                    await home.kill(arena.pid)
                # A killed bot hangs up in mid answer, which is no mistake of the stand-in's.
                api.errors[:] = [each for each in api.errors if not isinstance(each, ConnectionError)]
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _running(pid: int) -> bool:
    """Whether a process is neither gone nor a zombie."""
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"
