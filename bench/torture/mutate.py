"""The mutation proof: one defence at a time is taken out of a copy of the tree, and its row must go red.

The bot has no switches: a mutation is an edit of source text in a temporary folder. One that no longer fits
the source is an error, so that the proof cannot rot. A row counts as red when it fails by its own judgement;
that the tree is green before is shown by the same row on an unchanged copy.
"""

from __future__ import annotations

import asyncio
import dataclasses
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence

ROOT = pathlib.Path(__file__).parents[2]
TABLE = ROOT / "bench" / "results" / "torture-mutations.md"
LIMIT_SECONDS = 300.0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Mutation:
    """A defence, the row that guards it, and the edits that take it out: (file, old, new)."""

    defence: str
    row: str
    platform: str
    edits: Sequence[tuple[str, str, str]]


LOG = "bot/thread_log"
KNOWN = "    if db.execute(stored, (number, post.id)).fetchone() is not None:\n        return False\n"
DUE_AGAIN = """db.execute("UPDATE posts SET reply = NULL WHERE id = ?", (post.id,))
        return True"""
INSERT = "    insert(db, number=number, post=post)\n    return True\n"
UNLESS_THERE = """    if db.execute("SELECT 1 FROM posts WHERE id = ?", (post.id,)).fetchone() is None:
        insert(db, number=number, post=post)
    return True
"""
MUTATIONS = (
    Mutation(
        defence="dedupe",
        row="F3",
        platform="slack",
        edits=[
            (f"{LOG}/intake.py", KNOWN, KNOWN.replace("return False", DUE_AGAIN)),
            (f"{LOG}/intake.py", INSERT, UNLESS_THERE),
        ],
    ),
    Mutation(
        defence="look-up",
        row="F8",
        platform="slack",
        edits=[
            (
                "adapters/slack/posts.py",
                "async def look(",
                "async def look(self, **_: object) -> None:\n        return None\n\n    async def _look(",
            ),
        ],
    ),
    Mutation(
        defence="nonce",
        row="F8",
        platform="discord",
        edits=[
            (
                "adapters/discord/reply.py",
                "            nonce=nonce(self._reply.id, part),\n",
                "            nonce=hashlib.sha256(str(self._clock()).encode()).hexdigest()[:25],\n",
            )
        ],
    ),
    Mutation(
        defence="immediate transactions",
        row="F13",
        platform="slack",
        edits=[(f"{LOG}/store.py", 'db.execute("BEGIN IMMEDIATE")', 'db.execute("BEGIN")')],
    ),
    Mutation(
        defence="stop-reason check",
        row="F7",
        platform="discord",
        edits=[
            (
                "bot/claude/retry.py",
                '        case None:\n            return cut("the stream ended without a stop reason")\n',
                "        case None:\n            return None\n",
            )
        ],
    ),
    Mutation(
        defence="sanitiser",
        row="F17",
        platform="discord",
        edits=[
            (
                "adapters/discord/reply.py",
                "allowed_mentions=discord.AllowedMentions.none()",
                "allowed_mentions=discord.AllowedMentions.all()",
            ),
            (
                "adapters/discord/app.py",
                "return markup.wire(text, self._names.known(due.home.workspace or due.home.channel))",
                "return text",
            ),
        ],
    ),
    Mutation(
        defence="backfill",
        row="F11",
        platform="slack",
        edits=[
            (
                "adapters/slack/app.py",
                "            await place.catching_up.run(homes, since=self._now() - CATCH_UP_AGE)",
                "            await asyncio.sleep(0)",
            )
        ],
    ),
    Mutation(
        defence="separate pools",
        row="F16",
        platform="slack",
        edits=[
            ("bot/claude/__init__.py", "max_connections=1_000", "max_connections=4"),
            ("adapters/slack/app.py", "CONNECTIONS = 200", "CONNECTIONS = 4"),
        ],
    ),
    Mutation(
        defence="quarantine",
        row="F18",
        platform="discord",
        edits=[
            (
                "bot/withholding.py",
                "    except errors.Rejected as refusal:\n",
                "    except ZeroDivisionError as refusal:\n",
            )
        ],
    ),
    Mutation(
        defence="erasure",
        row="F19",
        platform="slack",
        edits=[
            (
                f"{LOG}/store.py",
                '            "secure_delete = ON",\n',
                '            "secure_delete = OFF",\n',
            ),
            (f"{LOG}/upkeep.py", "await self._scrub()", "await asyncio.sleep(0)"),
        ],
    ),
)


def main(names: Sequence[str]) -> int:
    """Run the proof for the named defences, or for all; 0 when every one is detected by its row."""
    chosen = [each for each in MUTATIONS if not names or each.defence in names]
    outcomes = []
    for each in chosen:
        green, _ = asyncio.run(_row(each, mutated=False))
        red, told = asyncio.run(_row(each, mutated=True))
        outcomes.append((each, green and not red, told))
        print(
            f"{'detected' if green and not red else 'MISSED'}  {each.defence}: {each.row} {told}", flush=True
        )
    if not names:
        TABLE.write_text(_table(outcomes))
    return int(not all(detected for _, detected, _ in outcomes))


async def _row(mutation: Mutation, *, mutated: bool) -> tuple[bool, str]:
    """Whether the mutation's row passes on a copy of the tree, and what it says."""
    with tempfile.TemporaryDirectory(prefix="mutation-") as name:
        folder = pathlib.Path(name)
        for part in ("bot", "adapters", "emulators", "bench"):
            shutil.copytree(
                ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__", "results")
            )
        for path, old, new in mutation.edits if mutated else ():
            source = (folder / path).read_text()
            if old not in source:
                raise SystemExit(
                    f"{mutation.defence}: the source of {path} has changed, the mutation must, too"
                )
            (folder / path).write_text(source.replace(old, new))
        began = time.monotonic()
        command = [sys.executable, "-m", "bench.torture", mutation.row, "--platform", mutation.platform]
        try:
            done = await asyncio.to_thread(
                subprocess.run,
                [*command, "--quick", "--dry"],
                cwd=folder,
                capture_output=True,
                text=True,
                timeout=LIMIT_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return False, f"FAIL {mutation.row}: it did not end in {LIMIT_SECONDS:.0f} s"
        last = " ".join(done.stdout.split())[:300] or done.stderr[-300:]
        return done.returncode == 0, f"({time.monotonic() - began:.0f} s) {last}"


def _table(outcomes: Sequence[tuple[Mutation, bool, str]]) -> str:
    lines = [
        "# Each defence taken out once",
        "",
        "Written by `python -m bench.torture mutate`. Green before, red without the defence: detected.",
        "",
        "| defence | row | platform | detected | what the row said without it |",
        "|---|---|---|---|---|",
    ]
    for mutation, detected, told in outcomes:
        said = told.partition("FAIL")[2].replace("|", "/")[:200] or told[:200].replace("|", "/")
        lines.append(
            f"| {mutation.defence} | {mutation.row} | {mutation.platform}"
            f" | {'yes' if detected else 'NO'} | {said} |"
        )
    return "\n".join([*lines, ""])
