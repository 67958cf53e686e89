"""A plot of cost against length as SVG, both axes logarithmic."""

from __future__ import annotations

import math
import pathlib
from collections.abc import Mapping, Sequence

WIDTH, HEIGHT = 760, 440
LEFT, RIGHT, TOP, BOTTOM = 70, 240, 30, 50
COLOURS = [
    "#999999",
    "#4e79a7",
    "#76b7b2",
    "#f28e2b",
    "#edc948",
    "#59a14f",
    "#b07aa1",
    "#9c755f",
    "#e15759",
    "#222222",
]


def write(path: pathlib.Path, *, lengths: Sequence[int], lines: Mapping[str, Sequence[float]]) -> None:
    """Draw a line for each name over the lengths of threads."""
    values = [value for line in lines.values() for value in line]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))

    def x(length: float) -> float:
        span = math.log10(lengths[-1]) - math.log10(lengths[0])
        share = (math.log10(length) - math.log10(lengths[0])) / span
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(value: float) -> float:
        return TOP + (high - math.log10(value)) / (high - low) * (HEIGHT - TOP - BOTTOM)

    start = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif"'
        ' font-size="12"><rect width="100%" height="100%" fill="white"/>'
    )
    parts = [
        start,
        _text(LEFT, 18, "US dollars per 1,000 requests (input and summaries) against posts in the thread"),
    ]
    for power in range(low, high + 1):
        height = y(10.0**power)
        parts.append(
            f'<line x1="{LEFT}" y1="{height:.1f}" x2="{WIDTH - RIGHT}" y2="{height:.1f}" stroke="#dddddd"/>'
            + _text(LEFT - 8, height + 4, f"{10.0**power:g}", anchor="end")
        )
    parts += [_text(x(length), HEIGHT - BOTTOM + 20, f"{length:,}", anchor="middle") for length in lengths]
    ends: list[float] = []
    for (name, line), colour in zip(
        sorted(lines.items(), key=lambda each: -each[1][-1]), COLOURS, strict=False
    ):
        points = " ".join(
            f"{x(length):.1f},{y(value):.1f}" for length, value in zip(lengths, line, strict=True)
        )
        wide = 3 if name == "ours" else 1.5
        dash = ' stroke-dasharray="5 4"' if name.startswith("bound") else ""
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="{wide}"{dash}/>'
        )
        ends.append(max(y(line[-1]), ends[-1] + 15 if ends else 0))
        parts.append(_text(WIDTH - RIGHT + 8, ends[-1] + 4, name, colour=colour))
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join([*parts, "</svg>"]) + "\n", "utf-8")


def _text(x: float, y: float, text: str, *, anchor: str = "start", colour: str = "#333333") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{text}</text>'
