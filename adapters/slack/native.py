"""What a workspace has of Slack's agent features, learnt from its refusals.

Streaming, the thinking status and sessions come with a paid plan. A refusal that will last ends the attempts
for good and is logged once with its reason; any other only spares the reply at hand.
"""

from __future__ import annotations

import structlog

from adapters.slack import web

START, APPEND, STOP = "chat.startStream", "chat.appendStream", "chat.stopStream"
STATUS, SESSION = "assistant.threads.setStatus", "agents.sessions.setStatus"
THUMBS = "feedback_buttons"  # no method, but an element that a workspace may refuse

_LASTING = frozenset(
    {
        "access_denied",
        "agent_not_enabled",
        "app_not_eligible",
        "feature_not_enabled",
        "method_deprecated",
        "missing_scope",
        "no_permission",
        "not_allowed",
        "not_allowed_token_type",
        "not_an_agent_app",
        "not_supported",
        "paid_only",
        "plan_upgrade_required",
        "team_access_not_granted",
        "team_not_eligible",
        "unknown_method",
    }
)

log = structlog.get_logger()


class Native:
    """The agent features of one workspace."""

    def __init__(self) -> None:
        self._refused: dict[str, str] = {}

    def has(self, method: str) -> bool:
        """Whether trying is worth it."""
        return method not in self._refused

    def refused(self, refusal: web.Refused) -> None:
        """Learn from a refusal."""
        if refusal.code in _LASTING and self.has(refusal.method):
            self.lacks(refusal.method, refusal.code, needed=refusal.needed)

    def lacks(self, feature: str, reason: str, *, needed: str = "") -> None:
        """Do without a feature from now on."""
        self._refused[feature] = reason
        log.warning("slack.feature_missing", method=feature, reason=reason, needed=needed)
