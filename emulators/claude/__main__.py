"""``python -m emulators.claude --port N``: the emulator as a process of its own, until it is stopped."""

import argparse
import asyncio
import sys

from emulators.claude import server


async def serve(*, host: str, port: int) -> None:
    """Serve until cancelled; the URL is the first line of standard output."""
    async with server.Claude(host=host, port=port) as api:
        sys.stdout.write(f"{api.url}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m emulators.claude", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    options = parser.parse_args()
    try:
        asyncio.run(serve(host=options.host, port=options.port))
    except KeyboardInterrupt:
        sys.stdout.write("stopped\n")


if __name__ == "__main__":
    main()
