"""The rows of the fault matrix, by what they are about."""

from __future__ import annotations

from bench.torture import play
from bench.torture.rows import content, crashes, host, intake, machine, trouble

ROWS: dict[str, play.Row] = {
    row.id: row
    for row in (*crashes.ROWS, *intake.ROWS, *trouble.ROWS, *content.ROWS, *host.ROWS, *machine.ROWS)
}
