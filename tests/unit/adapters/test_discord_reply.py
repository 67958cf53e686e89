"""The answer on Discord, through the real library: it grows in place, arrives whole, and stands once."""

from __future__ import annotations

import asyncio
import time

import discord_helpers
import pytest

from adapters.discord import app, reply
from bot import conversation, errors
from emulators import discord as emulator


async def due(scene: discord_helpers.Scene) -> conversation.Reply:
    """The ledger's row for a question asked in the channel."""
    asked = await scene.ask(scene.channel)
    post = await scene.heard(asked)
    return discord_helpers.reply_to(post, scene.core.homes_of[post.conversation])


async def test_it_types_and_then_grows_in_place() -> None:
    """Typing starts at once; the first text is a post, what follows are edits of it."""
    async with discord_helpers.scene() as scene:
        row = await due(scene)
        writing = await scene.adapter.open(row, scene.remember(row))
        thread = row.asker.id
        assert [(each.channel, each.user) for each in scene.service.typing] == [(thread, scene.bot)]
        assert scene.says(thread) == []
        await writing.show("It")
        assert scene.says(thread) == ["It"]
        [posted] = scene.posts(thread)
        assert scene.core.replies[row.conversation] == (posted["id"],)
        await writing.show("It is **gr")
        assert scene.says(thread) == ["It is **gr**"]
        await writing.finish("It is **growing**.")
        assert [(each["id"], each["content"]) for each in scene.posts(thread)] == [
            (posted["id"], "It is **growing**.")
        ]
        assert len(scene.calls("POST")) == 1


async def test_an_answer_stands_where_messages_lack_what_they_need_not_have() -> None:
    """A message may come without components, flags and mentions: the answer is finished all the same."""
    async with discord_helpers.scene() as scene:
        scene.service.portal.lean = True
        dm = scene.service.open_dm(scene.ada)
        post = await scene.heard(await scene.service.post(channel=dm, user=scene.ada, content="hello"))
        row = discord_helpers.reply_to(post, scene.core.homes_of[post.conversation])
        writing = await scene.adapter.open(row, scene.remember(row))
        await writing.show("It")
        await writing.finish("It stands.")
        assert scene.says(dm) == ["It stands."]
        assert [each.text for each in await scene.adapter.history(row.home, row)] == []


async def test_long_answers_arrive_whole() -> None:
    """A long answer stands in posts of at most 2,000, each remembered, fences whole, none moved."""
    async with discord_helpers.scene() as scene:
        row = await due(scene)
        writing = await scene.adapter.open(row, scene.remember(row))
        lines = [f"line_{n} = {'x' * 90}" for n in range(60)]
        text = "Intro.\n\n```python\n" + "\n".join(lines) + "\n```\n\nEnd 😀."
        seen: list[str] = []
        for size in range(500, len(text), 700):
            await writing.show(text[:size])
            ids = [each["id"] for each in scene.posts(row.asker.id)]
            assert ids[: len(seen)] == seen
            seen = ids
        await writing.finish(text)
        posts = scene.posts(row.asker.id)
        assert [each["id"] for each in posts][: len(seen)] == seen
        assert tuple(each["id"] for each in posts) == scene.core.replies[row.conversation]
        assert all(reply.units(each["content"]) <= 2000 for each in posts)
        assert all(each["content"].count("```") % 2 == 0 for each in posts)
        whole = "\n".join(each["content"] for each in posts)
        assert all(line in whole.splitlines() for line in lines)
        assert posts[-1]["content"].endswith("End 😀.")


async def test_nobody_is_pinged_and_no_preview_shown() -> None:
    """An answer that names everybody notifies nobody, as sent and as edited; link previews stay off."""
    async with discord_helpers.scene() as scene:
        row = await due(scene)
        role = scene.service.add_role(scene.guild, "Ops", mentionable=True)
        text = f"@everyone @here <@&{role}> <@{scene.ada}> @Ada https://example.org"
        writing = await scene.adapter.open(row, scene.remember(row))
        await writing.show(text)
        await writing.finish(text + " !")
        [post] = scene.posts(row.asker.id)
        assert scene.service.pings[post["id"]].nobody
        assert post["flags"] & 4
        await scene.service.unfurl(row.asker.id, post["id"])
        assert scene.posts(row.asker.id)[0]["embeds"] == []


async def test_names_become_mentions() -> None:
    """`@Name` of somebody seen there is written as Discord's mention, except in code."""
    async with discord_helpers.scene() as scene:
        row = await due(scene)
        writing = await scene.adapter.open(row, scene.remember(row))
        await writing.finish("Dear @Ada, see `@Ada` and @Nobody.")
        assert scene.says(row.asker.id) == [f"Dear <@{scene.ada}>, see `@Ada` and @Nobody."]


@pytest.mark.parametrize(
    "fault",
    [
        emulator.Fault(kind="lose_response", method="POST", path="/messages$"),
        emulator.Fault(kind="drop", method="POST", path="/messages$"),
        emulator.Fault(kind="http", method="POST", path="/messages$", status=503),
        emulator.Fault(kind="lose_response", method="POST", path="/threads$"),
        emulator.Fault(kind="ratelimited", method="POST", path="/messages$", retry_after=0.05),
        emulator.Fault(kind="cloudflare", method="POST", path="/messages$", retry_after=0.05),
        emulator.Fault(kind="lose_response", method="PATCH", path="/messages/"),
        emulator.Fault(kind="global", method="PATCH", path="/messages/", retry_after=0.05),
    ],
    ids=lambda fault: f"{fault.kind} {fault.method} {fault.path}",
)
async def test_it_stands_once_whatever_is_lost(fault: emulator.Fault) -> None:
    """A fault of the first call or of an edit leaves one post with the final text."""
    async with discord_helpers.scene(sleep=discord_helpers.at_once) as scene:
        row = await due(scene)
        armed = scene.service.fail(fault)
        writing = await scene.adapter.open(row, scene.remember(row))
        await writing.show("The")
        await writing.finish("The end.")
        assert armed.hits == 1
        assert scene.says(row.asker.id) == ["The end."]
        assert len(scene.service.threads(scene.channel)) == 1


async def test_show_drops_and_finish_lands() -> None:
    """While edits are refused for long, showing gives up at once; the final text waits as asked."""
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        if seconds != reply.TYPING_EVERY:
            waits.append(seconds)
        await discord_helpers.at_once(seconds)

    async with discord_helpers.scene(sleep=sleep) as scene:
        row = await due(scene)
        writing = await scene.adapter.open(row, scene.remember(row))
        await writing.show("One")
        scene.service.fail(
            emulator.Fault(kind="ratelimited", method="PATCH", path="/messages/", times=2, retry_after=40)
        )
        await writing.show("One two")
        assert (scene.says(row.asker.id), waits) == (["One"], [])
        await writing.finish("One two three")
        assert (scene.says(row.asker.id), waits) == (["One two three"], [40.0])


async def test_finish_ends_with_an_error_when_nothing_helps() -> None:
    """When Discord stays away for longer than the bound, finishing says so to the core."""
    now = 0.0

    async def sleep(seconds: float) -> None:
        nonlocal now
        if seconds != reply.TYPING_EVERY:
            now += seconds
        await discord_helpers.at_once(seconds)

    async with discord_helpers.scene() as scene:
        row = await due(scene)
        adapter = app.Discord(
            token=scene.service.token,
            intake=scene.core,
            api_url=scene.service.api_url,
            gateway_url=scene.service.gateway_url,
            monotonic=lambda: now,
            sleep=sleep,
        )
        async with adapter:
            writing = await adapter.open(row, scene.remember(row))
            scene.service.fail(
                emulator.Fault(kind="http", method="POST", path="/messages$", status=503, times=10_000)
            )
            with pytest.raises(errors.PlatformUnavailable):
                await writing.finish("Never.")
        assert 800 <= now <= 900
        assert scene.says(row.asker.id) == []


@pytest.mark.parametrize("place", ["thread", "dm", "inline"])
async def test_a_lost_post_is_found_after_a_restart(place: str) -> None:
    """A post that was made but never remembered is found by looking, and completed in place."""
    taken = {"create_public_threads"} if place == "inline" else None
    async with discord_helpers.scene(permissions=taken) as scene:
        where = scene.service.open_dm(scene.ada) if place == "dm" else scene.channel
        post = await scene.heard(await scene.ask(where))
        home = scene.core.homes_of[post.conversation]
        row = discord_helpers.reply_to(post, home, name="r")

        async def die(_: tuple[str, ...]) -> None:
            raise errors.LogUnusable

        writing = await scene.adapter.open(row, die)
        with pytest.raises(errors.LogUnusable):
            await writing.finish("Half of")
        made = len(scene.calls("POST"))
        async with discord_helpers.connected(scene.service, scene.core) as restarted:
            again = discord_helpers.reply_to(post, home, name="r", resumed=True)
            await (await restarted.open(again, scene.remember(again))).finish("Half of it, whole.")
        assert len(scene.calls("POST")) == made
        stands = post.id if place == "thread" else where
        assert scene.says(stands) == ["Half of it, whole."]


async def test_without_nonces_looking_tells_its_own_post() -> None:
    """Where Discord no longer tells nonces, a lost post is one that the log does not know."""
    async with discord_helpers.scene() as scene:
        dm = scene.service.open_dm(scene.ada)
        post = await scene.heard(await scene.service.post(channel=dm, user=scene.ada, content="hi"))
        home = scene.core.homes_of[post.conversation]
        first = discord_helpers.reply_to(post, home, name="first")
        await (await scene.adapter.open(first, scene.remember(first))).finish("First.")
        [known] = scene.posts(dm)

        async def lose(_: tuple[str, ...]) -> None:
            raise errors.LogUnusable

        second = discord_helpers.reply_to(post, home, name="second")
        writing = await scene.adapter.open(second, lose)
        with pytest.raises(errors.LogUnusable):
            await writing.finish("Second")
        for message in scene.service._world.channel(dm).messages.values():
            message.nonce = None
        again = discord_helpers.reply_to(post, home, name="second", resumed=True)
        ids: list[tuple[str, ...]] = []

        async def keep(found: tuple[str, ...]) -> None:
            ids.append(found)

        await (await scene.adapter.open(again, keep)).finish("Second, whole.")
        assert scene.says(dm) == ["First.", "Second, whole."]
        assert ids == [(scene.posts(dm)[1]["id"],)]
        assert scene.core.replies[post.conversation] == (known["id"],)


async def test_a_resumed_reply_goes_on_in_its_posts() -> None:
    """With its ids known, a reply is completed there; posts it no longer needs are taken away quietly."""
    async with discord_helpers.scene() as scene:
        row = await due(scene)
        long = "\n\n".join(f"Paragraph {n}. " + "word " * 60 for n in range(20))
        await (await scene.adapter.open(row, scene.remember(row))).finish(long)
        ids = scene.core.replies[row.conversation]
        assert len(ids) > 1
        again = discord_helpers.reply_to(row.asker, row.home, ids=ids, resumed=True, name=row.id)
        await (await scene.adapter.open(again, scene.remember(again))).finish("Short.")
        assert [(each["id"], each["content"]) for each in scene.posts(row.asker.id)] == [(ids[0], "Short.")]
        assert scene.core.replies[row.conversation] == ids[:1]
        await scene.barrier()
        assert scene.core.deleted == []


@pytest.mark.parametrize(
    ("end", "left"), [("finish", ["Short."]), ("fail", ["Claude is overloaded."]), ("withdraw", [])]
)
async def test_a_part_that_no_log_knows_does_not_stay(end: str, left: list[str]) -> None:
    """Where the answer is shorter after a crash, a later part whose id was not committed is taken away."""
    async with discord_helpers.scene() as scene:
        row = await due(scene)
        long = "\n\n".join(f"Paragraph {n}. " + "word " * 60 for n in range(10))
        await (await scene.adapter.open(row, scene.remember(row))).show(long)
        ids = scene.core.replies[row.conversation]
        assert len(ids) == 2
        scene.core.replies[row.conversation] = ids[:1]
        again = discord_helpers.reply_to(row.asker, row.home, ids=ids[:1], resumed=True, name=row.id)
        await getattr(await scene.adapter.open(again, scene.remember(again)), end)(*left)
        assert scene.says(row.asker.id) == left


async def test_an_id_is_kept_though_the_log_was_away() -> None:
    """Where the log could not keep a post's id while the text grew, it has it at the end."""
    async with discord_helpers.scene() as scene:
        row = await due(scene)
        keep, faults = scene.remember(row), [errors.LogUnusable("the log is locked")]

        async def remember(ids: tuple[str, ...]) -> None:
            if faults:
                raise faults.pop()
            await keep(ids)

        writing = await scene.adapter.open(row, remember)
        with pytest.raises(errors.LogUnusable):
            await writing.show("Some text")
        await writing.finish("Some text, whole.")
        (post,) = scene.posts(row.asker.id)
        assert scene.core.replies[row.conversation] == (post["id"],)


async def test_a_cancelled_answer_leaves_no_second_post() -> None:
    """An answer that is cut off while its post is on the way, and begun anew, stands once."""
    async with discord_helpers.scene() as scene:
        row = await due(scene)
        held = scene.service.fail(emulator.Fault(kind="hold", method="POST", path="/messages$"))
        writing = await scene.adapter.open(row, scene.remember(row))
        showing = asyncio.create_task(writing.show("Old text"))
        await held.reached()
        showing.cancel()
        await asyncio.gather(showing, return_exceptions=True)
        again = discord_helpers.reply_to(row.asker, row.home, resumed=True, name=row.id)
        opening = asyncio.create_task(scene.adapter.open(again, scene.remember(again)))
        held.release()
        await (await opening).finish("New text")
        assert scene.says(row.asker.id) == ["New text"]


async def test_failing_and_withdrawing() -> None:
    """A failure stands where the answer would, in one sentence; a withdrawn reply leaves nothing."""
    async with discord_helpers.scene() as scene:
        row = await due(scene)
        writing = await scene.adapter.open(row, scene.remember(row))
        await writing.show("Half an ans")
        await writing.fail("Please ask again.")
        assert scene.says(row.asker.id) == ["Please ask again."]
        await writing.withdraw()
        await writing.withdraw()
        assert scene.says(row.asker.id) == []
        assert scene.core.replies[row.conversation] == ()


async def test_an_old_post_is_edited_for_its_end_alone() -> None:
    """Edits of posts over an hour old are scarce: none is spent on showing, and the final text lands."""
    later = 0.0
    async with discord_helpers.scene(clock=lambda: time.time() + later) as scene:
        row = await due(scene)
        writing = await scene.adapter.open(row, scene.remember(row))
        await writing.show("word")
        later = 7_200.0
        await writing.show("word word")  # what Discord answers tells how late it is
        told = len(scene.calls("PATCH", "/messages/"))
        for words in range(3, 9):
            await writing.show("word " * words)
        assert len(scene.calls("PATCH", "/messages/")) == told
        await writing.finish("The last word.")
        assert scene.says(row.asker.id) == ["The last word."]


async def test_an_answer_needs_no_typing_sign() -> None:
    """Where the typing sign alone is not to be had, the answer comes without it."""
    async with discord_helpers.scene() as scene:
        row = await due(scene)
        scene.service.fail(emulator.Fault(kind="http", path="/typing$", status=404, times=99))
        writing = await scene.adapter.open(row, scene.remember(row))
        await writing.finish("Here.")
        assert scene.says(row.asker.id) == ["Here."]


async def test_where_it_may_not_post_the_core_hears_so() -> None:
    """Without the right to post, or without the channel, opening says which."""
    async with discord_helpers.scene() as scene:
        row = await due(scene)
        scene.service.set_permissions(
            scene.channel, {"create_public_threads", "send_messages", "send_messages_in_threads"}
        )
        with pytest.raises(errors.MayNotPost):
            await scene.adapter.open(row, scene.remember(row))
        await scene.service.delete(scene.channel, row.asker.id)
        scene.service.set_permissions(scene.channel, set())
        with pytest.raises(errors.PostGone):
            await scene.adapter.open(row, scene.remember(row))


async def test_an_archived_thread_is_woken() -> None:
    """An answer whose thread was archived meanwhile is finished there."""
    async with discord_helpers.scene() as scene:
        row = await due(scene)
        writing = await scene.adapter.open(row, scene.remember(row))
        await writing.show("One")
        await scene.service.change_thread(row.asker.id, archived=True)
        await writing.finish("One two")
        assert scene.says(row.asker.id) == ["One two"]


def test_nonces_are_short_and_differ() -> None:
    """Each part of each reply has a nonce of its own, within Discord's 25 characters."""
    made = [reply.nonce(name, part) for name in ("a", "b", "a" * 100) for part in range(3)]
    assert len(set(made)) == len(made)
    assert all(len(each) <= 25 for each in made)
