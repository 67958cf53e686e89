"""The emoji of the page: what Slack calls them, and what they are called aloud (pure)."""

from __future__ import annotations

import dataclasses
import unicodedata
from collections.abc import Collection, Mapping

from playground import shapes


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sign:
    """An emoji that can be put under a post."""

    sign: str
    slack: str  # its name there, without colons
    words: str  # for who hears the page


REACTIONS = (
    Sign(sign="👍", slack="+1", words="thumbs up"),
    Sign(sign="👎", slack="-1", words="thumbs down"),
    Sign(sign="❤️", slack="heart", words="heart"),
    Sign(sign="🎉", slack="tada", words="party popper"),
    Sign(sign="👀", slack="eyes", words="eyes"),
    Sign(sign="🛑", slack="octagonal_sign", words="stop sign"),
)

_BY_SIGN = {each.sign: each for each in REACTIONS}
_BY_SLACK = {each.slack: each for each in REACTIONS}


def slack_name(sign: str) -> str:
    """Slack's name of an emoji; ValueError for one that is not offered."""
    if sign not in _BY_SIGN:
        raise ValueError(f"{sign} is no reaction of this page")
    return _BY_SIGN[sign].slack


def from_slack(name: str) -> str:
    """The emoji of a name, or the name between colons as Slack writes it."""
    return _BY_SLACK[name].sign if name in _BY_SLACK else f":{name}:"


def counted(who: Mapping[str, Collection[str]]) -> tuple[tuple[str, str, int], ...]:
    """A post's reactions as it shows them, from who put each emoji there."""
    return tuple((sign, words(sign), len(people)) for sign, people in who.items())


def button(action: str, label: str) -> shapes.Button:
    """A button with its label in words beside it."""
    return shapes.Button(id=action, label=label, name=words(label))


def words(label: str) -> str:
    """A label in words: itself, unless it is made of signs alone."""
    if any(each.isalnum() for each in label):
        return label
    if label in _BY_SIGN:
        return _BY_SIGN[label].words
    return " ".join(unicodedata.name(each, "").lower() for each in label).strip() or "button"
