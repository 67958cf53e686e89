"""Discord's refusals: HTTP status, JSON code and text (developer reference, "Opcodes and Status Codes")."""

from typing import Any


class ApiError(Exception):
    """A request was refused."""

    def __init__(
        self,
        status: int,
        code: int,
        message: str,
        *,
        errors: dict[str, Any] | None = None,
        retry_after: float = 0,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.errors = errors
        self.retry_after = retry_after

    def body(self) -> dict[str, Any]:
        """The JSON that goes out."""
        body: dict[str, Any] = {"message": self.message, "code": self.code}
        if self.errors is not None:
            body["errors"] = self.errors
        if self.retry_after:
            body |= {"retry_after": self.retry_after, "global": False}
        return body


def invalid(path: str, code: str, message: str) -> ApiError:
    """50035 with its tree of field errors; `path` is dotted, such as `embeds.0.title`."""
    tree: dict[str, Any] = {"_errors": [{"code": code, "message": message}]}
    for part in reversed(path.split(".")):
        tree = {part: tree}
    return ApiError(400, 50035, "Invalid Form Body", errors=tree)


def too_long(path: str, limit: int) -> ApiError:
    """50035 for a text over its limit."""
    return invalid(path, "BASE_TYPE_MAX_LENGTH", f"Must be {limit} or fewer in length.")


def unknown_route() -> ApiError:
    """No such path."""
    return ApiError(404, 0, "404: Not Found")


def wrong_method() -> ApiError:
    """The path exists, the method does not."""
    return ApiError(405, 0, "405: Method Not Allowed")


def unauthorized() -> ApiError:
    """The token is missing or wrong."""
    return ApiError(401, 0, "401: Unauthorized")


def unknown_channel() -> ApiError:
    """No such channel."""
    return ApiError(404, 10003, "Unknown Channel")


def unknown_guild() -> ApiError:
    """No such server, or the bot is not in it."""
    return ApiError(404, 10004, "Unknown Guild")


def unknown_member() -> ApiError:
    """That user is not in the server."""
    return ApiError(404, 10007, "Unknown Member")


def unknown_message() -> ApiError:
    """No such message."""
    return ApiError(404, 10008, "Unknown Message")


def unknown_user() -> ApiError:
    """No such user."""
    return ApiError(404, 10013, "Unknown User")


def unknown_emoji() -> ApiError:
    """Not an emoji."""
    return ApiError(400, 10014, "Unknown Emoji")


def unknown_webhook() -> ApiError:
    """The interaction has not been answered yet, or the webhook does not exist."""
    return ApiError(404, 10015, "Unknown Webhook")


def unknown_interaction() -> ApiError:
    """The three seconds are over, or it never was."""
    return ApiError(404, 10062, "Unknown interaction")


def too_large() -> ApiError:
    """The upload is over the limit."""
    return ApiError(413, 40005, "Request entity too large")


def already_acknowledged() -> ApiError:
    """An interaction takes one callback."""
    return ApiError(400, 40060, "Interaction has already been acknowledged.")


def missing_access() -> ApiError:
    """The bot cannot see it."""
    return ApiError(403, 50001, "Missing Access")


def not_author() -> ApiError:
    """Only the author may edit."""
    return ApiError(403, 50005, "Cannot edit a message authored by another user")


def empty_message() -> ApiError:
    """There is nothing to show."""
    return ApiError(400, 50006, "Cannot send an empty message")


def cannot_dm() -> ApiError:
    """The person takes no direct messages."""
    return ApiError(403, 50007, "Cannot send messages to this user")


def missing_permissions() -> ApiError:
    """The bot may not do that."""
    return ApiError(403, 50013, "Missing Permissions")


def wrong_channel_type() -> ApiError:
    """That cannot be done in this kind of channel."""
    return ApiError(400, 50024, "Cannot execute action on this channel type")


def system_message() -> ApiError:
    """A system message stays as it is."""
    return ApiError(403, 50021, "Cannot execute action on a system message")


def invalid_webhook_token() -> ApiError:
    """The fifteen minutes of an interaction are over."""
    return ApiError(401, 50027, "Invalid Webhook Token")


def thread_archived() -> ApiError:
    """An archived thread takes a new post, not a change."""
    return ApiError(400, 50083, "Thread is archived")


def invalid_json() -> ApiError:
    """The body cannot be read."""
    return ApiError(400, 50109, "The request body contains invalid JSON.")


def old_edits(retry_after: float) -> ApiError:
    """Edits of messages over an hour old have a narrow limit of their own."""
    text = "Maximum number of edits to messages older than 1 hour reached. Try again later."
    return ApiError(429, 30046, text, retry_after=retry_after)


def reply_without_history() -> ApiError:
    """A reply needs the right to read what it answers."""
    return ApiError(403, 160002, "Cannot reply without permission to read message history")


def has_thread() -> ApiError:
    """One message opens one thread."""
    return ApiError(400, 160004, "A thread has already been created for this message")


def thread_locked() -> ApiError:
    """A locked thread takes nothing from those who cannot unlock it."""
    return ApiError(400, 160005, "Thread is locked")
