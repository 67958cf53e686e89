"""The quick subset of the fault matrix: real bot processes, judged from the emulators' side."""

from __future__ import annotations

import pytest

from bench.torture import launcher, nursery, oracle, play
from bench.torture.rows import ROWS

# The rest of the matrix takes longer or needs rights (a mount): `python -m bench.torture all`.
QUICK = ("F1", "F3", "F8", "F11", "F18", "F19", "F20", "F25")
CASES = [(row, platform) for row in QUICK for platform in ROWS[row].platforms]


@pytest.mark.parametrize(("row", "platform"), CASES, ids=["-".join(case) for case in CASES])
async def test_a_row_holds(row: str, platform: str) -> None:
    """Nothing is lost, doubled, stuck, misplaced or leaked while this goes wrong."""
    async with nursery.opened() as home:
        result = await play.run(ROWS[row], play.Run(platform=platform, home=home, quick=True))
    assert list(result.failures) == []


def test_every_step_has_its_place_in_the_bot() -> None:
    """The launcher's labelled steps name methods that the bot still has."""
    assert [step for step, (owner, name, _) in launcher.STEPS.items() if not hasattr(owner, name)] == []


def test_the_oracle_tells_what_is_lost_doubled_stuck_and_misplaced() -> None:
    """A question without a post, one with two, a half post, and one in a foreign thread are each told."""
    asked = [oracle.Asked(word=oracle.word(number), conversation="here") for number in range(4)]
    whole = oracle.END
    seen = [
        oracle.Seen(conversation="here", id="1", text=f"{oracle.word(1)} {whole}"),
        oracle.Seen(conversation="here", id="2", text=f"{oracle.word(1)} {whole}"),
        oracle.Seen(conversation="here", id="3", text=f"{oracle.word(2)} half of it"),
        oracle.Seen(conversation="there", id="4", text=f"{oracle.word(3)} {whole}"),
        oracle.Seen(conversation="here", id="5", text="I cannot reach Claude."),
    ]
    verdict = oracle.judge(asked, seen, sentences=["I cannot reach Claude."])
    assert verdict.lost == (oracle.word(0), oracle.word(2))
    assert verdict.duplicates == (oracle.word(1),)
    assert verdict.stuck == ("3",)
    assert verdict.misplaced == (oracle.word(3),)
