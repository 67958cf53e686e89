"""`python -m emulators.slack --port N`: the workspace in a process of its own, steered over `/_emulator/`."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys

from emulators.slack import server


def main() -> None:
    """Serve until SIGINT or SIGTERM; the first line on standard output is JSON with address and tokens."""
    parser = argparse.ArgumentParser(prog="python -m emulators.slack", description=main.__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free port")
    parser.add_argument("--retry-delays", default="0,60,300", help="seconds before each further attempt")
    parser.add_argument("--ack-seconds", type=float, default=3.0)
    options = parser.parse_args()
    delays = [float(delay) for delay in options.retry_delays.split(",") if delay]
    asyncio.run(_serve(options.host, options.port, delays, options.ack_seconds))


async def _serve(host: str, port: int, delays: list[float], ack_seconds: float) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with server.Slack(host=host, port=port, retry_delays=delays, ack_seconds=ack_seconds) as workspace:
        told = {
            "url": workspace.url,
            "api_url": workspace.api_url,
            "bot_token": workspace.bot_token,
            "app_token": workspace.app_token,
            "signing_secret": workspace.signing_secret,
            "bot_user_id": workspace.bot_user_id,
        }
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
        await stop.wait()


if __name__ == "__main__":
    main()
