"""What an exception of the SDK, of its transport or of the decoder means, as a `retry.Failure`."""

from __future__ import annotations

import anthropic
import httpx2

from bot import errors
from bot.claude import retry

DIAGNOSTICS = "diagnostics"


def is_no_diagnostics(error: Exception) -> bool:
    """Whether an endpoint refuses a call because it does not know `diagnostics` (a gateway may not)."""
    return isinstance(error, anthropic.BadRequestError) and DIAGNOSTICS in str(error.api_message or "")


def failure(error: Exception, model: str) -> retry.Failure:
    """Tell what went wrong in a call to that model."""
    name = type(error).__name__
    match error:
        case anthropic.APIStatusError():
            refusal = retry.Refusal(
                status=error.status_code,
                type=error.type,
                code=error.error_code,
                message=str(error.api_message or ""),
                headers=dict(error.response.headers.items()),
            )
            return retry.refused(refusal, model=model)
        case anthropic.APITimeoutError() | httpx2.TimeoutException():
            return retry.stalled(name)
        case anthropic.APIConnectionError() if isinstance(error.__cause__, httpx2.LocalProtocolError):
            # The key is the one header that is not the SDK's own.
            detail = "the key is empty or holds what no header may"
            return retry.Failure(error=errors.KeyRefused(detail), kind="key")
        case anthropic.APIConnectionError() | httpx2.HTTPError():
            return retry.cut(name)
        case TimeoutError():
            return retry.Failure(error=errors.Unreachable("the stream did not end"), kind="endless")
        case UnicodeEncodeError():
            return retry.Failure(error=errors.Rejected("the request holds a lone surrogate"), kind="rejected")
        case ValueError():  # no JSON, no UTF-8, or an event that is none
            return retry.cut(name)
        case _:
            return retry.Failure(error=errors.ModelError(name), kind="other")
