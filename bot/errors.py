"""What can go wrong, split by who must act (pure).

    ThreadmateError
    ├── OperatorError            the operator must change something; ends the program or a platform
    │   ├── SettingsError        status 2, one line per variable
    │   ├── LogTooNew            the database was written by a newer version
    │   ├── LogUnusable          the database cannot be read or written
    │   └── CredentialError      status 2; a platform refuses the credential or lacks a permission
    ├── ModelError               Claude gave no usable answer; the person is told once
    │   ├── Overloaded           passing; try again later
    │   ├── Unreachable          passing; no connection, or it was cut again and again
    │   ├── SpendLimit           the operator's account is at its limit
    │   ├── KeyRefused           the operator's key is not accepted
    │   ├── ModelUnknown         the operator's model is not known there
    │   ├── Rejected             the request itself was refused (a 400): retrying cannot help
    │   ├── TooLong              the request does not fit the model's window
    │   ├── Declined             the model declined to answer
    │   ├── NoAnswer             the model ended without a word
    │   ├── OverBudget           the operator's budget has no room for the question
    │   └── UnknownPrice         a budget is set, and the model's price is not known
    └── PlatformError            Slack or Discord
        ├── PostGone             the post or channel is no longer there
        ├── MayNotPost           the bot has no permission there
        ├── FileRefused          a file that came with a post cannot be had; the message says why, to people
        └── PlatformUnavailable  passing, after bounded retries

The docstring of a ModelError, and of MayNotPost, is the sentence that the person sees (`sentence`).
"""

from __future__ import annotations

import inspect

LONG_WAIT = 600.0  # seconds; up to here “a few minutes” is true


class ThreadmateError(Exception):
    """Something went wrong on my side. Please ask again, or tell whoever runs me."""

    @property
    def sentence(self) -> str:
        """What a person is told: the class's docstring on one line."""
        return " ".join((inspect.getdoc(type(self)) or "").split())


class OperatorError(ThreadmateError):
    """The operator must change something."""


class SettingsError(OperatorError):
    """One or more settings are wrong or missing; `problems` holds a line for each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class LogTooNew(OperatorError):
    """The database was written by a newer version of Threadmate: run that version, or restore a backup."""


class LogUnusable(OperatorError):
    """The database cannot be used."""


class CredentialError(OperatorError):
    """A credential or a permission is wrong; the message says which and how to mend it."""


class ModelError(ThreadmateError):
    """I could not get an answer from Claude. Please try again in a few minutes."""


class Overloaded(ModelError):
    """Claude is overloaded right now, so I have no answer yet. Please ask again in a few minutes."""

    wait: float | None = None  # seconds after which Claude takes requests again, where it says so

    @property
    def sentence(self) -> str:
        """What a person is told: the truth about a wait that is longer than minutes."""
        if self.wait is None or self.wait < LONG_WAIT:
            return super().sentence
        minutes = -(-int(self.wait) // 60)
        time = f"{minutes} minutes" if minutes < 120 else f"{-(-minutes // 60)} hours"  # noqa: PLR2004 - two hours
        return (
            f"Claude takes no more requests for about {time}, so I have no answer yet. Please ask again then."
        )


class Unreachable(ModelError):
    """I cannot reach Claude right now. Please ask again in a few minutes."""


class SpendLimit(ModelError):
    """The Claude account behind me has reached its spending limit. Please tell whoever runs me."""


class KeyRefused(ModelError):
    """Claude does not accept my key. Please tell whoever runs me to check it."""


class ModelUnknown(ModelError):
    """The model I am set to use is not available. Please tell whoever runs me to check BOT_MODEL."""

    chosen: str = ""  # "thread" or "channel" where it is no setting, but was chosen there by a command

    @property
    def sentence(self) -> str:
        """What a person is told: who chose the model can choose another."""
        if not self.chosen:
            return super().sentence
        word = "model default" if self.chosen == "thread" else "model channel default"
        return (
            f"The model that was chosen for this {self.chosen} is not available. "
            f"Say `{word}` to have the usual one again, or `model` with the name of another."
        )


class Rejected(ModelError):
    """Claude would not take this request. Please rephrase it, or start afresh with `new`."""


class TooLong(Rejected):
    """This is more than the model can read at once. Please send less, or start afresh with `new`."""


class Declined(ModelError):
    """Claude declined to answer this, so I leave it out from here on. Please ask about something else."""


class NoAnswer(ModelError):
    """Claude ended without an answer. Please ask again, or ask for less at once."""


class OverBudget(ModelError):
    """The operator's budget has no room for the question; the message says so, with when it lifts."""

    @property
    def sentence(self) -> str:
        """The message itself: it holds a time."""
        return str(self)


class UnknownPrice(ModelError):
    """A budget is set, but the price of this model is unknown: I may not ask it. Please tell who runs me."""


class PlatformError(ThreadmateError):
    """The chat platform did not do what was asked."""


class PostGone(PlatformError):
    """The post, thread or channel is no longer there."""


class MayNotPost(PlatformError):
    """I may not post where you asked (is the thread locked?). Ask me elsewhere, or have that changed."""


class FileRefused(PlatformError):
    """A file cannot be had; the message is the reason, as people read it after the file's name."""


class PlatformUnavailable(PlatformError):
    """The platform did not answer within the bounded retries."""

    wait: float = 0.0  # seconds after which it takes requests again, where it says so
