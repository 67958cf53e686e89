"""The slash command, and 'Ask about this' in a post's menu: what people start beside posting.

Slack has no slash commands inside threads: there `!word` does the same, and the menu asks. A question about
a post stands in that post's thread as a post of the bot's, so that everybody sees what is answered; in the
log it is its asker's. The form carries where it belongs, so that it works after a restart as before it.
Shapes: docs.slack.dev, slash commands, shortcut payloads and view_submission payloads.
"""

from __future__ import annotations

import asyncio
import collections
import dataclasses
import hashlib
import json
import secrets
from collections.abc import Mapping
from typing import Any

import structlog

from adapters.slack import address, buttons, forms, notices, parse, pressing, reader, web
from bot import conversation, errors
from bot.desk import commands

SHORTCUT = "ask_about"  # callback id of the shortcut and of its form
TITLE = "Ask about this"
FIELD = "question"
MOST_FORMS = 1_000  # kept in mind
MOST = 3000  # characters of a question: Slack's limit for a field
OPEN = "views.open"
FORM, WORDS = "form", "words"  # in a question's metadata: the id of its form, a digest of what it asks
SECONDS = 2.5  # that a form or a command is kept waiting: Slack gives three
PATIENCE = 300.0  # seconds that Slack is tried for; who presses again waits for the same try
SECOND_LOOK = 1.0  # seconds: a post whose answer was lost may show up a little later
FAILED = "I could not take your question just now. Please press Ask again in a moment."
NOT_DONE = "I could not do that just now. Please give the command again in a moment."
LATE = "Slack is slow to take your question. Please press Ask again in a moment: it will not be asked twice."
OTHER = "I have asked it as you had it before. Close this form; to ask something else, open it again."
NO_PLACE = "I may not write there: invite me to the channel first, then press Ask again."

log = structlog.get_logger()


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Sent:
    """A form that was sent: what it asked, and what is wrong with that, "" once it is recorded."""

    question: str
    task: asyncio.Task[str]

    def failed(self) -> bool:
        """Whether nothing came of it."""
        return self.task.done() and bool(self.task.cancelled() or self.task.exception() or self.task.result())


@dataclasses.dataclass(frozen=True, kw_only=True)
class Subject:
    """Takes slash commands, message shortcuts and the form that one of these opens."""

    api: web.Web
    presses: pressing.Pressing  # with the parts of the workspace
    reading: reader.Reader
    sleep: web.Sleep
    _process: str = dataclasses.field(default_factory=lambda: secrets.token_hex(8))
    _sent: collections.OrderedDict[str, _Sent] = dataclasses.field(default_factory=collections.OrderedDict)

    async def take(self, body: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Carry out what is ours of an interaction; what its form is told. Raises what the intake raises."""
        if body.get("command"):
            await self._command(body)
        elif body.get("type") == "message_action" and body.get("callback_id") == SHORTCUT:
            await self._offer(body)
        elif body.get("type") == "view_submission":
            view = body.get("view") or {}
            if view.get("callback_id") == SHORTCUT and (wrong := await self._submitted(body, view)):
                return {"response_action": "errors", "errors": {FIELD: wrong}}
        return None

    async def _submitted(self, body: Mapping[str, Any], view: Mapping[str, Any]) -> str:
        """See that what a form asks is recorded, once; the sentence for the form where it is not (yet)."""
        form, question = str(view.get("id") or secrets.token_hex(8)), _question(view)
        sent = self._sent.get(form)
        if sent is None or sent.failed():
            asking = self._asked(body, view, question, form=form, again=sent is not None)
            sent = _Sent(question=question, task=self.presses.background.start(asking, name="question"))
            self._sent[form] = sent
            if len(self._sent) > MOST_FORMS:
                self._sent.popitem(last=False)
        await asyncio.wait([sent.task], timeout=SECONDS)
        if not sent.task.done():
            return LATE
        return sent.task.result() or (OTHER if question != sent.question else "")

    async def _command(self, body: Mapping[str, Any]) -> None:
        """`/threadmate word argument`; some ask Claude's endpoint and take longer than Slack waits."""
        task = self.presses.background.start(self._obeyed(body), name="command outcome: a slash command")
        await asyncio.wait([task], timeout=SECONDS)
        if task.done():
            task.result()  # what it raises goes unacknowledged: Slack tells its author that it failed

    async def _obeyed(self, body: Mapping[str, Any]) -> None:
        """Carry a command out, and tell its author alone what came of it."""
        channel, team, user = (str(body.get(key) or "") for key in ("channel_id", "team_id", "user_id"))
        word, _, argument = (str(body.get("text") or "").strip().lstrip("!") or "help").partition(" ")
        url = str(body.get("response_url") or "")
        spot = address.Address(channel=channel, thread="", user_team=team)
        home = address.home(spot, team=team)
        try:
            known = await self.presses.names.look_up([user])
            command = commands.Command(
                id=str(body.get("trigger_id") or ""),
                word=word.lower(),
                argument=argument.strip(),
                # No conversation of a channel has this id: it is about the channel, or the whole DM.
                conversation=address.conversation_id(team=team, channel=channel, thread=""),
                author=user,
                author_name=known.get(user, "") or str(body.get("user_name") or user),
                standing=await self.presses.standings.of({"user": user, "channel": channel}, team=team),
                direct=spot.is_dm,
            )
            outcome = await self.presses.intake.command(command, home)
        except errors.ThreadmateError:
            await self._respond(url, commands.Outcome(text=NOT_DONE))
            raise
        log.info("slack.command", conversation=command.conversation, word=command.word)
        if outcome is not None and outcome.file_name:
            await self.presses.notices.outcome(outcome, home, user=user)
        elif outcome is not None:
            await self._respond(url, outcome)

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
            "process": self._process,
            "opened": str(body.get("action_ts") or ""),
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

    async def _asked(
        self, body: Mapping[str, Any], view: Mapping[str, Any], question: str, *, form: str, again: bool
    ) -> str:
        """Put the question in its thread and record it; what is wrong where that cannot be, else "".

        `again`: an earlier try of this process may have put it there.
        """
        subject: dict[str, str] = json.loads(view.get("private_metadata") or "{}")
        user, team = str((body.get("user") or {}).get("id")), str((body.get("team") or {}).get("id"))
        user_team = str((body.get("user") or {}).get("team_id") or team)
        where = parse.conversation_of(subject, team=team, rules=self.presses.rules)
        flat = where == address.conversation_id(team=team, channel=subject["channel"], thread="")
        thread = "" if flat else subject["thread_ts"]
        spot = address.Address(channel=subject["channel"], thread=thread, user_team=user_team)
        try:
            standing = await self.presses.standings.of({"user": user, "channel": spot.channel}, team=team)
            if refusal := self.presses.intake.refusal(standing):
                log.info("slack.question_denied", conversation=where)
                return refusal
            name = (await self.presses.names.look_up([user])).get(user, "") or user
            text = f"About the post of {parse.moment(subject['ts']):%H:%M:%S} UTC: {question}"
            shown = forms.tame(f"*{name}* asks. {text}", name_of=self.presses.names.known)
            mark = {FORM: form, WORDS: hashlib.blake2s(question.encode(), digest_size=8).hexdigest()}
            found, words = "", ""
            if again or subject.get("process") != self._process or await self.presses.intake.shared():
                found, words = await self._look(spot, form, after=subject.get("opened") or subject["ts"])
            if found and await self.presses.intake.has(where, found):
                return "" if words == mark[WORDS] else OTHER
            ts = await self.presses.notices.say(spot, shown, mark=mark, known=found, patience=PATIENCE)
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
            await self.presses.intake.post(asked, address.home(spot, team=team))
        except errors.ThreadmateError as error:
            log.warning("slack.question_failed", conversation=where, error=type(error).__name__)
            passing = isinstance(error, errors.PlatformUnavailable)
            return NO_PLACE if isinstance(error, errors.PlatformError) and not passing else FAILED
        log.info("slack.question_asked", conversation=where, post=ts)
        return ""

    async def _look(self, spot: address.Address, form: str, *, after: str) -> tuple[str, str]:
        """The ts of the post that a form was shown with already, and its words' digest; "" for none."""
        for look in range(2):
            await self.sleep(look * SECOND_LOOK)
            found = self.reading.since(spot.channel, spot.thread, after=after, patience=PATIENCE)
            async for message in found:
                mark = notices.mark(message)
                if parse.is_own(message, self.presses.rules) and mark.get(FORM) == form:
                    return str(message["ts"]), mark.get(WORDS, "")
        return "", ""


def _question(view: Mapping[str, Any]) -> str:
    values = (view.get("state") or {}).get("values") or {}
    return str((values.get(FIELD) or {}).get(FIELD, {}).get("value") or "").strip()
