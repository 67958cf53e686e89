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

SHARD_SEEDS = 100_000
EPOCH = 25  # kills in one database, so that what went wrong can be found
PACE = 0.005  # seconds between pieces of an answer: it is written in some 60 ms
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


async def steps(how: play.Run, score: play.Score) -> None:
    """The bot ends at one labelled step, is started again, and the conversation goes on.

    The steps take turns, each shard beginning with another one: however short shards are, all steps get on.
    """
    deadline, round_ = how.deadline, 0
    batch, rounds = (1, 1) if how.quick else (5, 10)
    names = list(launcher.STEPS)
    first = 3 * (how.seed // SHARD_SEEDS) % len(names)
    while round_ < rounds and time.monotonic() < deadline:
        for step in names[first:] + names[:first]:
            if round_ and time.monotonic() >= deadline:
                break
            met = await _at_step(how, score, step, batch, seed=how.seed + round_)
            score.count(**{step.replace(" ", "_"): met})
        round_ += 1


async def _at_step(how: play.Run, score: play.Score, step: str, times: int, *, seed: int) -> int:
    met = 0
    async with arena.opened(how.platform, home=how.home, seed=seed) as stage:
        await _warm_up(stage)
        for number in range(times):
            await stage.start(wait=False, kill=(step, 1))
            await stage.until(lambda: stage.world.listening() or not stage.alive)  # it may be met at once
            said = await stage.ask(stage.chance.choice(stage.world.channels))
            reached = await stage.died(seconds=8)
            score.check(reached, f"the step {step!r} was not reached")
            met += reached
            await stage.start()
            if number % 3 == 0:
                await stage.until(functools.partial(stage.world.reachable, said.thread))
                await stage.ask(said.thread)
            await stage.settle()
            await stage.kill()
        score.count(kills=met)
        await stage.start()
        await score.judge(stage, await stage.settle())
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


ROWS = (
    play.Row(id="F1", title="kill -9 at a random instant", play=random_kills),
    play.Row(id="F2", title="kill -9 at every labelled step", play=steps),
)
