"""Tools in a call: carried out by whoever waits for the answer, bounded, billed, with the thinking kept."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import claude_support

from bot import claude, conversation
from bot.tools import recalling, toolsets
from emulators import claude as emulated

REQUEST = dataclasses.replace(claude_support.REQUEST, tools=(recalling.TOOL,), varying="<now>noon</now>")


class Draft(claude_support.Draft):
    """Answers every search alike."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[str, Mapping[str, Any]]] = []
        self.services: list[tuple[str, bool]] = []

    async def use(self, call: toolsets.Call) -> toolsets.Result:
        """Find one post."""
        self.asked.append((call.tool, call.asked))
        return toolsets.Result(text='<post by="Ada" at="2026-11-01">The port is 8443.</post>')

    def served(self, tool: str, *, done: bool) -> None:
        """Keep which tools of Anthropic's were at work, and which had ended."""
        self.services.append((tool, done))


def searching(times: int) -> list[Any]:
    """Answers that search so often before they speak."""
    call = {"type": "tool_use", "name": "recall", "input": {"query": "port"}}
    return [emulated.Answer(content=[call], thinking="Let me look.")] * times + ["It is 8443."]


async def ask(api: emulated.Claude, script: list[Any], draft: Draft) -> conversation.Answer:
    """One answer."""
    api.answer = lambda _body: script.pop(0)
    time = claude_support.Time()
    async with claude_support.client(api.url, time) as client:
        return await client.answer(REQUEST, draft)


async def test_a_search_is_carried_out_and_the_answer_goes_on() -> None:
    """What was found goes back behind the call, thinking and all, and the strict service takes it."""
    draft = Draft()
    async with emulated.Claude() as api:
        answer = await ask(api, searching(2), draft)
        assert answer.text == draft.text == "It is 8443."
        assert draft.asked == [("recall", {"query": "port"})] * 2
        bodies = [call.body for call in api.requests if "messages" in call.body]
        assert [call.status for call in api.requests if call.body in bodies] == [200] * 3
        kinds = [block["type"] for block in bodies[2]["messages"][-4]["content"]]
        assert kinds == ["thinking", "tool_use"]
        assert bodies[2]["messages"][-1]["content"][0]["type"] == "tool_result"
        assert all(body["tools"] == bodies[0]["tools"] for body in bodies)
        assert bodies[0]["messages"] == bodies[2]["messages"][: len(bodies[0]["messages"])]


async def test_the_answers_bill_is_the_first_calls() -> None:
    """The next request extends the first call of a loop, so its bill is the anchor; the others are told."""
    draft = Draft()
    async with emulated.Claude() as api:
        answer = await ask(api, searching(2), draft)
        billed = [call.usage for call in api.requests if call.usage]
        assert answer.usage.input == sum(
            billed[0][part]
            for part in ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
        )
        assert len(draft.bills) == 2


async def test_searching_has_an_end() -> None:
    """After so many calls Claude is told to answer, and does."""
    draft = Draft()
    async with emulated.Claude() as api:
        answer = await ask(api, searching(claude.MAX_TOOL_CALLS + 1), draft)
        assert answer.text == "It is 8443."
        assert len(draft.asked) == claude.MAX_TOOL_CALLS
        last = api.requests[-1].body["messages"][-1]["content"][0]
        assert last["content"][0]["text"] == claude.NO_MORE


async def test_words_before_a_search_are_a_paragraph() -> None:
    """What Claude says before it looks stands apart from what it says after."""
    call = {"type": "tool_use", "name": "recall", "input": {"query": "port"}}
    script: list[emulated.Answer | str] = [
        emulated.Answer(content=[{"type": "text", "text": "I look it up."}, call]),
        "It is 8443.",
    ]
    draft = Draft()
    async with emulated.Claude() as api:
        request = dataclasses.replace(
            REQUEST, plan=dataclasses.replace(REQUEST.plan, model="claude-haiku-5-5")
        )
        api.answer = lambda _body: script.pop(0)
        async with claude_support.client(api.url, claude_support.Time()) as client:
            answer = await client.answer(request, draft)
        assert answer.text == draft.text == "I look it up.\n\nIt is 8443."


async def test_the_api_says_why_a_prefix_was_not_found() -> None:
    """The id of the last answer goes along, and the reason comes back with the answer."""
    async with emulated.Claude() as api:
        async with claude_support.client(api.url, claude_support.Time()) as client:
            first = await client.answer(claude_support.REQUEST, Draft())
            plan = dataclasses.replace(claude_support.PLAN, previous_message=first.message_id)
            changed = dataclasses.replace(claude_support.REQUEST, plan=plan, system="Be brief, please.")
            answer = await client.answer(changed, Draft())
        assert api.requests[-1].body["diagnostics"] == {"previous_message_id": first.message_id}
        assert (first.cache_miss, answer.cache_miss) == ("", "system_changed")


async def test_an_endpoint_without_diagnostics_is_asked_without() -> None:
    """A gateway that refuses the field gets the same call again, once, and is never sent it again."""
    plan = dataclasses.replace(claude_support.PLAN, previous_message="msg_gone")
    request = dataclasses.replace(claude_support.REQUEST, plan=plan)
    async with emulated.Claude() as api:
        api.fail(
            emulated.Fault(kind="status", status=400, message="diagnostics: Extra inputs are not permitted")
        )
        async with claude_support.client(api.url, claude_support.Time()) as client:
            await client.answer(request, Draft())
            await client.answer(request, Draft())
        sent = ["diagnostics" in call.body for call in api.requests if "messages" in call.body]
        assert sent == [True, False, False]
