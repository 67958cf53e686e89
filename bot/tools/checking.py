"""What `check` finds out about tools: each server connected to once, the web tools asked about once."""

from __future__ import annotations

import asyncio
import json

from bot import settings
from bot.operating import checking, findings
from bot.tools import shelf

SECONDS = 30.0  # for a server to start and list its tools


async def check(chosen: settings.Settings) -> list[findings.Finding]:
    """A line for each server, for each of its tools that is left out, and for the web where it is on."""
    found = await _servers(chosen)
    if chosen.bot_web_tools == "on":
        found.append(await _web(chosen))
    return found


async def _servers(chosen: settings.Settings) -> list[findings.Finding]:
    found: list[findings.Finding] = []
    async with shelf.connected(chosen.tools()) as servers:
        for name, server in servers.items():
            what = f"BOT_TOOLS_FILE, server {name}"
            try:
                await asyncio.wait_for(server.tried.wait(), SECONDS)
            except TimeoutError:
                server.problem = f"no answer within {SECONDS:g} s"
            if server.problem is not None:
                mend = "Start it, or mend its command, address or header; its tools are left out until then"
                found.append(findings.wrong(what, server.problem, mend))
                continue
            found.append(findings.Finding(what=what, how=f"{len(server.offers)} tools"))
            mend = "Take it off the list, or mend the server; it is left out"
            found += [
                findings.wrong(f"{what}, tool {tool}", reason, mend)
                for tool, reason in server.left_out.items()
            ]
    return found


async def _web(chosen: settings.Settings) -> findings.Finding:
    """One call that may write a word, which costs next to nothing; it is the only way to find out."""
    key = chosen.anthropic_api_key
    if key is None:
        return findings.Finding(what="BOT_WEB_TOOLS", how="not tried: there is no key", state="note")
    body = {
        "model": chosen.bot_model,
        "max_tokens": 16,
        "tools": [dict(tool.served or {}) for tool in shelf.web(chosen.tools().web)],
        "messages": [{"role": "user", "content": "Say yes."}],
    }
    headers = checking.claude_headers(key) | {"Content-Type": "application/json"}
    url = f"{chosen.anthropic_base_url}/v1/messages"
    try:
        said = await findings.ask(url, method="POST", headers=headers, form=json.dumps(body).encode())
    except findings.Silent as silence:
        return findings.unreachable("ANTHROPIC_BASE_URL", silence)
    if said.status == 400:  # noqa: PLR2004 - HTTP
        mend = "Turn web search on in the console of your organisation; until then answers come without it"
        return findings.wrong("BOT_WEB_TOOLS", "Claude refuses the web tools", mend)
    if said.status != 200:  # noqa: PLR2004 - HTTP
        how = f"could not be tried: Claude answered with status {said.status}"
        return findings.Finding(what="BOT_WEB_TOOLS", how=how, state="note")
    return findings.Finding(what="BOT_WEB_TOOLS", how="Claude takes web search and fetch")
