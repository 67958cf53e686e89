"""A Slack message as its client shows it: text and buttons out of blocks (pure)."""

from __future__ import annotations

from typing import Any

from emulators import slack
from playground import shapes, signs

Json = dict[str, Any]

CHOICE = "|"  # between an element and which of its choices is pressed


def content(message: Json) -> tuple[str, shapes.Format]:
    """The text that is seen, and how it is written."""
    blocks = message.get("blocks") or []
    if blocks and message.get("bot_id"):
        markdown = any(block.get("type") == "markdown" for block in blocks)
        return slack.shown_text(message), "markdown" if markdown else "mrkdwn"
    return str(message.get("text") or ""), "markdown" if "streaming_state" in message else "mrkdwn"


def buttons(message: Json) -> tuple[shapes.Button, ...]:
    """Everything that can be pressed, in its order."""
    return tuple(
        button
        for block in message.get("blocks") or []
        for element in block.get("elements") or []
        if isinstance(element, dict) and element.get("action_id")
        for button in _of_element(element)
    )


def _of_element(element: Json) -> tuple[shapes.Button, ...]:
    """A button as it is; Slack's feedback pair as two, each with its choice behind the element's id."""
    action = str(element["action_id"])
    if element.get("type") == "button":
        return (signs.button(action, element["text"]["text"]),)
    if element.get("type") != "feedback_buttons":
        return ()
    pair = (("👍", element["positive_button"]), ("👎", element["negative_button"]))
    return tuple(
        shapes.Button(id=f"{action}{CHOICE}{choice['value']}", label=sign, name=choice["text"]["text"])
        for sign, choice in pair
    )
