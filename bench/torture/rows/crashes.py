"""F1 and F2: kill -9 at random instants, and at every labelled step."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import pathlib
import shutil
import time
from collections.abc import AsyncIterator

from bench.torture import arena, launcher, play, worlds
from emulators import claude

EPOCH = 25  # kills in one database, so that what went wrong can be found
PACE = 0.01  # seconds between pieces of an answer: it is written in a tenth of a second or two
FOLLOW = 0.6  # chance that a question goes on in a thread that is there
TROUBLE = 0.08  # chance of a misfortune with each question, several kinds together


async def random_kills(how: play.Run, score: play.Score) -> None:
    """Questions keep coming while the bot is killed 20 to 600 ms after it is connected, again and again."""
    deadline, seed = how.deadline, how.seed
    kills = 4 if how.quick else 1_000
    while kills > 0 and time.monotonic() < deadline:
        seed += 1
        async with arena.opened(how.platform, home=how.home, seed=seed) as stage:
            await _warm_up(stage)
            stage.pace = PACE
            async with _traffic(stage):
                for _ in range(min(EPOCH, kills)):
                    await stage.start(wait=stage.chance.random() > 0.1)
                    await asyncio.sleep(stage.chance.uniform(0.02, 0.6))
                    await stage.kill()
            kills -= EPOCH
            await stage.start()
            verdict = await stage.settle()
            score.count(kills=stage.kills - 1)
            _count_acknowledged(stage, verdict.lost, score)
            if verdict.lost and os.environ.get("TORTURE_KEEP"):
                _keep(stage, verdict.lost)
            await score.judge(stage, verdict)
    _check_calls(score)


async def steps(how: play.Run, score: play.Score) -> None:
    """The bot ends at one labelled step, is started again, and the conversation goes on."""
    deadline = how.deadline
    times = 1 if how.quick else 50
    for step in launcher.STEPS:
        done = 0
        while done < times and time.monotonic() < deadline:
            batch = min(times - done, 10)
            done += await _at_step(how, score, step, batch)
        score.count(**{step.replace(" ", "_"): done})
    _check_calls(score)


async def _at_step(how: play.Run, score: play.Score, step: str, times: int) -> int:
    met = 0
    async with arena.opened(how.platform, home=how.home, seed=how.seed + times) as stage:
        await _warm_up(stage)
        for number in range(times):
            await stage.start(wait=False, kill=(step, 1))
            await stage.until(lambda: stage.world.listening() or not stage.alive)  # it may be met at once
            said = await stage.ask(stage.chance.choice(stage.world.channels))
            if not await stage.died(seconds=8):
                score.check(False, f"the step {step!r} was not reached")  # noqa: FBT003 - it is a plain failure
            met += 1
            await stage.start()
            if number % 3 == 0:
                await stage.until(functools.partial(stage.world.reachable, said.thread))
                await stage.ask(said.thread)
            await stage.settle()
            await stage.kill()
        score.count(kills=met)
        await stage.start()
        await score.judge(stage, await stage.settle(), most_calls=2.0)
    return met


async def _warm_up(stage: arena.Arena) -> None:
    """One answer in each place, so that the bot is known there: nothing is caught up on elsewhere."""
    await stage.start()
    for place in (*stage.world.channels, stage.world.dm):
        await stage.ask(place)
    await stage.settle()
    await stage.kill()


@contextlib.asynccontextmanager
async def _traffic(stage: arena.Arena) -> AsyncIterator[None]:
    """People write, whether the bot is up or not; some events come twice, some calls fail."""

    async def write() -> None:
        threads: list[worlds.Place] = []
        while True:
            chance = stage.chance
            stage.world.doubled = 2 if chance.random() < 0.1 else 1
            known = [place for place in threads[-8:] if stage.world.reachable(place)]
            if known and chance.random() < FOLLOW:
                await stage.ask(chance.choice(known))
            else:
                said = await stage.ask(chance.choice([*stage.world.channels, stage.world.dm]))
                threads.append(said.thread)
            if chance.random() < TROUBLE:
                stage.world.trouble(chance)
            if chance.random() < TROUBLE / 2:
                kind = chance.choice(["overloaded", "cut", "eof", "error_event"])
                stage.api.fail(claude.Fault(kind=kind, after=2))
            await asyncio.sleep(chance.uniform(0.05, 0.25))

    task = asyncio.create_task(write())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error


def _count_acknowledged(stage: arena.Arena, lost: tuple[str, ...], score: play.Score) -> None:
    """How many of the lost questions had been acknowledged: the worst that can happen."""
    acknowledged = stage.world.acknowledged()
    accepted = {each.word for each in stage.asked if each.post in acknowledged}
    score.count(acknowledged=len(accepted), acknowledged_and_lost=len(accepted.intersection(lost)))


def _keep(stage: arena.Arena, lost: tuple[str, ...]) -> None:
    """Keep what a look at a failure needs: the log, the database, and what the platform knows."""
    folder = pathlib.Path(os.environ["TORTURE_KEEP"]) / lost[0]
    shutil.copytree(stage.folder, folder, dirs_exist_ok=True)
    told = [f"{each.word} {each.post} {each.conversation}" for each in stage.asked if each.word in lost]
    if isinstance(stage.world, worlds.SlackWorld):
        told += [
            f"{each.event.get('ts')} {each.event.get('type')} {each.status} {each.attempts}"
            for each in stage.world.service.events
        ]
    told += [f"seen {each.conversation} {each.id} {each.text[:60]}" for each in stage.world.seen()]
    (folder / "platform.txt").write_text("\n".join(told))


def _check_calls(score: play.Score) -> None:
    asked, calls = score.counts.get("questions", 0), score.counts.get("model calls", 0)
    if asked:
        score.high(calls_per_question=calls / asked)


ROWS = (
    play.Row(id="F1", title="kill -9 at a random instant", play=random_kills),
    play.Row(id="F2", title="kill -9 at every labelled step", play=steps),
)
