"""Pure: Discord's own marks as readable text, and names as marks again.

Source of the marks: Discord's developer documentation, "Message Formatting".
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from collections.abc import Callable, Mapping

NAME_LIMIT = 100  # characters of a thread's name
UNNAMED = "Conversation"

_USER = re.compile(r"<@!?(\d+)>")
_ROLE = re.compile(r"<@&(\d+)>")
_CHANNEL = re.compile(r"<#(\d+)>")
_EMOJI = re.compile(r"<a?(:\w+:)\d+>")
_COMMAND = re.compile(r"<(/[^:<>]+):\d+>")
_TIME = re.compile(r"<t:(-?\d{1,12})(?::[tTdDfFsSR])?>")
_OPENING = re.compile(
    r"\s*(?:<@!?(?P<user>\d+)>|<@&(?P<role>\d+)>|(?P<all>@everyone|@here)\b)[\s,:;.\u2013\u2014-]*"
)
_CODE = re.compile(r"(```.*?(?:```|\Z)|`[^`\n]+`)", re.DOTALL)
_MARKUP = re.compile(r"[*_~`|#>\\\[\]]+")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Names:
    """What the ids in a message are called; the Discord client is asked for those a message leaves out."""

    user: Callable[[int], str | None]
    role: Callable[[int], str | None]
    channel: Callable[[int], str | None]


def readable(content: str, names: Names) -> str:
    """The content with people, roles, channels, emojis, commands and times as text."""
    content = _USER.sub(lambda m: f"@{names.user(int(m[1])) or 'unknown-user'}", content)
    content = _ROLE.sub(lambda m: f"@{names.role(int(m[1])) or 'unknown-role'}", content)
    content = _CHANNEL.sub(lambda m: f"#{names.channel(int(m[1])) or 'unknown-channel'}", content)
    content = _EMOJI.sub(r"\1", content)
    content = _COMMAND.sub(r"\1", content)
    return _TIME.sub(lambda m: _time(int(m[1]), m[0]), content)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Opening:
    """The mentions a post opens with."""

    users: tuple[int, ...] = ()
    roles: tuple[int, ...] = ()
    everybody: bool = False


def opening(content: str) -> Opening:
    """Whom the unbroken run of mentions at the start of a post names."""
    users: list[int] = []
    roles: list[int] = []
    everybody = False
    place = 0
    while (match := _OPENING.match(content, place)) is not None:
        place = match.end()
        if match["user"]:
            users.append(int(match["user"]))
        elif match["role"]:
            roles.append(int(match["role"]))
        else:
            everybody = True
    return Opening(users=tuple(users), roles=tuple(roles), everybody=everybody)


def without_opening(content: str, *, user: int, role: int | None) -> str:
    """The content without the mentions of this user, or this role, that it opens with."""
    while (match := _OPENING.match(content)) is not None:
        is_own = match["user"] == str(user) or (role is not None and match["role"] == str(role))
        if not is_own:
            break
        content = content[match.end() :]
    return content


def wire(text: str, people: Mapping[str, str]) -> str:
    """The text with `@Name` of the people given (name to id) as Discord's marks; code stays as it is."""
    if "@" not in text or not people:
        return text
    longest_first = sorted(people, key=len, reverse=True)
    known = re.compile(r"(?<![\w@<])@(" + "|".join(map(re.escape, longest_first)) + r")(?!\w)")
    pieces = _CODE.split(text)
    for index in range(0, len(pieces), 2):
        pieces[index] = known.sub(lambda m: f"<@{people[m[1]]}>", pieces[index])
    return "".join(pieces)


def thread_name(text: str) -> str:
    """A name for the thread that a question opens: its first words, one line, at most `NAME_LIMIT`."""
    line = next((line for line in text.splitlines() if _MARKUP.sub("", line).strip()), "")
    shown = (c if c.isprintable() else " " if c.isspace() else "" for c in _MARKUP.sub("", line))
    name = " ".join("".join(shown).split())
    if len(name) > NAME_LIMIT:
        cut = name[: NAME_LIMIT - 1]
        name = (cut.rpartition(" ")[0] or cut).rstrip(" ,;:.-") + "…"
    return name or UNNAMED


def _time(seconds: int, mark: str) -> str:
    try:
        return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%d %H:%M UTC")
    except (OverflowError, ValueError, OSError):
        return mark
