"""Bolt reads the environment by itself: none of that reaches this bot."""

from __future__ import annotations

import pytest

from adapters.slack import bolt


async def nothing(_: object) -> None:
    """Take a payload."""


def test_nothing_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """With OAuth variables set Bolt makes settings of its own, unless it is given some."""
    for name in ("CLIENT_ID", "CLIENT_SECRET", "SCOPES", "BOT_TOKEN", "SIGNING_SECRET", "REDIRECT_URI"):
        monkeypatch.setenv(f"SLACK_{name}", "canary")
    app = bolt.Door(event=nothing, press=nothing, api_url="http://127.0.0.1:9/")._app
    assert app.oauth_flow is not None
    used = vars(app.oauth_flow.settings) | {"token": app._token, "secret": app._signing_secret}
    assert {name for name, value in used.items() if "canary" in str(value)} == set()
