"""Pure: buttons as Block Kit, and a press as Slack tells it. Pressed ones say who handles them by themselves.

Shapes: docs.slack.dev, the reference of the actions block, the button element and the block_actions payload.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from adapters.slack import address
from bot import conversation
from bot.desk import thumbs

_PREFIX = "press"
_CHOICES = ("selected_conversation", "selected_channel", "selected_user", "selected_date")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pressed:
    """One action of a block_actions payload."""

    id: str
    action: str
    value: str
    user: str
    user_name: str
    user_team: str
    team: str
    channel: str  # "" for the Home tab
    post: str  # "" for the Home tab
    thread: str  # the root of the thread that the post stands in, or opens
    shown: bool  # Slack shows the person what they pressed

    @property
    def event(self) -> dict[str, Any]:
        """As an event of its channel, to find out the conversation and who pressed."""
        return {
            "user": self.user,
            "user_team": self.user_team,
            "channel": self.channel,
            "ts": self.post,
            "thread_ts": self.thread,
        }


def blocks(buttons: Sequence[conversation.Button]) -> list[dict[str, Any]]:
    """The block that holds them, none for no buttons."""
    if not buttons:
        return []
    return [{"type": "actions", "elements": [_element(number, each) for number, each in enumerate(buttons)]}]


def thumbs_of(reply_id: str) -> list[dict[str, Any]]:
    """Slack's own feedback buttons, which show a person what they pressed."""
    up, down = thumbs.buttons(reply_id)
    element = {
        "type": "feedback_buttons",
        "action_id": action_id(thumbs.ACTION),
        "positive_button": _choice("Good answer", up),
        "negative_button": _choice("Bad answer", down),
    }
    return [{"type": "context_actions", "elements": [element]}]


def _choice(label: str, button: conversation.Button) -> dict[str, Any]:
    return {"text": {"type": "plain_text", "text": label}, "value": button.value}


def action_id(action: str, number: int = 0) -> str:
    """What an element is known by: unique within its block, and says who handles it."""
    return f"{_PREFIX}:{action}:{number}"


def read(body: Mapping[str, Any]) -> list[Pressed]:
    """The presses of a block_actions payload that are ours."""
    container, message = body.get("container") or {}, body.get("message") or {}
    user = body.get("user") or {}
    post = str(container.get("message_ts") or message.get("ts") or "")
    found = []
    for each in body.get("actions") or []:
        prefix, _, rest = str(each.get("action_id") or "").partition(":")
        if prefix != _PREFIX:
            continue
        found.append(
            Pressed(
                id=f"{user.get('id')}:{each.get('action_ts')}:{rest}",
                action=rest.rpartition(":")[0],
                value=_value(each),
                user=str(user.get("id") or ""),
                user_name=str(user.get("username") or user.get("name") or user.get("id") or ""),
                user_team=str(user.get("team_id") or ""),
                team=str((body.get("team") or {}).get("id") or user.get("team_id") or ""),
                channel=str(container.get("channel_id") or (body.get("channel") or {}).get("id") or ""),
                post=post,
                thread=str(container.get("thread_ts") or message.get("thread_ts") or post),
                shown=each.get("type") == "feedback_buttons",
            )
        )
    return found


def press(
    pressed: Pressed, *, where: conversation.ConversationId, name: str, standing: conversation.Standing
) -> conversation.Press:
    """The press as the core is told of it; `where` is its conversation."""
    flat = where == address.conversation_id(team=pressed.team, channel=pressed.channel, thread="")
    thread = "" if flat else pressed.thread
    spot = address.Address(channel=pressed.channel, thread=thread, user_team=pressed.user_team)
    return conversation.Press(
        id=pressed.id,
        post=pressed.post,
        conversation=where,
        home=address.home(spot, team=pressed.team),
        author=pressed.user,
        author_name=name or pressed.user_name,
        action=pressed.action,
        value=pressed.value,
        standing=standing,
        shown=pressed.shown,
    )


def _element(number: int, button: conversation.Button) -> dict[str, Any]:
    element = {
        "type": "button",
        "action_id": action_id(button.action, number),
        "text": {"type": "plain_text", "text": button.label},
        "value": button.value,
    }
    return element if button.style == "plain" else element | {"style": button.style}


def _value(action: Mapping[str, Any]) -> str:
    option = action.get("selected_option") or {}
    chosen = next((action[key] for key in _CHOICES if action.get(key)), "")
    return str(action.get("value") or option.get("value") or chosen)
