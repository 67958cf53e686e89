"""A workspace that let the bot in by OAuth, as adapters and the log speak of it."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence
from typing import Protocol


@dataclasses.dataclass(frozen=True, kw_only=True)
class Installation:
    """What a workspace's consent gave. The tokens are in no representation, and so in no log line."""

    platform: str
    workspace: str
    name: str  # of the workspace, as people know it
    token: str = dataclasses.field(repr=False)
    installed_at: dt.datetime
    refresh_token: str = dataclasses.field(default="", repr=False)  # "" where tokens last
    expires_at: dt.datetime | None = None  # of the token
    serial: int = 0  # counted up by the log with each new token


class Installations(Protocol):
    """Workspaces that let the bot in by OAuth; tokens are stored encrypted. Each call is committed on return.

    Reading raises CredentialError where no key opens what is stored.
    """

    async def workspaces(self, platform: str) -> Sequence[str]:
        """The ids of the installed workspaces, oldest first."""

    async def find(self, platform: str, workspace: str) -> Installation | None:
        """One installation."""

    async def save(self, made: Installation) -> None:
        """Store what a consent gave, in the place of an earlier one."""

    async def replace(self, renewed: Installation) -> bool:
        """Store a renewed token unless another took its place meanwhile; whether it was stored."""

    async def claim(self, old: Installation) -> bool:
        """Take on the renewal of this token, for a minute; False where somebody else has."""

    async def erase(self, gone: Installation) -> bool:
        """Erase an installation, whatever its token is now; False where another has taken its place."""

    async def issue(self, state: str, browser: str) -> None:
        """Remember which browser began an installation."""

    async def redeem(self, state: str, browser: str) -> bool:
        """Whether this browser began this installation in the last ten minutes; true once."""
