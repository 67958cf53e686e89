"""Which Slack credentials go together: a token of one workspace, or the app's own for many; how one looks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bot import settings


MAKE_A_KEY = (
    'make one with: python -c "from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())"'
)


def problems(chosen: settings.Settings) -> list[str]:
    """A line for each credential that is missing or too much."""
    many = {
        "SLACK_CLIENT_ID": chosen.slack_client_id,
        "SLACK_CLIENT_SECRET": chosen.slack_client_secret,
        "BOT_PUBLIC_URL": chosen.bot_public_url,
    }
    set_of_many = [name for name, value in many.items() if value]
    way_in = bool(chosen.slack_app_token or chosen.slack_signing_secret)
    if not set_of_many:
        return _one(chosen, way_in=way_in)
    found = [
        f"{name}: should be set, because {set_of_many[0]} is" for name, value in many.items() if not value
    ]
    if chosen.slack_bot_token:
        found.append(
            f"SLACK_BOT_TOKEN: should not be set, because {set_of_many[0]} is: "
            "each workspace gives its own token when it installs the app"
        )
    if not way_in:
        found.append(
            "SLACK_SIGNING_SECRET: should be set for events over HTTP (or SLACK_APP_TOKEN for Socket Mode), "
            f"because {set_of_many[0]} is"
        )
    if not chosen.bot_encryption_key:
        found.append(
            "BOT_ENCRYPTION_KEY: should be set, because workspaces' tokens are stored; " + MAKE_A_KEY
        )
    return found


def _one(chosen: settings.Settings, *, way_in: bool) -> list[str]:
    if chosen.slack_bot_token and not way_in:
        line = "SLACK_APP_TOKEN: should be set for Socket Mode (or SLACK_SIGNING_SECRET for HTTP), because"
        return [f"{line} SLACK_BOT_TOKEN is"]
    if way_in and not chosen.slack_bot_token:
        return ["SLACK_BOT_TOKEN: should be set, because another Slack credential is"]
    return []


def word(given: Any) -> Any:
    """A credential without what copying left around it; what no header could carry is none."""
    if not isinstance(given, str):
        return given
    if not re.fullmatch(r"[!-~]+", given.strip()):
        raise ValueError(
            "should be one word of plain characters, as it was copied: no blank, no line break, no “…”"
        )
    return given.strip()
