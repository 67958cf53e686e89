"""Tools for the stages: what an operator writes down, and what Claude says when it uses them."""

from __future__ import annotations

import pathlib
import sys
from collections.abc import Callable
from typing import Any

import sent
import stage

from emulators import claude

SERVER = pathlib.Path(__file__).parents[1] / "fixtures" / "tool_server.py"

TIME = f"""
[servers.time]
command = "{sys.executable}"
args = ["-m", "mcp_server_time", "--local-timezone", "UTC"]
tools = ["convert_time"]
"""
CONVERT = {"source_timezone": "Europe/Paris", "time": "16:30", "target_timezone": "Asia/Tokyo"}


def listed(folder: pathlib.Path, text: str) -> str:
    """A file with the operator's list; its path."""
    path = folder / "tools.toml"
    path.write_text(text, "utf-8")
    return str(path)


def call(tool: str, **asked: Any) -> dict[str, Any]:
    """A block with which Claude asks for a tool."""
    return {"type": "tool_use", "name": tool, "input": asked}


def script(*steps: claude.Answer | str | list[dict[str, Any]]) -> Callable[[sent.Body], Any]:
    """Claude says these one after the other, then always the last."""
    left = list(steps)

    def answer(_body: sent.Body) -> claude.Answer | str | list[dict[str, Any]]:
        return left.pop(0) if len(left) > 1 else left[0]

    return answer


def results(body: sent.Body) -> list[dict[str, Any]]:
    """The results of tools in a request, in order."""
    return [block for _, block in sent.blocks(body) if block["type"] == "tool_result"]


def offered(body: sent.Body) -> list[str]:
    """The names of the tools in a request, in order."""
    return [tool["name"] for tool in body.get("tools", ())]


def server(name: str, kind: str, log: pathlib.Path, *, tools: str, more: str = "") -> str:
    """One server of tests/fixtures/tool_server.py in the operator's list; `tools` with commas between."""
    listed_tools = ", ".join(f'"{tool}"' for tool in tools.split(","))
    return f"""
[servers.{name}]
command = "{sys.executable}"
args = ["{SERVER}", "{kind}", "{log}"]
tools = [{listed_tools}]
{more}
"""


async def asks(scene: stage.Stage, place: stage.Place) -> str:
    """Wait until the bot asks whether it may; the id of the question."""

    def shown() -> bool:
        return any(text.startswith("May I use") for text in scene.answers(place))

    await scene.until(shown)
    texts = scene.answers(place)
    return scene.answer_ids(place)[next(n for n, text in enumerate(texts) if text.startswith("May I use"))]
