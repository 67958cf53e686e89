"""F6, F7, F9, F10 and F16: limits and outages of the platforms and of Claude, and broken connections."""

from __future__ import annotations

import time
from typing import Any

from bench.torture import arena, oracle, play, worlds
from emulators import claude, discord, slack


async def rate_limits(how: play.Run, score: play.Score) -> None:
    """Every call is refused with a wait, in every form there is; the final text lands all the same."""
    for retry_after in (1,) if how.quick else (1, 5, 30):
        for kind in ("ratelimited", "error") if how.platform == "slack" else ("ratelimited", "global"):
            async with arena.opened(how.platform, home=how.home) as stage:
                await stage.start()
                await stage.ask()
                await stage.settle()
                _limit(stage.world, kind, retry_after)
                began = time.monotonic()
                stage.pace = 0.1
                for place in stage.world.channels:
                    await stage.ask(place)
                verdict = await stage.settle(seconds=60 + 12 * retry_after)
                score.high(until_final_text_s=time.monotonic() - began)
                if kind != "error":
                    early = _too_early(stage.world, retry_after)
                    score.check(not early, f"called again before the wait was over: {early}")
                await score.judge(stage, verdict, most_calls=1.0)


def _limit(world: worlds.World, kind: str, retry_after: int) -> None:
    if isinstance(world, worlds.SlackWorld):
        for method in ("chat.*", "conversations.*"):
            world.service.fail(
                slack.Fault(kind=kind, method=method, error="ratelimited", retry_after=retry_after, times=4)
            )
    else:
        assert isinstance(world, worlds.DiscordWorld)
        world.service.fail(
            discord.Fault(
                kind="global" if kind == "global" else "ratelimited",
                path="/messages",
                retry_after=float(retry_after),
                times=4,
            )
        )


def _too_early(world: worlds.World, retry_after: int) -> list[str]:
    """Methods that were called for one channel before the wait for that channel was over (Slack)."""
    if not isinstance(world, worlds.SlackWorld):
        return []
    until: dict[tuple[str, str, str], float] = {}
    early = []
    for call in world.service.calls:
        key = (call.method, str(call.args.get("channel")), str(call.args.get("thread_ts")))
        if call.at < until.get(key, 0.0):
            early.append(call.method)
        if call.fault == "ratelimited":
            until[key] = call.at + 0.95 * retry_after
    return early


MODEL_FAULTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("two overloads", {"kind": "overloaded", "times": 2}),
    ("overloaded for good", {"kind": "overloaded", "times": None}),
    ("limited for an hour", {"kind": "rate_limit", "retry_after": 3600, "times": None}),
    ("spend limit", {"kind": "spend_cap", "times": None}),
    ("key refused", {"kind": "unauthorized", "times": None}),
    ("error inside the stream", {"kind": "error_event", "after": 3}),
    ("stream ends early, cleanly", {"kind": "eof", "after": 3}),
    ("stream ends early, always", {"kind": "eof", "after": 3, "times": None}),
    ("connection cut", {"kind": "cut", "after": 3}),
    ("bytes that are no events", {"kind": "garbage", "after": 3}),
    ("no answer at all", {"kind": "drop", "times": 2}),
    ("declined", {"kind": "refusal"}),
    ("no word", {"kind": "empty"}),
)
STALL: tuple[str, dict[str, Any]] = ("nothing comes any more", {"kind": "stall", "after": 3})


async def model_faults(how: play.Run, score: play.Score) -> None:
    """Claude fails in each way it has; the person sees an answer or one reason, and the thread goes on."""
    chosen = MODEL_FAULTS[4:9] if how.quick else (*MODEL_FAULTS, STALL)
    async with arena.opened(how.platform, home=how.home) as stage:
        await stage.start()
        for name, fault in chosen:
            stage.api.fail(claude.Fault(**fault))
            began = time.monotonic()
            said = await stage.ask(stage.chance.choice(stage.world.channels))

            def told(where: str = said.conversation) -> bool:
                texts = [each.text for each in stage.world.seen() if each.conversation == where]
                return any(oracle.END in text or any(s in text for s in arena.SENTENCES) for text in texts)

            try:
                await stage.until(told, seconds=150)
            except TimeoutError:
                score.check(False, f"{name}: nothing was said in 150 s")  # noqa: FBT003 - a plain failure
            score.high(until_a_word_s=time.monotonic() - began)
            if fault["kind"] == "refusal":  # that is its answer: it is in no later request
                stage.asked = [each for each in stage.asked if each.post != said.id]
            stage.api.heal()
            await stage.ask(said.thread)
            score.count(faults=1)
            if not (await stage.settle()).good:
                break
        await score.judge(stage, await stage.settle())


async def slack_sockets(how: play.Run, score: play.Score) -> None:
    """Slack ends sockets in each way it has while people write."""
    kinds = ("refresh", "abort") if how.quick else ("refresh", "warning", "link_disabled", "abort", "silent")
    async with arena.opened(how.platform, home=how.home) as stage:
        await stage.start()
        for kind in kinds:
            for _ in range(1 if how.quick else 5):
                began = time.monotonic()
                await stage.world.disconnect(kind)
                for place in (*stage.world.channels, stage.world.dm):
                    await stage.ask(place)
                await stage.settle(seconds=120)
                await stage.until(stage.world.listening, seconds=90)
                score.high(**{f"{kind}_until_answered_s": time.monotonic() - began})
                score.count(breaks=1)
        await score.judge(stage, await stage.settle(), most_calls=1.0)


GATEWAY_BREAKS: tuple[dict[str, Any], ...] = (
    {"kind": "reconnect"},
    {"kind": "invalid_session", "resumable": False},
    {"kind": "cut"},
    {"kind": "abort", "refuse_resume": True},
    {"kind": "invalid_session", "resumable": True},
    {"kind": "abort"},
    {"kind": "close", "code": 4000},
    {"kind": "close", "code": 4009},
    {"kind": "ready"},
)


async def discord_gateway(how: play.Run, score: play.Score) -> None:
    """Discord breaks the session in each way it has while people write; for good, the program says why."""
    breaks = GATEWAY_BREAKS[:4] if how.quick else GATEWAY_BREAKS
    async with arena.opened(how.platform, home=how.home) as stage:
        world = stage.world
        assert isinstance(world, worlds.DiscordWorld)
        await stage.start()
        for place in (*world.channels, world.dm):
            await stage.ask(place)
        await stage.settle()
        for each in breaks:
            began = time.monotonic()
            await world.service.break_gateway(**each)
            for number in range(4 if how.quick else 20):
                await stage.ask((*world.channels, world.dm)[number % 3])
            await stage.settle(seconds=90)
            world.service.gateway.refuse_resume = False
            await stage.until(world.listening)
            score.high(until_answered_s=time.monotonic() - began)
            score.count(breaks=1)
        await score.judge(stage, await stage.settle())
    for code in () if how.quick else (4004, 4014):
        async with arena.opened(how.platform, home=how.home) as stage:
            assert isinstance(stage.world, worlds.DiscordWorld)
            pid = await stage.start()
            if code == 4014:
                stage.world.service.missing_intents.add("message_content")
            await stage.world.service.break_gateway(kind="close", code=code)
            score.check(await stage.gone(pid, seconds=20), f"the bot goes on after {code}")


async def slow_consumer(how: play.Run, score: play.Score) -> None:
    """Calls for one channel take five seconds and Claude is slow there; other conversations do not wait."""
    async with arena.opened(how.platform, home=how.home) as stage:
        await stage.start()
        slow, quick = stage.world.channels
        await stage.ask(quick)
        await stage.settle()
        _delay(stage.world, slow.channel, 3.0 if how.quick else 5.0)
        for _ in range(20 if how.quick else 60):
            await stage.ask(slow)
        waits = []
        for _ in range(5 if how.quick else 30):
            began = time.monotonic()
            said = await stage.ask(quick)

            def answered(where: str = said.conversation) -> bool:
                return any(
                    each.conversation == where and oracle.END in each.text for each in stage.world.seen()
                )

            await stage.until(answered)
            waits.append(time.monotonic() - began)
        waits.sort()
        score.high(quick_channel_slowest_s=waits[-1], quick_channel_median_s=waits[len(waits) // 2])
        score.check(waits[-1] < 2.5, "a slow channel slows another one down")
        # On Discord the calls of one channel take turns: sixty threads are opened there, five seconds each.
        await score.judge(stage, await stage.settle(seconds=420), most_calls=1.0)


def _delay(world: worlds.World, channel: str, seconds: float) -> None:
    if isinstance(world, worlds.SlackWorld):
        world.service.fail(
            slack.Fault(
                kind="delay",
                method="chat.*",
                delay=seconds,
                times=1_000,
                match=lambda args: args.get("channel") == channel,
            )
        )
    else:
        assert isinstance(world, worlds.DiscordWorld)
        world.service.fail(
            discord.Fault(kind="delay", path=f"/channels/{channel}/", seconds=seconds, times=1_000)
        )


ROWS = (
    play.Row(id="F6", title="every call limited", play=rate_limits),
    play.Row(id="F7", title="Claude fails in each way it has", play=model_faults),
    play.Row(id="F9", title="Slack ends sockets", play=slack_sockets, platforms=("slack",)),
    play.Row(id="F10", title="Discord breaks the session", play=discord_gateway, platforms=("discord",)),
    play.Row(id="F16", title="one slow channel", play=slow_consumer),
)
