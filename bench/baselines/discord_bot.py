"""The simple bots on Discord: discord.py."""

from __future__ import annotations

import discord
import yarl

from bench.baselines import asking


def point_at(*, api_url: str, gateway_url: str) -> None:
    """Have discord.py talk to these addresses."""
    discord.http.Route.BASE = api_url
    discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(gateway_url)


class DiscordBot(discord.Client):
    """Answers mentions, and every post in a thread where it has answered before."""

    def __init__(self, *, claude: asking.Claude, keeps: bool) -> None:
        intents = discord.Intents.default()
        intents.message_content = True
        super().__init__(intents=intents, allowed_mentions=discord.AllowedMentions.none())
        self._claude = claude
        self._keeps = keeps
        self._threads: dict[int, list[asking.Post]] = {}  # empty lists where nothing is kept

    async def on_message(self, message: discord.Message) -> None:
        """Answer it, if it wants an answer."""
        me, channel = self.user, message.channel
        if me is None or message.author.bot:
            return
        if channel.id not in self._threads and me not in message.mentions:
            return
        placeholder = await channel.send("*Thinking…*")
        if self._keeps and channel.id in self._threads:
            posts = self._threads[channel.id]
            posts.append(asking.Post(author=message.author.display_name, text=message.content))
        else:
            posts = [
                asking.Post(author=None if each.author == me else each.author.display_name, text=each.content)
                async for each in channel.history(limit=None, oldest_first=True)
                if each.id != placeholder.id and each.content
            ]
            self._threads[channel.id] = posts if self._keeps else []

        async def show(text: str) -> None:
            await placeholder.edit(content=text)

        answer = await self._claude.answer(posts, show)
        if self._keeps:
            posts.append(asking.Post(author=None, text=answer))
