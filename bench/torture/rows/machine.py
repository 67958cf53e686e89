"""F23: the state machine of the test command, with as many examples as are asked for."""

from __future__ import annotations

import asyncio
import os
import re
import sys

from bench.torture import nursery, play

EXAMPLES = 2_000


async def machine(how: play.Run, score: play.Score) -> None:
    """Deliver, repeat, come late, edit, delete, kill, fail, jump: in any order, at any moment."""
    examples = 25 if how.quick else max(25, min(EXAMPLES, int(how.seconds)))  # about a second each
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "pytest", "-q", "-p", "no:cacheprovider", "--timeout", "0", "--hypothesis-show-statistics"),
        *("-p", "no:randomly", f"--hypothesis-seed={how.seed}", "tests/unit/test_state_machine.py"),
        cwd=nursery.ROOT,
        env={**os.environ, "STATE_MACHINE_EXAMPLES": str(examples)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    text = output.decode(errors="replace")
    score.count(examples=sum(map(int, re.findall(r"(\d+) passing", text))))
    score.check(process.returncode == 0, text[-600:])


ROWS = (play.Row(id="F23", title="state machine against a dictionary", play=machine, platforms=("core",)),)
