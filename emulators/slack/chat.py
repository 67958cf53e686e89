"""chat.*: posting, updating, deleting, ephemeral posts and permalinks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emulators.slack import api_error, checks, methods, pings

if TYPE_CHECKING:
    from emulators.slack import records, state

Json = dict[str, Any]


def post_message(request: methods.Request) -> Json:
    """chat.postMessage: a post of the bot, which comes back to it as an event too."""
    state = request.state
    channel = _target(request)
    content = _content(request)
    thread_ts = thread_root(request, channel)
    ts = state.new_ts()
    if len(content["text"]) > checks.MAX_TEXT:
        content["text"] = content["text"][: checks.MAX_TEXT]
        state.truncated.append((channel.id, ts))
    message = own_message(state, ts=ts, content=content)
    if thread_ts:
        message |= {"thread_ts": thread_ts}
        message |= {"parent_user_id": str(channel.messages[thread_ts].get("user"))}
        if request.flag("reply_broadcast"):
            message["subtype"] = "thread_broadcast"
    if request.optional("username") or request.optional("icon_emoji") or request.optional("icon_url"):
        request.need("chat:write.customize")
        message |= {"subtype": "bot_message", "username": request.optional("username") or "threadmate"}
        del message["user"]
    _note_reach(request, channel, message)
    state.session(channel.id, thread_ts or ts).thinking = ""
    state.store(channel, message)
    return {"channel": channel.id, "ts": ts, "message": state.rendered(channel, message, metadata=True)}


def update(request: methods.Request) -> Json:
    """chat.update: blocks and metadata that are not sent stay; an open stream cannot be updated."""
    state = request.state
    channel = request.joined_channel()
    old = _own(request, channel, refusal="cant_update_message")
    if state.open_stream(channel.id, old["ts"]):
        raise api_error.ApiError("streaming_state_conflict")
    content = _content(request, updating=True)
    if request.optional("markdown_text") is None and len(content["text"]) > checks.MAX_UPDATE_TEXT:
        raise api_error.ApiError("msg_too_long")
    edited = {"user": state.bot_user_id, "ts": f"{int(state.clock())}.000000"}
    message = old | content | {"edited": edited}
    for key in ("blocks", "attachments"):
        if message.get(key) == []:
            del message[key]
    message.pop("streaming_state", None)
    _note_reach(request, channel, message, unfurls=False)
    state.change(channel, message)
    return {"channel": channel.id, "ts": old["ts"], "text": message["text"], "message": message}


def delete(request: methods.Request) -> Json:
    """chat.delete: the bot's own posts only, and no stream that is still open."""
    channel = request.joined_channel()
    message = _own(request, channel, refusal="cant_delete_message")
    if request.state.open_stream(channel.id, message["ts"]):
        raise api_error.ApiError("cant_delete_message")
    request.state.remove(channel, message["ts"])
    return {"channel": channel.id, "ts": message["ts"]}


def post_ephemeral(request: methods.Request) -> Json:
    """chat.postEphemeral: seen by one person of the channel, stored nowhere else."""
    state = request.state
    channel = request.joined_channel()
    user = request.text("user")
    if user not in state.users:
        raise api_error.ApiError("user_not_found")
    if user not in channel.members:
        raise api_error.ApiError("user_not_in_channel")
    content = _content(request)
    ts = state.new_ts()
    thread_ts = thread_root(request, channel)
    state.ephemerals.append(
        content | {"channel": channel.id, "user": user, "thread_ts": thread_ts, "ts": ts, "via": request.name}
    )
    state.changed.ring()
    return {"message_ts": ts}


def get_permalink(request: methods.Request) -> Json:
    """chat.getPermalink."""
    channel = request.channel()
    ts = request.text("message_ts")
    if ts not in channel.messages:
        raise api_error.ApiError("message_not_found")
    link = f"{request.state.url}/archives/{channel.id}/p{ts.replace('.', '')}"
    thread_ts = channel.messages[ts].get("thread_ts")
    if thread_ts and thread_ts != ts:
        link += f"?thread_ts={thread_ts}&cid={channel.id}"
    return {"channel": channel.id, "permalink": link}


def own_message(state: state.State, *, ts: str, content: Json) -> Json:
    """A message as Slack stores what a bot user posts: no subtype, user and bot_id both set."""
    return {
        "type": "message",
        "user": state.bot_user_id,
        "bot_id": state.bot_id,
        "app_id": state.app_id,
        "team": state.team_id,
        "bot_profile": {"id": state.bot_id, "app_id": state.app_id, "name": "Threadmate", "deleted": False},
        "ts": ts,
        **content,
    }


def thread_root(request: methods.Request, channel: records.Channel) -> str | None:
    """The thread_ts of a reply, an existing root (Slack itself would also take the ts of a reply)."""
    thread_ts = request.ts("thread_ts", error="invalid_thread_ts")
    if thread_ts is None:
        return None
    root = channel.messages.get(thread_ts)
    if root is None or root.get("thread_ts", thread_ts) != thread_ts:
        raise api_error.ApiError("thread_not_found")
    return thread_ts


def _target(request: methods.Request) -> records.Channel:
    """The channel of a post: an id, a #name, or a user id for the DM with them."""
    named = request.text("channel")
    if named in request.state.users and named != request.state.bot_user_id:
        return request.state.direct_channel(named)
    for channel in request.state.channels.values():
        if channel.kind == "channel" and named == f"#{channel.name}":
            request.args["channel"] = channel.id
    if request.channel().kind == "channel" and "chat:write.public" in request.state.scopes:
        return request.channel()
    return request.joined_channel()


def _own(request: methods.Request, channel: records.Channel, *, refusal: str) -> Json:
    message = channel.messages.get(request.text("ts"))
    if message is None:
        raise api_error.ApiError("message_not_found")
    if message.get("bot_id") != request.state.bot_id:
        raise api_error.ApiError(refusal)
    return message


def _content(request: methods.Request, *, updating: bool = False) -> Json:
    """What the call says: text, blocks, attachments, metadata; only what was sent when updating."""
    text, markdown = request.optional("text"), request.optional("markdown_text")
    blocks, attachments = request.json("blocks"), request.json("attachments")
    if markdown is not None:
        if text is not None or blocks is not None:
            raise api_error.ApiError("markdown_text_conflict")
        if len(markdown) > checks.MAX_MARKDOWN:
            raise api_error.ApiError("msg_too_long")
        text = markdown
    if not text and not blocks and not attachments:
        raise api_error.ApiError("no_text")
    content: Json = {}
    if blocks is not None:
        content["blocks"] = checks.blocks(blocks)
    if attachments is not None:
        content["attachments"] = attachments
    if request.args.get("metadata") not in (None, "", {}):
        content["metadata"] = checks.metadata(request.json("metadata"))
    if text is None:
        text = "\n".join(pings.block_texts(content.get("blocks", []), notifying=False))
    if not updating and not text.strip() and not blocks and not attachments:
        raise api_error.ApiError("no_text")
    return content | {"text": text}


def _note_reach(
    request: methods.Request, channel: records.Channel, message: Json, *, unfurls: bool = True
) -> None:
    """Record whom the message would notify and, for a post, which links Slack would fetch."""
    texts = [message["text"], *pings.block_texts(message.get("blocks") or [], notifying=True)]
    link_names = request.flag("link_names") or request.optional("parse") == "full"
    request.state.note_pings(channel, message["ts"], method=request.name, texts=texts, link_names=link_names)
    fetched = request.flag("unfurl_links", default=True) or request.flag("unfurl_media", default=True)
    if unfurls and fetched:
        for url in dict.fromkeys(link for text in texts for link in pings.links(text)):
            request.state.note_unfurl(channel, message["ts"], url)


METHODS = {
    "chat.postMessage": methods.Method(handler=post_message, scope="chat:write", tier="post"),
    "chat.update": methods.Method(handler=update, scope="chat:write"),
    "chat.delete": methods.Method(handler=delete, scope="chat:write"),
    "chat.postEphemeral": methods.Method(handler=post_ephemeral, scope="chat:write", tier="4"),
    "chat.getPermalink": methods.Method(handler=get_permalink, tier="4"),
}
