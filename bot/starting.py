"""`python -m bot` without a word: settings, logs, then the bot, or the playground where no platform is set.

It imports no command line, which a bot that runs has no use for.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable

from bot import errors, settings
from bot.operating import logs

UNREACHED = (
    "Slack or Discord could not be reached, or refused what the bot needs to start: check the network and the"
    " platform's status, run `python -m bot check`, then start the bot again."
)

Run = Callable[[settings.Settings], Awaitable[None]]


def main(*, run: Run, **fixed: None) -> None:
    """Start and stay; ends the process. `fixed`: settings that are unset here, whatever is set elsewhere."""
    sys.exit(outcome(start(run, **fixed)))


async def start(run: Run, **fixed: None) -> None:
    """Read the settings and run what they ask for."""
    chosen = settings.load(**fixed)
    logs.configure(chosen.bot_log_level, chosen.bot_log_format)
    if chosen.platforms:
        await run(chosen)
    else:
        await play(public=False)


async def play(*, public: bool, local: bool = False) -> None:
    """The playground, until it is stopped."""
    logs.configure("warning", None)
    from playground import server  # noqa: PLC0415 - it brings the emulators, which nothing else needs

    await server.run(public=public, local=local)


def outcome(work: Awaitable[None]) -> int:
    """Run to the end; an error that somebody must act on becomes lines on standard error and a status."""

    async def whole() -> None:
        await work

    try:
        asyncio.run(whole())
    except errors.SettingsError as error:
        sys.stderr.write("".join(f"{problem}\n" for problem in error.problems))
        return 2
    except errors.OperatorError as error:
        sys.stderr.write(f"{str(error) or error.sentence}\n")
        # A credential that is refused is a wrong value, too: starting again would not help.
        return 2 if isinstance(error, errors.CredentialError) else 1
    except errors.PlatformError as error:
        sys.stderr.write(f"{UNREACHED} ({str(error) or type(error).__name__})\n")
        return 1
    return 0
