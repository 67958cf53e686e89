"""The door for workspaces that want the bot: `GET /slack/install` and `GET /slack/oauth_redirect`.

What comes back from Slack counts only with a state that was issued to the same browser in the last ten
minutes, once: nobody can be made to finish an installation that somebody else began (RFC 6749, 10.12).
"""

from __future__ import annotations

import dataclasses
import secrets
import urllib.parse
from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web as aiohttp_web

from adapters.slack import oauth, pages, surface, web
from bot import errors
from bot.workspaces import installation

COOKIE = "threadmate_install"
COOKIE_SECONDS = 600

log = structlog.get_logger()


@dataclasses.dataclass(frozen=True, kw_only=True)
class App:
    """The app as its operator set it up, for many workspaces."""

    client_id: str
    client_secret: str = dataclasses.field(repr=False)
    public_url: str  # of the bot, as browsers reach it; no slash at its end
    store: installation.Installations

    @property
    def install_url(self) -> str:
        """Where an installation begins."""
        return f"{self.public_url}/slack/install"

    @property
    def redirect_uri(self) -> str:
        """Where Slack sends the browser back to; the manifest's redirect_urls must have it."""
        return f"{self.public_url}/slack/oauth_redirect"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Door:
    """The two pages. `arrived` is told of each workspace whose token was stored."""

    app: App
    api_url: str
    client: oauth.Client
    arrived: Callable[[str], Awaitable[None]]

    async def install(self, request: aiohttp_web.Request) -> aiohttp_web.Response:
        """The page with the button; begins an installation."""
        state, browser = secrets.token_urlsafe(32), request.cookies.get(COOKIE, "")
        if len(browser) < 32:  # noqa: PLR2004 - none of ours; tabs of one browser share one of ours
            browser = secrets.token_urlsafe(32)
        await self.app.store.issue(state, browser)
        response = _page(pages.invitation(self._consent_url(state)))
        response.set_cookie(
            COOKIE,
            browser,
            max_age=COOKIE_SECONDS,
            httponly=True,
            samesite="Lax",  # Slack sends the browser back by a link, which carries such a cookie
            secure=self.app.public_url.startswith("https:"),
        )
        return response

    async def redirected(self, request: aiohttp_web.Request) -> aiohttp_web.Response:
        """Back from Slack: with a code, or with the reason why there is none."""
        return _page(await self._outcome(request))

    async def _outcome(self, request: aiohttp_web.Request) -> pages.Page:
        again = self.app.install_url
        state, browser = request.query.get("state", ""), request.cookies.get(COOKIE, "")
        if not state or not browser or not await self.app.store.redeem(state, browser):
            log.warning("slack.install_state_refused", cookie=bool(browser))
            return pages.stale(again)
        if request.query.get("error"):
            log.info("slack.install_denied")
            return pages.denied(again)
        try:
            made = await self.client.exchange(
                request.query.get("code", ""), redirect_uri=self.app.redirect_uri
            )
        except oauth.OrganisationInstall:
            log.warning("slack.install_organisation")
            return pages.organisation(again)
        except errors.PlatformError as error:
            log.warning("slack.install_refused", fault=str(error))
            return pages.refused(again, error.code if isinstance(error, web.Refused) else "nothing in time")
        await self.app.store.save(made)
        log.info("slack.installed", team=made.workspace, rotates=made.expires_at is not None)
        await self.arrived(made.workspace)
        return pages.installed(made.name)

    def _consent_url(self, state: str) -> str:
        query = {
            "client_id": self.app.client_id,
            "scope": ",".join(sorted(surface.bot_scopes())),
            "redirect_uri": self.app.redirect_uri,
            "state": state,
        }
        page = urllib.parse.urljoin(self.api_url, "../oauth/v2/authorize")
        return f"{page}?{urllib.parse.urlencode(query)}"


def _page(page: pages.Page) -> aiohttp_web.Response:
    nonce = secrets.token_urlsafe(16)
    return aiohttp_web.Response(
        status=page.status,
        text=page.written(nonce),
        content_type="text/html",
        headers={
            "Content-Security-Policy": pages.policy(nonce),
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",  # the address of the page Slack redirects to holds a code
            "X-Content-Type-Options": "nosniff",
        },
    )
