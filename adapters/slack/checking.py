"""What `check` finds out about Slack: tokens of the right kind, scopes, Socket Mode."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from adapters.slack import surface
from bot import checking, errors

REINSTALL = "paste manifest.yml into the app's manifest and install it again"
_KIND = frozenset(
    {"not_allowed_token_type", "invalid_auth", "not_authed", "token_revoked", "account_inactive"}
)


async def findings(
    *, bot_token: str, app_token: str | None, api_url: str, now: dt.datetime
) -> list[checking.Finding]:
    """Every credential tried."""
    found = await _bot(bot_token, api_url, now)
    if app_token is not None:
        found.append(await _app(app_token, api_url))
    else:
        how = "Slack calls in over HTTP; whether the secret is right shows at its first call"
        found.append(checking.Finding(what="SLACK_SIGNING_SECRET", how=how, state="note"))
    return found


async def _bot(token: str, api_url: str, now: dt.datetime) -> list[checking.Finding]:
    name = "SLACK_BOT_TOKEN"
    try:
        said = await _call("auth.test", token, api_url)
    except checking.Silent as silence:
        return [checking.unreachable("SLACK_API_URL", silence)]
    if not said.body.get("ok"):
        mend = "Copy the Bot User OAuth Token anew, under OAuth & Permissions, or " + REINSTALL
        return [checking.wrong(name, f"Slack refuses it ({_code(said.body)})", mend)]
    if not said.body.get("bot_id"):
        return [
            checking.wrong(name, "it is no bot's", "Take the Bot User OAuth Token, which starts with xoxb-")
        ]
    found = [checking.Finding(what=name, how=f"{said.body.get('user')} in {said.body.get('team')}")]
    scopes = frozenset(filter(None, said.headers.get("x-oauth-scopes", "").replace(" ", "").split(",")))
    missing = sorted(surface.bot_scopes() - scopes)
    if scopes and missing:
        found.append(
            checking.wrong("Slack scopes", f"missing {', '.join(missing)}", f"Add them, or {REINSTALL}")
        )
    elif scopes:
        found.append(checking.Finding(what="Slack scopes", how="all there"))
    skew = checking.clock(said, now)
    return [*found, skew] if skew else found


async def _app(token: str, api_url: str) -> checking.Finding:
    name = "SLACK_APP_TOKEN"
    try:
        said = await _call("apps.connections.open", token, api_url)
    except checking.Silent as silence:
        return checking.unreachable("SLACK_API_URL", silence)
    if said.body.get("ok"):
        return checking.Finding(what=name, how="Socket Mode opens")
    code = _code(said.body)
    if code == "missing_scope":
        mend = "Make one with the scope connections:write, under Basic Information, App-Level Tokens"
    elif code in _KIND:
        mend = "Copy it anew from Basic Information, App-Level Tokens; it starts with xapp-"
    else:
        mend = "Turn on Socket Mode in the app's settings"
    return checking.wrong(name, f"Slack refuses it ({code})", mend)


async def _call(method: str, token: str, api_url: str) -> checking.Said:
    said = await checking.ask(
        f"{api_url}{method}", method="POST", headers={"Authorization": f"Bearer {token}"}
    )
    if not said.body:
        raise checking.Silent(f"SLACK_API_URL answers {said.status} to {method}, which is not Slack")
    return said


def _code(body: Mapping[str, object]) -> str:
    return str(body.get("error") or errors.PlatformError.__name__)
