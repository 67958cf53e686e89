"""auth.test, users.*, bots.info, reactions.* and views.*."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from emulators.slack import api_error, checks, methods

if TYPE_CHECKING:
    from emulators.slack import records, state

Json = dict[str, Any]


def auth_test(request: methods.Request) -> Json:
    """auth.test."""
    state = request.state
    return {
        "url": f"{state.url}/",
        "team": state.app.names[state.team_id],
        "user": state.users[state.bot_user_id].name,
        "team_id": state.team_id,
        "user_id": state.bot_user_id,
        "bot_id": state.bot_id,
        "is_enterprise_install": False,
    }


def user_info(request: methods.Request) -> Json:
    """users.info."""
    user = request.state.users.get(request.text("user"))
    if user is None:
        raise api_error.ApiError("user_not_found")
    return {"user": described(request.state, user)}


def user_list(request: methods.Request) -> Json:
    """users.list."""
    page, following = request.page(list(request.state.users.values()), default=200, most=1000)
    return {
        "members": [described(request.state, user) for user in page],
        "response_metadata": {"next_cursor": following},
    }


def bot_info(request: methods.Request) -> Json:
    """bots.info."""
    wanted = request.text("bot")
    for user in request.state.users.values():
        if user.bot_id == wanted:
            bot = {"id": wanted, "deleted": False, "name": user.name, "user_id": user.id}
            app = {"app_id": request.state.app_id} if user.id == request.state.bot_user_id else {}
            return {"bot": bot | app}
    raise api_error.ApiError("bot_not_found")


def described(workspace: state.State, user: records.User) -> Json:
    """The user object; guests and people from connected workspaces are told apart as Slack tells them."""
    return {
        "id": user.id,
        "team_id": user.team_id,
        "name": user.name,
        "real_name": user.real_name,
        "deleted": False,
        "is_bot": user.is_bot,
        "is_app_user": False,
        "is_restricted": user.guest,
        "is_ultra_restricted": False,
        "is_stranger": user.team_id != workspace.team_id,
        "tz": "Etc/UTC",
        "tz_offset": 0,
        "profile": {
            "display_name": user.display_name,
            "display_name_normalized": user.display_name,
            "real_name": user.real_name,
            "real_name_normalized": user.real_name,
            "team": user.team_id,
        },
    }


def add_reaction(request: methods.Request) -> Json:
    """reactions.add."""
    channel, message, name = _reaction(request)
    me = request.state.bot_user_id
    if me in message.setdefault("reactions", {}).setdefault(name, []):
        raise api_error.ApiError("already_reacted")
    request.state.react(channel, message, user=me, name=name)
    return {}


def remove_reaction(request: methods.Request) -> Json:
    """reactions.remove."""
    _, message, name = _reaction(request)
    people = message.get("reactions", {}).get(name, [])
    if request.state.bot_user_id not in people:
        raise api_error.ApiError("no_reaction")
    people.remove(request.state.bot_user_id)
    if not people:
        del message["reactions"][name]
    request.state.changed.ring()
    return {}


def publish_view(request: methods.Request) -> Json:
    """views.publish: a person's Home tab."""
    user = request.text("user_id")
    if user not in request.state.users:
        raise api_error.ApiError("user_not_found")
    view = _view(request, kind="home")
    request.state.homes[user] = view
    request.state.changed.ring()
    return {"view": view}


def open_view(request: methods.Request) -> Json:
    """views.open: a modal, against a trigger_id that is three seconds young and used once."""
    user = request.state.use_trigger(request.text("trigger_id"))
    view = _view(request, kind="modal")
    if not isinstance(view.get("title"), dict):
        raise api_error.invalid_arguments("missing required field: title")
    request.state.modals[view["id"]] = view | {"opened_by": user}
    request.state.changed.ring()
    return {"view": view}


def _view(request: methods.Request, *, kind: str) -> Json:
    view = request.json("view")
    if not isinstance(view, dict) or view.get("type") != kind:
        raise api_error.invalid_arguments(f"the view must be of type {kind}")
    try:
        checks.blocks(view.get("blocks"), most=100)
    except api_error.ApiError as error:
        raise api_error.ApiError("invalid_arguments", **error.fields) from error
    state = request.state
    return view | {
        "id": state.new_id("V"),
        "team_id": state.team_id,
        "app_id": state.app_id,
        "bot_id": state.bot_id,
        "app_installed_team_id": state.team_id,
        "hash": state.new_ts(),
        "state": {"values": {}},
    }


def _reaction(request: methods.Request) -> tuple[records.Channel, Json, str]:
    channel = request.joined_channel()
    name = request.text("name")
    if not re.fullmatch(r"[a-z0-9_+'-]+(::skin-tone-[2-6])?", name):
        raise api_error.ApiError("invalid_name")
    message = channel.messages.get(request.text("timestamp"))
    if message is None:
        raise api_error.ApiError("message_not_found")
    return channel, message, name


METHODS = {
    "auth.test": methods.Method(handler=auth_test, tier="4"),
    "users.info": methods.Method(handler=user_info, scope="users:read", tier="4"),
    "users.list": methods.Method(handler=user_list, scope="users:read", tier="2"),
    "bots.info": methods.Method(handler=bot_info, scope="users:read"),
    "reactions.add": methods.Method(handler=add_reaction, scope="reactions:write"),
    "reactions.remove": methods.Method(handler=remove_reaction, scope="reactions:write", tier="2"),
    "views.publish": methods.Method(handler=publish_view, tier="4"),
    "views.open": methods.Method(handler=open_view, tier="4"),
}
