"""A bot in a process of its own, and the CPU time it has used."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import functools
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import AsyncIterator, Mapping, Sequence

ROOT = pathlib.Path(__file__).parents[2]
STILL = 0.05  # seconds without work after which a process counts as idle
IDLE_CPU = 0.001  # CPU seconds in that time that are no work: heartbeats, housekeeping
PATIENCE = 30.0
TAIL = 2_000  # bytes of a dead bot's output that are shown


@contextlib.asynccontextmanager
async def running(
    module: str, arguments: Sequence[str], environment: Mapping[str, str]
) -> AsyncIterator[int]:
    """Run `python -m module` in an empty folder while the block runs; gives its process id.

    Raises RuntimeError at the end of the block where it has died meanwhile.
    """
    with tempfile.TemporaryDirectory() as folder:
        output = pathlib.Path(folder) / "output"
        with output.open("wb") as sink:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                module,
                *arguments,
                cwd=folder,
                env={"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(ROOT), **environment},
                stdout=sink,
                stderr=sink,
            )
        try:
            yield process.pid
        finally:
            died = process.returncode is not None
            if not died:
                process.terminate()
                await process.wait()
            else:
                end = output.read_bytes()[-TAIL:].decode(errors="replace")
                print(f"{module} died with status {process.returncode}:\n{end}", file=sys.stderr)
        if died:
            raise RuntimeError(f"{module} died")


@functools.cache
def operators_python() -> str:
    """The Python of an installation with what the bot needs and no more, as `bootstrap.py run` makes it.

    What the checks need besides is imported by libraries that find it, and would be measured, too. It is made
    anew for each run of a bench, and lies in the temporary folder of the machine.
    """
    folder = pathlib.Path(tempfile.mkdtemp(prefix="threadmate-operator-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    venv.create(folder, with_pip=True)
    python = str(folder / "bin" / "python")
    lock = str(ROOT / "requirements.lock")
    install = ["-m", "pip", "install", "-q", "--require-hashes", "--no-deps", "-r", lock]
    subprocess.run([python, *install], check=True)  # noqa: S603 - pip, of that installation
    return python


def cpu_seconds(pid: int) -> float:
    """CPU time of all threads of another process; nanosecond clock, Linux.

    clock_getcpuclockid(3) makes the clock's id of the process id in just this way.
    """
    return time.clock_gettime((~pid << 3) | 2)


async def idle(pid: int) -> float:
    """Wait until the process does nothing any more; its CPU seconds by then."""
    async with asyncio.timeout(PATIENCE):
        used = cpu_seconds(pid)
        while True:
            await asyncio.sleep(STILL)
            before, used = used, cpu_seconds(pid)
            if used - before < IDLE_CPU:
                return used
