"""F3, F4, F5, F8 and F11: what happens to events on their way, and what was missed while the bot was down."""

from __future__ import annotations

import asyncio

from bench.torture import arena, play, worlds
from bot import workers
from emulators import discord, slack

HOUR = 3_600.0


async def retry_storm(how: play.Run, score: play.Score) -> None:
    """Every event comes ten times at once over all sockets, acknowledgements are lost, and the bot is killed.

    So that some come again to a process that has not heard them: what it knows is what stands in the log.
    """
    async with arena.opened(how.platform, home=how.home) as stage:
        await stage.start()
        stage.world.doubled = 10
        for _ in range(8 if how.quick else 200):
            if isinstance(stage.world, worlds.SlackWorld):
                stage.world.service.faults.lose_acks += 3
            await stage.ask(stage.chance.choice([*stage.world.channels, stage.world.dm]))
            await asyncio.sleep(0.02)
        await stage.settle()
        await stage.kill()
        await stage.start()
        verdict = await stage.settle()
        if isinstance(stage.world, worlds.SlackWorld):
            await stage.world.service.settled(timeout_seconds=30)
            score.count(deliveries=sum(each.attempts for each in stage.world.service.events))
        await asyncio.sleep(workers.LOOK_SECONDS + 0.5)  # by then the bot has looked for what is due
        whole = [each for each in stage.world.seen() if each.text]
        in_dm = stage.world.name == "discord"  # its DM is one conversation: a burst there is one answer
        score.check(in_dm or len(whole) == len(stage.asked), f"{len(whole)} posts for {len(stage.asked)}")
        await score.judge(stage, verdict, most_calls=1.0)
        score.check(score.counts["model calls"] <= len(stage.asked), "a question was sent twice")


async def out_of_order(how: play.Run, score: play.Score) -> None:
    """Events are shuffled, and (Slack) come two and twenty-three hours late."""
    async with arena.opened(how.platform, home=how.home) as stage:
        world = stage.world
        await stage.start()
        first = await stage.ask()
        await stage.settle()
        for _ in range(2 if how.quick else 25):
            await _shuffled(stage, first.thread)
            await stage.settle()
        if isinstance(world, worlds.SlackWorld):
            for late in (2 * HOUR, 23 * HOUR):
                async with arena.opened(how.platform, home=how.home, offset=-late) as other:
                    await _late(other, score)
        await score.judge(stage, await stage.settle())


async def _shuffled(stage: arena.Arena, thread: worlds.Place) -> None:
    world = stage.world
    if isinstance(world, worlds.SlackWorld):
        world.service.faults.reorder(12)  # four posts in threads are four events, a mention is two
        for _ in range(4):
            await stage.ask(world.channels[1])
            await stage.ask(thread)
    else:
        assert isinstance(world, worlds.DiscordWorld)
        for _ in range(4):
            world.service.disturb(discord.Disturbance(kind="reorder"))
            await stage.ask(thread)
            await stage.ask(thread)


async def _late(stage: arena.Arena, score: play.Score) -> None:
    world = stage.world
    assert isinstance(world, worlds.SlackWorld)
    await stage.start()
    world.service.faults.hold()
    for place in (*world.channels, world.dm):
        await stage.ask(place)
    world.offset = 0
    world.service.faults.release()
    await score.judge(stage, await stage.settle())


async def ack_deadline(how: play.Run, score: play.Score) -> None:
    """Commits take long: Slack hears of a post only once it is stored, or sends it again."""
    for slow in (1.0,) if how.quick else (0.5, 1.0, 2.0, 4.0, 8.0):
        async with arena.opened(how.platform, home=how.home) as stage:
            await stage.start(slow=slow)
            for _ in range(10):
                await stage.ask(stage.chance.choice(stage.world.channels))
            verdict = await stage.settle(seconds=60 + 10 * slow)  # on Discord one channel's posts take turns
            world = stage.world
            if isinstance(world, worlds.SlackWorld):
                waits = [
                    each.acked_at - float(each.event["ts"])
                    for each in world.service.events
                    if each.acked_at is not None and each.event.get("user") == world.ada
                ]
                score.check(
                    min(waits, default=slow) >= slow, "an event was acknowledged before it was stored"
                )
                if slow < 2:
                    score.high(slowest_ack_s=max(waits, default=0.0))
                    score.check(max(waits, default=0.0) < 3, "an event was acknowledged after three seconds")
            await score.judge(stage, verdict)


async def dropped_answers(how: play.Run, score: play.Score) -> None:
    """The platform carries a call out and its answer is lost, for the first post of every other reply."""
    async with arena.opened(how.platform, home=how.home) as stage:
        await stage.start()
        for number in range(6 if how.quick else 150):
            if number % 2:
                stage.world.lose_first_sign(1)
                if isinstance(stage.world, worlds.SlackWorld) and number % 4 == 3:
                    stage.world.service.fail(slack.Fault(kind="lose_response", method="chat.stopStream"))
                score.count(answers_dropped=1)
            await stage.ask(stage.chance.choice(stage.world.channels))
            await asyncio.sleep(0.1)
        await score.judge(stage, await stage.settle(), most_calls=1.0)


async def cold_restart(how: play.Run, score: play.Score) -> None:
    """People write while the bot is down: threads, DMs, and mentions where it has answered before."""
    for downtime in (1.0,) if how.quick else (1.0, 60.0, 600.0, 20 * HOUR):
        async with arena.opened(how.platform, home=how.home, offset=-30 * HOUR) as stage:
            world = stage.world
            foreign = world.channel("foreign")
            await stage.start()
            known = [await stage.ask(place) for place in (*world.channels, world.dm)]
            await stage.settle()
            await stage.stop()
            told = world.name == "discord"  # Slack would deliver again; here it has given up
            left_alone = [await world.mention(world.channels[0], "stale: too old", event=told)]
            world.offset = -downtime
            for said in known:
                await stage.ask(said.thread, event=told)
            for place in (*world.channels, world.dm):
                await stage.ask(place, event=told)
            for number in range(3 if how.quick else 110):  # more than one page of a history
                await stage.ask(world.channels[number % 2], event=told)
            left_alone.append(await world.mention(foreign, "never answered here", event=told))
            world.offset = 0
            await stage.start()
            verdict = await stage.settle(seconds=120)
            seen = {each.conversation for each in world.seen()}
            wrong = [said.id for said in left_alone if said.conversation in seen]
            score.count(left_alone=len(left_alone))
            score.check(not wrong, f"answered what should be left alone: {wrong}")
            await score.judge(stage, verdict)


ROWS = (
    play.Row(id="F3", title="every event many times", play=retry_storm),
    play.Row(id="F4", title="events out of order and late", play=out_of_order),
    play.Row(id="F5", title="slow commits against the three seconds", play=ack_deadline),
    play.Row(id="F8", title="answers of the platform lost after the deed", play=dropped_answers),
    play.Row(id="F11", title="what was written while the bot was down", play=cold_restart),
)
