"""Endpoints of messages, reactions and pins."""

from collections.abc import Sequence

from emulators.discord import actions, drafts, errors, payloads, records, routing, sessions, snowflakes, state

table = routing.Table()

_MESSAGES = "/channels/{channel_id}/messages"
_MESSAGE = _MESSAGES + "/{message_id}"
_REACTION = _MESSAGE + "/reactions/{emoji}"


def _shown(world: state.World, message: records.Message) -> records.Json:
    """A message as the bot may read it: without content where the portal denies the intent."""
    body = payloads.message(world, message)
    if "message_content" in world.portal.missing_intents:
        private = world.channel(message.channel).guild is None
        return sessions.readable(body, bot=world.bot, private=private)
    return body


@table.on("POST", _MESSAGES)
def create(backend: routing.Backend, request: routing.Request) -> routing.Reply:
    """Post, as the bot."""
    world = backend.world
    channel = world.channel(request.ids["channel_id"])
    draft = drafts.parse(request.fields, uploads=request.uploads, upload_limit=world.portal.upload_limit)
    _may_post(world, channel, draft)
    if (known := backend.acts.same_nonce(draft)) is not None:
        return routing.Reply(body=_shown(world, known))
    kind, reference, snapshots = _reference(world, channel, draft)
    if draft.is_empty and not snapshots:
        raise errors.empty_message()
    message = backend.threads.post(
        thread=channel, author=world.bot, draft=draft, kind=kind, reference=reference, snapshots=snapshots
    )
    if draft.nonce is not None:
        world.nonces[str(draft.nonce)] = (world.clock(), channel.id, message.id)
    return routing.Reply(body=_shown(world, message))


def _may_post(world: state.World, channel: records.Channel, draft: drafts.Draft) -> None:
    if channel.kind == records.FORUM:
        raise errors.wrong_channel_type()
    if channel.recipient in world.portal.closed_dms:
        raise errors.cannot_dm()
    world.require(channel, "send_messages_in_threads" if channel.is_thread else "send_messages")
    if draft.uploads:
        world.require(channel, "attach_files")
    if channel.locked and not world.may(channel, "manage_threads"):
        raise errors.thread_locked()


def _reference(
    world: state.World, channel: records.Channel, draft: drafts.Draft
) -> tuple[int, records.Json | None, Sequence[records.Json]]:
    """What the message answers or forwards: its kind, its reference and the snapshots of a forward."""
    if draft.reference is None:
        return records.DEFAULT, None, ()
    wanted = str(draft.reference.get("message_id"))
    home = str(draft.reference.get("channel_id") or channel.id)
    if draft.reference.get("type", 0) == 1:
        found = world.message(home, wanted)
        where = {"type": 1, "channel_id": home, "message_id": wanted}
        return records.DEFAULT, where, [actions.forwarded(world, found)]
    if not world.may(channel, "read_message_history"):
        raise errors.reply_without_history()
    if home != channel.id:
        text = "Cannot reply to a message in a different channel"
        raise errors.invalid("message_reference", "REPLIES_CANNOT_REFERENCE_OTHER_CHANNEL", text)
    if (target := channel.messages.get(wanted)) is None:
        if draft.reference.get("fail_if_not_exists", True):
            raise errors.invalid("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
        return records.DEFAULT, None, ()
    if target.kind not in (records.DEFAULT, records.REPLY, records.CHAT_COMMAND, records.MENU_COMMAND):
        text = "Cannot reply to a system message"
        raise errors.invalid("message_reference", "REPLIES_CANNOT_REPLY_TO_SYSTEM_MESSAGE", text)
    where = {"type": 0, "channel_id": home, "message_id": wanted}
    return records.REPLY, where | ({"guild_id": channel.guild} if channel.guild else {}), ()


@table.on("GET", _MESSAGES)
def history(backend: routing.Backend, request: routing.Request) -> routing.Reply:
    """A page of messages, newest first; empty without the right to read the history."""
    world = backend.world
    channel = world.channel(request.ids["channel_id"])
    world.require(channel)
    limit = request.limit(default=50, most=100)
    if not world.may(channel, "read_message_history"):
        return routing.Reply(body=[])
    page = _page(list(channel.messages.values()), request, limit)
    return routing.Reply(body=[_shown(world, message) for message in reversed(page)])


def _page(every: list[records.Message], request: routing.Request, limit: int) -> list[records.Message]:
    """The slice that before, after or around ask for, oldest first."""
    edges = {name: request.query[name] for name in ("around", "before", "after") if name in request.query}
    for name, edge in edges.items():
        if not edge.isdecimal():
            raise errors.invalid(name, "NUMBER_TYPE_COERCE", f'Value "{edge}" is not snowflake.')
    if "around" in edges:
        middle = int(edges["around"])
        older = [message for message in every if int(message.id) < middle][-(limit // 2) :]
        newer = [message for message in every if int(message.id) >= middle][: limit - len(older)]
        return older + newer
    if "before" in edges:
        return [message for message in every if int(message.id) < int(edges["before"])][-limit:]
    if "after" in edges:
        return [message for message in every if int(message.id) > int(edges["after"])][:limit]
    return every[-limit:]


@table.on("POST", _MESSAGES + "/bulk-delete")
def delete_bulk(backend: routing.Backend, request: routing.Request) -> routing.Reply:
    """Take 2 to 100 messages away."""
    channel = backend.world.channel(request.ids["channel_id"])
    backend.world.require(channel, "manage_messages")
    wanted = [str(each) for each in request.fields.get("messages") or ()]
    if not 2 <= len(wanted) <= 100:
        raise errors.ApiError(
            400, 50016, "Provided too few or too many messages to delete. Must be 2 to 100."
        )
    backend.acts.delete(channel, [each for each in wanted if each in channel.messages])
    return routing.NOTHING


@table.on("GET", _MESSAGES + "/pins")
def pins(backend: routing.Backend, request: routing.Request) -> routing.Reply:
    """Pinned messages, the newest pin first."""
    world = backend.world
    channel = world.channel(request.ids["channel_id"])
    world.require(channel, "read_message_history")
    pinned = [message for message in channel.messages.values() if message.pinned_at is not None]
    pinned.sort(key=lambda message: message.pinned_at or 0, reverse=True)
    items = [
        {"pinned_at": snowflakes.stamp(each.pinned_at or 0), "message": _shown(world, each)}
        for each in pinned
    ]
    limit = request.limit(default=50, most=50)
    return routing.Reply(body={"items": items[:limit], "has_more": len(items) > limit})


def _pin(backend: routing.Backend, request: routing.Request, *, pinned: bool) -> routing.Reply:
    message = backend.world.message(request.ids["channel_id"], request.ids["message_id"])
    backend.world.require(backend.world.channel(message.channel), "pin_messages")
    backend.acts.pin(message, user=backend.world.bot, pinned=pinned)
    return routing.NOTHING


@table.on("PUT", _MESSAGES + "/pins/{message_id}")
def pin(backend: routing.Backend, request: routing.Request) -> routing.Reply:
    """Pin."""
    return _pin(backend, request, pinned=True)


@table.on("DELETE", _MESSAGES + "/pins/{message_id}")
def unpin(backend: routing.Backend, request: routing.Request) -> routing.Reply:
    """Unpin."""
    return _pin(backend, request, pinned=False)


@table.on("GET", _MESSAGE)
def get(backend: routing.Backend, request: routing.Request) -> routing.Reply:
    """One message."""
    channel = backend.world.channel(request.ids["channel_id"])
    backend.world.require(channel, "read_message_history")
    return routing.Reply(
        body=_shown(backend.world, backend.world.message(channel.id, request.ids["message_id"]))
    )


@table.on("PATCH", _MESSAGE)
def edit(backend: routing.Backend, request: routing.Request) -> routing.Reply:
    """Change one of the bot's own messages."""
    world = backend.world
    channel = world.channel(request.ids["channel_id"])
    world.require(channel)
    message = world.message(channel.id, request.ids["message_id"])
    if message.author != world.bot:
        raise errors.not_author()
    if message.kind not in (records.DEFAULT, records.REPLY, records.CHAT_COMMAND, records.MENU_COMMAND):
        raise errors.system_message()
    if channel.archived:
        raise errors.thread_archived()
    draft = drafts.parse(request.fields, uploads=request.uploads, upload_limit=world.portal.upload_limit)
    if draft.uploads:
        world.require(channel, "attach_files")
    _leaves_something(message, draft)
    backend.acts.count_old_edit(message)
    backend.acts.edit(message, draft)
    return routing.Reply(body=_shown(world, message))


def _leaves_something(message: records.Message, draft: drafts.Draft) -> None:
    """An edit may not leave a message empty."""
    content = message.content if draft.content is None else draft.content
    embeds = message.embeds if draft.embeds is None else draft.embeds
    components = message.components if draft.components is None else draft.components
    files = message.files if draft.kept is None else draft.kept
    if not (content or embeds or components or files or draft.uploads or message.snapshots):
        raise errors.empty_message()


@table.on("DELETE", _MESSAGE)
def delete(backend: routing.Backend, request: routing.Request) -> routing.Reply:
    """Take one message away: an own one, or any with manage_messages."""
    world = backend.world
    channel = world.channel(request.ids["channel_id"])
    message = world.message(channel.id, request.ids["message_id"])
    world.require(channel, *(() if message.author == world.bot else ("manage_messages",)))
    if channel.guild is None and message.author != world.bot:
        raise errors.ApiError(403, 50003, "Cannot execute action on a DM channel")
    backend.acts.delete(channel, [message.id])
    return routing.NOTHING


@table.on("PUT", _REACTION + "/@me")
def react(backend: routing.Backend, request: routing.Request) -> routing.Reply:
    """React, as the bot."""
    world = backend.world
    channel = world.channel(request.ids["channel_id"])
    world.require(channel, "read_message_history")
    message = world.message(channel.id, request.ids["message_id"])
    if request.ids["emoji"] not in message.reactions:
        world.require(channel, "add_reactions")
    backend.acts.react(message, user=world.bot, emoji=request.ids["emoji"], add=True)
    return routing.NOTHING


@table.on("DELETE", _REACTION + "/{user_id}")
def unreact(backend: routing.Backend, request: routing.Request) -> routing.Reply:
    """Take back an own reaction, or with manage_messages somebody's."""
    world = backend.world
    channel = world.channel(request.ids["channel_id"])
    user = world.bot if request.ids["user_id"] == "@me" else request.ids["user_id"]
    world.require(channel, *(() if user == world.bot else ("manage_messages",)))
    message = world.message(channel.id, request.ids["message_id"])
    backend.acts.react(message, user=user, emoji=request.ids["emoji"], add=False)
    return routing.NOTHING


@table.on("GET", _REACTION)
def reacted(backend: routing.Backend, request: routing.Request) -> routing.Reply:
    """Who reacted with an emoji."""
    world = backend.world
    world.require(world.channel(request.ids["channel_id"]))
    message = world.message(request.ids["channel_id"], request.ids["message_id"])
    users = [
        user
        for user in message.reactions.get(request.ids["emoji"], [])
        if user > request.query.get("after", "")
    ]
    limit = request.limit(default=25, most=100)
    return routing.Reply(body=[payloads.user(world, user) for user in users[:limit]])


@table.on("POST", "/channels/{channel_id}/typing")
def typing(backend: routing.Backend, request: routing.Request) -> routing.Reply:
    """Show that the bot types."""
    world = backend.world
    channel = world.channel(request.ids["channel_id"])
    world.require(channel, "send_messages_in_threads" if channel.is_thread else "send_messages")
    backend.acts.type_in(channel, user=world.bot)
    return routing.NOTHING
