"""The simulated bill: equal to the emulator's, to the token, whatever a thread goes through."""

import random
from typing import Any

import hypothesis
from hypothesis import strategies as st

from bot import conversation
from bot.claude import wire
from bot.money import simulating
from bot.planning import caching
from emulators.claude import blocks, cache, models, tokens

MODEL = models.find("claude-sonnet-5-5")


def bodies(seed: int) -> list[tuple[float, dict[str, Any]]]:
    """A thread's requests as they are sent, each with its time: it grows, pauses, and changes at times."""
    chance = random.Random(seed)  # noqa: S311 - a story, no secret
    made, now = [], 0.0
    turns: list[conversation.Turn] = []
    system = "Be brief. " * 60
    for number in range(40):
        now += chance.choice([5, 60, 200, 310, 3000, 4000])
        parts = tuple(
            conversation.Block(
                text=f"question {number}.{each} " * chance.randint(1, 60), posts=(str(number),)
            )
            for each in range(chance.choice([1, 1, 2, 30]))
        )
        turns.append(conversation.Turn(role="user", blocks=parts))
        if chance.random() < 0.1:  # a cut, an edit
            turns = turns[-3:] if turns[-3:][0].role == "user" else turns[-1:]
        lifetime: conversation.Lifetime = chance.choice(["none", "5m", "5m", "1h"])
        sent = frozenset(str(chance.randint(0, number)) for _ in range(2))
        request = conversation.Request(
            plan=conversation.Plan(
                model=MODEL.id, effort="low", max_output_tokens=100, lifetime=lifetime, first_place=0,
                thinking="adaptive",
            ),
            system=system,
            turns=tuple(turns),
            breakpoints=caching.breakpoints(turns, sent=sent, lifetime=lifetime),
            varying=f"<now>{now}</now>",
        )  # fmt: skip
        made.append((now, wire.body(request, max_tokens=100)))
        turns.append(
            conversation.Turn(role="assistant", blocks=(conversation.Block(text=f"answer {number}"),))
        )
    return made


@hypothesis.given(st.integers(0, 2**32))
@hypothesis.settings(max_examples=40, deadline=None)
def test_the_simulated_bill_is_the_emulators(seed: int) -> None:
    """Given the same token counts, both bill the same fresh, written and read tokens for every request."""
    clock = [0.0]
    emulated = cache.Cache(clock=lambda: clock[0])
    simulated = simulating.Cache(minimum=MODEL.min_cache)
    for now, body in bodies(seed):
        clock[0] = now
        row = blocks.flatten(body)
        plan = emulated.plan(key="k", model=MODEL, body=body, row=row)
        emulated.commit(plan)
        sizes = tokens.row(row, model=MODEL)
        prompt = simulated.prompt(
            [(blocks.canonical(block), size) for block, size in zip(row, sizes, strict=True)]
        )
        marks: dict[int, Any] = dict(blocks.breakpoints(body, row))
        usage = simulated.bill(prompt, marks, now=now)
        assert (usage.fresh, usage.written_5m, usage.written_1h, usage.read) == (
            plan.fresh, plan.write_5m, plan.write_1h, plan.read,
        )  # fmt: skip


def test_a_prompt_can_be_extended_in_place() -> None:
    """Blocks laid out in two steps are the same prefix as in one."""
    simulated = simulating.Cache(minimum=10)
    whole = simulated.prompt([("a", 5), ("b", 6), ("c", 7)])
    grown = simulated.prompt([("a", 5)])
    simulated.extend(grown, [("b", 6), ("c", 7)])
    assert whole == grown
    assert whole.upto == [5, 11, 18]
