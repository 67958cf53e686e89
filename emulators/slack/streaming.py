"""chat.startStream, appendStream, stopStream: text that appears while it is written.

Sources: docs.slack.dev reference of the three methods (arguments, missing_recipient_*, the 12,000 characters
per call); python-slack-sdk#1859 (about five minutes of life). How a stream shows in events is not documented:
here its start is a `message` event and its stop a `message_changed`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emulators.slack import api_error, chat, checks, methods

if TYPE_CHECKING:
    from emulators.slack import records

Json = dict[str, Any]

_TASK_STATUSES = {"pending", "in_progress", "complete", "error"}
SESSION_STATUSES = {"processing", "active", "suspended", "closed"}


def start(request: methods.Request) -> Json:
    """chat.startStream."""
    _allowed(request)
    state = request.state
    channel = request.joined_channel()
    thread_ts = chat.thread_root(request, channel)
    if thread_ts is None and channel.kind in {"im", "mpim"}:
        raise api_error.invalid_arguments("missing required field: thread_ts")
    if channel.kind != "im":
        _check_recipient(request, channel)
    if request.optional("task_display_mode") not in {None, "timeline", "plan"}:
        raise api_error.invalid_arguments("invalid value: task_display_mode")
    text, tasks = _chunks(request, required=False)
    ts = state.new_ts()
    message = chat.own_message(state, ts=ts, content={"text": text, "streaming_state": "in_progress"})
    if thread_ts:
        message |= {"thread_ts": thread_ts, "parent_user_id": str(channel.messages[thread_ts].get("user"))}
    if tasks:
        message["tasks"] = tasks
    state.new_stream(channel=channel.id, ts=ts, thread_ts=thread_ts)
    session = state.session(channel.id, thread_ts or ts)
    session.status, session.since, session.thinking = "processing", state.clock(), ""
    state.note_pings(channel, ts, method=request.name, texts=[text])
    state.store(channel, message)
    return {"channel": channel.id, "ts": ts}


def append(request: methods.Request) -> Json:
    """chat.appendStream."""
    _allowed(request)
    channel, message = _streaming(request)
    text, tasks = _chunks(request, required=True)
    _extend(request, channel, message, text=text, tasks=tasks)
    request.state.changed.ring()
    return {"channel": channel.id, "ts": message["ts"]}


def stop(request: methods.Request) -> Json:
    """chat.stopStream: the last text, blocks below it, metadata, and the session's status after it."""
    _allowed(request)
    state = request.state
    channel, message = _streaming(request)
    status = request.optional("session_status") or "active"
    if status not in SESSION_STATUSES:
        raise api_error.invalid_arguments("invalid value: session_status")
    text, tasks = _chunks(request, required=False)
    blocks = checks.blocks(request.json("blocks") or [])
    metadata = request.json("metadata")
    finished = dict(message) | {"streaming_state": "completed"}
    if metadata:
        finished["metadata"] = checks.metadata(metadata)
    _extend(request, channel, finished, text=text, tasks=tasks)
    if blocks:
        # The text stays above the blocks; as blocks of its own, so that an update without blocks keeps both.
        shown = [{"type": "markdown", "text": finished["text"]}] if finished["text"] else []
        finished["blocks"] = [*shown, *blocks]
    stream = state.streams[channel.id, message["ts"]]
    stream.stopped = True
    session = state.session(channel.id, stream.thread_ts or stream.ts)
    session.status, session.since = status, state.clock()
    state.change(channel, finished)
    return {"channel": channel.id, "ts": message["ts"], "message": finished}


def _allowed(request: methods.Request) -> None:
    if not request.state.streaming_allowed:
        raise api_error.ApiError(request.state.streaming_refusal)


def _check_recipient(request: methods.Request, channel: records.Channel) -> None:
    """Outside DMs the person for whom the text is written must be named, with their own team."""
    user, team = request.optional("recipient_user_id"), request.optional("recipient_team_id")
    if not team:
        raise api_error.ApiError("missing_recipient_team_id")
    if not user:
        raise api_error.ApiError("missing_recipient_user_id")
    person = request.state.users.get(user)
    if person is None or user not in channel.members or person.team_id != team:
        raise api_error.ApiError("user_not_found")


def _streaming(request: methods.Request) -> tuple[records.Channel, Json]:
    channel = request.joined_channel()
    ts = request.text("ts")
    message = channel.messages.get(ts)
    if message is None:
        raise api_error.ApiError("message_not_found")
    if message.get("bot_id") != request.state.bot_id:
        raise api_error.ApiError("message_not_owned_by_app")
    if request.state.open_stream(channel.id, ts) is None:
        raise api_error.ApiError("message_not_in_streaming_state")
    return channel, message


def _extend(
    request: methods.Request, channel: records.Channel, message: Json, *, text: str, tasks: list[Json]
) -> None:
    message["text"] += text
    if tasks:
        by_id = {task["id"]: task for task in [*message.get("tasks", []), *tasks]}
        message["tasks"] = list(by_id.values())
    # The whole text, since a mention may be cut in two by the boundary of a call.
    request.state.note_pings(channel, message["ts"], method="chat.startStream", texts=[message["text"]])


def _chunks(request: methods.Request, *, required: bool) -> tuple[str, list[Json]]:
    """The Markdown and the task updates of a call: markdown_text, then the chunks in order."""
    chunks = request.json("chunks")
    if chunks is None:
        chunks = []
    if not isinstance(chunks, list) or not all(isinstance(chunk, dict) for chunk in chunks):
        raise api_error.invalid_arguments("invalid chunks")
    text = request.optional("markdown_text") or ""
    tasks: list[Json] = []
    for chunk in chunks:
        kind = chunk.get("type")
        if kind == "markdown_text" and isinstance(chunk.get("text"), str):
            text += chunk["text"]
        elif kind == "task_update" and chunk.get("id") and chunk.get("status") in _TASK_STATUSES:
            tasks.append(chunk)
        elif kind == "blocks":
            checks.blocks(chunk.get("blocks"))
        elif kind != "plan_update" or not chunk.get("title"):
            raise api_error.invalid_arguments("invalid chunk")
    if required and not text and not chunks:
        raise api_error.ApiError("no_text")
    if len(text) > checks.MAX_MARKDOWN:
        raise api_error.ApiError("msg_too_long")
    return text, tasks


METHODS = {
    "chat.startStream": methods.Method(handler=start, scope="chat:write", tier="2"),
    "chat.appendStream": methods.Method(handler=append, scope="chat:write", tier="4"),
    "chat.stopStream": methods.Method(handler=stop, scope="chat:write", tier="2"),
}
