"""The platforms that have credentials, each made once. A part of the composition root."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from aiohttp import web

from bot import parts, ports, settings, thread_log
from bot.operating import metrics
from bot.workspaces import installing

if TYPE_CHECKING:
    from adapters.slack import install


class Adapter(ports.Platform, Protocol):
    """A platform as the composition root sees it."""

    async def __aenter__(self) -> Self:
        """Connect; raises errors.CredentialError."""

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        """Disconnect."""

    async def run(self) -> None:
        """Catch up, then stay until the connection ends for good; raises errors.CredentialError then."""

    def healthy(self) -> str | None:
        """None when connected, else what is wrong."""

    def routes(self) -> Sequence[web.RouteDef]:
        """What it wants served on the bot's own port."""


async def adapters(
    chosen: settings.Settings, intake: ports.Intake, counted: metrics.Metrics, book: thread_log.ThreadLog
) -> dict[str, Adapter]:
    """An adapter for each platform that has credentials, by name. Raises CredentialError for a lost key."""
    made: list[Adapter] = []
    if "slack" in chosen.platforms:
        from adapters.slack import app as slack_app  # noqa: PLC0415 - several MiB, for those who use it

        made.append(
            slack_app.Slack(
                bot_token=_plain(chosen.slack_bot_token),
                workspaces=await _app(chosen, book),
                app_token=_plain(chosen.slack_app_token),
                signing_secret=_plain(chosen.slack_signing_secret),
                api_url=chosen.slack_api_url,
                dm_mode=chosen.slack_dm_mode,
                guests_matter=chosen.bot_guests == "deny",
                limited=counted.limits.labels(platform="slack").inc,
                intake=intake,
            )
        )
    if chosen.discord_bot_token:
        from adapters.discord import app as discord_app  # noqa: PLC0415 - for the same reason

        made.append(
            discord_app.Discord(
                token=chosen.discord_bot_token.get_secret_value(),
                api_url=chosen.discord_api_url,
                gateway_url=chosen.discord_gateway_url,
                access_ids=chosen.access().ids("discord"),
                limited=counted.limits.labels(platform="discord").inc,
                intake=intake,
            )
        )
    return {each.name: each for each in made}


async def _app(chosen: settings.Settings, book: thread_log.ThreadLog) -> install.App | None:
    """The app that workspaces install by themselves, where it is set up."""
    if not chosen.slack_client_id:
        return None
    from adapters.slack import install  # noqa: PLC0415 - as above

    return install.App(
        client_id=chosen.slack_client_id,
        client_secret=_plain(chosen.slack_client_secret) or "",
        public_url=chosen.bot_public_url or "",
        store=await installing.opened(book.installs, keys=chosen.encryption_keys, now=parts.now),
    )


def _plain(secret: settings.Secret | None) -> str | None:
    return secret.get_secret_value() if secret else None
