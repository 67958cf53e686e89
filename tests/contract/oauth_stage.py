"""The stage on Slack as many workspaces install it: events over HTTP, each workspace's token by OAuth."""

from __future__ import annotations

import dataclasses
import html
import re
import socket
import urllib.parse
from typing import Self

import aiohttp
import slack_stage
from cryptography import fernet

from emulators.slack import interactive

KEY = fernet.Fernet.generate_key().decode()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Page:
    """What a browser ends up with."""

    status: int
    text: str
    url: str


class OAuthStage(slack_stage.SlackStage):
    """See stage.Stage. The first workspace installs the bot by itself when the bot has started."""

    def __init__(self, **given: object) -> None:
        super().__init__(**given)  # type: ignore[arg-type]  # the stage's own arguments
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.own_port: int = free.getsockname()[1]
        self.by_itself = True

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        self.service.installed, self.service.bot_token = False, ""
        self.service.app.redirect_uris.add(f"{self.public_url}/slack/oauth_redirect")
        return self

    @property
    def public_url(self) -> str:
        """Where browsers reach the bot."""
        return f"http://127.0.0.1:{self.own_port}"

    def credentials(self) -> dict[str, str]:
        """See stage.Stage."""
        app = self.service.app
        return {
            "slack_client_id": app.client_id,
            "slack_client_secret": app.client_secret,
            "slack_signing_secret": self.service.signing_secret,
            "bot_public_url": self.public_url,
            "bot_encryption_key": KEY,
            "slack_api_url": self.service.api_url,
            "bot_http_port": str(self.own_port),
        }

    async def connected(self) -> None:
        """See stage.Stage."""
        await self.service.deliver_to(f"{self.public_url}/slack/events")
        if self.by_itself and not self.service.installed:
            assert (await self.install(self.service)).status == 200

    async def install(self, workspace: interactive.Interactive, *, say: str = "yes") -> Page:
        """Somebody installs the bot into a workspace, in a browser of their own."""
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
            link = await self.begin(browser)
            return await self.agree(browser, link, workspace, say=say)

    async def begin(self, browser: aiohttp.ClientSession) -> str:
        """Open the install page; where its button leads."""
        async with browser.get(f"{self.public_url}/slack/install") as answer:
            found = re.search(r'href="(http[^"]+)"', await answer.text())
        assert found is not None
        return html.unescape(found[1])

    async def fetch(self, address: str) -> Page:
        """Open an address of the bot's in a browser that knows nothing."""
        async with (
            aiohttp.ClientSession() as browser,
            browser.get(urllib.parse.urljoin(self.public_url, address)) as answer,
        ):
            return Page(status=answer.status, text=await answer.text(), url=str(answer.url))

    async def way_back_of_somebody_else(self) -> str:
        """Where Slack sends the browser of a person who has just agreed; they do not go there."""
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
            link = await self.begin(browser)
            form = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(link).query))
            form |= {"team": self.service.team_id, "say": "yes"}
            async with browser.post(link, data=form, allow_redirects=False) as answer:
                return answer.headers["Location"]

    async def agree(
        self,
        browser: aiohttp.ClientSession,
        link: str,
        workspace: interactive.Interactive,
        *,
        say: str = "yes",
    ) -> Page:
        """Press the button, choose the workspace, say yes or no, and go where that leads."""
        async with browser.get(link) as answer:
            asked = await answer.text()
        assert answer.status == 200, asked
        form = {
            name: html.unescape(value)
            for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', asked)
        }
        form |= {"team": workspace.team_id, "say": say}
        async with browser.post(link, data=form) as answer:
            return Page(status=answer.status, text=await answer.text(), url=str(answer.url))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Branch:
    """Another workspace on the same stage, with a person and a channel."""

    scene: OAuthStage
    workspace: interactive.Interactive
    ada: str
    channel: str

    @classmethod
    def of(cls, scene: OAuthStage, name: str, *, same_ids: bool = False) -> Self:
        """A workspace where the bot is not installed yet."""
        workspace = scene.service.another(name, same_ids=same_ids)
        ada, bob = workspace.add_user("Ada"), workspace.add_user("Bob")
        channel = workspace.add_channel("general", members=[ada, bob])
        return cls(scene=scene, workspace=workspace, ada=ada, channel=channel)

    async def mention(self, text: str, *, thread: str | None = None, ts: str | None = None) -> str:
        """Mention the bot in the channel; the ts, which may be one of another workspace."""
        words = f"<@{self.workspace.bot_user_id}> {text}"
        ts = await self.workspace.post(
            channel=self.channel, user=self.ada, text=words, thread_ts=thread, ts=ts
        )
        self.scene.belongs(text, f"{self.workspace.team_id}/{self.channel}/{thread or ts}")
        return ts

    def answers(self, ts: str) -> list[str]:
        """What the bot has said in the thread of a post."""
        posts = self.workspace.messages(self.channel, ts)
        mine = [post for post in posts if post.get("user") == self.workspace.bot_user_id]
        return [self.workspace.shown(self.channel, str(post["ts"])) for post in mine]
