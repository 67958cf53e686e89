"""`python -m emulators.discord --port N`: the service in a process of its own."""

import argparse
import asyncio
import contextlib
import json
import sys

from emulators.discord import server


async def serve(*, host: str, port: int, token: str | None) -> None:
    """Run until cancelled; the first line of output is JSON with the addresses and the token."""
    async with server.Discord(host=host, port=port, token=token) as service:
        names = ("url", "api_url", "gateway_url", "token", "bot_user_id", "application_id")
        sys.stdout.write(json.dumps({name: getattr(service, name) for name in names}) + "\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m emulators.discord", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--token", default=None, help="the bot token to accept; one is made up without it")
    asked = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(host=asked.host, port=asked.port, token=asked.token))


if __name__ == "__main__":
    main()
