"""The pauses this process makes by itself, kept short: none may keep an acknowledgement waiting.

A full garbage collection looks at every object there is, a tenth of a second long once all is imported. What
is there when the bot is ready stays until it ends, so it is put aside (`gc.freeze`), and a collection looks
at what has come since.

A thread that wants the interpreter waits for the switch interval while the event loop computes. The log's
writer wants it anew after each step of each statement, so that Python's five milliseconds make a commit of a
few posts take seconds while the loop is busy. At a fifth of one it takes tens of milliseconds.
"""

from __future__ import annotations

import gc
import sys

SWITCH_SECONDS = 0.0002


def shorten() -> None:
    """Call once, when everything is imported and made."""
    gc.freeze()
    sys.setswitchinterval(SWITCH_SECONDS)
