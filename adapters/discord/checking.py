"""What `check` finds out about Discord: the token, the intent, the servers, the starts that are left."""

from __future__ import annotations

import datetime as dt

from adapters.discord import gateway
from bot.operating import findings

# "Application Flags" in Discord's reference: the intent is on, reviewed or below the limit for it.
MESSAGE_CONTENT = 1 << 18 | 1 << 19
PERMISSIONS = 1 << 6 | 1 << 10 | 1 << 11 | 1 << 15 | 1 << 16 | 1 << 35 | 1 << 38
"""Add reactions, view channels, send, attach files, read history, public threads, send in threads."""


async def check(*, token: str, api_url: str, now: dt.datetime) -> list[findings.Finding]:
    """Everything that can be asked without connecting."""
    headers = {"Authorization": f"Bot {token}"}

    async def ask(path: str) -> findings.Said:
        return await findings.ask(f"{api_url}{path}", headers=headers)

    name = "DISCORD_BOT_TOKEN"
    try:
        me = await ask("/users/@me")
        if me.status == 401:  # noqa: PLR2004 - HTTP
            mend = _mend(gateway.BAD_TOKEN)
            return [findings.wrong(name, "Discord refuses it", mend)]
        if me.status != 200 or not me.body.get("id"):  # noqa: PLR2004 - HTTP
            return [
                findings.wrong("DISCORD_API_URL", f"it answers {me.status}, which is not Discord", "Unset it")
            ]
        application, start, guilds = (
            await ask("/applications/@me"),
            await ask("/gateway/bot"),
            await ask("/users/@me/guilds"),
        )
    except findings.Silent as silence:
        return [findings.unreachable("DISCORD_API_URL", silence)]
    found = [findings.Finding(what=name, how=str(me.body.get("username")))]
    found += [_intent(application), _starts(start), _guilds(guilds, str(application.body.get("id") or ""))]
    skew = findings.clock(me, now)
    return [*found, skew] if skew else found


def _intent(application: findings.Said) -> findings.Finding:
    what = "Discord intents"
    if int(application.body.get("flags") or 0) & MESSAGE_CONTENT:
        return findings.Finding(what=what, how="message content is on")
    mend = _mend(gateway.NO_INTENT)
    return findings.wrong(what, "message content is off", mend)


def _starts(start: findings.Said) -> findings.Finding:
    limit = start.body.get("session_start_limit") or {}
    left, reset = limit.get("remaining"), int(limit.get("reset_after") or 0) // 60_000
    if left == 0:
        return findings.wrong(
            "Discord starts",
            "none are left today",
            f"Wait {reset} minutes; something restarts the bot too often",
        )
    return findings.Finding(what="Discord starts", how=f"{left} left before Discord asks for a pause")


def _guilds(guilds: findings.Said, application: str) -> findings.Finding:
    if guilds.items:
        return findings.Finding(what="Discord servers", how=f"in {len(guilds.items)}")
    link = (
        f"https://discord.com/oauth2/authorize?client_id={application}"
        f"&scope=bot+applications.commands&permissions={PERMISSIONS}"
    )
    how = f"in none yet: invite it with {link}"
    return findings.Finding(what="Discord servers", how=how, state="note")


def _mend(sentence: str) -> str:
    """The second half of a sentence of the bot's, as one of its own; names keep their capitals."""
    what = sentence.partition(": ")[2].rstrip(".")
    return what[:1].upper() + what[1:]
