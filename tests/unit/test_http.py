"""The bot's own port."""

import io

import aiohttp
import pytest
from aiohttp import web

from bot import conversation, errors
from bot.money import prices
from bot.operating import http, metrics


async def fine() -> str | None:
    """A check that passes."""
    return None


async def broken() -> str | None:
    """A check that does not."""
    return "The database is damaged: restore a backup."


async def get(url: str) -> tuple[int, str]:
    """Status and body."""
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return response.status, await response.text()


async def test_it_is_ready_while_every_check_passes() -> None:
    """`/readyz` is 200 and names each check."""
    app = http.application({"thread_log": fine}, metrics.create().registry)
    async with http.serve(app, host="127.0.0.1", port=0) as port:
        status, body = await get(f"http://127.0.0.1:{port}/readyz")
    assert (status, body) == (200, '{"status": "ok", "checks": {"thread_log": "ok"}}')


async def test_it_says_what_is_wrong() -> None:
    """One failing check makes it 503, with what is wrong and what to do; the process itself is well."""
    app = http.application({"thread_log": broken, "slack": fine}, metrics.create().registry)
    async with http.serve(app, host="127.0.0.1", port=0) as port:
        status, body = await get(f"http://127.0.0.1:{port}/readyz")
        alive, _ = await get(f"http://127.0.0.1:{port}/healthz")
    assert status == 503
    assert "restore a backup" in body
    assert '"slack": "ok"' in body
    assert alive == 200


async def test_metrics_are_counted_and_served() -> None:
    """`/metrics` holds what was counted, in Prometheus's form; unknown money is not counted as none."""
    counted = metrics.create()
    usage = conversation.Usage(fresh=5, written_5m=1, written_1h=2, read=7)
    counted.bill("answer", "claude-sonnet-5-5", usage)
    counted.bill("summary", "gateway-model-7", conversation.Usage(output=3))
    app = http.application({}, counted.registry)
    async with http.serve(app, host="127.0.0.1", port=0) as port:
        status, body = await get(f"http://127.0.0.1:{port}/metrics")
    assert status == 200
    assert 'threadmate_tokens_total{kind="written",model="claude-sonnet-5-5"} 3.0' in body
    assert 'threadmate_tokens_total{kind="output",model="gateway-model-7"} 3.0' in body
    assert 'threadmate_calls_total{kind="answer"} 1.0' in body
    dollars = float(prices.cost("claude-sonnet-5-5", usage) or 0)
    assert dollars > 0
    assert f'threadmate_dollars_total{{model="claude-sonnet-5-5"}} {dollars!r}' in body
    assert 'threadmate_dollars_total{model="gateway-model-7"}' not in body


async def test_others_mount_their_routes() -> None:
    """A route handed in is served beside ours; its body is bounded."""

    async def echo(request: web.Request) -> web.Response:
        return web.Response(body=await request.read())

    app = http.application({}, metrics.create().registry, [web.post("/slack/events", echo)])
    async with http.serve(app, host="127.0.0.1", port=0) as port, aiohttp.ClientSession() as session:
        url = f"http://127.0.0.1:{port}/slack/events"
        async with session.post(url, data=b"hello") as response:
            assert await response.read() == b"hello"
        async with session.post(url, data=io.BytesIO(b"x" * (http.MOST_BODY + 1))) as response:
            assert response.status == 413


async def test_a_taken_port_is_the_operators_to_free() -> None:
    """Where the port is taken the error names the variable."""
    app = http.application({}, metrics.create().registry)
    other = http.application({}, metrics.create().registry)
    async with http.serve(app, host="127.0.0.1", port=0) as port:
        with pytest.raises(errors.OperatorError, match="BOT_HTTP_PORT"):
            async with http.serve(other, host="127.0.0.1", port=port):
                pass


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid", "a..b"])  # RFC 5737, RFC 6761, no name
async def test_a_host_that_is_not_ours_is_a_wrong_setting(host: str) -> None:
    """An address that this machine has not is told as a wrong value of `BOT_HTTP_HOST`, without the value."""
    app = http.application({}, metrics.create().registry)
    with pytest.raises(errors.SettingsError) as raised:
        async with http.serve(app, host=host, port=0):
            pass
    (line,) = raised.value.problems
    assert line.startswith("BOT_HTTP_HOST: should be an address of this machine")
    assert host not in line
