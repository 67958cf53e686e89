"""Starting and stopping on Discord: what an operator must mend is said before readiness."""

from __future__ import annotations

import asyncio
import time

import discord_helpers
import pytest

from adapters.discord import app
from bot import errors
from emulators import discord as emulator


async def test_a_bad_token_is_said_at_the_start() -> None:
    """A refused token ends the start with the variable to mend, and never shows the token."""
    async with emulator.Discord() as service:
        adapter = app.Discord(
            token="wrong",
            intake=discord_helpers.Core(),
            api_url=service.api_url,
            gateway_url=service.gateway_url,
        )
        with pytest.raises(errors.CredentialError, match="DISCORD_BOT_TOKEN") as refused:
            await adapter.__aenter__()
        assert "wrong" not in str(refused.value)


async def test_a_missing_intent_is_said_at_the_start() -> None:
    """Without the privileged intent the start names the toggle and where it is."""
    async with emulator.Discord() as service:
        service.missing_intents.add("message_content")
        adapter = app.Discord(
            token=service.token,
            intake=discord_helpers.Core(),
            api_url=service.api_url,
            gateway_url=service.gateway_url,
        )
        with pytest.raises(errors.CredentialError, match="Message Content Intent"):
            await adapter.__aenter__()


async def test_the_gateway_is_asked_of_the_api() -> None:
    """Without a gateway address the API's own is used, with as many shards as it advises."""
    async with emulator.Discord() as service:
        adapter = app.Discord(token=service.token, intake=discord_helpers.Core(), api_url=service.api_url)
        async with adapter:
            assert adapter.healthy() is None
            assert len(service.sessions) == 1
            assert [call.path for call in service.calls if "gateway" in call.path] == ["/gateway/bot"]


@pytest.mark.parametrize("path", ["/gateway/bot$", "/gateway"])
async def test_a_gateway_that_is_set_needs_no_advice(path: str) -> None:
    """Where the API advises no shards there is one; where it names no gateway either, the set one is used."""
    async with emulator.Discord() as service:
        service.fail(emulator.Fault(kind="http", path=path, status=404, times=99))
        async with discord_helpers.connected(service, discord_helpers.Core()) as adapter:
            assert (adapter.healthy(), len(service.sessions)) == (None, 1)


async def test_an_api_without_any_gateway_is_said() -> None:
    """With none set and none named there is nothing to connect to, and the start says so."""
    async with emulator.Discord() as service:
        service.fail(emulator.Fault(kind="http", path="/gateway", status=404, times=99))
        adapter = app.Discord(token=service.token, intake=discord_helpers.Core(), api_url=service.api_url)
        with pytest.raises(errors.PlatformUnavailable, match="no gateway"):
            await adapter.__aenter__()


async def test_a_post_of_a_guild_that_was_not_told_of_is_no_direct_message() -> None:
    """Talk in a channel stays unheard, and a mention opens its thread, also before the guild is known."""
    async with discord_helpers.scene() as scene:
        role = scene.service.add_role(scene.guild, "Ops")
        scene.service.join(scene.guild, ops := scene.service.add_user("Ops"), roles=[role])
        scene.adapter.client._connection._guilds.clear()
        await scene.service.post(channel=scene.channel, user=ops, content="just talk")
        asked = await scene.service.post(channel=scene.channel, user=ops, content=f"<@{scene.bot}> hello")
        await scene.heard(asked)
        [post] = scene.core.posts.values()
        assert (post.text, scene.core.homes_of[post.conversation].workspace) == ("hello", scene.guild)
        assert post.standing is not None
        assert post.standing.roles == (scene.guild, role)
        scene.adapter.client._connection._guilds.clear()  # as after a restart, when history told of the post
        await scene.answer(post, scene.core.homes_of[post.conversation], "Hello.")
        assert scene.says(asked) == ["Hello."]


async def test_a_start_outlives_a_short_outage() -> None:
    """An API that fails at first is asked again, within bounds."""
    async with emulator.Discord() as service:
        service.fail(emulator.Fault(kind="http", path="/users/@me", status=503, times=2))
        service.fail(emulator.Fault(kind="drop", path="/gateway/bot", times=2))
        core = discord_helpers.Core()
        async with discord_helpers.connected(service, core, sleep=discord_helpers.at_once) as adapter:
            assert adapter.healthy() is None


@pytest.mark.parametrize("status", [404, 200])
async def test_no_commands_are_no_reason_not_to_answer(status: int) -> None:
    """Where commands cannot be registered, or are listed in an odd form, the bot stands all the same."""
    async with emulator.Discord() as service:
        service.fail(emulator.Fault(kind="http", path="/commands$", status=status, times=99))
        async with discord_helpers.connected(service, discord_helpers.Core()) as adapter:
            assert adapter.healthy() is None
            assert service.commands == []


async def test_health_tells_of_a_lost_connection() -> None:
    """While the gateway is away readiness says so, and afterwards what was missed is found."""
    async with discord_helpers.scene(sleep=discord_helpers.at_once) as scene:
        assert scene.adapter.healthy() is None
        adapter = scene.adapter
        scene.service.down()
        async with asyncio.timeout(10):
            while (trouble := adapter.healthy()) is None:  # noqa: ASYNC110 - the library tells of no event
                await asyncio.sleep(0)
        assert trouble == "Discord: 1 of 1 gateway connections are down"
        dm = scene.service.open_dm(scene.ada)
        missed = await scene.service.post(channel=dm, user=scene.ada, content="hello?")
        await scene.core.post(
            discord_helpers.post_in(f"discord:{dm}", at=time.time() - 60), discord_helpers.dm_home(dm)
        )
        scene.service.up()
        await scene.heard(missed)
        assert adapter.healthy() is None
    assert adapter.healthy() == "Discord: not connected"


async def test_a_token_that_is_revoked_ends_the_run() -> None:
    """When Discord refuses the token later, the run ends with what the operator must mend."""
    async with discord_helpers.scene() as scene:
        await scene.service.break_gateway(kind="close", code=4004)
        with pytest.raises(errors.CredentialError, match="DISCORD_BOT_TOKEN"):
            await scene.adapter.run()


async def test_shards_are_as_many_as_advised() -> None:
    """With more than one shard advised each guild's posts arrive, and DMs too."""
    async with emulator.Discord() as service:
        service.portal.shards = 2
        guilds = [service.add_guild(name) for name in ("One", "Two")]
        core = discord_helpers.Core()
        ada = service.add_user("Ada")
        async with discord_helpers.connected(service, core, sleep=discord_helpers.at_once) as adapter:
            assert (len(service.sessions), adapter.healthy()) == (2, None)
            channels = [service.open_dm(ada)]
            for guild in guilds:
                service.join(guild, ada)
                channels.append(service.add_channel(guild, "general"))
            for channel in channels:
                await service.post(channel=channel, user=ada, content=f"<@{service.bot_user_id}> hi")
            await core.until(lambda core: len(core.posts) == 3)
        assert {home.channel for home in core.homes_of.values()} == set(channels)


async def test_an_unreadable_event_ends_nothing() -> None:
    """An event that the library cannot take apart is passed by; the next one is heard."""
    async with discord_helpers.scene() as scene:
        scene.adapter.client._connection.parsers["MESSAGE_CREATE"]({"id": "1"})
        dm = scene.service.open_dm(scene.ada)
        await scene.heard(await scene.service.post(channel=dm, user=scene.ada, content="still there?"))
