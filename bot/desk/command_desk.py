"""Carries out what people say to the bot: one method a word, each returning what the person is told."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
from collections.abc import Awaitable, Callable
from typing import Protocol

from bot import access, conversation, errors, exporting
from bot.desk import choice_desk, commands, forgetting, wording
from bot.money import spending
from bot.planning import outlook, segmenting

NOTHING_AGAIN = "There is no answered question here; one that waits I am answering already."


class Book(forgetting.Book, spending.Book, Protocol):
    """What the commands need of the thread log."""

    async def claim_command(self, conversation_id: conversation.ConversationId, command_id: str) -> bool:
        """Commit that a command is being carried out; False when it was before."""

    async def unclaim_command(self, conversation_id: conversation.ConversationId, command_id: str) -> None:
        """It was not carried out: whoever claims it next has it."""

    async def reset(self, conversation_id: conversation.ConversationId) -> None:
        """Hide what came before from requests, summaries and recall."""

    async def retry(self, conversation_id: conversation.ConversationId, at: dt.datetime) -> bool:
        """Make the last question due again; False when there is none."""

    async def overview(self, conversation_id: conversation.ConversationId) -> conversation.Thread:
        """What the next request would be built from, with nothing new posted."""

    async def correct(
        self, conversation_id: conversation.ConversationId, *, author: str, author_name: str, text: str
    ) -> bool:
        """Put a person's correction under the newest segment; False where nothing is summarised."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class CommandDesk:
    """Carries out commands. `stop` and `wake` reach the workers."""

    book: Book
    choosing: choice_desk.ChoiceDesk
    stop: Callable[[conversation.ConversationId], Awaitable[bool]]
    wake: Callable[[conversation.ConversationId], None]
    now: Callable[[], dt.datetime]
    rules: access.Rules = dataclasses.field(default_factory=access.Rules)
    standing: spending.Standing | None = None  # to tell what is left of the budgets
    tally: spending.Tally | None = None  # to tell what people found of answers
    facts: Callable[[str], Awaitable[conversation.ModelFacts]] | None = None  # to tell what comes next

    async def obey(self, command: commands.Command, home: conversation.Home) -> commands.Outcome | None:
        """Carry out a command, or hint at an unknown word, once; None when it was before."""
        if not await self.book.claim_command(command.conversation, command.id):
            return None
        if command.word not in commands.WORDS:
            return commands.Outcome(text=commands.hint(command.word))
        try:
            outcome: commands.Outcome = await getattr(self, f"_{command.word}")(command, home)
        except errors.LogUnusable:
            await self.book.unclaim_command(command.conversation, command.id)  # Slack sends it again
            raise
        return outcome

    async def _help(self, _command: commands.Command, _: conversation.Home) -> commands.Outcome:
        lines = [f"- `{word}`: {what}" for word, what in commands.WORDS.items()]
        return commands.Outcome(
            text="Mention me, or write in a thread I am in, and I answer. I also know these words "
            "(slash commands on Discord, `!word` on Slack):\n" + "\n".join(lines)
        )

    async def _new(self, command: commands.Command, _: conversation.Home) -> commands.Outcome:
        await self.book.reset(command.conversation)
        return commands.Outcome(text="We start afresh: nothing said before this is sent to Claude any more.")

    async def _stop(self, command: commands.Command, _: conversation.Home) -> commands.Outcome:
        stopped = await self.stop(command.conversation)
        return commands.Outcome(text="Stopped." if stopped else "I am not writing anything here right now.")

    async def _retry(self, command: commands.Command, _: conversation.Home) -> commands.Outcome:
        if not await self.book.retry(command.conversation, self.now()):
            return commands.Outcome(text=NOTHING_AGAIN)
        self.wake(command.conversation)
        return commands.Outcome(text="I answer the last question again.")

    async def _context(self, command: commands.Command, home: conversation.Home) -> commands.Outcome:
        if command.argument:
            return commands.Outcome(text=await self.choosing.setting(command, home))
        thread = await self.book.overview(command.conversation)
        chosen = await self.choosing.choices.of(command.conversation, home)
        facts = None
        if self.facts is not None:
            with contextlib.suppress(errors.ModelError):
                facts = await self.facts(chosen.policy.model)
        told = outlook.tell(thread, policy=chosen.policy, facts=facts, system=chosen.system, now=self.now())
        made = await self.choosing.told(command, home, chosen)
        return commands.Outcome(text=f"{told}\n\n{made}")

    async def _summary(self, command: commands.Command, _: conversation.Home) -> commands.Outcome:
        if command.argument:
            corrected = await self.book.correct(
                command.conversation,
                author=command.author,
                author_name=command.author_name,
                text=command.argument,
            )
            if not corrected:
                return commands.Outcome(text="Nothing here has been summarised: say it in a post instead.")
            return commands.Outcome(text="Noted: it stands under the summary from the next answer on.")
        summaries = (await self.book.overview(command.conversation)).summaries
        text = "\n\n".join(summary.text for summary in segmenting.in_use(summaries, None))
        return commands.Outcome(text=text or "Nothing here has been summarised: Claude sees every post.")

    async def _usage(self, command: commands.Command, home: conversation.Home) -> commands.Outcome:
        told = await spending.usage(
            command,
            home,
            book=self.book,
            rules=self.rules,
            standing=self.standing,
            tally=self.tally,
        )
        return commands.Outcome(text=told)

    async def _model(self, command: commands.Command, home: conversation.Home) -> commands.Outcome:
        return commands.Outcome(text=await self.choosing.model(command, home))

    async def _prompt(self, command: commands.Command, home: conversation.Home) -> commands.Outcome:
        return commands.Outcome(text=await self.choosing.prompt(command, home))

    async def _export(self, command: commands.Command, _: conversation.Home) -> commands.Outcome:
        markdown = "markdown".startswith(command.argument.lower() or "-") or command.argument.lower() == "md"
        write = exporting.to_markdown if markdown else exporting.to_json
        lines = [write(post) async for post in self.book.posts(command.conversation)]
        if not lines:
            return commands.Outcome(text="There is nothing here to export.")
        return commands.Outcome(
            text=f"Here is this conversation: {wording.counted(len(lines), 'post')}.",
            file_name="conversation.md" if markdown else "conversation.jsonl",
            file=("\n".join(lines) + "\n").encode(),
        )

    async def _forget(self, command: commands.Command, home: conversation.Home) -> commands.Outcome:
        return await forgetting.forget(
            command, platform=home.platform, book=self.book, rules=self.rules, stop=self.stop
        )

    async def pressed(self, press: conversation.Press) -> str | None:
        """Somebody presses the button that `forget` asked with."""
        command = forgetting.confirmed(press)
        if command is None:
            return forgetting.NOT_YOURS
        return (await self._forget(command, press.home)).text
