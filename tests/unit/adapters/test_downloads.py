"""From where files may come, and how much of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import pytest
import yarl
from aiohttp import test_utils, web

from adapters import downloads
from bot import errors

SLACK = downloads.Hosts.of(
    frozenset({"files.slack.com"}), api_url="https://slack.com/api/", usual="https://slack.com/api/"
)


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("https://files.slack.com/files-pri/T1-F1/a.png", True),
        ("http://files.slack.com/a", False),  # the token would go in the clear
        ("https://files.slack.com:8443/a", False),
        ("https://files.slack.com.evil.example/a", False),
        ("https://evil.example/files.slack.com", False),
        ("https://files.slack.com@evil.example/a", False),
        ("https://user:pass@files.slack.com/a", False),
        ("https://169.254.169.254/latest/meta-data", False),
        ("/a", False),
    ],
)
def test_only_the_platforms_own_hosts_are_asked(address: str, allowed: bool) -> None:
    """Neither a look-alike host nor another port or scheme gets a request, and so no token."""
    assert SLACK.hold(yarl.URL(address)) is allowed


def test_another_origin_of_the_api_stands_for_all_hosts() -> None:
    """Where the API has another address than usual, that origin is the only one."""
    hosts = downloads.Hosts.of(
        frozenset({"files.slack.com"}), api_url="http://127.0.0.1:9/api/", usual="https://slack.com/api/"
    )
    assert hosts.hold(yarl.URL("http://127.0.0.1:9/files-pri/a"))
    assert not hosts.hold(yarl.URL("http://127.0.0.1:10/files-pri/a"))
    assert not hosts.hold(yarl.URL("https://files.slack.com/a"))


Get = Callable[[str, int], Awaitable[bytes]]


@pytest.fixture
async def seen() -> list[tuple[str, str | None]]:
    """Every request that reached the servers: path and token."""
    return []


@pytest.fixture
async def get(seen: list[tuple[str, str | None]]) -> AsyncIterator[Get]:
    """Downloads from one server; another one listens beside it."""

    async def answer(request: web.Request) -> web.StreamResponse:
        seen.append((request.path, request.headers.get("Authorization")))
        if request.path == "/away":
            raise web.HTTPFound(str(other.make_url("/stolen")))
        if request.path == "/near":
            raise web.HTTPFound("/file")
        if request.path == "/loop":
            raise web.HTTPFound("/loop")
        if request.path == "/endless":
            response = web.StreamResponse()
            await response.prepare(request)
            for _ in range(10):
                await response.write(bytes(1_000))
            return response
        return web.Response(body=b"data", status={"/gone": 404, "/fault": 503}.get(request.path, 200))

    app, elsewhere = web.Application(), web.Application()
    for each in (app, elsewhere):
        each.router.add_get("/{path}", answer)
    async with test_utils.TestServer(app) as server, test_utils.TestServer(elsewhere) as other:
        hosts = downloads.Hosts(names=frozenset(), origin=server.make_url("/").origin())
        async with aiohttp.ClientSession() as session:

            async def run(path: str, limit: int = 5_000) -> bytes:
                got = await downloads.get(
                    session,
                    str(server.make_url(path)),
                    hosts=hosts,
                    headers={"Authorization": "Bearer t"},
                    limit=limit,
                )
                return got.data

            yield run


async def test_a_redirect_is_followed_within_the_hosts_only(
    get: Get, seen: list[tuple[str, str | None]]
) -> None:
    """A redirect to another host is refused before anything is sent there; a loop ends."""
    assert await get("/near", 100) == b"data"
    with pytest.raises(errors.FileRefused, match="not stored on the platform"):
        await get("/away", 100)
    with pytest.raises(errors.FileRefused):
        await get("/loop", 100)
    assert "/stolen" not in [path for path, _ in seen]
    assert {token for _, token in seen} == {"Bearer t"}


async def test_no_more_is_read_than_the_limit(get: Get) -> None:
    """A body without an announced length is cut off at the limit, and refused."""
    with pytest.raises(errors.FileRefused, match="larger"):
        await get("/endless", 5_000)
    assert len(await get("/endless", 10_000)) == 10_000


async def test_a_fault_passes_and_a_loss_does_not(get: Get) -> None:
    """What the platform no longer has is refused for good; a fault of its server may be tried again."""
    with pytest.raises(errors.FileRefused, match="no longer has it"):
        await get("/gone", 100)
    with pytest.raises(errors.PlatformUnavailable):
        await get("/fault", 100)
