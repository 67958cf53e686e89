"""F17 to F20: hostile words and files, posts Claude refuses, deletions, and conversations kept apart."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import re
from typing import Any

from bench.torture import arena, oracle, play, worlds
from bench.torture.rows import words
from emulators import claude, discord

ECHO = 1_500  # characters: one post of Discord, more than one of Slack where signs are escaped
BATCH = 10  # hostile texts in one thread
_SUMMARY = re.compile(r"<summary>.*?</summary>", re.DOTALL)
_CANARY = re.compile(r"canary-[0-9]{4}-bird")


async def hostile(how: play.Run, score: play.Score) -> None:
    """Hostile texts in threads; Claude says them back; a plain question is answered after each batch."""
    async with arena.opened(how.platform, home=how.home) as stage:
        stage.pace = 0.0
        stage.api.answer = _echo
        await stage.start()
        longest = 1_900 if how.platform == "discord" else 39_000
        corpus = list(words.texts(80 if how.quick else 1_100, longest=longest))
        for start in range(0, len(corpus), BATCH):
            said = await stage.ask(stage.world.channels[start // BATCH % 2])
            await stage.settle()
            for text in corpus[start : start + BATCH]:
                if text.strip():
                    with contextlib.suppress(discord.ApiError):  # what Discord itself lets nobody post
                        await stage.world.post(said.thread, _typed(text, how.platform))
                        score.count(texts=1)
            await stage.ask(said.thread, "a plain question")
            verdict = await stage.settle(seconds=30)
            if verdict.lost:
                score.check(False, f"bricked after {corpus[start : start + BATCH]!r}"[:300])  # noqa: FBT003 - a plain failure
                break
        for name, media_type, data in words.files():
            await _attach(stage, name, media_type, data)
            score.count(files=1)
        await stage.ask(text="after the files")
        verdict = await stage.settle()
        score.count(pings=len(stage.world.pinged()))
        score.check(not stage.world.pinged(), f"somebody was notified: {stage.world.pinged()}")
        score.check(stage.peak_mib() < 300, f"{stage.peak_mib():.0f} MiB")
        await score.judge(stage, verdict)


def _typed(text: str, platform: str) -> str:
    """Slack escapes what people type; a raw mention is what an app or an old client can still send."""
    return text.replace("\0", " ").encode("utf-8", "replace").decode() if platform == "slack" else text


async def _attach(stage: arena.Arena, name: str, media_type: str, data: bytes) -> None:
    world = stage.world
    if isinstance(world, worlds.SlackWorld):
        file = world.service.add_file(user=world.ada, name=name, mimetype=media_type, data=data)
        await world.service.post(
            channel=world.channels[0].channel,
            user=world.ada,
            text=f"<@{world.bot}> see the file",
            files=[file],
        )
    else:
        assert isinstance(world, worlds.DiscordWorld)
        await world.service.post(
            channel=world.channels[0].channel,
            user=world.ada,
            content=f"<@{world.bot}> see the file",
            attachments=[(name, data, media_type)],
        )


def _last(body: dict[str, Any]) -> str:
    last = next(turn for turn in reversed(body["messages"]) if turn["role"] == "user")
    text = " ".join(block.get("text", "") for block in last["content"])
    return _SUMMARY.sub("", text)  # a summary is Claude's own echo of older posts here


def _echo(body: dict[str, Any]) -> str:
    said = _last(body)
    return f"{said[:ECHO]} {' '.join(oracle.words(said))} {oracle.END}"


POISONS = (
    "messages.0.content.0.text: refused",
    "Could not process image",
    "Output blocked by content filtering policy",
)


async def poison(how: play.Run, score: play.Score) -> None:
    """A post that Claude's API refuses whenever it stands in a request: the thread lives on, told once."""
    async with arena.opened(how.platform, home=how.home) as stage:
        await stage.start()
        for number, message in enumerate(POISONS[:1] if how.quick else POISONS * 5):
            mark = f"poison{number:03d}x"
            stage.api.fail(
                claude.Fault(
                    kind="bad_request",
                    message=message,
                    times=None,
                    match=functools.partial(_holds, mark),
                )
            )
            said = await stage.ask(stage.chance.choice(stage.world.channels), "a good one first")
            await stage.settle()
            await stage.ask(said.thread, f"the bad one: {mark}")
            del stage.asked[-1]  # no answer can name it: Claude never reads it
            await stage.until(functools.partial(_is_told, stage, said.conversation))
            for _ in range(2):
                await stage.ask(said.thread, "and one after it")
                await stage.settle(seconds=15)
            await stage.kill()
            await stage.start()
            await stage.ask(said.thread, "and one after a restart")
            verdict = await stage.settle(seconds=15)
            refused = sum(call.status == 400 for call in stage.api.requests if mark.encode() in call.raw)
            score.high(refused_calls_for_one_poison=refused)
            told = _told(stage, said.conversation)
            score.check(told == 1, f"told {told} times")
            bricked = [each for each in stage.asked[-3:] if each.word in verdict.lost]
            score.count(poisons=1, bricked=bool(bricked))
        await score.judge(stage, stage.verdict())


def _holds(mark: str, body: dict[str, Any]) -> bool:
    return mark in json.dumps(body)


def _is_told(stage: arena.Arena, conversation: str) -> bool:
    return _told(stage, conversation) > 0


def _told(stage: arena.Arena, conversation: str) -> int:
    """How often people were told in a conversation that a post was not taken."""
    texts = [each.text for each in stage.world.seen() if each.conversation == conversation]
    return sum("Claude would not take" in text or "leave out" in text for text in texts)


async def deletion(how: play.Run, score: play.Score) -> None:
    """Posts are deleted or edited before, while and after they are answered, and after a summary of them."""
    async with arena.opened(how.platform, home=how.home, seed=how.seed) as stage:
        stage.pace = 0.05
        stage.options |= {"BOT_CONTEXT_TOKENS": "4000", "BOT_CONTEXT_FLOOR_TOKENS": "1000"}
        await stage.start()
        first = await stage.ask()
        await stage.settle()
        gone: list[tuple[str, int]] = []  # each secret, and how many calls there were when it was gone
        moments = ("before", "during", "after", "edited") * (1 if how.quick else 8)
        for number, moment in enumerate(moments):
            secret = f"secret-{number:04d}-{stage.chance.randrange(10**9)}"
            calls = stage.calls
            if moment == "before":  # it waits behind another question
                await stage.ask(first.thread)
                await stage.called(calls + 1)
            said = await stage.world.post(first.thread, f"remember {secret} for me")
            if moment == "during":
                await stage.called(calls + 1)
            elif moment != "before":
                await stage.settle()
                await stage.until(lambda: _idle(stage))
            if moment == "edited":
                await stage.world.edit(said, "never mind")
            else:
                await stage.world.delete(said)
            await _is_gone(stage, secret, gone)
            await stage.ask(first.thread, f"and now? {number}")
            await stage.settle()
        await _after_a_summary(stage, first.thread, gone, score)
        last = []
        for number in range(6):  # erased with nothing written after them
            secret = f"secret-last-{number}-{stage.chance.randrange(10**9)}"
            last.append((secret, await stage.world.post(first.thread, f"{secret} " * 20)))
        await stage.settle()
        await asyncio.sleep(0.5)
        await stage.until(lambda: _idle(stage))
        for secret, said in last:
            await stage.world.delete(said)
            await _is_gone(stage, secret, gone)
        await asyncio.sleep(2.0)  # the erased bytes are scrubbed in the background
        await stage.stop()
        for path in (stage.database, stage.database.with_name("bot.db-wal")):
            data = path.read_bytes() if path.exists() else b""
            left = [secret for secret, _ in gone if secret.encode() in data]
            score.count(bytes_left=len(left))
            score.check(not left, f"{len(left)} deleted texts are left in {path.name}")
        late = [s for s, calls in gone if any(s.encode() in c.raw for c in stage.api.requests[calls:])]
        score.count(erased=len(gone), sent_after_deletion=len(late))
        score.check(not late, f"{len(late)} deleted texts were sent to Claude again")
        await score.judge(stage, stage.verdict())


async def _is_gone(stage: arena.Arena, secret: str, gone: list[tuple[str, int]]) -> None:
    """Wait until the bot has carried a deletion or an edit out, as its log tells; calls after that count."""
    recorded = ("deletion_recorded", "edit_recorded")
    await stage.until(lambda: sum(stage.told().count(word) for word in recorded) > len(gone))
    gone.append((secret, stage.calls))


async def _after_a_summary(
    stage: arena.Arena, thread: worlds.Place, gone: list[tuple[str, int]], score: play.Score
) -> None:
    """A secret that a summary covers, in the words of the stand-in, is erased from that as well."""
    secret = f"secret-summed-up-{stage.chance.randrange(10**9)}"
    said = await stage.world.post(thread, f"remember {secret} for me")
    await stage.settle()
    for _ in range(40):  # until it is older than what stays word for word
        await stage.ask(thread, "word " * 100)
        await stage.settle()
        if _summed_up(stage, secret):
            break
    score.check(_summed_up(stage, secret), "no summary was made")
    score.count(summaries_that_held_one=1)
    await stage.until(lambda: _idle(stage))
    await stage.world.delete(said)
    await _is_gone(stage, secret, gone)
    await stage.ask(thread, "and after the summary?")
    await stage.settle()


def _summed_up(stage: arena.Arena, secret: str) -> bool:
    """Whether a secret has been sent to be summarised, and is not sent word for word any more."""
    asked = [call for call in stage.api.requests if "the memory of a team" in json.dumps(call.body)]
    return any(secret.encode() in call.raw for call in asked)


def _idle(stage: arena.Arena) -> bool:
    return all(call.done or call.closed or call.status not in (None, 200) for call in stage.api.requests)


async def isolation(how: play.Run, score: play.Score) -> None:
    """A secret in each of fifty conversations, private and open; Claude says back all it was sent."""
    async with arena.opened(how.platform, home=how.home) as stage:
        stage.pace = 0.0
        stage.api.answer = _tell_all
        await stage.start()
        home: dict[str, str] = {}
        threads = []
        for number in range(10 if how.quick else 50):
            canary = f"canary-{number:04d}-bird"
            if number % 5 == 4:
                place = stage.world.private(stage.world.person(f"Person {number}"))
                by = next(iter(_members(stage.world, place)))
                said = await stage.ask(place, f"keep {canary}", by=by)
            else:
                by = stage.world.ada
                said = await stage.ask(stage.world.channels[number % 2], f"keep {canary}")
            home[canary] = said.conversation
            threads.append((said.thread, by))
        await stage.settle()
        for thread, by in threads:
            await stage.ask(thread, "what do you know?", by=by)
        verdict = await stage.settle()
        leaks = [
            each.id
            for each in stage.world.seen()
            for canary in _CANARY.findall(each.text)
            if home[canary] != each.conversation
        ]
        mixed = sum(len(set(_CANARY.findall(each.raw.decode()))) > 1 for each in stage.api.requests)
        score.count(canaries=len(home), leaks=len(leaks), mixed_requests=mixed)
        score.check(not leaks and not mixed, f"{len(leaks)} leaks, {mixed} requests that mix conversations")
        await score.judge(stage, verdict)


def _tell_all(body: dict[str, Any]) -> str:
    """Every canary that stands anywhere in the request."""
    return f"{' '.join(_CANARY.findall(json.dumps(body)))} {oracle.answer(body)}"


def _members(world: worlds.World, place: worlds.Place) -> list[str]:
    """Who, besides the bot, is in a DM."""
    if isinstance(world, worlds.SlackWorld):
        return [user for user in world.service.channels[place.channel].members if user != world.bot]
    assert isinstance(world, worlds.DiscordWorld)
    return [str(world.service.world.channels[place.channel].recipient)]


ROWS = (
    play.Row(id="F17", title="hostile texts and files", play=hostile),
    play.Row(id="F18", title="a post that Claude's API refuses", play=poison),
    play.Row(id="F19", title="deletions and edits before, while, after, and after a summary", play=deletion),
    play.Row(id="F20", title="secrets in fifty conversations", play=isolation),
)
