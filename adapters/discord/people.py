"""Who is called what in a server or direct message, so that a name in an answer becomes a mention."""

from __future__ import annotations

import collections
from collections.abc import Mapping

SCOPES, NAMES = 1000, 500  # least recently seen ones are forgotten: the name then stays plain text


class People:
    """Names seen lately, by scope: a guild's id, or a direct message channel's."""

    def __init__(self) -> None:
        self._scopes: collections.OrderedDict[str, collections.OrderedDict[str, str]] = (
            collections.OrderedDict()
        )

    def saw(self, scope: str, name: str, user_id: str) -> None:
        """Note a person's name; a name that two people share stands for neither."""
        names = self._scopes.setdefault(scope, collections.OrderedDict())
        self._scopes.move_to_end(scope)
        names[name] = user_id if names.get(name, user_id) == user_id else ""
        names.move_to_end(name)
        if len(names) > NAMES:
            names.popitem(last=False)
        if len(self._scopes) > SCOPES:
            self._scopes.popitem(last=False)

    def known(self, scope: str) -> Mapping[str, str]:
        """Name to user id."""
        return {name: user_id for name, user_id in self._scopes.get(scope, {}).items() if name and user_id}
