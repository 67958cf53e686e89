"""Installations in the thread log, their tokens sealed; what adapters store and read them through."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from bot.thread_log import installs
from bot.workspaces import installation

if TYPE_CHECKING:
    from bot.workspaces import sealing

STATE_SECONDS = 600.0  # how long somebody may take to consent
CLAIM_SECONDS = 60.0  # after that a renewal counts as given up, by a crash for one


@dataclasses.dataclass(frozen=True, kw_only=True)
class Installations:
    """Implements installation.Installations. Raises CredentialError where no key opens what is stored."""

    book: installs.Installs
    sealer: sealing.Sealer
    now: Callable[[], dt.datetime]

    async def workspaces(self, platform: str) -> Sequence[str]:
        """The ids of the installed workspaces, oldest first."""
        return [row.workspace for row in await self.book.all() if row.platform == platform]

    async def find(self, platform: str, workspace: str) -> installation.Installation | None:
        """One installation."""
        row = await self.book.find(platform, workspace)
        return None if row is None else self._opened(row)

    async def save(self, made: installation.Installation) -> None:
        """Store what a consent gave, in the place of an earlier one."""
        await self.book.save(self._row(made))

    async def replace(self, renewed: installation.Installation) -> bool:
        """Store a renewed token unless another took its place meanwhile; whether it was stored."""
        return await self.book.replace(self._row(renewed))

    async def claim(self, old: installation.Installation) -> bool:
        """Take on the renewal of this token; False where somebody else has."""
        return await self.book.claim(self._row(old), now=self.now(), seconds=CLAIM_SECONDS)

    async def erase(self, gone: installation.Installation) -> bool:
        """Erase an installation, whatever its token is now; False where another has taken its place."""
        return await self.book.erase(gone.platform, gone.workspace, installed_at=gone.installed_at)

    async def issue(self, state: str, browser: str) -> None:
        """Remember which browser began an installation."""
        await self.book.issue(_digest(state), _digest(browser), now=self.now(), seconds=STATE_SECONDS)

    async def redeem(self, state: str, browser: str) -> bool:
        """Whether this browser began this installation in the last ten minutes; true once."""
        return await self.book.redeem(_digest(state), _digest(browser), now=self.now())

    async def seal_anew(self) -> None:
        """Put everything stored under the first key, so that the others can be dropped."""
        for row in await self.book.all():
            self._opened(row)
            if not self.sealer.is_newest(row.sealed):
                await self.book.replace(dataclasses.replace(row, sealed=self.sealer.renew(row.sealed)))

    def _row(self, made: installation.Installation) -> installs.Row:
        name = f"{made.platform}:{made.workspace}"
        return installs.Row(
            platform=made.platform,
            workspace=made.workspace,
            name=made.name,
            sealed=self.sealer.seal(name, [made.token, made.refresh_token]),
            expires_at=made.expires_at,
            installed_at=made.installed_at,
            serial=made.serial,
        )

    def _opened(self, row: installs.Row) -> installation.Installation:
        return unsealed(row, self.sealer)


def unsealed(row: installs.Row, sealer: sealing.Sealer) -> installation.Installation:
    """A stored row with its tokens in the clear. Raises CredentialError."""
    token, refresh_token = sealer.open(f"{row.platform}:{row.workspace}", row.sealed)
    return installation.Installation(
        platform=row.platform,
        workspace=row.workspace,
        name=row.name,
        token=token,
        refresh_token=refresh_token,
        expires_at=row.expires_at,
        installed_at=row.installed_at,
        serial=row.serial,
    )


async def opened(
    book: installs.Installs, *, keys: Sequence[str], now: Callable[[], dt.datetime]
) -> Installations:
    """The installations as they are stored. Raises CredentialError where no key opens one of them.

    With several keys everything is put under the first one, so that the others can be dropped after.
    """
    from bot.workspaces import sealing  # noqa: PLC0415 - cryptography takes a while to load, and few need it

    made = Installations(book=book, sealer=sealing.Sealer(keys), now=now)
    await made.seal_anew()
    return made


def _digest(secret: str) -> str:
    """What is stored of a state: whoever reads the database cannot use it."""
    return hashlib.sha256(secret.encode()).hexdigest()
