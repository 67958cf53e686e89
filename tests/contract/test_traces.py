"""Traces of one answer, at a real OTLP/HTTP receiver that decodes the protobuf; and the log lines beside."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import dataclasses
import io
import json
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest
import stage
import structlog
from aiohttp import web
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
from opentelemetry.proto.trace.v1 import trace_pb2

from bot.operating import logs
from emulators import claude

SAID = "Quasimodo asks about marmalade"
ANSWER = "Elderberries, mostly."


@dataclasses.dataclass
class Receiver:
    """What a collector has taken."""

    url: str = ""
    status: int = 200
    asked: int = 0
    spans: list[trace_pb2.Span] = dataclasses.field(default_factory=list)
    resources: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    raw: bytes = b""

    async def take(self, request: web.Request) -> web.Response:
        """`POST /v1/traces`."""
        self.asked += 1
        body = await request.read()
        if self.status != 200:
            return web.Response(status=self.status)
        assert request.content_type == "application/x-protobuf"
        self.raw += body
        for group in trace_service_pb2.ExportTraceServiceRequest.FromString(body).resource_spans:
            self.resources.append(facts(group.resource.attributes))
            self.spans += [span for scope in group.scope_spans for span in scope.spans]
        reply = trace_service_pb2.ExportTraceServiceResponse().SerializeToString()
        return web.Response(body=reply, content_type="application/x-protobuf")


def facts(attributes: Any) -> dict[str, Any]:
    """Attributes by their names."""
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in attributes}


@pytest.fixture
async def collector() -> AsyncIterator[Receiver]:
    """An OTLP receiver on loopback."""
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/v1/traces", receiver.take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield receiver
    await runner.cleanup()


@contextlib.contextmanager
def lines(monkeypatch: pytest.MonkeyPatch) -> Any:
    """What the program logs inside the block, as its operator's log has it."""
    written = io.StringIO()
    monkeypatch.setattr("sys.stderr", written)
    before = structlog.get_config()
    logs.configure("debug", "json")
    structlog.configure(cache_logger_on_first_use=False)
    try:
        yield written
    finally:
        structlog.configure(**before)


async def test_one_answer_is_one_trace(empty_stage: stage.Stage, collector: Receiver) -> None:
    """From the event to the last edit: every part of an answer is a span of its trace, with both ids."""
    scene = empty_stage
    scene.claude.answer = lambda _body: ANSWER
    await scene.start(otel_exporter_otlp_endpoint=collector.url + "/")
    await scene.mention(scene.channel, SAID)
    await scene.idle()
    await scene.stop()  # what is not sent yet is sent now

    (root,) = [span for span in collector.spans if not span.parent_span_id]
    parts = [span for span in collector.spans if span is not root]
    assert root.name == "reply"
    names = collections.Counter(span.name for span in parts)
    assert {"record", "wait", "open", "plan", "claude", "finish"} <= set(names)
    assert names["claude"] == 1
    assert {span.trace_id for span in collector.spans} == {root.trace_id}
    for part in parts:
        assert part.start_time_unix_nano >= root.start_time_unix_nano
        assert part.start_time_unix_nano <= part.end_time_unix_nano <= root.end_time_unix_nano
    starts = {span.name: span.start_time_unix_nano for span in parts}
    order = ["record", "wait", "open", "plan", "claude", "finish"]
    assert sorted(order, key=starts.__getitem__) == order

    ids = {
        (facts(span.attributes)["threadmate.conversation"], facts(span.attributes)["threadmate.reply"])
        for span in collector.spans
    }
    ((conversation, reply),) = ids
    assert conversation.startswith(f"{scene.name}:")
    assert reply
    assert facts(root.attributes)["state"] == "finished"
    (call,) = [span for span in parts if span.name == "claude"]
    (request,) = [call for call in scene.claude.requests if call.usage is not None]
    assert facts(call.attributes)["gen_ai.request.model"] == "claude-sonnet-5-5"
    assert request.usage is not None
    assert facts(call.attributes)["gen_ai.usage.output_tokens"] == request.usage["output_tokens"]
    assert {resource["service.name"] for resource in collector.resources} == {"threadmate"}
    for words in (SAID, ANSWER, "marmalade", "Elderberries"):
        assert words.encode() not in collector.raw


async def test_a_failure_is_told_without_words(empty_stage: stage.Stage, collector: Receiver) -> None:
    """What the person is told instead of an answer is a span; each call that failed is one, too."""
    scene = empty_stage
    await scene.start(otel_exporter_otlp_endpoint=collector.url)
    scene.claude.fail(claude.Fault(kind="overloaded", times=None))
    await scene.mention(scene.channel, SAID)
    await scene.idle()
    await scene.stop()
    (root,) = [span for span in collector.spans if not span.parent_span_id]
    names = collections.Counter(span.name for span in collector.spans)
    assert facts(root.attributes)["state"] == "failed"
    assert names["fail"] == 1
    assert names["claude"] == len(scene.requests) > 1
    assert SAID.encode() not in collector.raw


async def test_a_compaction_is_part_of_the_answer_that_waits_for_it(
    empty_stage: stage.Stage, collector: Receiver
) -> None:
    """Summarising is a span within the plan of that answer, and Claude's calls for it are within that."""
    scene = empty_stage
    await scene.start(
        otel_exporter_otlp_endpoint=collector.url, bot_context_tokens=2000, bot_context_floor_tokens=700
    )
    asked = await scene.mention(scene.channel, "the first of them")
    await scene.idle()
    scene.may_break(asked, times=9)
    for number in range(4):
        await scene.post(scene.under(asked), f"{number} " + "long " * 380)
    await scene.idle()
    await scene.stop()
    spans = {span.span_id: span for span in collector.spans}
    summarising = [span for span in spans.values() if span.name == "summarise"]
    assert summarising
    assert {spans[span.parent_span_id].name for span in summarising} == {"plan"}
    within = [span.name for span in spans.values() if span.parent_span_id == summarising[0].span_id]
    assert set(within) == {"claude"}


@pytest.mark.parametrize("trouble", ["nobody listens", "refuses", "hangs"])
async def test_a_collector_that_fails_costs_one_line_and_no_time(
    empty_stage: stage.Stage, collector: Receiver, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    """Answers come as ever, the bot stops within its bound, and one line says what to look at."""
    scene = empty_stage
    url = collector.url
    hanging: socket.socket | None = None
    if trouble != "refuses":
        hanging = socket.create_server(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{hanging.getsockname()[1]}"
        if trouble == "nobody listens":
            hanging.close()
    collector.status = 401
    monkeypatch.setattr("bot.operating.otlp.LAST", 0.2)
    with lines(monkeypatch) as written:
        await scene.start(otel_exporter_otlp_endpoint=url)
        for number in range(3):
            asked = await scene.mention(scene.channel, f"question {number}")
            await scene.idle()
            assert len(scene.answers(scene.under(asked))) == 1
        async with asyncio.timeout(5):
            await scene.stop()
    if hanging is not None:
        hanging.close()
    told = [json.loads(line) for line in written.getvalue().splitlines() if '"traces.' in line]
    assert [line["event"] for line in told if line["event"] == "traces.unsent"] == (
        [] if trouble == "hangs" else ["traces.unsent"]
    )
    assert len(told) <= 2  # the other says what was dropped at the end


async def test_nothing_of_the_environment_changes_them(
    empty_stage: stage.Stage, collector: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The SDK's own variables neither redirect nor thin out nor decorate what is sent."""
    for name, value in {
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:9/elsewhere",
        "OTEL_EXPORTER_OTLP_HEADERS": "authorization=canary",
        "OTEL_TRACES_SAMPLER": "always_off",
        "OTEL_RESOURCE_ATTRIBUTES": "canary=1",
        "OTEL_SERVICE_NAME": "canary",
        "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "0",
        "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "1",
    }.items():
        monkeypatch.setenv(name, value)
    scene = empty_stage
    await scene.start(otel_exporter_otlp_endpoint=collector.url)
    await scene.mention(scene.channel, SAID)
    await scene.idle()
    await scene.stop()
    (root,) = [span for span in collector.spans if not span.parent_span_id]
    assert len(facts(root.attributes)["threadmate.conversation"]) > 1
    assert b"canary" not in collector.raw


async def test_every_line_of_an_answer_names_its_conversation_and_reply(
    empty_stage: stage.Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever logs while an answer is made, its line carries both ids, and none that is another's."""
    scene = empty_stage
    with lines(monkeypatch) as written:
        await scene.start()
        scene.claude.fail(claude.Fault(kind="overloaded"))
        first = await scene.mention(scene.channel, "one")
        second = await scene.mention(scene.side_channel, "two")
        await scene.idle()
        assert scene.answers(scene.under(first))
        assert scene.answers(scene.under(second))
    told = [json.loads(line) for line in written.getvalue().splitlines()]
    of_answers = [line for line in told if line["event"] in {"claude.failed", "reply.ended"}]
    assert collections.Counter(line["event"] for line in of_answers) == {"claude.failed": 1, "reply.ended": 2}
    assert all(line["conversation"] and line["reply"] for line in of_answers)
    assert len({(line["conversation"], line["reply"]) for line in of_answers}) == 2
