"""Contract: what is chosen by command, for a thread or for its channel, and other ways than words."""

from __future__ import annotations

import discord_stage
import pytest
import sent
import slack_stage
import stage

from emulators import claude


async def _asked(scene: stage.Stage) -> stage.Said:
    """A conversation with one question and its answer."""
    asked = await scene.mention(scene.channel, "what is WAL?")
    await scene.idle()
    return asked


async def test_a_thread_has_its_own_model_and_prompt(scene: stage.Stage) -> None:
    """What is chosen in a thread is sent from the next question on, there alone, also after a restart."""
    asked = await _asked(scene)
    scene.may_break(asked)
    assert "claude-opus-5-5" in await scene.command(scene.under(asked), "model", "opus-5-5")
    await scene.command(scene.under(asked), "prompt", "You are a parrot.")
    await scene.restart()
    await scene.post(scene.under(asked), "and now?")
    await scene.idle()
    assert scene.requests[-1]["model"] == "claude-opus-5-5"
    assert scene.requests[-1]["system"][0]["text"].startswith("You are a parrot.")
    await scene.mention(scene.channel, "and here?")
    await scene.idle()
    assert scene.requests[-1]["model"] == "claude-sonnet-5-5"


async def test_a_chosen_model_that_is_gone_is_told_with_the_way_back(scene: stage.Stage) -> None:
    """Where a chosen model is known no more, the sentence names the command that helps, and it does."""
    asked = await _asked(scene)
    scene.may_break(asked)
    await scene.command(scene.under(asked), "model", "opus-5-5")
    scene.claude.fail(claude.Fault(kind="status", status=404, times=None))
    await scene.post(scene.under(asked), "and now?")
    await scene.idle()
    told = scene.answers(scene.under(asked))[-1]
    assert "`model default`" in told
    assert "BOT_MODEL" not in told
    scene.claude.heal()
    await scene.command(scene.under(asked), "model", "default")
    await scene.post(scene.under(asked), "and again?")
    await scene.idle()
    assert scene.requests[-1]["model"] == "claude-sonnet-5-5"


async def test_context_tells_who_chose_what(scene: stage.Stage) -> None:
    """`context` names who chose, and from what to what."""
    asked = await _asked(scene)
    await scene.command(scene.under(asked), "context", "strategy window", by=scene.bob)
    told = await scene.command(scene.under(asked), "context")
    assert "Bob: `strategy` in this thread from the default to `window`" in told


async def test_only_an_admin_chooses_for_a_channel(empty_stage: stage.Stage) -> None:
    """Others are refused; what an admin chooses counts in every thread of the channel."""
    scene = empty_stage
    await scene.start(bot_admins=f"{scene.name}:{scene.ada}")
    asked = await _asked(scene)
    told = await scene.command(scene.under(asked), "context", "channel replies mention", by=scene.bob)
    assert "Only an admin of mine" in told
    await scene.command(scene.under(asked), "context", "channel replies mention")
    await scene.post(scene.under(asked), "I think it is a log.")
    await scene.idle()
    assert len(scene.requests) == 1
    await scene.mention(scene.under(asked), "is that so?")
    await scene.idle()
    assert len(scene.requests) == 2


async def test_retry_takes_an_edited_question(scene: stage.Stage) -> None:
    """`retry` asks the question in the words it has now."""
    asked = await _asked(scene)
    await scene.edit(asked, f"{scene.at(scene.bot)} what is a page?")
    await scene.heard()
    await scene.command(scene.under(asked), "retry")
    await scene.idle()
    assert sent.dialogue(scene.requests[-1]) == [("user", "what is a page?")]


@pytest.mark.parametrize("stops", [True, False])
async def test_a_stop_sign_stops_the_answer(scene: stage.Stage, stops: bool) -> None:
    """Its asker stops an answer by a reaction to it; somebody else does not."""
    asked = await _asked(scene)
    scene.claude.answer = lambda _body: "So it goes on and on. " * 60
    scene.claude.fail(claude.Fault(kind="stall", after=30))
    await scene.post(scene.under(asked), "tell me more")
    await scene.until(lambda: any(text.startswith("So it") for text in scene.answers(scene.under(asked))))
    running = scene.answer_ids(scene.under(asked))[-1]
    await scene.heard()
    await scene.react(scene.under(asked), running, by=scene.ada if stops else scene.bob)
    await scene.heard()
    if not stops:
        assert "(Stopped.)" not in scene.told(scene.under(asked))
        await scene.react(scene.under(asked), running, by=scene.ada)
    await scene.idle()
    assert "(Stopped.)" in scene.told(scene.under(asked))


@pytest.mark.parametrize("denied", [False, True])
@pytest.mark.parametrize("empty_stage", ["slack"], indirect=True)
async def test_slacks_own_button_stops_the_answer(empty_stage: stage.Stage, denied: bool) -> None:
    """The button that Slack shows beside a growing answer ends it where it is; not for who is denied."""
    scene = empty_stage
    assert isinstance(scene, slack_stage.SlackStage)
    await scene.start(bot_deny=f"slack:{scene.bob}")
    said = "So it goes on and on. " * 60
    scene.claude.answer = lambda _body: said
    stalled = scene.claude.fail(claude.Fault(kind="stall", after=30))
    asked = await scene.mention(scene.channel, "tell me more")
    place = scene.under(asked)
    await scene.until(lambda: any(text.startswith("So it") for text in scene.answers(place)))
    presses = scene.bob if denied else scene.ada
    await scene.service.stop_session(channel=place.channel, thread_ts=place.thread, user=presses)
    await scene.heard()
    if denied:
        stalled.release()
    await scene.idle()
    shown = "".join(scene.answers(place))
    assert shown.startswith("So it")
    assert ("(Stopped.)" in shown) is not denied
    assert (shown.split() == said.split()) is denied
    scene.claude.answer = stage.answer
    await scene.post(place, "thanks")
    await scene.idle()
    assert scene.answers(place)[-1] == stage.answered(2)[0]


async def test_a_post_can_be_asked_about(scene: stage.Stage) -> None:
    """From a post's menu a question is asked in that post's thread, with the post in view."""
    said = await scene.post(scene.channel, "The tide is at six.", by=scene.bob)
    await scene.ask_about(said, "when should we leave?", by=scene.ada)
    await scene.idle()
    (request,) = scene.requests
    for text in sent.texts(request):
        scene.belongs(text, scene.conversation(said))
    texts = " ".join(sent.texts(request))
    assert "The tide is at six." in texts
    assert "when should we leave?" in texts
    assert any("Ada" in text and "when should we leave?" in text for text in scene.answers(scene.under(said)))
    assert len(await scene.stored()) == 3


@pytest.mark.parametrize("empty_stage", ["slack", "slack_http"], indirect=True)
async def test_slack_has_a_slash_command(scene: stage.Stage) -> None:
    """`/threadmate word` is answered to its author alone, also a wrong word, and costs no model call."""
    assert isinstance(scene, slack_stage.SlackStage)
    for text, expected in (("", "I also know"), ("usage", "nothing yet"), ("modle", "Did you mean `model`?")):
        before = len(scene.service.ephemerals)
        await scene.service.command(
            channel=scene.channel.channel, user=scene.ada, command="/threadmate", text=text
        )
        await scene.idle()
        assert len(scene.service.ephemerals) == before + 1
        assert expected in scene.told(scene.channel)
    assert scene.answers(scene.channel) == []
    assert scene.requests == []


@pytest.mark.parametrize("empty_stage", ["slack"], indirect=True)
async def test_a_question_where_the_bot_is_not_is_explained(scene: stage.Stage) -> None:
    """Asked about a post of a channel it is no member of, the bot says to be invited; nothing is stored."""
    assert isinstance(scene, slack_stage.SlackStage)
    away = stage.Place(channel=scene.service.add_channel("away", members=[scene.ada], bot_member=False))
    said = await scene.post(away, "The tide is at six.")
    await scene.ask_about(said, "when should we leave?", by=scene.ada)
    await scene.idle()
    (form,) = scene.service.modals.values()
    assert "invite me to the channel" in form["errors"]["question"]
    assert await scene.stored() == []


@pytest.mark.parametrize("empty_stage", ["discord"], indirect=True)
async def test_discord_completes_what_is_typed(scene: stage.Stage) -> None:
    """Models, and what a setting can be, are offered while they are typed; not more than Discord shows."""
    assert isinstance(scene, discord_stage.DiscordStage)

    async def offered(word: str, options: dict[str, str], focused: str) -> list[str]:
        asked = await scene.service.slash(scene.ada, scene.channel.channel, word, options, focused=focused)
        await scene.until(lambda: asked.choices is not None)
        return [str(choice["value"]) for choice in asked.choices or ()]

    await _asked(scene)  # the model's library is loaded by then
    assert await offered("model", {"name": "opus-5-5"}, "name") == ["claude-opus-5-5"]
    assert 1 < len(await offered("model", {"name": ""}, "name")) <= 25
    strategies = await offered("context", {"setting": "strategy", "value": ""}, "value")
    assert strategies == ["summarise", "window", "full", "default"]


@pytest.mark.parametrize("empty_stage", ["discord"], indirect=True)
async def test_discord_asks_in_a_channel_without_threads(scene: stage.Stage) -> None:
    """Where the bot may open no thread, a question from the menu is answered inline under itself."""
    scene.forbid_threads()
    said = await scene.post(scene.channel, "The tide is at six.", by=scene.bob)
    await scene.ask_about(said, "when should we leave?", by=scene.ada)
    await scene.idle()
    (request,) = scene.requests
    for text in sent.texts(request):
        scene.belongs(text, scene.conversation(said))
    assert len(scene.answers(scene.channel)) == 2


async def test_a_word_that_nobody_mistakes_costs_no_model_call(scene: stage.Stage) -> None:
    """`!!help` and `! help` are meant as commands, and are."""
    for written in ("!!help", "! help"):
        asked = await scene.mention(scene.channel, written)
        await scene.idle()
        assert "what I can do" in scene.told(scene.under(asked)) + scene.told(scene.channel)
    assert scene.requests == []


@pytest.mark.parametrize("empty_stage", ["slack"], indirect=True)
async def test_the_home_tab_shows_and_chooses(empty_stage: stage.Stage) -> None:
    """An admin sees everybody's usage and chooses for a channel; others see settings and their own."""
    scene = empty_stage
    assert isinstance(scene, slack_stage.SlackStage)
    await scene.start(bot_admins=f"slack:{scene.ada}")
    asked = await _asked(scene)

    async def home(user: str) -> str:
        await scene.service.open_home(user)
        await scene.idle()
        return str(scene.service.homes[user])

    theirs = await home(scene.bob)
    assert "`model`: `claude-sonnet-5-5`" in theirs
    assert "Nothing yet." in theirs
    assert scene.ada not in theirs
    assert "conversations_select" not in theirs
    mine = await home(scene.ada)
    assert f"`slack:{scene.ada}`: 1 request" in mine
    channel = scene.channel.channel
    await scene.service.button(user=scene.ada, action_id="press:front_channel:0", value=channel)
    await scene.idle()
    value = f"{channel}|model|claude-opus-5-5"
    await scene.service.button(user=scene.ada, action_id="press:front_choose:0", value=value)
    await scene.idle()
    assert "`model`: `claude-opus-5-5`" in str(scene.service.homes[scene.ada])
    assert "Ada: `model` in this channel" in await scene.command(scene.under(asked), "context")
    scene.may_break(asked)
    await scene.post(scene.under(asked), "and now?")
    await scene.idle()
    assert scene.requests[-1]["model"] == "claude-opus-5-5"
