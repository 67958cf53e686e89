"""The files of one reply on Slack: uploaded once, found again by their ids, taken away with it.

An upload has three steps (docs.slack.dev, working with files). The file's id is committed after the first, so
whatever happens then, the file is looked for by its id before another one is made: it stands when Slack says
that it is shared in this channel.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

import structlog

from adapters.slack import address, web
from bot.showing import enclosing

ADDRESS = "files.getUploadURLExternal"
_MARK = "file:"  # of a file among a reply's platform ids
_SECOND_LOOK = 1.0  # seconds: a file whose sharing was lost may show up a little later
_GONE = frozenset({"file_not_found", "file_deleted", "message_not_found"})

log = structlog.get_logger()


def posts_of(platform_ids: Iterable[str]) -> list[str]:
    """The posts among a reply's platform ids, in order."""
    return [each for each in platform_ids if not each.startswith(_MARK)]


class Uploads:
    """Keeps the files of a reply as they should be; `save` commits `ids`."""

    def __init__(
        self,
        *,
        api: web.Web,
        spot: address.Address,
        platform_ids: Iterable[str],
        save: Callable[[], Awaitable[None]],
        sleep: web.Sleep,
    ) -> None:
        self._api, self._spot, self._save, self._sleep = api, spot, save, sleep
        marked = [each.split(":") for each in platform_ids if each.startswith(_MARK)]
        self._files = {key: file_id for _, key, file_id in marked}
        self._standing: set[str] = set()  # keys of files that are known to be shared

    @property
    def ids(self) -> list[str]:
        """What stands for the files among the reply's platform ids."""
        return [f"{_MARK}{key}:{file_id}" for key, file_id in self._files.items()]

    async def bring(self, files: Sequence[enclosing.File], *, patience: float) -> None:
        """Bring the reply's files to these; repeatable. Raises PlatformError, web.Refused for a refusal."""
        wanted = {_key(file): file for file in files}
        for key in [key for key in self._files if key not in wanted]:
            await self._remove(self._files[key], patience=patience)
            del self._files[key]
            await self._save()
        for key, file in wanted.items():
            if key in self._standing:
                continue
            if key not in self._files or not await self._stands(self._files[key], patience=patience):
                await self._upload(key, file, patience=patience)
            self._standing.add(key)

    async def _upload(self, key: str, file: enclosing.File, *, patience: float) -> None:
        place = await self._api.call(ADDRESS, patience=patience, filename=file.name, length=len(file.data))
        file_id = self._files[key] = str(place["file_id"])
        await self._save()
        await self._api.upload(str(place["upload_url"]), file.data)
        try:
            await self._share(file_id, file, patience=patience)
        except web.Unknown:
            for _ in range(2):
                if await self._stands(file_id, patience=patience):
                    return
                await self._sleep(_SECOND_LOOK)
            await self._share(file_id, file, patience=patience)

    async def _share(self, file_id: str, file: enclosing.File, *, patience: float) -> None:
        await self._api.call(
            "files.completeUploadExternal",
            patience=patience,
            repeatable=False,
            files=[{"id": file_id, "title": file.name}],
            channel_id=self._spot.channel,
            thread_ts=self._spot.thread or None,
        )

    async def _stands(self, file_id: str, *, patience: float) -> bool:
        return bool(await self._shares(file_id, patience=patience))

    async def _shares(self, file_id: str, *, patience: float) -> list[str]:
        """The ts of the posts that hold a file in this channel."""
        try:
            answer = await self._api.call("files.info", patience=patience, file=file_id)
        except web.Refused as refused:
            if refused.code in _GONE:
                return []
            raise
        shares: dict[str, Any] = (answer.get("file") or {}).get("shares") or {}
        return [str(share["ts"]) for kind in shares.values() for share in kind.get(self._spot.channel) or []]

    async def _remove(self, file_id: str, *, patience: float) -> None:
        """Take a file and the posts that hold it away, be they gone already."""
        for ts in await self._shares(file_id, patience=patience):
            await self._gone("chat.delete", patience=patience, channel=self._spot.channel, ts=ts)
        await self._gone("files.delete", patience=patience, file=file_id)

    async def _gone(self, method: str, **arguments: Any) -> None:
        try:
            await self._api.call(method, **arguments)
        except web.Refused as refused:
            if refused.code not in _GONE:
                raise


def _key(file: enclosing.File) -> str:
    """The same for the same file, however often an answer is finished."""
    return hashlib.blake2s(file.name.encode() + b"\0" + file.data, digest_size=8).hexdigest()
