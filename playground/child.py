"""`python -m playground.child`: the bot, for as long as whoever started it lives.

The starter keeps the other end of standard input open. When it ends, however it ends, the pipe closes, and
a bot that has nobody to talk to does not stay behind.
"""

from __future__ import annotations

import os
import runpy
import sys
import threading

ORPHANED = 3


def _end_with_the_starter() -> None:
    sys.stdin.buffer.read()
    os._exit(ORPHANED)


if __name__ == "__main__":
    threading.Thread(target=_end_with_the_starter, daemon=True).start()
    sys.argv = ["bot"]
    runpy.run_module("bot", run_name="__main__")
