"""conversations.* and users.conversations: reading channels and threads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emulators.slack import api_error, events, limits, methods

if TYPE_CHECKING:
    from emulators.slack import records, state

Json = dict[str, Any]

_TYPES = {"channel": "public_channel", "private": "private_channel", "mpim": "mpim", "im": "im"}
_COMMERCIAL_ITEMS = 15  # docs.slack.dev: apps sold outside the Marketplace, one request a minute


def history(request: methods.Request) -> Json:
    """conversations.history: newest first, without the replies of threads unless they were broadcast."""
    channel = _readable(request)
    top = [
        message
        for message in channel.messages.values()
        if message.get("thread_ts", message["ts"]) == message["ts"]
        or message.get("subtype") == "thread_broadcast"
    ]
    page, following = _page(request, list(reversed(_within(request, top))), default=100, most=999)
    return _listed(request, channel, page, following) | {"pin_count": 0}


def replies(request: methods.Request) -> Json:
    """conversations.replies: the root and then the replies, oldest first; the root opens every page.

    That the root comes back on each page, whatever `oldest` says, is undocumented and known from exporters.
    The ts of a reply gives that reply alone.
    """
    channel = _readable(request)
    ts = request.ts("ts", error="thread_not_found")
    root = channel.messages.get(ts or "")
    if root is None:
        raise api_error.ApiError("thread_not_found")
    thread = _within(request, request.state.replies(channel, root["ts"]))
    page, following = _page(request, thread, default=1000, most=1000)
    return _listed(request, channel, [root, *page], following)


def info(request: methods.Request) -> Json:
    """conversations.info."""
    channel = request.channel()
    request.need(events.READ_SCOPES[channel.kind])
    return {"channel": described(request.state, channel)}


def members(request: methods.Request) -> Json:
    """conversations.members."""
    channel = request.channel()
    request.need(events.READ_SCOPES[channel.kind])
    page, following = request.page(channel.members, default=100, most=1000)
    return {"members": page, "response_metadata": {"next_cursor": following}}


def listing(request: methods.Request) -> Json:
    """conversations.list: every public channel, and what the bot is in of the other kinds."""
    return _channels(request, mine=False)


def mine(request: methods.Request) -> Json:
    """users.conversations: the channels the bot is in."""
    return _channels(request, mine=True)


def open_conversation(request: methods.Request) -> Json:
    """conversations.open: the DM with one person or a group DM with several."""
    state = request.state
    users = [user for user in (request.optional("users") or "").split(",") if user]
    if request.optional("channel"):
        return {"channel": {"id": request.channel().id}}
    if not users:
        raise api_error.ApiError("users_list_not_supplied")
    if any(user not in state.users for user in users):
        raise api_error.ApiError("user_not_found")
    if len(users) == 1:
        request.need("im:write")
        return {"channel": {"id": state.direct_channel(users[0]).id}}
    request.need("mpim:write")
    wanted = {*users, state.bot_user_id}
    for channel in state.channels.values():
        if channel.kind == "mpim" and set(channel.members) == wanted:
            return {"channel": {"id": channel.id}}
    return {"channel": {"id": state.new_channel(kind="mpim", name="mpdm", members=sorted(wanted)).id}}


def described(workspace: state.State, channel: records.Channel) -> Json:
    """The channel object."""
    answer: Json = {
        "id": channel.id,
        "created": channel.created,
        "is_channel": channel.kind == "channel",
        "is_group": channel.kind == "private",
        "is_im": channel.kind == "im",
        "is_mpim": channel.kind == "mpim",
        "is_private": channel.kind != "channel",
        "is_archived": channel.archived,
        "is_ext_shared": any(
            workspace.users[m].team_id != workspace.team_id for m in channel.members if m in workspace.users
        ),
        "context_team_id": workspace.team_id,
    }
    if channel.kind == "im":
        return answer | {"user": next(m for m in channel.members if m != workspace.bot_user_id)}
    return answer | {
        "name": channel.name,
        "is_general": False,
        "is_member": workspace.is_member(channel),
        "num_members": len(channel.members),
        "topic": {"value": "", "creator": "", "last_set": 0},
        "purpose": {"value": "", "creator": "", "last_set": 0},
    }


def _readable(request: methods.Request) -> records.Channel:
    channel = request.channel()
    request.need(events.HISTORY_SCOPES[channel.kind])
    if not request.state.is_member(channel):
        raise api_error.ApiError("not_in_channel")
    return channel


def _within(request: methods.Request, messages: list[Json]) -> list[Json]:
    """The messages between oldest and latest, both exclusive unless `inclusive`."""
    oldest = request.ts("oldest", error="invalid_ts_oldest") if request.args.get("oldest") != "0" else None
    latest = request.ts("latest", error="invalid_ts_latest")
    inclusive = request.flag("inclusive")

    def inside(message: Json) -> bool:
        at = _micros(message["ts"])
        low = oldest is None or at > _micros(oldest) or (inclusive and at == _micros(oldest))
        high = latest is None or at < _micros(latest) or (inclusive and at == _micros(latest))
        return low and high

    return [message for message in messages if inside(message)]


def _micros(ts: str) -> int:
    seconds, _, fraction = ts.partition(".")
    return int(seconds) * 1_000_000 + int(fraction.ljust(6, "0"))


def _page(
    request: methods.Request, messages: list[Json], *, default: int, most: int
) -> tuple[list[Json], str]:
    commercial = request.state.history_limit == "commercial"
    if commercial:
        default, most = _COMMERCIAL_ITEMS, _COMMERCIAL_ITEMS
    return request.page(messages, default=default, most=most, forced=commercial)


def _listed(request: methods.Request, channel: records.Channel, page: list[Json], following: str) -> Json:
    metadata = request.flag("include_all_metadata")
    return {
        "messages": [request.state.rendered(channel, message, metadata=metadata) for message in page],
        "has_more": bool(following),
        "response_metadata": {"next_cursor": following},
    }


def _channels(request: methods.Request, *, mine: bool) -> Json:
    state = request.state
    types = (request.optional("types") or "public_channel").split(",")
    if not set(types) <= set(_TYPES.values()):
        raise api_error.ApiError("invalid_types")
    for kind, name in _TYPES.items():
        if name in types:
            request.need(events.READ_SCOPES[kind])
    found = [
        channel
        for channel in state.channels.values()
        if _TYPES[channel.kind] in types
        and (state.is_member(channel) or (not mine and channel.kind == "channel"))
        and not (request.flag("exclude_archived") and channel.archived)
    ]
    page, following = request.page(found, default=100, most=999)
    return {
        "channels": [described(state, channel) for channel in page],
        "response_metadata": {"next_cursor": following},
    }


def commercial_window(request: methods.Request, spent: limits.Limits) -> None:
    """Under `history_limit="commercial"`, the one request a minute that history and replies each have."""
    if request.state.history_limit == "commercial" and request.name in HISTORY_METHODS:
        spent.spend(tier="commercial", key=request.name)


HISTORY_METHODS = frozenset({"conversations.history", "conversations.replies"})
METHODS = {
    "conversations.history": methods.Method(handler=history),
    "conversations.replies": methods.Method(handler=replies),
    "conversations.info": methods.Method(handler=info),
    "conversations.members": methods.Method(handler=members, tier="4"),
    "conversations.list": methods.Method(handler=listing, tier="2"),
    "conversations.open": methods.Method(handler=open_conversation),
    "users.conversations": methods.Method(handler=mine),
}
