"""What came too early: Slack promises no order, so what a late event explains is kept for a while.

In memory only: what a crash takes from here is read again by catch-up.
"""

from __future__ import annotations

import collections

from adapters.slack import happenings, parse, reader
from bot import conversation

MOST_PASSED_BY = 1000  # threads remembered
MOST_EVENTS = 5000  # posts of all of them together: some 20 MiB
MOST_EDITS = 200
MOST_TWINS = 1000

PostKey = tuple[conversation.ConversationId, str]


class PassedBy:
    """Posts in threads the bot was not in when they came: Slack promises no order, the mention may follow."""

    def __init__(self) -> None:
        self._events: collections.OrderedDict[str, list[parse.Event]] = collections.OrderedDict()
        self._entered: collections.OrderedDict[str, str] = collections.OrderedDict()
        self._count = 0

    def keep(self, where: conversation.ConversationId, event: parse.Event) -> None:
        """Remember an event; past the bounds the threads that were heard of first are forgotten."""
        events = self._events.setdefault(where, [])
        events.append(event)
        self._count += 1
        while len(self._events) > MOST_PASSED_BY or self._count > MOST_EVENTS:
            self._count -= len(self._events.popitem(last=False)[1])

    def enter(self, where: conversation.ConversationId, ts: str) -> None:
        """The bot is in the thread since this post."""
        self._entered[where] = min(ts, self._entered.get(where, ts), key=reader.order)
        while len(self._entered) > MOST_PASSED_BY:
            self._entered.popitem(last=False)

    def waits(self, where: conversation.ConversationId) -> bool:
        """Whether anything was passed by there."""
        return where in self._events

    def missed(self, where: conversation.ConversationId) -> list[parse.Event]:
        """What came after that post and was passed by, once; what came before it is history."""
        since = self._entered.get(where)
        if since is None:
            return []
        events = self._events.pop(where, [])
        self._count -= len(events)
        return [event for event in events if reader.order(str(event["ts"])) > reader.order(since)]


class Twins:
    """Posts that this process has recorded: each mention comes as two events, and either may come again.

    The log knows them for ever; this only spares it the question while both are fresh.
    """

    def __init__(self) -> None:
        self._known: collections.OrderedDict[PostKey, None] = collections.OrderedDict()

    def note(self, where: conversation.ConversationId, ts: str) -> None:
        """It is committed."""
        self._known[where, ts] = None
        while len(self._known) > MOST_TWINS:
            self._known.popitem(last=False)

    def know(self, where: conversation.ConversationId, ts: str) -> bool:
        """Whether it was, a moment ago."""
        return (where, ts) in self._known


class EarlyEdits:
    """Edits of posts that the log did not know when they came."""

    def __init__(self) -> None:
        self._edits: collections.OrderedDict[PostKey, happenings.Edited] = collections.OrderedDict()

    def keep(self, edit: happenings.Edited) -> None:
        """Remember an edit, among the newest."""
        key = (edit.conversation, edit.post_id)
        known = self._edits.get(key)
        if known is None or known.edited_at <= edit.edited_at:
            self._edits[key] = edit
        while len(self._edits) > MOST_EDITS:
            self._edits.popitem(last=False)

    def take(self, where: conversation.ConversationId, post_id: str) -> happenings.Edited | None:
        """The edit of this post, which is forgotten here; None for none."""
        return self._edits.pop((where, post_id), None)
