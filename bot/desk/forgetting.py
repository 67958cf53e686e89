"""What `forget` does: to a conversation, to a person's posts, for those who may."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Protocol

from bot import access, conversation
from bot.desk import commands, wording


class Book(Protocol):
    """What forgetting needs of the thread log."""

    async def forget(self, conversation_id: conversation.ConversationId) -> int:
        """Erase the conversation; how many posts that were."""

    async def forget_user(self, user: str) -> int:
        """Erase every post of a person, given as `platform:id`; how many posts that were."""

    def posts(self, conversation_id: conversation.ConversationId) -> AsyncIterator[conversation.Post]:
        """Every post, in order."""


ASK = (
    "This erases {what} from my memory, with its summaries; it cannot be undone. "
    "Press the button, or say `{again}`, to do it."
)
NOT_YOURS = "Only the one who asked for this may press that button."
ACTION = "forget"  # of the button
NOT_ALONE = (
    "Others have written here, so only an admin of mine may erase it all. "
    "`forget me` erases what you wrote, here and everywhere."
)


async def forget(
    command: commands.Command,
    *,
    platform: str,
    book: Book,
    rules: access.Rules,
    stop: Callable[[conversation.ConversationId], Awaitable[bool]],
) -> commands.Outcome:
    """Erase what the argument names, once it ends in `yes`; what the person is told.

    Nothing: this conversation, where nobody else has written or an admin asks. `me`: the asker's own posts,
    everywhere on this platform. `platform:id`: somebody's posts, for admins.
    """
    words = command.argument.split()
    sure = bool(words) and words[-1].lower() == "yes"
    named = words[:-1] if sure else words
    whom = named[0] if named else ""
    own = f"{platform}:{command.author}"
    is_admin = rules.is_admin(platform, command.author)
    if len(named) > 1 or (whom and whom.lower() != "me" and ":" not in whom):
        return commands.Outcome(
            text="Say `forget`, `forget me`, or `forget slack:U0123` with somebody's platform and id."
        )
    if not whom:
        if not is_admin and await _others(book, command):
            return commands.Outcome(text=NOT_ALONE)
        if not sure:
            return _ask(command, whom="", what="every post of this conversation")
        await stop(command.conversation)
        return _erased(await book.forget(command.conversation), also="what was chosen for this thread")
    user = own if whom.lower() == "me" else whom
    if user != own and not is_admin:
        return commands.Outcome(text=access.ADMINS_ONLY)
    if not sure:
        what = (
            "everything you wrote to me, in every conversation," if user == own else f"every post of {user}"
        )
        return _ask(command, whom=whom, what=what)
    return _erased(await book.forget_user(user), also="every correction of them")


def confirmed(press: conversation.Press) -> commands.Command | None:
    """The command that a press of the button stands for; None where somebody else was asked."""
    author, _, rest = press.value.partition("|")
    whom, _, where = rest.partition("|")
    if author != press.author:
        return None
    return commands.Command(
        id=press.id,
        word="forget",
        argument=f"{whom} yes".strip(),
        conversation=conversation.ConversationId(where or press.conversation),
        author=press.author,
        author_name=press.author_name,
        standing=press.standing,
    )


def _ask(command: commands.Command, *, whom: str, what: str) -> commands.Outcome:
    # The asker stands in the button: in a channel others see it, and `me` is not whoever presses.
    value = f"{command.author}|{whom}|{'' if whom else command.conversation}"
    button = conversation.Button(action=ACTION, value=value, label="Erase it", style="danger")
    text = ASK.format(what=what, again=f"forget {whom} yes".replace("  ", " "))
    return commands.Outcome(text=text, buttons=(button,))


def _erased(posts: int, *, also: str) -> commands.Outcome:
    told = f"Erased {wording.counted(posts, 'post')}, every summary of them, and {also}."
    return commands.Outcome(text=told)


async def _others(book: Book, command: commands.Command) -> bool:
    async for post in book.posts(command.conversation):
        if post.role == "user" and post.author != command.author:
            return True
    return False
