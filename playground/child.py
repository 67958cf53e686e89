"""`python -m playground.child`: the bot, for as long as whoever started it lives.

The starter keeps the other end of standard input open. When it ends, however it ends, the pipe closes, and
a bot that has nobody to talk to does not stay behind.
"""

from __future__ import annotations

import os
import sys
import threading

ORPHANED = 3
# What joins a bot to the world and has no counterpart among the emulators: unset here, whatever `.env` says.
UNSET = ("slack_signing_secret", "slack_client_id", "slack_client_secret", "bot_public_url")


def _end_with_the_starter() -> None:
    sys.stdin.buffer.read()
    os._exit(ORPHANED)


if __name__ == "__main__":
    threading.Thread(target=_end_with_the_starter, daemon=True).start()
    from bot import __main__ as program
    from bot import starting

    starting.main(run=program.run, **dict.fromkeys(UNSET))
