"""The command line; see the package."""

from __future__ import annotations

import argparse
import asyncio
import pathlib
import sys

from bench.torture import mutate, nursery, play, results
from bench.torture.rows import ROWS


def main() -> None:
    """Run rows, or the mutation proof; status 1 when one fails."""
    parser = argparse.ArgumentParser(prog="python -m bench.torture", description=__doc__)
    parser.add_argument("what", help=f"all, mutate, or one of {', '.join(ROWS)}")
    parser.add_argument("--defence", help="mutate: one defence alone")
    parser.add_argument("--platform", choices=["slack", "discord"], help="one platform alone")
    parser.add_argument("--quick", action="store_true", help="as little as shows something")
    parser.add_argument("--shard", default="1/1", help="i/n: other shards draw other luck")
    parser.add_argument(
        "--seconds", type=float, default=600.0, help="after that a row repeats itself no more"
    )
    parser.add_argument("--dry", action="store_true", help="keep no result")
    parser.add_argument(
        "--into", type=pathlib.Path, default=results.JSON, help="the record to add to (this tree's)"
    )
    options = parser.parse_args()
    if options.what == "mutate":
        sys.exit(mutate.main([options.defence] if options.defence else []))
    rows = list(ROWS.values()) if options.what == "all" else [ROWS[options.what.upper()]]
    sys.exit(asyncio.run(_run(rows, options)))


async def _run(rows: list[play.Row], options: argparse.Namespace) -> int:
    failed = 0
    commit = "" if options.dry else results.commit()
    seed = 100_000 * int(options.shard.partition("/")[0])
    async with nursery.opened() as home:
        for row in rows:
            for platform in [options.platform] if options.platform else row.platforms:
                if platform not in row.platforms:
                    continue
                how = play.Run(
                    platform=platform,
                    home=home,
                    quick=options.quick,
                    seconds=options.seconds,
                    seed=seed,
                    shard=options.shard,
                )
                result = await _recorded(row, how, commit, options.into)
                print(_line(result), flush=True)
                failed += not result.passed
    return int(failed > 0)


async def _recorded(row: play.Row, how: play.Run, commit: str, path: pathlib.Path) -> results.Result:
    """Play a row; where there is a commit it is in the record from its start on."""
    if not commit:
        return await play.run(row, how)
    number = results.begin(play.outline(row, how), commit=commit, path=path)
    result = await play.run(row, how)
    results.end(number, result, path=path)
    results.render(path)
    return result


def _line(result: results.Result) -> str:
    figures = ", ".join(f"{name} {value}" for name, value in {**result.counts, **result.worst}.items())
    word = "ok  " if result.passed else "FAIL"
    told = "".join(f"\n       {failure}" for failure in result.failures)
    return f"{word} {result.row:4} {result.platform:8} {result.seconds:6.1f} s  {figures}{told}"


if __name__ == "__main__":
    main()
