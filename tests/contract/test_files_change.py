"""Contract: files that go, come or cannot be had: their bytes are gone, read, or named as not read."""

from __future__ import annotations

import base64
from typing import Any

import discord_stage
import pytest
import real_files
import sent
import slack_stage
import stage

DAY = 86_400.0
SECRET = "the code word is swordfish"


def media(body: sent.Body) -> list[dict[str, Any]]:
    """The pictures and papers of a request, in order."""
    return [block for _, block in sent.blocks(body) if block["type"] in {"image", "document"}]


def marked(body: sent.Body) -> str:
    """All of the request's text by people."""
    return "\n".join(block.get("text", "") for role, block in sent.blocks(body) if role == "user")


def stored(scene: stage.Stage) -> bytes:
    """Everything in the database's files."""
    return b"".join(path.read_bytes() for path in scene.folder.glob("bot.db*"))


def stored_secrets(scene: stage.Stage) -> list[str]:
    """The words of the text file, where its bytes are still in the database."""
    return [SECRET] if SECRET.encode() in stored(scene) else []


@pytest.mark.parametrize("how", ["told", "missed"])
async def test_a_file_taken_out_of_a_post_is_gone_with_its_bytes(scene: stage.Stage, how: str) -> None:
    """The post stays and its other file too; the next request and the database have nothing of it."""
    asked = await scene.mention(
        scene.channel,
        "keep one",
        files=[("code.txt", SECRET.encode(), "text/plain"), ("b.png", real_files.picture(), "image/png")],
    )
    await scene.idle()
    assert SECRET in marked(scene.requests[0])
    assert len(media(scene.requests[0])) == 1
    if how == "told":
        await scene.take_away_file(asked, "code.txt")
        await scene.idle()
    else:
        async with scene.away():
            await scene.take_away_file(asked, "code.txt", event=False)
    await scene.post(scene.under(asked), "and now?")
    await scene.idle()
    last = scene.requests[-1]
    assert "swordfish" not in marked(last)
    assert "code.txt" not in marked(last)
    assert "keep one" in marked(last)
    assert len(media(last)) == 1
    await scene.running.book.scrubbed()
    assert stored_secrets(scene) == []


async def test_a_file_taken_away_while_it_is_answered(scene: stage.Stage) -> None:
    """The running answer is redone without it."""
    gate = scene.claude.hold()
    asked = await scene.mention(
        scene.channel, "what is it?", files=[("code.txt", SECRET.encode(), "text/plain")]
    )
    await gate.reached
    await scene.take_away_file(asked, "code.txt")
    await scene.heard()
    scene.claude.heal()
    await scene.idle()
    assert "swordfish" not in marked(scene.requests[-1])
    assert scene.answers(scene.under(asked)) == stage.answered(1)


async def test_killed_while_a_file_is_fetched(empty_stage: stage.Stage) -> None:
    """A bot that is killed in the middle of a download fetches the file again and answers with it, once."""
    scene = empty_stage
    held = scene.hold_downloads()
    await scene.spawn()
    asked = await scene.mention(scene.channel, "look", files=[("a.png", real_files.picture(), "image/png")])
    await held.reached()
    await scene.kill()
    held.release()
    await scene.start()
    await scene.idle()
    assert [len(media(body)) for body in scene.requests] == [1]
    assert scene.answers(scene.under(asked)) == stage.answered(1)


@pytest.mark.parametrize("empty_stage", ["discord"], indirect=True)
async def test_an_edit_adds_a_file(scene: stage.Stage) -> None:
    """A file that comes with an edit is read before the next answer; one that goes with it is not sent."""
    assert isinstance(scene, discord_stage.DiscordStage)
    asked = await scene.mention(scene.channel, "look", files=[("a.txt", b"apples", "text/plain")])
    await scene.idle()
    scene.may_break(asked)
    await scene.service.edit(
        asked.place.channel,
        asked.id,
        f"{scene.at(scene.bot)} look",
        keep=[],
        attachments=[("b.png", real_files.picture(), "image/png"), ("c.txt", b"cherries", "text/plain")],
    )
    await scene.post(scene.under(asked), "and now?")
    await scene.idle()
    last = scene.requests[-1]
    assert len(media(last)) == 1
    assert "cherries" in marked(last)
    assert "apples" not in marked(last)


@pytest.mark.parametrize("empty_stage", ["discord"], indirect=True)
async def test_an_address_that_has_run_out_is_asked_for_again(scene: stage.Stage) -> None:
    """A file whose signed address ran out while the bot was down is fetched by a fresh one."""
    assert isinstance(scene, discord_stage.DiscordStage)
    held = scene.hold_downloads()
    picture = real_files.picture()
    asked = await scene.mention(scene.channel, "look", files=[("a.png", picture, "image/png")])
    await held.reached()
    await scene.stop()
    held.release()
    scene.clock.offset += 2 * DAY
    await scene.start()
    await scene.idle()
    [shown] = media(scene.requests[-1])
    assert base64.b64decode(shown["source"]["data"])[:4] == b"\x89PNG"
    assert scene.answers(scene.under(asked)) == stage.answered(1)


@pytest.mark.parametrize("led", [False, True])
@pytest.mark.parametrize("empty_stage", ["slack"], indirect=True)
async def test_without_the_permission_the_reason_is_named(scene: stage.Stage, led: bool) -> None:
    """Slack's login page, given with status 200 or led to, is no file: the answer names the missing scope."""
    assert isinstance(scene, slack_stage.SlackStage)
    scene.service.signs_in_elsewhere = led
    scene.service.scopes.discard("files:read")
    asked = await scene.mention(scene.channel, "look", files=[("a.html", b"<p>hello</p>", "text/html")])
    await scene.idle()
    [answer] = scene.answers(scene.under(asked))
    assert "files:read" in answer
    assert stage.answered(1)[0] in answer
    assert "Sign in" not in marked(scene.requests[-1])


@pytest.mark.parametrize("empty_stage", ["slack"], indirect=True)
async def test_a_file_of_a_connected_workspace_is_looked_up(scene: stage.Stage) -> None:
    """Of a file that an event tells by its id alone, Slack is asked for the rest."""
    assert isinstance(scene, slack_stage.SlackStage)
    file = scene.service.add_file(
        user=scene.ada, name="a.txt", mimetype="text/plain", data=b"kumquats", access="check_file_info"
    )
    text = f"{scene.at(scene.bot)} look"
    scene.belongs("look", f"{scene.channel.channel}/")
    ts = await scene.service.post(channel=scene.channel.channel, user=scene.ada, text=text, files=[file])
    scene.belongs("look", f"{scene.channel.channel}/{ts}")
    await scene.idle()
    assert "kumquats" in marked(scene.requests[-1])
