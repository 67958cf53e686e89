"""files.*: what people upload, the three-step upload, and the download that needs the token."""

from __future__ import annotations

import mimetypes
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from aiohttp import web

from emulators.slack import api_error, chat, methods

if TYPE_CHECKING:
    from emulators.slack import faults, state

Json = dict[str, Any]

LOGIN_PAGE = (
    "<!DOCTYPE html><html><head><title>Slack</title></head><body>Sign in to your workspace</body></html>"
)


def described(
    workspace: state.State, *, user: str, name: str, mimetype: str, size: int, external_url: str | None = None
) -> Json:
    """A new file object, hosted here, or elsewhere (`mode` external) when `external_url` is given."""
    file_id = workspace.new_id("F")
    private = f"{workspace.url}/files-pri/{workspace.team_id}-{file_id}"
    hosted = {
        "mode": "hosted",
        "is_external": False,
        "url_private": f"{private}/{name}",
        "url_private_download": f"{private}/download/{name}",
    }
    elsewhere = {"mode": "external", "is_external": True, "url_private": external_url}
    return {
        "id": file_id,
        "created": int(workspace.clock()),
        "timestamp": int(workspace.clock()),
        "name": name,
        "title": name,
        "mimetype": mimetype,
        "filetype": name.rpartition(".")[2] or "binary",
        "user": user,
        "size": size,
        "is_public": True,
        "file_access": "visible",
    } | (elsewhere if external_url else hosted)


def info(request: methods.Request) -> Json:
    """files.info: the whole object, also of a file that an event shows as check_file_info only."""
    file = request.state.files.get(request.text("file"))
    if file is None:
        raise api_error.ApiError("file_not_found")
    return {
        "file": file | {"file_access": "visible", "shares": _shares(request.state, file["id"])},
        "comments": [],
        "response_metadata": {"next_cursor": ""},
    }


def upload_address(request: methods.Request) -> Json:
    """files.getUploadURLExternal: step one of three."""
    state = request.state
    length = request.integer("length", default=0)
    if length <= 0:
        raise api_error.invalid_arguments("missing required field: length")
    name = request.text("filename")
    mimetype = mimetypes.guess_type(name)[0] or "application/octet-stream"
    file = described(state, user=state.bot_user_id, name=name, mimetype=mimetype, size=length)
    state.uploads[file["id"]] = file
    return {"upload_url": f"{state.url}/upload/v1/{file['id']}", "file_id": file["id"]}


def complete_upload(request: methods.Request) -> Json:
    """files.completeUploadExternal: step three; with a channel the files are posted there."""
    state = request.state
    wanted = request.json("files")
    if not isinstance(wanted, list) or not wanted:
        raise api_error.invalid_arguments("missing required field: files")
    finished = []
    for item in wanted:
        file = state.uploads.get(str(item.get("id"))) if isinstance(item, dict) else None
        if file is None or file["id"] not in state.file_data:
            raise api_error.ApiError("file_not_found")
        finished.append(file | {"title": item.get("title") or file["name"]})
    channels = [c for c in (request.optional("channels") or "").split(",") if c]
    for channel_id in [request.optional("channel_id"), *channels]:
        if channel_id:
            _share(request, channel_id, finished)
    for file in finished:
        state.files[file["id"]] = state.uploads.pop(file["id"]) | file
    state.changed.ring()
    return {"files": finished}


def delete(request: methods.Request) -> Json:
    """files.delete: the bot's own; the posts that hold it keep a tombstone in its place."""
    state = request.state
    file = state.files.get(request.text("file"))
    if file is None:
        raise api_error.ApiError("file_not_found")
    if file["user"] != state.bot_user_id:
        raise api_error.ApiError("cant_delete_file")
    remove(state, file["id"])
    return {}


def remove(state: state.State, file_id: str, *, announce: bool = True) -> None:
    """Delete a file; the posts that hold it stay, with a tombstone in its place."""
    del state.files[file_id]
    state.file_data.pop(file_id, None)
    if announce:
        state.send_event({"type": "file_deleted", "file_id": file_id, "event_ts": state.new_ts()})
    for channel in state.channels.values():
        for message in list(channel.messages.values()):
            if any(held["id"] == file_id for held in message.get("files") or []):
                left = [
                    {"id": held["id"], "mode": "tombstone"} if held["id"] == file_id else held
                    for held in message["files"]
                ]
                state.change(channel, message | {"files": left}, announce=announce)


class FileServer:
    """The two addresses outside the Web API: uploading and downloading bytes."""

    def __init__(self, *, state: state.State, call_faults: faults.CallFaults) -> None:
        self._state, self._faults = state, call_faults

    async def upload(self, request: web.Request) -> web.Response:
        """Step two: the bytes as the body, or as the field of a form; the length must be as announced."""
        file_id = request.match_info["file"]
        file = self._state.uploads.get(file_id)
        if file is None:
            return web.Response(status=404, text="unknown upload")
        if request.content_type == "multipart/form-data":
            form = await request.post()
            fields = [value for value in form.values() if isinstance(value, web.FileField)]
            data = fields[0].file.read() if fields else b""
        else:
            data = await request.read()
        if len(data) != file["size"]:
            return web.Response(status=400, text="unexpected length")
        self._state.file_data[file_id] = data
        return web.Response(text=f"OK - {len(data)}")

    async def download(self, request: web.Request) -> web.Response:
        """The bytes against the bot's token; without it or without files:read a login page, with HTTP 200.

        Or the way to one, on the workspace's own host (seen in drewminns/slackdeletron#48). A fault on the
        method `download` holds it, or answers with its status.
        """
        planned = self._faults.take("download", {})
        if planned is not None and planned.fault.kind == "hold":
            await planned.hold()
        elif planned is not None:
            return web.Response(status=planned.fault.status)
        file_id = request.match_info["file"].rpartition("-")[2]
        state = self._state
        authorised = request.headers.get("Authorization") == f"Bearer {state.bot_token}"
        if not authorised or state.token_error or "files:read" not in state.scopes:
            if state.signs_in_elsewhere:
                raise web.HTTPFound(f"https://emulated.slack.com/?{urlencode({'redir': request.path})}")
            return web.Response(text=LOGIN_PAGE, content_type="text/html")
        if file_id not in state.files or file_id not in state.file_data:
            return web.Response(status=404, text="not found")
        mimetype = " ".join(str(state.files[file_id]["mimetype"]).split())  # a header is one line
        return web.Response(body=state.file_data[file_id], headers={"Content-Type": mimetype})


def _shares(workspace: state.State, file_id: str) -> Json:
    """Where a file is posted (docs.slack.dev, the file object): by publicness, then by channel."""
    found: Json = {}
    for channel in workspace.channels.values():
        for message in channel.messages.values():
            if any(held["id"] == file_id for held in message.get("files") or []):
                kind = found.setdefault("public" if channel.kind == "channel" else "private", {})
                share = {"ts": message["ts"]}
                if message.get("thread_ts"):
                    share["thread_ts"] = message["thread_ts"]
                kind.setdefault(channel.id, []).append(share)
    return found


def _share(request: methods.Request, channel_id: str, finished: list[Json]) -> None:
    state = request.state
    channel = state.visible_channel(channel_id)
    if not state.is_member(channel):
        raise api_error.ApiError("not_in_channel")
    thread_ts = chat.thread_root(request, channel)
    comment = request.optional("initial_comment") or ""
    ts = state.new_ts()
    content: Json = {"text": comment, "files": finished, "upload": True}
    message = chat.own_message(state, ts=ts, content=content) | {"subtype": "file_share"}
    if thread_ts:
        message["thread_ts"] = thread_ts
    state.note_pings(channel, ts, method=request.name, texts=[comment])
    state.store(channel, message)


METHODS = {
    "files.info": methods.Method(handler=info, scope="files:read", tier="4"),
    "files.delete": methods.Method(handler=delete, scope="files:write", tier="3"),
    "files.getUploadURLExternal": methods.Method(handler=upload_address, scope="files:write", tier="4"),
    "files.completeUploadExternal": methods.Method(handler=complete_upload, scope="files:write", tier="4"),
}
