"""The page's server: the page itself, what it reads, what it does, and the stream of what happens."""

from __future__ import annotations

import base64
import binascii
import contextlib
import mimetypes
import pathlib
import urllib.parse
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import aiohttp
from aiohttp import web

from bot.desk import commands
from emulators import discord
from playground import (
    bot_process,
    calls,
    feed,
    guard,
    inspector,
    replay,
    shapes,
    side,
    signs,
    trouble,
)

Json = dict[str, Any]

STATIC = pathlib.Path(__file__).parent / "static"
MOST_BODY = 24 * 1024 * 1024
BEAT = 15.0  # seconds
SHOWN_INLINE = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
LINES = 150  # of the bot's own log
HEALTH = ("/healthz", "/readyz", "/metrics")


class Api:
    """Every route of the page's server."""

    def __init__(
        self,
        *,
        sides: Sequence[side.Side],
        model: calls.Model,
        bot: bot_process.BotProcess,
        told: feed.Feed,
        inspecting: inspector.Inspector,
        replaying: replay.Replay,
        session: aiohttp.ClientSession,
        bot_port: Callable[[], int | None],
    ) -> None:
        self._sides: Mapping[str, side.Side] = {each.name: each for each in sides}
        self._model, self._bot, self._told = model, bot, told
        self._inspector, self._replay = inspecting, replaying
        self._session, self._bot_port = session, bot_port
        self._deeds: Mapping[str, Callable[[side.Side, Json], Awaitable[Any]]] = {
            "post": self._post,
            "edit": lambda where, asked: where.edit(**_fitting(where, asked, "place", "id", "text")),
            "delete": lambda where, asked: where.delete(**_only(asked, "place", "id")),
            "command": lambda where, asked: where.command(
                **_only(asked, "place", "user", "word", "argument")
            ),
            "press": lambda where, asked: where.press(**_only(asked, "place", "user", "id", "button")),
            "react": lambda where, asked: where.react(**_only(asked, "place", "user", "id", "sign")),
            "stop": lambda where, asked: where.stop(**_only(asked, "place", "user")),
            "thread": lambda where, asked: where.open_thread(**_only(asked, "place", "id", "user")),
            "person": self._person,
            "channel": self._channel,
            "trouble": self._trouble,
            "replay": self._start_replay,
            "stop-replay": lambda _where, _asked: self._replay.stop(),
        }

    def application(self, *, public: bool) -> web.Application:
        """The server, guarded."""
        app = web.Application(client_max_size=MOST_BODY, middlewares=[guard.middleware(public=public)])
        app.on_response_prepare.append(guard.add_headers)
        app.on_shutdown.append(self._end_streams)
        app.router.add_get("/", self._page)
        app.router.add_get("/static/{name}", self._asset)
        app.router.add_get("/api/state", self._state)
        app.router.add_get("/api/events", self._events)
        app.router.add_get("/api/requests/{number:\\d+}", self._request)
        app.router.add_get("/api/{side}/posts/{place}", self._posts)
        app.router.add_get("/api/{side}/inspect/{place}", self._inspect)
        app.router.add_get("/api/{side}/recall/{place}", self._recall)
        app.router.add_get("/api/{side}/file/{place}/{id}/{number:\\d+}", self._file)
        app.router.add_post("/api/{side}/{deed}", self._deed)
        for path in HEALTH:
            app.router.add_get(path, self._health)
        return app

    async def _page(self, _request: web.Request) -> web.StreamResponse:
        return _static("index.html")

    async def _asset(self, request: web.Request) -> web.StreamResponse:
        return _static(request.match_info["name"])

    async def _state(self, _request: web.Request) -> web.Response:
        progress = self._replay.progress
        return web.json_response(
            {
                "model": {name: getattr(self._model, name) for name in ("label", "note", "offline")},
                "bot": self._bot.public(),
                "policy": self._inspector.policy(),
                "sides": {name: each.directory() for name, each in self._sides.items()},
                "writing": {name: dict(each.writing()) for name, each in self._sides.items()},
                "troubles": shapes.plain(trouble.KINDS),
                "words": commands.WORDS,
                "reactions": shapes.plain(signs.REACTIONS),
                "samples": [{"id": name, "title": title} for name, title in replay.TITLES.items()],
                "replay": progress.public() if progress else None,
                "lines": list(self._bot.lines)[-LINES:],
            }
        )

    async def _events(self, request: web.Request) -> web.StreamResponse:
        headers = {"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        page_closed = contextlib.suppress(ConnectionResetError)
        with page_closed, self._told.listening() as queue:
            await response.write(b": hello\n\n")
            async for event in feed.Feed.events(queue, beat=BEAT):
                await response.write(event)
        return response

    async def _end_streams(self, _app: web.Application) -> None:
        """An open page would hold the end up."""
        self._told.close()

    async def _posts(self, request: web.Request) -> web.Response:
        with _as_http():
            posts = self._side(request).posts(request.match_info["place"])
        return web.json_response({"posts": shapes.plain(posts)})

    async def _inspect(self, request: web.Request) -> web.Response:
        with _as_http():
            found = await self._inspector.overview(self._side(request), request.match_info["place"])
        return web.json_response(found)

    async def _recall(self, request: web.Request) -> web.Response:
        with _as_http():
            hits = await self._inspector.recall(
                self._side(request), request.match_info["place"], request.query.get("q", "")
            )
        return web.json_response({"hits": hits})

    async def _request(self, request: web.Request) -> web.Response:
        with _as_http():
            found = await self._inspector.request(int(request.match_info["number"]))
        return web.json_response(found)

    async def _file(self, request: web.Request) -> web.Response:
        matched = request.match_info
        with _as_http():
            name, kind, data = await self._side(request).file(
                place=matched["place"], id=matched["id"], number=int(matched["number"])
            )
        inline = kind in SHOWN_INLINE
        headers = {"Cache-Control": "private, max-age=3600"}
        if not inline:
            headers["Content-Disposition"] = "attachment; filename*=UTF-8''" + urllib.parse.quote(name)
        return web.Response(
            body=data, content_type=kind if inline else "application/octet-stream", headers=headers
        )

    async def _deed(self, request: web.Request) -> web.Response:
        deed = self._deeds.get(request.match_info["deed"])
        if deed is None:
            raise web.HTTPNotFound
        with _as_http():
            asked = await request.json()
            if not isinstance(asked, dict):
                raise TypeError("a deed is a JSON object")
            result = await deed(self._side(request), asked)
        return web.json_response({"result": result})

    async def _health(self, request: web.Request) -> web.Response:
        """The bot's own, from its process."""
        port = self._bot_port()
        try:
            if port is None:
                raise ConnectionError
            async with self._session.get(f"http://127.0.0.1:{port}{request.path}") as answer:
                return web.Response(
                    body=await answer.read(), status=answer.status, content_type=answer.content_type
                )
        except (aiohttp.ClientError, OSError):
            return web.json_response({"status": "the bot does not run"}, status=503)

    async def _post(self, where: side.Side, asked: Json) -> str:
        files = [
            (str(file["name"]), _media_type(file), base64.b64decode(file["data"], validate=True))
            for file in asked.get("files") or []
        ]
        return await where.post(**_fitting(where, asked, "place", "user", "text"), files=files)

    async def _person(self, where: side.Side, asked: Json) -> str:
        name = str(asked["name"]).strip()[:40]
        if not name:
            raise ValueError("a person has a name")
        return where.add_user(name)

    async def _channel(self, where: side.Side, asked: Json) -> str:
        return where.add_channel(str(asked["name"]))

    async def _trouble(self, where: side.Side, asked: Json) -> None:
        await trouble.causes(where, self._model, self._bot)[str(asked["id"])]()

    async def _start_replay(self, where: side.Side, asked: Json) -> None:
        text, name = asked.get("text"), asked.get("sample")
        posts = replay.read(text) if isinstance(text, str) else replay.sample(str(name))
        speed = asked.get("per_second")
        await self._replay.start(
            posts,
            where=where,
            channel=str(asked["place"]),
            per_second=float(speed) if speed else None,
            ask=bool(asked.get("ask", True)),
        )

    def _side(self, request: web.Request) -> side.Side:
        return self._sides[request.match_info["side"]]


class _as_http:  # noqa: N801 - read as a statement: `with _as_http():`
    """What cannot be done is answered with its reason."""

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, web.HTTPException):
            return
        if isinstance(error, KeyError | IndexError | StopIteration):
            raise web.HTTPNotFound(text=f"nothing there: {error}") from None
        if isinstance(error, discord.ApiError):
            raise web.HTTPBadRequest(text=f"Discord refuses this: {error}") from None
        if isinstance(error, LookupError | ValueError | TypeError | binascii.Error | PermissionError):
            raise web.HTTPBadRequest(text=str(error)) from None


def _only(asked: Json, *names: str) -> dict[str, str]:
    """The named texts of a deed; LookupError for one that is missing."""
    return {name: str(asked[name]) for name in names}


def _fitting(where: side.Side, asked: Json, *names: str) -> dict[str, str]:
    """The same; ValueError for a text that is longer than a person may post there."""
    found = _only(asked, *names)
    if (length := len(found["text"])) > where.longest:
        raise ValueError(
            f"A post has {where.longest:,} characters at most here, and this one has {length:,}: "
            "shorten it, or send it as a file."
        )
    return found


def _media_type(file: Json) -> str:
    return str(file.get("type") or mimetypes.guess_type(str(file["name"]))[0] or "application/octet-stream")


def _static(name: str) -> web.StreamResponse:
    path = STATIC / name
    if pathlib.PurePath(name).name != name or not path.is_file():
        raise web.HTTPNotFound
    return web.FileResponse(path, headers={"Cache-Control": "no-cache"})
