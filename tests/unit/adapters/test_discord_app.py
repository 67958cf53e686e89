"""The Discord adapter on loopback, through the real library: who gets an answer, and where it stands."""

from __future__ import annotations

import asyncio

import discord_helpers
import pytest

from emulators import discord as emulator


async def test_a_mention_opens_a_thread() -> None:
    """A mention in a channel is answered in a thread opened from it, named after the question."""
    async with discord_helpers.scene() as scene:
        scene.core.answered = lambda post, home: scene.answer(post, home, "A fine question.")
        asked = await scene.ask(scene.channel, "what is **WAL**?\nplease")
        await scene.core.settled()
        assert [thread["name"] for thread in scene.service.threads(scene.channel)] == ["what is WAL?"]
        assert scene.says(asked) == ["A fine question."]
        assert scene.says(scene.channel) == []
        post = await scene.heard(asked)
        assert (post.conversation, post.text, post.author_name, post.addressed) == (
            f"discord:{asked}",
            "what is **WAL**?\nplease",
            "Ada",
            True,
        )


async def test_a_thread_needs_no_further_mention() -> None:
    """In a thread the bot is in, a second person's post is addressed, and answered in the same thread."""
    async with discord_helpers.scene() as scene:
        scene.core.answered = lambda post, home: scene.answer(post, home, f"To {post.author_name}.")
        asked = await scene.ask(scene.channel)
        await scene.core.settled()
        followed = await scene.service.post(channel=asked, user=scene.bob, content="and me?")
        post = await scene.heard(followed)
        await scene.core.settled()
        assert post.conversation == f"discord:{asked}"
        home = scene.core.homes_of[post.conversation]
        assert (home.workspace, home.channel, home.address) == (scene.guild, scene.channel, asked)
        assert scene.says(asked) == ["To Ada.", "To Bob."]


async def test_a_late_thread_is_read_first() -> None:
    """A mention in a thread the bot is not in brings all of it, its starter too, and nothing before it."""
    async with discord_helpers.scene() as scene:
        start = await scene.service.post(channel=scene.channel, user=scene.ada, content="Look at this.")
        thread = await scene.service.create_thread(
            channel=scene.channel, user=scene.ada, name="Talk", message=start
        )
        for number in range(120):
            await scene.service.post(channel=thread, user=scene.bob, content=f"point {number}")
        asked = await scene.ask(thread, "your view?")
        assert scene.core.texts() == ["your view?"]
        post = await scene.heard(asked)
        due = discord_helpers.reply_to(post, scene.core.homes_of[post.conversation])
        history = await scene.adapter.history(due.home, due)
        assert [each.text for each in history] == ["Look at this.", *(f"point {n}" for n in range(120))]
        assert {each.addressed for each in history} == {False}
        assert {each.conversation for each in history} == {f"discord:{thread}"}
        assert [each.author_name for each in history[:2]] == ["Ada", "Bob"]


async def test_own_posts_in_history_are_the_assistants() -> None:
    """What the bot wrote in a thread comes back as the assistant's."""
    async with discord_helpers.scene() as scene:
        scene.core.answered = lambda post, home: scene.answer(post, home, "An answer.")
        asked = await scene.ask(scene.channel, "one")
        await scene.core.settled()
        scene.core.answered = None
        post = await scene.heard(await scene.service.post(channel=asked, user=scene.bob, content="two"))
        due = discord_helpers.reply_to(post, scene.core.homes_of[post.conversation])
        history = await scene.adapter.history(due.home, due)
        assert [(each.role, each.text) for each in history] == [("user", "one"), ("assistant", "An answer.")]


async def test_a_question_brings_what_it_replies_to() -> None:
    """A mention that replies to somebody's message has the chain of replies above it as history."""
    async with discord_helpers.scene() as scene:
        first = await scene.service.post(channel=scene.channel, user=scene.ada, content="The sky is green.")
        second = await scene.service.post(
            channel=scene.channel, user=scene.ada, content="Is it?", reply_to=first
        )
        asked = await scene.service.post(
            channel=scene.channel, user=scene.bob, content=f"<@{scene.bot}> true?", reply_to=second
        )
        post = await scene.heard(asked)
        due = discord_helpers.reply_to(post, scene.core.homes_of[post.conversation])
        history = await scene.adapter.history(due.home, due)
        assert [each.text for each in history] == ["The sky is green.", "Is it?"]


async def test_a_direct_message_is_one_conversation() -> None:
    """Every post in a DM is addressed, and answered there."""
    async with discord_helpers.scene() as scene:
        scene.core.answered = lambda post, home: scene.answer(post, home, f"You said {post.text}.")
        dm = scene.service.open_dm(scene.ada)
        for text in ("one", "two"):
            post = await scene.heard(await scene.service.post(channel=dm, user=scene.ada, content=text))
            await scene.core.settled()
            assert (post.conversation, post.addressed) == (f"discord:{dm}", True)
        assert scene.says(dm) == ["You said one.", "You said two."]
        home = scene.core.homes_of[f"discord:{dm}"]
        assert (home.workspace, home.channel, home.address) == ("", dm, dm)


async def test_without_threads_the_reply_chain_is_the_conversation() -> None:
    """Where it may open no thread it replies inline, and a reply to its answer needs no mention."""
    async with discord_helpers.scene(permissions={"create_public_threads"}) as scene:
        scene.core.answered = lambda post, home: scene.answer(post, home, f"About {post.text}.")
        asked = await scene.ask(scene.channel, "tea")
        await scene.core.settled()
        [answer] = scene.posts(scene.channel)
        assert (answer["content"], answer["message_reference"]["message_id"]) == ("About tea.", asked)
        chained = await scene.service.post(
            channel=scene.channel, user=scene.bob, content="coffee", reply_to=answer["id"], ping=False
        )
        post = await scene.heard(chained)
        await scene.core.settled()
        assert (post.conversation, post.addressed) == (f"discord:{asked}", True)
        [_, second] = scene.posts(scene.channel)
        assert (second["content"], second["message_reference"]["message_id"]) == ("About coffee.", chained)
        assert scene.service.threads(scene.channel) == []
        assert all(scene.service.pings[each["id"]].nobody for each in (answer, second))


async def test_a_channel_post_without_a_mention_is_nothing() -> None:
    """Posts outside threads that do not name the bot are neither stored nor answered, replies included."""
    async with discord_helpers.scene() as scene:
        first = await scene.service.post(channel=scene.channel, user=scene.ada, content="hello all")
        await scene.service.post(channel=scene.channel, user=scene.bob, content="hi", reply_to=first)
        await scene.service.post(channel=scene.channel, user=scene.ada, content="@everyone lunch")
        await scene.barrier()
        assert scene.core.texts() == []


async def test_a_post_that_opens_with_somebody_else_is_context() -> None:
    """In its thread it keeps, and does not answer, what opens by naming others; its own name there wins."""
    async with discord_helpers.scene() as scene:
        scene.core.answered = lambda post, home: scene.answer(post, home, "Yes.")
        asked = await scene.ask(scene.channel)
        await scene.core.settled()
        scene.core.answered = None
        role = scene.service.add_role(scene.guild, "Ops", mentionable=True)
        cases = {
            f"<@{scene.ada}> what do you think?": False,  # a person
            f"<@&{role}> any news?": False,  # a role
            f"<@{scene.ada}>, <@{scene.bot}> who is right?": True,  # both
            f"I agree with <@{scene.ada}>": True,  # not at the start
            "plain": True,
        }
        found = {}
        for text in cases:
            post = await scene.heard(await scene.service.post(channel=asked, user=scene.bob, content=text))
            found[text] = post.addressed
        assert found == cases


async def test_threads_may_need_a_mention_each_time() -> None:
    """With BOT_THREAD_REPLIES=mention a thread post is context unless it names the bot or replies to it."""
    async with discord_helpers.scene() as scene:
        scene.core.on_mention = True
        scene.core.answered = lambda post, home: scene.answer(post, home, "Yes.")
        asked = await scene.ask(scene.channel)
        await scene.core.settled()
        scene.core.answered = None
        answer = scene.posts(asked)[-1]["id"]
        post = scene.service.post
        plain = await scene.heard(await post(channel=asked, user=scene.bob, content="plain"))
        named = await scene.heard(await post(channel=asked, user=scene.bob, content=f"hm <@{scene.bot}>"))
        reply = await scene.heard(
            await post(channel=asked, user=scene.bob, content="why?", reply_to=answer, ping=False)
        )
        assert [plain.addressed, named.addressed, reply.addressed] == [False, True, True]


async def test_a_thread_the_bot_is_not_in_is_left_alone() -> None:
    """Without a mention nothing of a thread it is not in is stored."""
    async with discord_helpers.scene() as scene:
        thread = await scene.service.create_thread(channel=scene.channel, user=scene.ada, name="Ours")
        await scene.service.post(channel=thread, user=scene.bob, content="just us")
        await scene.barrier()
        assert scene.core.texts() == []


async def test_bots_and_system_messages_get_no_answer() -> None:
    """Other bots are context in its thread and nothing elsewhere; pins and previews are nothing."""
    async with discord_helpers.scene() as scene:
        robot = scene.service.add_user("Robot", bot=True)
        scene.service.join(scene.guild, robot)
        await scene.service.post(channel=scene.channel, user=robot, content=f"<@{scene.bot}> ping")
        scene.core.answered = lambda post, home: scene.answer(post, home, "Yes.")
        asked = await scene.ask(scene.channel, "see https://example.org")
        await scene.core.settled()
        beep = await scene.heard(await scene.service.post(channel=asked, user=robot, content="beep"))
        assert beep.addressed is False
        await scene.service.pin(asked, beep.id, scene.ada)
        await scene.service.unfurl(scene.channel, asked)
        await scene.barrier()
        assert scene.core.texts() == ["see https://example.org", "beep"]
        assert scene.core.edits == []


async def test_a_mention_before_its_thread_is_known() -> None:
    """A post whose thread the client has not heard of yet stands in that thread all the same."""
    async with discord_helpers.scene() as scene:
        scene.service.disturb(emulator.Disturbance(kind="lose", event="THREAD_CREATE"))
        thread = await scene.service.create_thread(channel=scene.channel, user=scene.ada, name="New")
        post = await scene.heard(await scene.ask(thread))
        assert post.conversation == f"discord:{thread}"
        assert scene.core.homes_of[post.conversation].channel == scene.channel


async def test_a_forum_post_is_a_thread() -> None:
    """A mention in a forum post is answered there, with its first message as history."""
    async with discord_helpers.scene(kind="forum") as scene:
        scene.core.answered = lambda post, home: scene.answer(post, home, "Yes.")
        thread = await scene.service.create_forum_post(
            channel=scene.channel, user=scene.ada, name="Help", content="It is broken."
        )
        post = await scene.heard(await scene.ask(thread, "why?"))
        await scene.core.settled()
        due = discord_helpers.reply_to(post, scene.core.homes_of[post.conversation])
        history = await scene.adapter.history(due.home, due)
        assert [each.text for each in history] == ["It is broken."]
        assert scene.says(thread) == ["Yes."]


async def test_edits_and_deletions_reach_the_core() -> None:
    """An edit carries the text as a post would; a deletion, single or many, names the conversation."""
    async with discord_helpers.scene() as scene:
        scene.core.answered = lambda post, home: scene.answer(post, home, "Yes.")
        asked = await scene.ask(scene.channel, "red?")
        await scene.core.settled()
        scene.core.answered = None
        extra = [
            await scene.service.post(channel=asked, user=scene.bob, content=text) for text in ("a", "b", "c")
        ]
        await scene.service.edit(scene.channel, asked, f"<@{scene.bot}> blue?")
        await scene.service.delete(asked, extra[0])
        await scene.service.delete_bulk(asked, extra[1:])
        await scene.barrier()
        conversation = f"discord:{asked}"
        assert scene.core.edits == [(conversation, asked, "blue?")]
        assert scene.core.deleted == [(conversation, each) for each in extra]
        await scene.service.delete(scene.channel, asked)
        await scene.barrier()
        assert scene.core.deleted[-1] == (conversation, asked)


@pytest.mark.parametrize(("archived", "forgotten"), [(False, False), (True, False), (False, True)])
async def test_a_deleted_question_stands_in_no_title(*, archived: bool, forgotten: bool) -> None:
    """A thread that the bot opened loses its question's words with it, archived or forgotten as it may be."""
    async with discord_helpers.scene() as scene:
        scene.core.answered = lambda post, home: scene.answer(post, home, "Yes.")
        asked = await scene.ask(scene.channel, "who wants my knives?")
        await scene.core.settled()
        if archived:
            await scene.service.change_thread(asked, archived=True)
        if forgotten:
            scene.core.posts.clear()
        await scene.service.delete(scene.channel, asked)

        def is_blank() -> bool:
            (thread,) = scene.service.threads(scene.channel)
            state = thread["thread_metadata"]["archived"]
            return (thread["name"], state) == ("Conversation", archived)

        await scene.service.until(lambda _: is_blank())


async def test_the_title_that_a_person_has_given_stays() -> None:
    """A thread that a person opened from the post bears their words, not its."""
    async with discord_helpers.scene() as scene:
        asked = await scene.ask(scene.channel, "red?")
        await scene.service.create_thread(channel=scene.channel, user=scene.ada, name="Ada's", message=asked)
        await scene.service.delete(scene.channel, asked)
        await scene.barrier()
        titles = [task for task in asyncio.all_tasks() if task.get_name() == "command outcome: a title"]
        await asyncio.gather(*titles)
        assert [thread["name"] for thread in scene.service.threads(scene.channel)] == ["Ada's"]


async def test_a_deletion_outside_its_conversations_leaves_no_trace() -> None:
    """Only what links brought in of it can be there, under its channel or a thread of its own."""
    async with discord_helpers.scene() as scene:
        first = await scene.service.post(channel=scene.channel, user=scene.ada, content="oops")
        await scene.service.delete(scene.channel, first)
        await scene.barrier()
        assert scene.core.deleted == []
        elsewhere = {(f"discord:{scene.channel}", first), (f"discord:{first}", first)}
        assert set(scene.core.deleted_elsewhere) == elsewhere


async def test_files_are_announced() -> None:
    """A file that comes with a post is recorded with its name, kind, size and address."""
    async with discord_helpers.scene() as scene:
        dm = scene.service.open_dm(scene.ada)
        sent = await scene.service.post(
            channel=dm, user=scene.ada, content="look", attachments=[("a.png", b"12345", "image/png")]
        )
        [file] = (await scene.heard(sent)).attachments
        assert (file.name, file.media_type, file.size) == ("a.png", "image/png", 5)
        assert file.url.startswith(scene.service.url)


async def test_a_failed_record_is_tried_again_in_order() -> None:
    """A post the core could not record is told again, and what came after it waits."""
    async with discord_helpers.scene(sleep=discord_helpers.at_once) as scene:
        dm = scene.service.open_dm(scene.ada)
        scene.core.failing = 3
        first = await scene.service.post(channel=dm, user=scene.ada, content="one")
        second = await scene.service.post(channel=dm, user=scene.ada, content="two")
        await scene.heard(second)
        posts = [call for call in scene.core.calls if call.startswith("post")]
        assert posts == [f"post {first}"] * 4 + [f"post {second}"]
        assert scene.adapter.healthy() is None
