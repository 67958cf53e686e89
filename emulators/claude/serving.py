"""Tools of Anthropic's own servers (pure): what a script may say of them, and what it costs to have read.

A script that uses a tool which the request does not define, more often than it allows, outside of its domains
or on a page that nobody has named, is a mistake of the test: the service would never answer so.
"""

import json
import urllib.parse
from collections.abc import Sequence
from typing import Any

from emulators.claude.refusal import Refusal

WEB = ("web_search", "web_fetch")
DISABLED = "Web search is not enabled for this organization."


class ImpossibleScript(AssertionError):
    """The service would never say this in answer to this request."""


def searched(
    query: str, pages: Sequence[str], said: Sequence[tuple[str, str | None]]
) -> list[dict[str, Any]]:
    """Make an answer that searches, finds ``pages`` and says texts, each with the page that it rests on."""
    use = f"srvtoolu_{abs(hash((query, *pages))):x}"
    found = [
        {"type": "web_search_result", "url": url, "title": f"About {url}", "page_age": None} for url in pages
    ]
    texts = [
        {"type": "text", "text": text, "citations": None if url is None else [citation(url)]}
        for text, url in said
    ]
    return [
        {"type": "server_tool_use", "id": use, "name": "web_search", "input": {"query": query}},
        {"type": "web_search_tool_result", "tool_use_id": use, "content": found},
        *texts,
    ]


def citation(url: str) -> dict[str, Any]:
    """Make a citation of a found page; its index is filled in as the service does."""
    return {
        "type": "web_search_result_location",
        "url": url,
        "title": f"About {url}",
        "cited_text": "…",
    }


def admit(body: dict[str, Any], *, web: bool) -> None:
    """Refuse web tools where the organisation has them turned off."""
    if not web and any(str(tool.get("type", "")).startswith(WEB) for tool in body.get("tools") or ()):
        raise Refusal(DISABLED)


def check(content: Sequence[dict[str, Any]], *, body: dict[str, Any]) -> None:
    """Refuse a script that the service could not have said. Raises ImpossibleScript."""
    tools = {tool["name"]: tool for tool in body.get("tools") or ()}
    known = json.dumps([body["messages"], [b for b in content if b["type"] == "web_search_tool_result"]])
    uses = [block for block in content if block["type"] in ("tool_use", "server_tool_use")]
    for block in uses:
        tool = tools.get(block["name"])
        if tool is None or (block["type"] == "server_tool_use") != (block["name"] in WEB):
            raise ImpossibleScript(f"the request offers no such tool: {block['name']}")
        most = tool.get("max_uses")
        if most is not None and sum(each["name"] == block["name"] for each in uses) > most:
            raise ImpossibleScript(f"{block['name']} is used more than {most} times")
        if block["name"] == "web_fetch":
            _allowed(block["input"]["url"], tool)
            if block["input"]["url"] not in known:
                raise ImpossibleScript(f"nobody has named {block['input']['url']}")
    for block in content:
        if block["type"] == "web_search_tool_result":
            if (
                block["tool_use_id"] not in {use.get("id") for use in uses}
                and block["tool_use_id"] not in known
            ):
                raise ImpossibleScript("a result without its search")
            for result in block["content"] if isinstance(block["content"], list) else ():
                _allowed(result["url"], tools["web_search"])


def _allowed(url: str, tool: dict[str, Any]) -> None:
    host = urllib.parse.urlsplit(url).hostname or ""
    domains = tool.get("allowed_domains")
    if domains and not any(host == domain or host.endswith(f".{domain}") for domain in domains):
        raise ImpossibleScript(f"{host} is not among the allowed domains")
