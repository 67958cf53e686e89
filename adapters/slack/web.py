"""Calls of Slack's Web API, with our own bounded retries and outcomes told apart.

Every call ends in one of four ways: it was carried out (the answer is returned), it was not and cannot be
(`Refused`), it was not because Slack is busy (`Busy`), or nobody knows (`Unknown`). A call that may be
repeated is, after an unknown outcome; one that may not (a post) is left to the caller, who looks first.
"""

from __future__ import annotations

import asyncio
import collections
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

import aiohttp
import structlog
from slack_sdk import errors as slack_errors
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from adapters.slack import surface
from bot import errors

RETRY_AFTER_CAP = 60.0  # seconds between two looks whether a wait is over
LONGEST_LIMIT = 3_600.0  # seconds that Slack may ask to wait; after that it is asked again
YIELD_SECONDS = 1.0  # that a call which can wait begins later than those that cannot
CALL_SECONDS = 30.0  # after that the outcome of one try is unknown
_BACKOFF = (0.2, 0.5, 1.0, 2.0, 4.0)  # seconds between tries, the last one repeated
_FAULTS = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout"})
_LIMITED = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})
_TOKEN_OVER = frozenset({"token_expired", "invalid_auth"})
_SHUT = frozenset(  # to the token or the workspace as it is now: no reason to give an answer up
    {
        "account_inactive",
        "ekm_access_denied",
        "invalid_auth",
        "not_authed",
        "org_login_required",
        "team_added_to_org",
        "token_expired",
        "token_revoked",
    }
)
_HTTP_LIMITED = 429
_HTTP_FAULT = 500
_HTTP_MISSING = frozenset({404, 405, 501})  # how a server says without words that it has no such method
_GONE = frozenset(
    {"channel_not_found", "is_archived", "message_not_found", "thread_not_found", "invalid_thread_ts"}
)

log = structlog.get_logger()

MOST_LIMITS = 1_000  # waits remembered at the same time

Limit = tuple[str, str]
"""What Slack limits together: a method, of chat methods in one channel (docs.slack.dev, rate limits)."""
Sleep = Callable[[float], Awaitable[None]]
Clock = Callable[[], float]  # monotonic seconds


class Token(Protocol):
    """Where a token comes from that does not last."""

    async def __call__(self, *, refused: str = "") -> str:
        """A token as it is good now; `refused`: the one that Slack takes no more. Raises PlatformError."""


class Refused(errors.MayNotPost):
    """Slack said no; `code` is its word for why."""

    def __init__(self, method: str, code: str, *, needed: str = "") -> None:
        super().__init__(f"{method}: {code}" + (f" (needs {needed})" if needed else ""))
        self.method = method
        self.code = code
        self.needed = needed

    @property
    def sentence(self) -> str:
        """What a person is told: the same as of any such refusal."""
        return errors.MayNotPost().sentence


class Gone(Refused, errors.PostGone):
    """Slack said no, because what the call is about is no longer there."""


class Shut(Refused, errors.PlatformUnavailable):
    """Slack said no, to everything: the token or the workspace is not to be had now."""


class Busy(errors.PlatformUnavailable):
    """Slack asked to wait longer than the caller would; nothing was done."""

    def __init__(self, method: str, retry_after: float) -> None:
        super().__init__(f"{method}: rate limited for {retry_after:g} s")
        self.retry_after = self.wait = retry_after


class Unknown(errors.PlatformUnavailable):
    """The answer was lost: the call may have been carried out."""


class Unreached(errors.PlatformUnavailable):
    """No connection was made: nothing was done."""


class Web:
    """The Web API of one workspace, on a session with limits of its own."""

    def __init__(
        self,
        *,
        client: AsyncWebClient,
        clock: Clock,
        sleep: Sleep,
        limited: Callable[[], None] = lambda: None,
        token: Token | None = None,
    ) -> None:
        """`limited` is told whenever Slack asks to wait; `token` is asked for before each call."""
        self._limited = limited
        self._token = token
        self._until: collections.OrderedDict[Limit, float] = collections.OrderedDict()
        self._client = client
        self._clock = clock
        self._sleep = sleep

    async def call(
        self,
        method: str,
        *,
        patience: float = 20.0,
        repeatable: bool = True,
        yields: bool = False,
        **arguments: Any,
    ) -> Mapping[str, Any]:
        """Slack's answer, after retries for at most `patience` seconds (0: one try).

        Arguments that are None are left out. A call that `yields` lets others go first after each wait.
        Raises Refused, Busy, Unreached, or Unknown; Unknown for a call that is not `repeatable` after the
        first try whose outcome cannot be told.
        """
        answer = await self._patiently(
            method, arguments, patience=patience, repeatable=repeatable, later=YIELD_SECONDS * yields
        )
        data = answer.data
        return data if isinstance(data, Mapping) else {}

    async def identity(self, *, patience: float) -> tuple[Mapping[str, Any], frozenset[str]]:
        """Who the token is (`auth.test`) and its scopes, which Slack names in a header of every answer."""
        answer = await self._patiently("auth.test", {}, patience=patience, repeatable=True)
        data = answer.data
        scopes = str(answer.headers.get("x-oauth-scopes") or "").replace(" ", "")
        return data if isinstance(data, Mapping) else {}, frozenset(filter(None, scopes.split(",")))

    async def _patiently(
        self,
        method: str,
        arguments: Mapping[str, Any],
        *,
        patience: float,
        repeatable: bool,
        later: float = 0.0,
    ) -> AsyncSlackResponse:
        until = self._clock() + patience
        limit = (method, str(arguments.get("channel") or "") if method.startswith("chat.") else "")
        for attempt in range(1_000_000):
            wait = _BACKOFF[min(attempt, len(_BACKOFF) - 1)]
            fault: errors.PlatformUnavailable
            try:
                self._heed(limit)
                return await self._with_token(method, arguments)
            except Busy as busy:
                self._note(limit, busy)
                wait, fault = max(wait, min(busy.retry_after, RETRY_AFTER_CAP)), busy
            except Unknown as unknown:
                if not repeatable:
                    raise
                fault = unknown
            except Unreached as unreached:
                fault = unreached
            wait += later
            if self._clock() + wait > until:
                raise fault
            log.info("slack.retry", method=method, attempt=attempt + 1, wait=wait, fault=type(fault).__name__)
            await self._sleep(wait)
        raise AssertionError("unreachable")

    def _heed(self, limit: Limit) -> None:
        """Raise Busy while Slack has asked to wait, whoever it was that it told so."""
        left = self._until.get(limit, 0.0) - self._clock()
        if left > 0:
            raise Busy(limit[0], left)
        self._until.pop(limit, None)

    def _note(self, limit: Limit, busy: Busy) -> None:
        if limit not in self._until:  # else it is the wait that is heeded already
            self._limited()
            self._until[limit] = self._clock() + min(busy.retry_after, LONGEST_LIMIT)
            while len(self._until) > MOST_LIMITS:
                self._until.popitem(last=False)

    async def respond(self, url: str, content: Mapping[str, Any]) -> None:
        """Answer whoever acted at the address that came with their deed; no token goes with it."""
        session = self._client.session
        if session is None:
            raise Unreached("no session")
        try:
            async with session.post(url, json=dict(content)) as response:
                if response.status >= 400:  # noqa: PLR2004 - every HTTP refusal
                    raise Refused("response_url", f"http_{response.status}")
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unknown(f"response_url: {type(error).__name__}") from error

    async def upload(self, url: str, data: bytes) -> None:
        """Send a file's bytes to the address `files.getUploadURLExternal` gave; no token goes with them."""
        session = self._client.session
        if session is None:
            raise Unreached("no session")
        try:
            async with session.post(url, data=data) as response:
                if response.status >= 400:  # noqa: PLR2004 - every HTTP refusal
                    raise Refused("upload", f"http_{response.status}")
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unknown(f"upload: {type(error).__name__}") from error

    async def bearer(self) -> str:
        """The token as it is good now, for a download; it goes to Slack's own hosts only."""
        return str(self._client.token or "") if self._token is None else await self._token()

    async def _with_token(self, method: str, arguments: Mapping[str, Any]) -> AsyncSlackResponse:
        """One try; another one where the token was refused and there is a newer one."""
        if self._token is None:
            return await self._once(method, arguments)
        self._client.token = used = await self._token()
        try:
            return await self._once(method, arguments)
        except Refused as refused:
            if refused.code not in _TOKEN_OVER or (renewed := await self._token(refused=used)) == used:
                raise
            self._client.token = renewed
            return await self._once(method, arguments)

    async def _once(self, method: str, arguments: Mapping[str, Any]) -> AsyncSlackResponse:
        given = {name: value for name, value in arguments.items() if value is not None}
        try:
            async with asyncio.timeout(CALL_SECONDS):
                verb = surface.METHODS[method].verb
                if verb == "GET":
                    return await self._client.api_call(method, http_verb="GET", params=given)
                if verb == "FORM":
                    return await self._client.api_call(method, data=given)
                return await self._client.api_call(method, json=given)
        except slack_errors.SlackApiError as error:
            raise _told(method, error) from error
        except aiohttp.ClientConnectorError as error:
            raise Unreached(f"{method}: {type(error).__name__}") from error
        except (aiohttp.ClientError, TimeoutError, OSError, json.JSONDecodeError) as error:
            raise Unknown(f"{method}: {type(error).__name__}") from error


def _told(method: str, error: slack_errors.SlackApiError) -> errors.PlatformError:
    """Which outcome an error of the SDK stands for; its response is aiohttp's where the body was broken."""
    response = error.response
    status = int(getattr(response, "status_code", 0) or getattr(response, "status", 0) or 0)
    data = getattr(response, "data", None)
    body: Mapping[str, Any] = data if isinstance(data, Mapping) else {}
    code = str(body.get("error") or "")
    if not code and status in _HTTP_MISSING and surface.METHODS[method].spare:
        return Refused(method, "unknown_method")
    if status == _HTTP_LIMITED or code in _LIMITED:
        return Busy(method, _retry_after(getattr(response, "headers", {})))
    if status >= _HTTP_FAULT or code in _FAULTS or not code:
        return Unknown(f"{method}: http {status} {code}".rstrip())
    refusal = Gone if code in _GONE else Shut if code in _SHUT else Refused
    return refusal(method, code, needed=str(body.get("needed") or ""))


def _retry_after(headers: Mapping[str, str]) -> float:
    try:
        return max(0.0, float(headers.get("Retry-After", "1")))
    except ValueError:
        return 1.0
