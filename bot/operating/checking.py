"""What `check` finds out, one line each; and asking a service over HTTP for it."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import email.utils
import json
import urllib.parse
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import aiohttp
import pydantic

from bot import errors, settings, thread_log
from bot.money import accounting, prices

SECONDS = 15.0  # a service that does not answer by then is not there
API_VERSION = "2026-10-21"  # of Claude's API, as its library sends it
_NO_LIST = frozenset({404, 405, 501})  # HTTP: there is no such thing here
MOST_SKEW = 60.0  # seconds; Slack refuses requests signed with a time five minutes off


@dataclasses.dataclass(frozen=True, kw_only=True)
class Finding:
    """One line: what was looked at, how it is, and how to mend it where it is wrong."""

    what: str  # a variable, or what it stands for
    how: str
    mend: str = ""  # "" where nothing is wrong
    state: Literal["ok", "note", "wrong"] = "ok"

    @property
    def line(self) -> str:
        """As it is printed."""
        return f"{self.state:<5}  {self.what}: {self.how}{f'. {self.mend}' if self.mend else ''}"


def wrong(what: str, how: str, mend: str) -> Finding:
    """Something to mend."""
    return Finding(what=what, how=how, mend=mend, state="wrong")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Said:
    """What a service answered."""

    status: int
    body: Mapping[str, Any]  # {} where it is not an object
    headers: Mapping[str, str]  # lower-case names
    items: Sequence[Any] = ()  # where it is a list


class Silent(errors.ThreadmateError):
    """A service did not answer; the message says how."""


async def ask(
    url: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str],
    form: Mapping[str, str] | bytes | None = None,
) -> Said:
    """Call a service once, with a form or a body as it is. Raises Silent."""
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=SECONDS)) as session,
            session.request(method, url, headers=dict(headers), data=form) as response,
        ):
            text = await response.text(errors="replace")
            told = {name.lower(): value for name, value in response.headers.items()}
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise Silent(
            f"{urllib.parse.urlsplit(url).netloc} does not answer ({type(error).__name__})"
        ) from None
    try:
        body = json.loads(text)
    except ValueError:
        body = {}
    if isinstance(body, list):
        return Said(status=response.status, body={}, headers=told, items=body)
    return Said(status=response.status, body=body if isinstance(body, dict) else {}, headers=told)


def unreachable(variable: str, silence: Silent) -> Finding:
    """A service that did not answer."""
    return wrong(variable, str(silence), "Check the network, a proxy, and the address in the settings")


def clock(said: Said, now: dt.datetime) -> Finding | None:
    """How far this machine's clock is off, by a service's `Date`; None where it tells none."""
    try:
        theirs = email.utils.parsedate_to_datetime(said.headers.get("date", ""))
    except ValueError:
        return None
    seconds = (now - theirs).total_seconds()
    if abs(seconds) <= MOST_SKEW:
        return Finding(what="clock", how=f"within {MOST_SKEW:.0f} s of the service's")
    off = f"{abs(seconds):.0f} s {'ahead' if seconds > 0 else 'behind'}"
    return wrong("clock", off, "Set it by NTP: signatures and limits go by the time")


def claude_headers(key: pydantic.SecretStr) -> dict[str, str]:
    """What a call of Claude's API brings along."""
    return {"Authorization": f"Bearer {key.get_secret_value()}", "anthropic-version": API_VERSION}


async def claude(chosen: settings.Settings, now: dt.datetime) -> list[Finding]:
    """The key, both models, what they cost, and the clock."""
    key = chosen.anthropic_api_key
    if key is None:
        return [Finding(what="ANTHROPIC_API_KEY", how="not set: only the playground runs", state="note")]
    headers = claude_headers(key)
    found: list[Finding] = []
    skew: Finding | None = None
    for variable, model in (("BOT_MODEL", chosen.bot_model), ("BOT_SUMMARY_MODEL", chosen.bot_summary_model)):
        try:
            said = await _asked_for(model, base=chosen.anthropic_base_url, headers=headers)
        except Silent as silence:
            return [unreachable("ANTHROPIC_BASE_URL", silence)]
        if said.status in (401, 403):
            mend = "Make a new one at platform.claude.com, under API keys"
            return [wrong("ANTHROPIC_API_KEY", f"Claude refuses it ({said.status})", mend)]
        skew = skew or clock(said, now)
        found.append(_model(variable, model, said))
        if chosen.limits() and prices.cost(model, accounting.PROBE) is None:
            mend = "Choose another, or unset the budgets: nothing is asked of it while one is set"
            found.append(wrong(variable, f"the price of {model} is not known", mend))
    return [Finding(what="ANTHROPIC_API_KEY", how="Claude takes it"), *found, *([skew] if skew else [])]


async def _asked_for(model: str, *, base: str, headers: Mapping[str, str]) -> Said:
    """What an endpoint says of a model: by its list, or where it has none by a message of one token."""
    said = await ask(f"{base}/v1/models/{urllib.parse.quote(model, safe='')}", headers=headers)
    if (
        said.status not in _NO_LIST
        or (await ask(f"{base}/v1/models", headers=headers)).status not in _NO_LIST
    ):
        return said
    message = {
        "model": model,
        "max_tokens": 1,
        "messages": [{"role": "user", "content": "Hello"}],
        "stream": True,
    }
    return await ask(
        f"{base}/v1/messages",
        method="POST",
        headers={**headers, "Content-Type": "application/json"},
        form=json.dumps(message).encode(),
    )


def _model(variable: str, model: str, said: Said) -> Finding:
    if said.status == 404:  # noqa: PLR2004 - HTTP
        return wrong(variable, f"Claude knows no model {model}", "See the models at platform.claude.com")
    if said.status != 200:  # noqa: PLR2004 - HTTP
        how = f"the endpoint does not say whether there is {model} ({said.status})"
        return Finding(what=variable, how=how, state="note")
    lifecycle, retires = said.body.get("lifecycle"), str(said.body.get("retires_at") or "")[:10]
    if lifecycle == "retired":
        return wrong(variable, f"{model} is retired", "Choose a current one")
    if lifecycle == "deprecated":
        until = f", retired on {retires}" if retires else ""
        return Finding(what=variable, how=f"{model} is deprecated{until}: choose another soon", state="note")
    return Finding(what=variable, how=model)


async def database(chosen: settings.Settings) -> list[Finding]:
    """Whether the thread log can be read and written, without changing it."""
    try:
        how = await asyncio.to_thread(thread_log.probe, chosen.database_url)
    except errors.OperatorError as error:
        return [wrong("DATABASE_URL", "the thread log cannot be used", str(error).rstrip("."))]
    return [Finding(what="DATABASE_URL", how=how)]


async def port(chosen: settings.Settings) -> list[Finding]:
    """Whether the bot's own HTTP port is free, or the bot itself has it."""
    host, number = chosen.bot_http_host, chosen.bot_http_port
    where = f"{host}:{number}"
    try:
        server = await asyncio.start_server(lambda *_: None, host, number)
    except OSError:
        try:
            said = await ask(f"http://{where}/healthz", headers={})
        except Silent:
            said = Said(status=0, body={}, headers={})
        if said.body.get("status") == "ok":
            return [Finding(what="BOT_HTTP_PORT", how=f"the bot is running on {where}")]
        mend = "Stop the other program or choose another port"
        return [wrong("BOT_HTTP_PORT", f"cannot listen on {where}", mend)]
    server.close()
    await server.wait_closed()
    return [Finding(what="BOT_HTTP_PORT", how=f"{where} is free")]
