"""A tool server as a child process, spoken to over its pipes: one JSON-RPC message a line, each bounded.

The official client's own pipe transport reads a line however long it is; a server that sends 50 MB would cost
the bot as much and more. This one ends the connection at `MOST` bytes. Ending follows the specification
(close its input, wait, then end its process group); where the bot is killed, the closed pipe ends the server.

Source: modelcontextprotocol.io/specification, "Transports" and "Lifecycle".
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import anyio
import mcp_types
import structlog
from mcp.client import stdio
from mcp.shared import message

MOST = 4 * 1024 * 1024  # bytes of one message: as much as the client takes of one event over HTTP
EXIT_SECONDS = 2.0  # for a server to end by itself once its input is closed, then again once it is told to

log = structlog.get_logger()


@contextlib.asynccontextmanager
async def piped(command: str, args: Sequence[str], env: Mapping[str, str]) -> AsyncIterator[Any]:
    """The two streams that the client speaks through; raises OSError where the program cannot be started.

    The server sees the few variables that are safe to hand on, and `env`. What it writes to its error output
    may hold what people said, so it is not kept.
    """
    process = await asyncio.create_subprocess_exec(
        command,
        *args,
        env={**stdio.get_default_environment(), **env},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # a Ctrl-C at the bot's terminal is the bot's to handle
        limit=MOST,
    )
    try:
        into, read = anyio.create_memory_object_stream[message.SessionMessage | Exception](0)
        write, out_of = anyio.create_memory_object_stream[message.SessionMessage](0)
        async with into, read, write, out_of, anyio.create_task_group() as group:
            group.start_soon(_hear, process, into)
            group.start_soon(_say, process, out_of, into)
            yield read, write
            group.cancel_scope.cancel()
    finally:
        with anyio.CancelScope(shield=True):
            await _end(process)


async def _hear(process: asyncio.subprocess.Process, into: Any) -> None:
    """Pass on what the server says, a line at a time; what is no message is an exception for the client."""
    assert process.stdout is not None  # noqa: S101 - it was asked for
    async with into:
        with contextlib.suppress(anyio.BrokenResourceError, anyio.ClosedResourceError, ConnectionError):
            while True:
                try:
                    line = await process.stdout.readline()
                except ValueError:
                    log.warning("tools.message_too_long", most=MOST)
                    return
                if not line:
                    return
                try:
                    said = mcp_types.jsonrpc_message_adapter.validate_json(line, by_name=False)
                except ValueError as error:
                    await into.send(error)
                else:
                    await into.send(message.SessionMessage(said))


async def _say(process: asyncio.subprocess.Process, out_of: Any, into: Any) -> None:
    """Write what the client says; a server that hears no more has ended."""
    assert process.stdin is not None  # noqa: S101 - it was asked for
    try:
        async for each in out_of:
            text = each.message.model_dump_json(by_alias=True, exclude_unset=True)
            process.stdin.write(f"{text}\n".encode())
            await process.stdin.drain()
    except (ConnectionError, anyio.ClosedResourceError):
        into.close()


async def _end(process: asyncio.subprocess.Process) -> None:
    """Close its input, wait, then end whatever it has started; bounded, and the process is reaped."""
    if process.stdin is not None:
        process.stdin.close()
    for number in (None, signal.SIGTERM, signal.SIGKILL):
        if number is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, number)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(EXIT_SECONDS):
                await _drained(process)
                await process.wait()
                return
    log.warning("tools.server_will_not_end", process=process.pid)


async def _drained(process: asyncio.subprocess.Process) -> None:
    """Throw away what it still says: a server that cannot write cannot end."""
    if process.stdout is not None:
        while await process.stdout.read(65_536):
            pass
