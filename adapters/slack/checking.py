"""What `check` finds out about Slack: tokens of the right kind, scopes, Socket Mode."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping, Sequence

from adapters.slack import surface
from bot import errors
from bot.operating import findings
from bot.workspaces import installation

REINSTALL = "paste manifest.yml into the app's manifest and install it again"
COPY_TOKEN = f"Copy the Bot User OAuth Token anew, under OAuth & Permissions, or {REINSTALL}"
_KIND = frozenset(
    {"not_allowed_token_type", "invalid_auth", "not_authed", "token_revoked", "account_inactive"}
)


async def check(
    *, bot_token: str, app_token: str | None, api_url: str, now: dt.datetime
) -> list[findings.Finding]:
    """Every credential tried."""
    found = await _bot(bot_token, api_url, now)
    if app_token is not None:
        found.append(await _app(app_token, api_url))
    else:
        how = "Slack calls in over HTTP; whether the secret is right shows at its first call"
        found.append(findings.Finding(what="SLACK_SIGNING_SECRET", how=how, state="note"))
    return found


async def many(
    *,
    client_id: str,
    client_secret: str,
    app_token: str | None,
    installed: Sequence[installation.Installation],
    install_url: str,
    api_url: str,
    now: dt.datetime,
) -> list[findings.Finding]:
    """The app's own credentials, and every workspace that has installed it."""
    found = [await _client(client_id, client_secret, api_url)]
    if app_token is not None:
        found.append(await _app(app_token, api_url))
    for each in installed:
        if each.expires_at is not None and each.expires_at <= now:
            how = f"the token of {each.name} has run out; it is renewed when the bot needs it"
            found.append(findings.Finding(what=f"workspace {each.workspace}", how=how, state="note"))
            continue
        told = await _bot(each.token, api_url, now, mend=f"Let it install the app again: {install_url}")
        names = {"SLACK_BOT_TOKEN": f"workspace {each.workspace}"}
        found += [dataclasses.replace(one, what=names.get(one.what, one.what)) for one in told]
    if not installed:
        how = f"none has installed the app yet: open {install_url}"
        found.append(findings.Finding(what="workspaces", how=how, state="note"))
    return found


async def _client(client_id: str, client_secret: str, api_url: str) -> findings.Finding:
    """Try a code of nobody: Slack looks at id and secret first."""
    form = {"client_id": client_id, "client_secret": client_secret, "code": "0"}
    try:
        said = await findings.ask(f"{api_url}oauth.v2.access", method="POST", headers={}, form=form)
    except findings.Silent as silence:
        return findings.unreachable("SLACK_API_URL", silence)
    code = _code(said.body)
    if code in {"invalid_client_id", "bad_client_secret"}:
        name = "SLACK_CLIENT_ID" if code == "invalid_client_id" else "SLACK_CLIENT_SECRET"
        return findings.wrong(name, f"Slack refuses it ({code})", "Copy it anew from Basic Information")
    return findings.Finding(what="SLACK_CLIENT_ID", how="Slack takes it with its secret")


async def _bot(
    token: str, api_url: str, now: dt.datetime, *, mend: str = COPY_TOKEN
) -> list[findings.Finding]:
    name = "SLACK_BOT_TOKEN"
    try:
        said = await _call("auth.test", token, api_url)
    except findings.Silent as silence:
        return [findings.unreachable("SLACK_API_URL", silence)]
    if not said.body.get("ok"):
        return [findings.wrong(name, f"Slack refuses it ({_code(said.body)})", mend)]
    if not said.body.get("bot_id"):
        return [
            findings.wrong(name, "it is no bot's", "Take the Bot User OAuth Token, which starts with xoxb-")
        ]
    found = [findings.Finding(what=name, how=f"{said.body.get('user')} in {said.body.get('team')}")]
    scopes = frozenset(filter(None, said.headers.get("x-oauth-scopes", "").replace(" ", "").split(",")))
    missing = sorted(surface.bot_scopes() - scopes)
    if scopes and missing:
        found.append(
            findings.wrong("Slack scopes", f"missing {', '.join(missing)}", f"Add them, or {REINSTALL}")
        )
    elif scopes:
        found.append(findings.Finding(what="Slack scopes", how="all there"))
    skew = findings.clock(said, now)
    return [*found, skew] if skew else found


async def _app(token: str, api_url: str) -> findings.Finding:
    name = "SLACK_APP_TOKEN"
    try:
        said = await _call("apps.connections.open", token, api_url)
    except findings.Silent as silence:
        return findings.unreachable("SLACK_API_URL", silence)
    if said.body.get("ok"):
        return findings.Finding(what=name, how="Socket Mode opens")
    code = _code(said.body)
    if code == "missing_scope":
        mend = "Make one with the scope connections:write, under Basic Information, App-Level Tokens"
    elif code in _KIND:
        mend = "Copy it anew from Basic Information, App-Level Tokens; it starts with xapp-"
    else:
        mend = "Turn on Socket Mode in the app's settings"
    return findings.wrong(name, f"Slack refuses it ({code})", mend)


async def _call(method: str, token: str, api_url: str) -> findings.Said:
    said = await findings.ask(
        f"{api_url}{method}", method="POST", headers={"Authorization": f"Bearer {token}"}
    )
    if not said.body:
        raise findings.Silent(f"SLACK_API_URL answers {said.status} to {method}, which is not Slack")
    return said


def _code(body: Mapping[str, object]) -> str:
    return str(body.get("error") or errors.PlatformError.__name__)
