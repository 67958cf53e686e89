"""The mutation proof fits the source: a defence that moved must be found again."""

from __future__ import annotations

import pytest

from bench.torture import mutate
from bench.torture.rows import ROWS


@pytest.mark.parametrize("mutation", mutate.MUTATIONS, ids=lambda each: each.defence)
def test_a_mutation_fits(mutation: mutate.Mutation) -> None:
    """Each edit finds the words that it replaces, and the row that is to go red exists."""
    for path, old, new in mutation.edits:
        assert old in (mutate.ROOT / path).read_text("utf-8")
        assert old != new
    assert mutation.platform in ROWS[mutation.row].platforms
