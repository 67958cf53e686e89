"""The page that is shipped is the one its source builds."""

from __future__ import annotations

import hashlib
import pathlib

PLAYGROUND = pathlib.Path(__file__).parents[3] / "playground"


def test_the_shipped_page_was_built_from_this_source() -> None:
    """The build notes what it read; a source that has changed since, or is new, wants `npm run build`."""
    web = PLAYGROUND / "web"
    names = ["build.mjs", "package-lock.json", *(f"src/{path.name}" for path in (web / "src").iterdir())]
    lines = [f"{hashlib.sha256((web / name).read_bytes()).hexdigest()}  {name}" for name in sorted(names)]
    assert (PLAYGROUND / "static" / "built-from.sha256").read_text("utf-8").splitlines() == lines
