"""Pure: who may be mentioned in an answer, and who is in a post."""

import re
from collections.abc import Callable, Mapping

MENTION = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^<>]*)?>")
_USER_ID = re.compile(r"[UW][A-Z0-9]+")


class Mentions:
    """The people who may be mentioned, by lower-cased name."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._ids = {name: user for name, user in names.items() if name.strip() and _USER_ID.fullmatch(user)}
        longest_first = sorted(self._ids, key=len, reverse=True)
        choice = "|".join(re.escape(name) for name in longest_first)
        self._pattern = re.compile(rf"(?<![\w@/.])@({choice})(?!\w)", re.IGNORECASE) if choice else None

    def has(self, user: str) -> bool:
        """Whether the id is one of theirs."""
        return user in self._ids.values()

    def write(self, text: str, escape: Callable[[str], str] = str) -> str:
        """The text, through `escape`, with `@Name` of these people as `<@U…>`."""
        written, at = "", 0
        for match in self._pattern.finditer(text) if self._pattern else ():
            user = self._ids.get(match[1].lower())
            if user is not None:
                written += f"{escape(text[at : match.start()])}<@{user}>"
                at = match.end()
        return written + escape(text[at:])

    def settled(self, text: str, end: int) -> int:
        """How much of the first `end` characters of a growing text holds no name that may yet change."""
        for match in self._pattern.finditer(text) if self._pattern else ():
            if match.start() < end < match.end():
                end = match.start()
        for match in re.finditer("@", text[:end]):
            rest = text[match.end() :].lower()
            if any(name.startswith(rest) for name in self._ids):
                return match.start()
        return end
