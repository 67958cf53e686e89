"""A real run on each emulator, as Markdown for the README: a mention, a second person in the thread, a DM.

`python -m bench.transcript` prints it. The bot is the real one, with slack-bolt, discord.py and the anthropic
SDK over loopback; the answers are the Claude emulator's, which says what it was sent.
"""

from __future__ import annotations

import asyncio
import pathlib
import tempfile
from collections.abc import Callable

from bot import settings
from bot.__main__ import running
from bot.operating import logs
from emulators import claude, discord, slack

MENTION = "when is the release?"
FOLLOW_UP = "and who writes the notes?"
DIRECT = "remind me what a release needs"


async def main() -> None:
    """Print the transcript of both platforms."""
    logs.configure("error", "json")
    with tempfile.TemporaryDirectory() as folder:
        async with claude.Claude() as api:
            base = {
                "anthropic_api_key": "sk-ant-emulated",
                "anthropic_base_url": api.url,
                "bot_http_port": 0,
            }
            for title, play in (("Slack", on_slack), ("Discord", on_discord)):
                print(f"**{title}**\n\n```text")
                log = f"sqlite:///{pathlib.Path(folder) / title}.db"
                await play({**base, "database_url": log})
                print("```\n")


async def on_slack(base: dict[str, object]) -> None:
    """The three exchanges on the emulated Slack."""
    async with slack.Slack() as workspace:
        ada, grace = workspace.add_user("Ada"), workspace.add_user("Grace")
        channel = workspace.add_channel("general", members=[ada, grace])
        dm = workspace.open_dm(grace)
        chosen = settings.load(
            **base,
            slack_bot_token=workspace.bot_token,
            slack_app_token=workspace.app_token,
            slack_api_url=workspace.api_url,
        )

        async def answer(where: str, root: str, count: int) -> str:
            def posts() -> list[str]:
                return [slack.shown_text(each) for each in workspace.messages(where, thread_ts=root)]

            await workspace.until(lambda _: len(posts()) == count and posts()[-1].endswith("."))
            return posts()[-1]

        async with running(chosen):
            root = await workspace.post(
                channel=channel, user=ada, text=f"<@{workspace.bot_user_id}> {MENTION}"
            )
            tell("#general", "Ada", f"@Threadmate {MENTION}")
            tell("#general, thread", "Threadmate", await answer(channel, root, 2))
            await workspace.post(channel=channel, user=grace, text=FOLLOW_UP, thread_ts=root)
            tell("#general, thread", "Grace", FOLLOW_UP)
            tell("#general, thread", "Threadmate", await answer(channel, root, 4))
            root = await workspace.post(channel=dm, user=grace, text=DIRECT)
            tell("DM", "Grace", DIRECT)
            tell("DM", "Threadmate", await answer(dm, root, 2))


async def on_discord(base: dict[str, object]) -> None:
    """The three exchanges on the emulated Discord."""
    async with discord.Discord() as service:
        guild = service.add_guild("Team")
        channel = service.add_channel(guild, "general")
        ada, grace = service.add_user("Ada"), service.add_user("Grace")
        for person in (ada, grace):
            service.join(guild, person)
        dm = service.open_dm(grace)
        chosen = settings.load(
            **base,
            discord_bot_token=service.token,
            discord_api_url=service.api_url,
            discord_gateway_url=service.gateway_url,
        )

        def own(where: str) -> list[str]:
            posts = service.messages(where)
            mine = [each["content"] for each in posts if each["author"]["id"] == service.bot_user_id]
            return [text for text in mine if text]  # a thread's first entry has none

        async def answer(where: Callable[[], str], count: int) -> str:
            await service.until(lambda _: len(own(where())) == count and own(where())[-1].endswith("."))
            return own(where())[-1]

        async with running(chosen):
            root = await service.post(
                channel=channel, user=ada, content=f"<@{service.bot_user_id}> {MENTION}"
            )
            tell("#general", "Ada", f"@Threadmate {MENTION}")
            await service.until(lambda _: bool(service.threads(channel)))
            tell("#general, thread", "Threadmate", await answer(lambda: root, 1))
            await service.post(channel=root, user=grace, content=FOLLOW_UP)
            tell("#general, thread", "Grace", FOLLOW_UP)
            tell("#general, thread", "Threadmate", await answer(lambda: root, 2))
            await service.post(channel=dm, user=grace, content=DIRECT)
            tell("DM", "Grace", DIRECT)
            tell("DM", "Threadmate", await answer(lambda: dm, 1))


def tell(where: str, who: str, text: str) -> None:
    """One line of the transcript."""
    print(f"[{where}] {who}: {text}")


if __name__ == "__main__":
    asyncio.run(main())
