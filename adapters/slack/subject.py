"""The slash command, and 'Ask about this' in a post's menu: what people start beside posting.

Slack has no slash commands inside threads: there `!word` does the same, and the menu asks. A question about
a post stands in that post's thread as a post of the bot's, so that everybody sees what is answered; in the
log it is its asker's. The form carries where it belongs, so that it works after a restart as before it.
Shapes: docs.slack.dev, slash commands, shortcut payloads and view_submission payloads.
"""

from __future__ import annotations

import collections
import dataclasses
import json
from collections.abc import Mapping
from typing import Any

import structlog

from adapters.slack import address, buttons, forms, parse, pressing, web
from bot import conversation, errors
from bot.desk import commands

SHORTCUT = "ask_about"  # callback id of the shortcut and of its form
TITLE = "Ask about this"
FIELD = "question"
MOST_FORMS = 1_000  # kept in mind
MOST = 3000  # characters of a question: Slack's limit for a field
OPEN = "views.open"
FAILED = "I could not take your question just now. Please ask again in a moment."
NO_PLACE = "I may not write there: invite me to the channel first."

log = structlog.get_logger()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Subject:
    """Takes slash commands, message shortcuts and the form that one of these opens."""

    api: web.Web
    presses: pressing.Pressing  # with the parts of the workspace
    _asked: collections.OrderedDict[str, None] = dataclasses.field(default_factory=collections.OrderedDict)

    async def take(self, body: Mapping[str, Any]) -> None:
        """Carry out what is ours of an interaction; raises what the intake raises."""
        if body.get("command"):
            await self._command(body)
        elif body.get("type") == "message_action" and body.get("callback_id") == SHORTCUT:
            await self._offer(body)
        elif body.get("type") == "view_submission":
            view = body.get("view") or {}
            if view.get("callback_id") == SHORTCUT and self._is_new(str(view.get("id") or "")):
                self.presses.background.start(self._ask(body, view), name="command outcome: a question")

    def _is_new(self, view_id: str) -> bool:
        """Whether a form was not sent before: Slack may deliver one again."""
        if view_id in self._asked:
            return False
        self._asked[view_id] = None
        if len(self._asked) > MOST_FORMS:
            self._asked.popitem(last=False)
        return True

    async def _command(self, body: Mapping[str, Any]) -> None:
        """`/threadmate word argument`, told to its author alone."""
        channel, team, user = (str(body.get(key) or "") for key in ("channel_id", "team_id", "user_id"))
        word, _, argument = (str(body.get("text") or "").strip().lstrip("!") or "help").partition(" ")
        known = await self.presses.names.look_up([user])
        spot = address.Address(channel=channel, thread="", user_team=team)
        home = address.home(spot, team=team)
        command = commands.Command(
            id=str(body.get("trigger_id") or ""),
            word=word.lower(),
            argument=argument.strip(),
            # No conversation of a channel has this id: the command is about the channel, or the whole DM.
            conversation=address.conversation_id(team=team, channel=channel, thread=""),
            author=user,
            author_name=known.get(user, "") or str(body.get("user_name") or user),
            standing=await self.presses.standings.of({"user": user, "channel": channel}, team=team),
            direct=spot.is_dm,
        )

        async def carry_out() -> None:
            outcome = await self.presses.intake.command(command, home)
            log.info("slack.command", conversation=command.conversation, word=command.word)
            if outcome is not None and outcome.file_name:
                await self.presses.notices.outcome(outcome, home, user=user)
            elif outcome is not None:
                await self._respond(str(body.get("response_url") or ""), outcome)

        # Slack waits three seconds for a sign; some commands ask Claude's endpoint.
        self.presses.background.start(carry_out(), name="command outcome: a slash command")

    async def _respond(self, url: str, outcome: commands.Outcome) -> None:
        """Tell it to whoever acted, also where the bot is no member."""
        for part in forms.BLOCKS.split(forms.tame(outcome.text, name_of=self.presses.names.known)):
            content = forms.BLOCKS.content(part)
            content["blocks"] = [*content["blocks"], *buttons.blocks(outcome.buttons)]
            try:
                await self.api.respond(url, {**content, "response_type": "ephemeral"})
            except errors.PlatformError as error:
                log.warning("slack.outcome_not_shown", fault=str(error))

    async def _offer(self, body: Mapping[str, Any]) -> None:
        """Open the form; Slack gives three seconds for that."""
        message, channel = body.get("message") or {}, body.get("channel") or {}
        subject = {
            "channel": str(channel.get("id") or ""),
            "ts": str(message.get("ts") or ""),
            "thread_ts": str(message.get("thread_ts") or message.get("ts") or ""),
            "url": str(body.get("response_url") or ""),
        }
        view = {
            "type": "modal",
            "callback_id": SHORTCUT,
            "private_metadata": json.dumps(subject),
            "title": {"type": "plain_text", "text": TITLE},
            "submit": {"type": "plain_text", "text": "Ask"},
            "blocks": [
                {
                    "type": "input",
                    "block_id": FIELD,
                    "label": {"type": "plain_text", "text": "Your question"},
                    "element": {
                        "type": "plain_text_input",
                        "action_id": FIELD,
                        "multiline": True,
                        "max_length": MOST,
                    },
                }
            ],
        }
        try:
            await self.api.call(OPEN, patience=0, trigger_id=str(body.get("trigger_id") or ""), view=view)
        except errors.PlatformError as error:
            log.warning("slack.form_not_opened", fault=str(error))

    async def _ask(self, body: Mapping[str, Any], view: Mapping[str, Any]) -> None:
        """Put the question in its thread and record it."""
        subject: dict[str, str] = json.loads(view.get("private_metadata") or "{}")
        values = (view.get("state") or {}).get("values") or {}
        question = str((values.get(FIELD) or {}).get(FIELD, {}).get("value") or "").strip()
        user, team = str((body.get("user") or {}).get("id")), str((body.get("team") or {}).get("id"))
        where = parse.conversation_of(subject, team=team, rules=self.presses.rules)
        flat = where == address.conversation_id(team=team, channel=subject["channel"], thread="")
        thread = "" if flat else subject["thread_ts"]
        standing = await self.presses.standings.of({"user": user, "channel": subject["channel"]}, team=team)
        if refusal := self.presses.intake.refusal(standing):
            log.info("slack.question_denied", conversation=where)
            await self._respond(subject["url"], commands.Outcome(text=refusal))
            return
        user_team = str((body.get("user") or {}).get("team_id") or team)
        spot = address.Address(channel=subject["channel"], thread=thread, user_team=user_team)
        known = await self.presses.names.look_up([user])
        name = known.get(user, "") or user
        text = f"About the post of {parse.moment(subject['ts']):%H:%M:%S} UTC: {question}"
        try:
            ts = await self.presses.notices.say(
                spot, forms.tame(f"*{name}* asks. {text}", name_of=self.presses.names.known)
            )
        except errors.PlatformError as error:
            log.info("slack.question_refused", channel=spot.channel, fault=str(error))
            await self._respond(subject["url"], commands.Outcome(text=NO_PLACE))
            return
        asked = conversation.Post(
            conversation=where,
            id=ts,
            role="user",
            author=user,
            author_name=name,
            text=text,
            sent_at=parse.moment(ts),
            addressed=True,
            standing=standing,
        )
        try:
            await self.presses.intake.post(asked, address.home(spot, team=team))
        except errors.ThreadmateError as error:  # Slack was told that the form was taken: it sends it no more
            log.warning("slack.question_failed", error=type(error).__name__)
            await self._respond(subject["url"], commands.Outcome(text=FAILED))
            return
        log.info("slack.question_asked", conversation=where, post=ts)
