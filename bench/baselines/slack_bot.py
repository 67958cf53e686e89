"""The simple bots on Slack: slack-bolt in Socket Mode."""

from __future__ import annotations

from typing import Any

from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bench.baselines import asking

PAGE = 1000  # the most that conversations.replies gives at once


class SlackBot:
    """Answers mentions, and every post in a thread where it has answered before."""

    def __init__(
        self, *, bot_token: str, app_token: str, api_url: str, claude: asking.Claude, keeps: bool
    ) -> None:
        self._client = AsyncWebClient(token=bot_token, base_url=api_url)
        self._app_token = app_token
        self._claude = claude
        self._keeps = keeps
        self._threads: dict[str, list[asking.Post]] = {}  # empty lists where nothing is kept
        self._me = ""

    async def run(self) -> None:
        """Connect and stay."""
        self._me = str((await self._client.auth_test())["user_id"])
        app = AsyncApp(client=self._client)
        app.event("message")(self._on_message)
        app.event("app_mention")(_on_mention)
        handler = AsyncSocketModeHandler(app, self._app_token)
        await handler.start_async()  # type: ignore[no-untyped-call] # slack-bolt leaves it bare

    async def _on_message(self, event: dict[str, Any]) -> None:
        if event.get("subtype") or event.get("bot_id"):
            return
        channel, thread = event["channel"], event.get("thread_ts") or event["ts"]
        if thread not in self._threads and f"<@{self._me}>" not in event["text"]:
            return
        placeholder = await self._client.chat_postMessage(
            channel=channel, thread_ts=thread, text="_Thinking…_"
        )
        ts = str(placeholder["ts"])
        if self._keeps and thread in self._threads:
            posts = self._threads[thread]
            posts.append(asking.Post(author=event["user"], text=event["text"]))
        else:
            posts = await self._fetch(channel, thread, without=ts)
            self._threads[thread] = posts if self._keeps else []

        async def show(text: str) -> None:
            await self._client.chat_update(channel=channel, ts=ts, text=text)

        answer = await self._claude.answer(posts, show)
        if self._keeps:
            posts.append(asking.Post(author=None, text=answer))

    async def _fetch(self, channel: str, thread: str, *, without: str) -> list[asking.Post]:
        """The whole thread as Slack has it now, but for the placeholder."""
        posts: dict[str, asking.Post] = {}  # by ts: the root opens every page
        cursor = ""
        while True:
            page = await self._client.conversations_replies(
                channel=channel, ts=thread, limit=PAGE, cursor=cursor or None
            )
            for each in page["messages"]:
                author = None if each.get("user") == self._me else each.get("user")
                if each["ts"] != without and each.get("text"):
                    posts[each["ts"]] = asking.Post(author=author, text=each["text"])
            cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return list(posts.values())


async def _on_mention(event: dict[str, Any]) -> None:
    """The same post comes as a message, too."""
