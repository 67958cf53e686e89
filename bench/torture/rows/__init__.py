"""The rows of the fault matrix, by what they are about."""

from __future__ import annotations

from bench.torture import play
from bench.torture.rows import content, crashes, disk, host, intake, load, machine, money, trouble

FILES = (crashes, intake, trouble, content, disk, host, load, money, machine)
ROWS: dict[str, play.Row] = {row.id: row for file in FILES for row in file.ROWS}
