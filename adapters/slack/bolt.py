"""Bolt, and what keeps it from acknowledging what is not recorded. The only importer of slack_bolt.

Bolt acknowledges an event before a listener runs and forgets a listener that fails, so there is no listener:
one middleware records and then answers 200 itself; when recording raises, Bolt answers 500 and Slack delivers
again. What Bolt would do itself is switched off where it is done here, or would be done too late.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response
from slack_bolt.adapter.socket_mode import async_internals
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.authorization.async_authorize import AsyncAuthorize
from slack_bolt.oauth.async_oauth_settings import AsyncOAuthSettings
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.web.async_client import AsyncWebClient

log = structlog.get_logger()

Take = Callable[[Mapping[str, Any]], Awaitable[None]]
"""Records a whole payload; it is acknowledged only after."""
Press = Callable[[Mapping[str, Any]], Awaitable[Mapping[str, Any] | None]]
"""Carries out an interaction; what its acknowledgement says, None for no more than that."""

_UNUSED = "unused"
_INTERACTIONS = frozenset({"block_actions", "message_action", "view_submission"})


def sdk_logger() -> logging.Logger:
    """The SDK's own lines may hold texts and socket tickets; what matters of them is logged by us."""
    logger = logging.getLogger("threadmate.slack_sdk")
    logger.setLevel(logging.CRITICAL)
    return logger


class _NoToken(AsyncAuthorize):
    """Bolt would ask auth.test at the first event, and acknowledge the event if that fails."""

    def __init__(self) -> None:
        """Bolt's own is untyped, and empty."""

    async def __call__(self, **_: Any) -> AuthorizeResult:
        """Nobody calls Slack through Bolt: each workspace has a client of its own."""
        return AuthorizeResult(enterprise_id=None, team_id=None, bot_token="")


class Door:
    """Where requests of Slack come in, over a socket or over HTTP."""

    def __init__(self, *, event: Take, press: Press, api_url: str) -> None:
        self._event = event
        self._press = press
        self._app = AsyncApp(
            name="threadmate",
            logger=sdk_logger(),
            client=AsyncWebClient(base_url=api_url, retry_handlers=[], logger=sdk_logger()),
            authorize=_NoToken(),
            signing_secret="",  # checked before Bolt sees a request, see http.Endpoint
            request_verification_enabled=False,
            ignoring_self_events_enabled=False,  # parse decides what is the bot's own
            ssl_check_enabled=False,
            attaching_function_token_enabled=False,
            # With none given, Bolt makes its own of SLACK_CLIENT_ID and others in the environment.
            oauth_settings=AsyncOAuthSettings(
                client_id=_UNUSED,
                client_secret=_UNUSED,
                scopes=[],
                user_scopes=[],
                redirect_uri=_UNUSED,
                install_path=_UNUSED,
                redirect_uri_path=_UNUSED,
            ),
        )
        self._app.use(self._record)

    async def take_envelope(self, client: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        """A Socket Mode envelope: acknowledged on the same socket, or not at all."""
        started = time.time()
        response = await async_internals.run_async_bolt_app(self._app, request)
        await async_internals.send_async_response(client, request, response, started)

    async def take_request(self, body: str, request: web.Request) -> web.Response:
        """An HTTP request whose signature was checked. Raises ValueError for a body that is not JSON."""
        given = AsyncBoltRequest(body=body, query=request.query_string, headers=dict(request.headers))
        return await to_aiohttp_response(await self._app.async_dispatch(given))

    async def _record(self, body: dict[str, Any]) -> BoltResponse:
        """The middleware: record, then acknowledge."""
        if body.get("type") in _INTERACTIONS or "command" in body:
            said = await self._press(body)
            return BoltResponse(status=200, body=dict(said) if said else "")
        if body.get("type") != "event_callback":
            log.info("slack.request_ignored", type=body.get("type"))
            return BoltResponse(status=200, body="")
        try:
            await self._event(body)
        except Exception as error:
            log.error(  # noqa: TRY400 - a traceback may carry a post's words
                "slack.event_not_recorded", event_id=body.get("event_id"), error=type(error).__name__
            )
            raise
        return BoltResponse(status=200, body="")
