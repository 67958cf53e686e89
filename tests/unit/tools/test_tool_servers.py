"""Tool servers for themselves: over HTTP, gone and back, changed while they run, checked, ended."""

from __future__ import annotations

import asyncio
import contextlib
import pathlib
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import fakes
import pytest
import world

from bot import conversation, settings
from bot.tools import approving, checking, describing, listing, servers, toolsets
from emulators import claude

PROGRAM = pathlib.Path(__file__).parents[2] / "fixtures" / "tool_server.py"
SECONDS = 30.0  # a barrier that is not reached by then fails the test


@contextlib.asynccontextmanager
async def connected(
    *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep, **given: object
) -> AsyncIterator[servers.Server]:
    """One server, kept connected while the block runs."""
    chosen = listing.Server.model_validate({"tools": ["read", "write"], **given})
    server = servers.Server(name="notes", settings=chosen, sleep=sleep)
    task = asyncio.create_task(server.run())
    try:
        async with asyncio.timeout(SECONDS):
            await server.tried.wait()
        yield server
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(predicate: Callable[[], bool]) -> None:
    """Wait until it holds; a server in another process tells nobody."""
    async with asyncio.timeout(SECONDS):
        while not predicate():  # noqa: ASYNC110 - see above
            await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def over_http(kind: str, log: pathlib.Path, port: int) -> AsyncIterator[str]:
    """A server of the fixture as a program of its own; its address."""
    process = await asyncio.create_subprocess_exec(sys.executable, str(PROGRAM), kind, str(log), str(port))
    url = f"http://127.0.0.1:{port}/mcp"
    try:
        async with asyncio.timeout(SECONDS), aiohttp.ClientSession() as session:
            while True:
                with contextlib.suppress(aiohttp.ClientError):
                    async with session.get(url):
                        break
                await asyncio.sleep(0.05)
        yield url
    finally:
        process.kill()
        await process.wait()


def a_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


async def test_a_server_over_http_is_used(tmp_path: pathlib.Path) -> None:
    """A server at an address lists its tools and carries them out."""
    async with over_http("good", tmp_path / "notes", a_port()) as url, connected(url=url) as server:
        assert sorted(server.offers) == ["notes__read", "notes__write"]
        given = await server.call("write", {"text": "milk"})
        assert given.content[0]["text"] == "Written: milk"


async def test_a_flood_over_http_ends_the_call(tmp_path: pathlib.Path) -> None:
    """An answer of 50 MB is not read to its end, and its outcome is not known."""
    async with (
        over_http("huge", tmp_path / "log", a_port()) as url,
        connected(url=url, tools=["act"]) as server,
    ):
        with pytest.raises(describing.Unsure):
            await server.call("act", {"text": "go"})


async def test_a_server_that_is_down_comes_back(tmp_path: pathlib.Path) -> None:
    """A server that is not there is named, and used as soon as it is."""
    port = a_port()
    async with connected(url=f"http://127.0.0.1:{port}/mcp") as server:
        assert (dict(server.offers), server.problem is not None) == ({}, True)
        with pytest.raises(describing.Gone):
            await server.call("read", {})
        async with over_http("good", tmp_path / "notes", port):
            await until(lambda: server.problem is None)
            assert sorted(server.offers) == ["notes__read", "notes__write"]


async def test_a_list_that_changes_all_the_time_is_looked_at_now_and_then(tmp_path: pathlib.Path) -> None:
    """A server that says so is looked at again; one that says so for ever is not asked without a pause."""
    log = tmp_path / "looks"
    pause, pauses = asyncio.Event(), list[float]()

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        await pause.wait()

    nagger = {"command": sys.executable, "args": [str(PROGRAM), "nagger", str(log)], "tools": ["read"]}
    async with connected(sleep=sleep, **nagger) as server:
        await until(lambda: len(pauses) == 1)
        assert server.offers["notes__read"].tool.description == "look 1"
        assert log.read_text("utf-8") == "1"
        pause.set()
        await until(lambda: server.offers["notes__read"].tool.description >= "look 3")
    assert set(pauses) == {servers.QUIET_SECONDS}


async def test_the_process_ends_with_the_bot(tmp_path: pathlib.Path) -> None:
    """A server that runs as a program ends when it is let go of."""
    log = str(tmp_path / "notes")
    async with connected(command=sys.executable, args=[str(PROGRAM), "good", log]) as server:
        assert server.problem is None
        (running,) = _programs(log)
    assert running not in _programs(log)


def _programs(argument: str) -> list[str]:
    """The processes that were given this argument."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it ended just now
            if argument.encode() in path.read_bytes():
                found.append(path.parent.name)
    return found


async def test_check_names_servers_tools_and_the_web(tmp_path: pathlib.Path) -> None:
    """`check` connects to each server once, and asks Claude whether it takes the web tools."""
    path = tmp_path / "tools.toml"
    path.write_text(
        f'[servers.notes]\ncommand = "{sys.executable}"\nargs = ["{PROGRAM}", "good", "{tmp_path}/n"]\n'
        'tools = ["read", "missing"]\n[servers.nowhere]\ncommand = "no-such-program"\ntools = ["a"]\n',
        "utf-8",
    )
    async with claude.Claude() as api:
        api.web = False
        chosen = settings.load(
            _env_file=None,
            bot_tools_file=path,
            bot_web_tools="on",
            anthropic_api_key="sk-ant-emulated",
            anthropic_base_url=api.url,
        )
        found = {each.what: each for each in await checking.check(chosen)}
        assert {what: each.state for what, each in found.items()} == {
            "BOT_TOOLS_FILE, server notes": "ok",
            "BOT_TOOLS_FILE, server notes, tool missing": "wrong",
            "BOT_TOOLS_FILE, server nowhere": "wrong",
            "BOT_WEB_TOOLS": "wrong",
        }
        assert all(each.mend for each in found.values() if each.state == "wrong")
        api.web = True
        assert (await checking.check(chosen))[-1].state == "ok"


async def test_a_call_that_was_cut_may_have_run(tmp_path: pathlib.Path) -> None:
    """Where a crash came between a call and its outcome, Claude is told, once, and nothing is repeated."""
    offer = describing.Offer(
        tool=conversation.Tool(name="notes__write", description="", parameters={"type": "object"}),
        server="notes",
        name="write",
        writes=True,
    )
    call = toolsets.Call(id="toolu_2", tool="notes__write", asked={"text": "milk"})

    async def run() -> tuple[toolsets.Result, bool]:
        raise AssertionError("it ran")

    async with world.opened(tmp_path, model=fakes.Model(holding=True)) as bot:
        await bot.say(1)
        await bot.model.called(1)
        reply = await bot.log.begin(world.KEY)
        assert reply is not None
        cut = toolsets.Written(id="toolu_1", tool="notes__write", state=toolsets.State.RUNNING, life="before")
        await bot.log.tools.note_call(reply, cut)
        desk = approving.Desk(book=bot.log.tools, platforms={"slack": bot.platform}, seconds=0.01)
        approval = approving.Approval(reply=reply, desk=desk)
        told, outcome = await approval.carry_out(call, offer, run)
        assert (outcome, told.failed) == ("repeated", True)
        assert "may have run" in told.text
        again, outcome = await approval.carry_out(call, offer, run)
        assert (outcome, again.failed) == ("expired", True)
