"""What `check` finds out about the bot itself: Claude, the budgets, the database and the port."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import urllib.parse
from collections.abc import Mapping

import pydantic

from bot import conversation, errors, settings, thread_log
from bot.money import accounting, prices
from bot.operating import findings

API_VERSION = "2026-10-21"  # of Claude's API, as its library sends it
WINDOW = 1_000_000  # tokens that a model reads which does not say how many
QUESTION = 5_000  # bytes of a request that holds one short question: instructions and tools
BYTES_PER_TOKEN = 4  # of English; each counts as a token while it is not known what it costs
WEB_CALLS = 10  # searches and pages in one call, where the file of tools names no numbers
_BUDGETS: Mapping[accounting.Scope, str] = {
    "user": "BOT_BUDGET_USER_DAY",
    "channel": "BOT_BUDGET_CHANNEL_DAY",
    "all": "BOT_BUDGET_MONTH",
}
_NO_LIST = frozenset({404, 405, 501})  # HTTP: there is no such thing here


def claude_headers(key: pydantic.SecretStr) -> dict[str, str]:
    """What a call of Claude's API brings along."""
    return {"Authorization": f"Bearer {key.get_secret_value()}", "anthropic-version": API_VERSION}


async def claude(chosen: settings.Settings, now: dt.datetime) -> list[findings.Finding]:
    """The key, both models, what they cost, whether the budgets have room for that, and the clock."""
    key = chosen.anthropic_api_key
    if key is None:
        return [
            findings.Finding(what="ANTHROPIC_API_KEY", how="not set: only the playground runs", state="note")
        ]
    headers = claude_headers(key)
    found: list[findings.Finding] = []
    skew: findings.Finding | None = None
    window = WINDOW
    for variable, model in (("BOT_MODEL", chosen.bot_model), ("BOT_SUMMARY_MODEL", chosen.bot_summary_model)):
        try:
            said = await _asked_for(model, base=chosen.anthropic_base_url, headers=headers)
        except findings.Silent as silence:
            return [findings.unreachable("ANTHROPIC_BASE_URL", silence)]
        if said.status in (401, 403):
            mend = "Make a new one at platform.claude.com, under API keys"
            return [findings.wrong("ANTHROPIC_API_KEY", f"Claude refuses it ({said.status})", mend)]
        skew = skew or findings.clock(said, now)
        found.append(_model(variable, model, said))
        if variable == "BOT_MODEL":
            told = said.body.get("max_input_tokens")
            window = told if isinstance(told, int) and told > 0 else WINDOW
        if chosen.limits() and prices.cost(model, accounting.PROBE) is None:
            mend = "Choose another, or unset the budgets: nothing is asked of it while one is set"
            found.append(findings.wrong(variable, f"the price of {model} is not known", mend))
    return [
        findings.Finding(what="ANTHROPIC_API_KEY", how="Claude takes it"),
        *found,
        *_budgets(chosen, window),
        *([skew] if skew else []),
    ]


def _budgets(chosen: settings.Settings, window: int) -> list[findings.Finding]:
    """What one question may take of each budget: where there is less, it is refused (see claude.metering)."""
    web = chosen.bot_web_tools == "on"  # what is read on the way is bounded by the window alone
    short = _most(chosen, window if web else QUESTION)
    full = _most(chosen, window if web else QUESTION + BYTES_PER_TOKEN * chosen.bot_context_tokens)
    if short is None or full is None:
        return []  # that the price is not known is said of the model
    mend = f"Set it higher{', or BOT_WEB_TOOLS=off' if web else ''}"
    found = []
    for limit in chosen.limits():
        variable, has = _BUDGETS[limit.scope], accounting.dollars(limit.nano)
        if limit.nano < short:
            how = f"every question is refused: one may cost {accounting.dollars(short)}, and it is {has}"
            found.append(findings.wrong(variable, how, mend))
        elif limit.nano < full:
            how = f"{has} is enough for short threads only: in a full one a question may cost"
            how += f" {accounting.dollars(full)}, and is refused"
            found.append(findings.Finding(what=variable, how=how, mend=mend, state="note"))
        else:
            how = f"{has}, of which one question may take {accounting.dollars(full)} at most"
            found.append(findings.Finding(what=variable, how=how))
    return found


def _most(chosen: settings.Settings, tokens: int) -> int | None:
    """The dearest that a call with so much input can be; None where the price is not known."""
    searches = WEB_CALLS if chosen.bot_web_tools == "on" else 0
    return accounting.price(
        chosen.bot_model,
        conversation.Usage(written_1h=tokens, output=chosen.bot_max_output_tokens, web_searches=searches),
    )


async def _asked_for(model: str, *, base: str, headers: Mapping[str, str]) -> findings.Said:
    """What an endpoint says of a model: by its list, or where it has none by a message of one token."""
    said = await findings.ask(f"{base}/v1/models/{urllib.parse.quote(model, safe='')}", headers=headers)
    if (
        said.status not in _NO_LIST
        or (await findings.ask(f"{base}/v1/models", headers=headers)).status not in _NO_LIST
    ):
        return said
    message = {
        "model": model,
        "max_tokens": 1,
        "messages": [{"role": "user", "content": "Hello"}],
        "stream": True,
    }
    return await findings.ask(
        f"{base}/v1/messages",
        method="POST",
        headers={**headers, "Content-Type": "application/json"},
        form=json.dumps(message).encode(),
    )


def _model(variable: str, model: str, said: findings.Said) -> findings.Finding:
    if said.status == 404:  # noqa: PLR2004 - HTTP
        return findings.wrong(
            variable, f"Claude knows no model {model}", "See the models at platform.claude.com"
        )
    if said.status != 200:  # noqa: PLR2004 - HTTP
        how = f"the endpoint does not say whether there is {model} ({said.status})"
        return findings.Finding(what=variable, how=how, state="note")
    lifecycle, retires = said.body.get("lifecycle"), str(said.body.get("retires_at") or "")[:10]
    if lifecycle == "retired":
        return findings.wrong(variable, f"{model} is retired", "Choose a current one")
    if lifecycle == "deprecated":
        until = f", retired on {retires}" if retires else ""
        return findings.Finding(
            what=variable, how=f"{model} is deprecated{until}: choose another soon", state="note"
        )
    return findings.Finding(what=variable, how=model)


async def database(chosen: settings.Settings) -> list[findings.Finding]:
    """Whether the thread log can be read and written, without changing it."""
    try:
        how = await asyncio.to_thread(thread_log.probe, chosen.database_url)
    except errors.OperatorError as error:
        return [findings.wrong("DATABASE_URL", "the thread log cannot be used", str(error).rstrip("."))]
    return [findings.Finding(what="DATABASE_URL", how=how)]


async def port(chosen: settings.Settings) -> list[findings.Finding]:
    """Whether the bot's own HTTP port is free, or the bot itself has it."""
    host, number = chosen.bot_http_host, chosen.bot_http_port
    where = f"{host}:{number}"
    try:
        server = await asyncio.start_server(lambda *_: None, host, number)
    except OSError:
        try:
            said = await findings.ask(f"http://{where}/healthz", headers={})
        except findings.Silent:
            said = findings.Said(status=0, body={}, headers={})
        if said.body.get("status") == "ok":
            return [findings.Finding(what="BOT_HTTP_PORT", how=f"the bot is running on {where}")]
        mend = "Stop the other program or choose another port"
        return [findings.wrong("BOT_HTTP_PORT", f"cannot listen on {where}", mend)]
    server.close()
    await server.wait_closed()
    return [findings.Finding(what="BOT_HTTP_PORT", how=f"{where} is free")]
