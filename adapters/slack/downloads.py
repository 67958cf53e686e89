"""Files of Slack posts: with the bot's token, from Slack's own host.

Without the scope `files:read` Slack answers with its login page and status 200, or leads to that page on the
workspace's own host, with the file's path as `redir`; of a file that was shared
over Slack Connect an event may tell the id alone (`file_access: check_file_info`), and `files.info` the rest.
"""

from __future__ import annotations

import aiohttp

from adapters import downloads
from adapters.slack import web
from bot import conversation, errors

API_URL = "https://slack.com/api/"
HOSTS = frozenset({"files.slack.com"})
HTML = "text/html"
SIGN_IN = "redir"  # in the address of the login page: where it leads back to
NO_SCOPE = "I lack Slack's permission files:read; please tell whoever runs me"
HIDDEN = "Slack does not show it to me"
EXTERNAL = frozenset({"external", "remote"})  # kept on another service: only a link to it is here
LOOK_UP_SECONDS = 20.0


class Downloads:
    """Implements `fetch` of ports.Platform."""

    def __init__(self, *, session: aiohttp.ClientSession, api: web.Web, api_url: str) -> None:
        self._session, self._api = session, api
        self._hosts = downloads.Hosts.of(HOSTS, api_url=api_url, usual=API_URL)

    async def fetch(self, attachment: conversation.Attachment, *, limit: int) -> bytes:
        """The file's bytes. Raises FileRefused and PlatformUnavailable."""
        url, media_type, size = attachment.url, attachment.media_type, attachment.size
        if not url:
            url, media_type, size = await self._looked_up(attachment.id)
        try:
            got = await downloads.get(
                self._session,
                url,
                hosts=self._hosts,
                headers={"Authorization": f"Bearer {await self._api.bearer()}"},
                limit=limit,
            )
        except downloads.Elsewhere as led:
            if SIGN_IN in led.url.query:
                raise errors.FileRefused(NO_SCOPE) from led
            raise
        if got.media_type == HTML and (media_type != HTML or len(got.data) != size):
            raise errors.FileRefused(NO_SCOPE)
        return got.data

    async def _looked_up(self, file_id: str) -> tuple[str, str, int]:
        """Address, type and size of a file that the event did not tell."""
        try:
            answer = await self._api.call("files.info", patience=LOOK_UP_SECONDS, file=file_id)
        except web.Refused as refused:
            raise errors.FileRefused(NO_SCOPE if refused.code == "missing_scope" else HIDDEN) from refused
        file = answer.get("file") or {}
        url = str(file.get("url_private_download") or file.get("url_private") or "")
        if not url or file.get("mode") in EXTERNAL:
            raise errors.FileRefused(downloads.FOREIGN)
        return url, str(file.get("mimetype") or ""), int(file.get("size") or 0)
