"""An exchange with a tool server from the registry, as Markdown for docs/tools.md.

`python -m bench.tool_exchange` prints it. The server is the real `mcp-server-time`, spoken to over its pipes;
the bot is the real one on the emulated Slack; what Claude says is scripted. Days are masked.
"""

from __future__ import annotations

import asyncio
import json
import pathlib
import re
import sys
import tempfile
from typing import Any

from bot import settings
from bot.__main__ import running
from bot.operating import logs
from emulators import claude, slack

QUESTION = "when it is 16:30 in Kolkata, what time is it in Tokyo?"
ANSWER = "20:00 the same day: Tokyo is three and a half hours ahead."
ASKED = {"source_timezone": "Asia/Kolkata", "time": "16:30", "target_timezone": "Asia/Tokyo"}
LIST = """\
[servers.time]
command = {python}
args = ["-m", "mcp_server_time", "--local-timezone", "UTC"]
tools = ["convert_time"]
"""
_DAY = re.compile(r"\d{4}-\d\d-\d\d|\b\w+day\b")


async def main() -> None:
    """Print it."""
    logs.configure("error", "json")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "tools.toml").write_text(LIST.format(python=json.dumps(sys.executable)), "utf-8")
        async with claude.Claude() as api, slack.Slack() as workspace:
            call = {"type": "tool_use", "name": "time__convert_time", "input": ASKED}
            script: list[Any] = [[call], ANSWER]
            api.answer = lambda _body: script.pop(0)
            said = await _said(api, workspace, folder)
            first, second = [each.body for each in api.requests]
    (tool,) = first["tools"]
    (result,) = second["messages"][-1]["content"]
    shown = {
        "Ada": QUESTION,
        "offered": f"{tool['name']}: {tool['description']}",
        "Claude": f"{call['name']} {json.dumps(ASKED)}",
        "server": result["content"][0]["text"],
        "Threadmate": said,
    }
    print("```text")
    for who, text in shown.items():
        print(f"{who:<11}{_DAY.sub('DAY', text).replace(chr(10), chr(10) + ' ' * 11)}".rstrip())
    print("```")


async def _said(api: claude.Claude, workspace: slack.Slack, folder: pathlib.Path) -> str:
    """Ada asks; what the bot answers in the end."""
    ada = workspace.add_user("Ada")
    channel = workspace.add_channel("general", members=[ada])
    chosen = settings.load(
        _env_file=None,
        anthropic_api_key="sk-ant-emulated",
        anthropic_base_url=api.url,
        bot_http_port=0,
        bot_tools_file=folder / "tools.toml",
        database_url=f"sqlite:///{folder / 'bot.db'}",
        slack_bot_token=workspace.bot_token,
        slack_app_token=workspace.app_token,
        slack_api_url=workspace.api_url,
    )
    async with running(chosen):
        root = await workspace.post(channel=channel, user=ada, text=f"<@{workspace.bot_user_id}> {QUESTION}")

        def answers() -> list[str]:
            return [slack.shown_text(each) for each in workspace.messages(channel, thread_ts=root)][1:]

        await workspace.until(lambda _: answers() == [ANSWER])
        return answers()[0]


if __name__ == "__main__":
    asyncio.run(main())
