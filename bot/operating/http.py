"""The bot's own HTTP port: is it alive, is it ready, what does it count; and where others mount routes."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping

import prometheus_client
from aiohttp import web

from bot import errors

Check = Callable[[], Awaitable[str | None]]
"""None when all is well, else what is wrong and what to do."""

Refresh = Callable[[], Awaitable[None]]

PATIENCE = 5.0  # seconds: a check that hangs has failed
NO_SUCH_HOST = {errno.EADDRNOTAVAIL, socket.EAI_NONAME, socket.EAI_AGAIN, socket.EAI_NODATA, socket.EAI_FAIL}
NOT_OURS = "BOT_HTTP_HOST: should be an address of this machine, 127.0.0.1 for itself alone, 0.0.0.0 for all"
MOST_BODY = 2 * 1024 * 1024  # bytes; Slack's events are far smaller


def application(
    checks: Mapping[str, Check],
    registry: prometheus_client.CollectorRegistry,
    routes: Iterable[web.RouteDef] = (),
    refresh: Refresh | None = None,
    patience: float = PATIENCE,
    notes: Callable[[], Mapping[str, str]] = dict,
) -> web.Application:
    """The routes: `/healthz` (the process runs), `/readyz` (every check passes), `/metrics`, and the rest.

    `refresh` brings figures up to date that are looked up rather than counted; `patience`: seconds for each;
    `notes`: what is wrong without keeping the bot from its work.
    """

    async def made(check: Check) -> str | None:
        try:
            return await asyncio.wait_for(check(), patience)
        except TimeoutError:
            return f"no answer within {patience:g} s"

    async def healthz(_request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def readyz(_request: web.Request) -> web.Response:
        results = {name: await made(check) for name, check in checks.items()}
        wrong = {name: result for name, result in results.items() if result is not None}
        body: dict[str, object] = {
            "status": "not ready" if wrong else "ok",
            "checks": {**dict.fromkeys(results, "ok"), **wrong},
        }
        if noted := notes():
            body["notes"] = dict(noted)
        return web.json_response(body, status=503 if wrong else 200)

    async def metrics(_request: web.Request) -> web.Response:
        if refresh is not None:
            with contextlib.suppress(errors.LogUnusable, TimeoutError):  # what is counted is served anyway
                await asyncio.wait_for(refresh(), patience)
        body = prometheus_client.generate_latest(registry)
        return web.Response(body=body, headers={"Content-Type": prometheus_client.CONTENT_TYPE_LATEST})

    app = web.Application(client_max_size=MOST_BODY)
    app.add_routes(
        [web.get("/healthz", healthz), web.get("/readyz", readyz), web.get("/metrics", metrics), *routes]
    )
    return app


@contextlib.asynccontextmanager
async def serve(app: web.Application, *, host: str, port: int) -> AsyncIterator[int]:
    """Listen while the block runs; yields the port.

    Raises errors.SettingsError where the host is none of this machine's, else errors.OperatorError.
    """
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except (OSError, UnicodeError) as error:  # the latter: no name that could be looked up
            if not isinstance(error, OSError) or error.errno in NO_SUCH_HOST:
                raise errors.SettingsError([NOT_OURS]) from None
            raise errors.OperatorError(
                f"BOT_HTTP_PORT: cannot listen on port {port}. Another program is using it, or this user may "
                "not: choose another."
            ) from None
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()
