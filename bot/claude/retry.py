"""Failures and what to do about them, as values (pure).

Rule 1  A failure is told apart by status, `error.type` and `error.details.error_code`. The API's wording
        decides only where it gives no code: a limit set in the Console, and a prompt that is too long.
Rule 2  What cannot succeed is never sent twice; what may pass is sent again at most three times, and the
        waits of one answer add up to a minute at most.
Rule 3  `retry-after` is honoured or, where it is longer than that, the answer fails at once.

Sources: the vendor's pages "Errors", "Rate limits" and "Handling stop reasons" (October 2026), and the
error classes of the SDK.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping

from bot import errors

MAX_FAILURES = 4
MAX_WAIT = 60.0  # seconds, all waits of one answer together
FIRST_WAIT = 2.0  # seconds, doubled each time, between half and the whole of it by chance
DETAIL_CHARACTERS = 300

SPEND_CODES = frozenset(
    {
        "enforced_spend_limit_reached",
        "contract_spend_limit_reached",
        "linked_organization_spend_limit_reached",
        "linked_organization_billing_unavailable",
    }
)
ACCOUNT_CODES = frozenset({"organization_on_hold", "cmek_key_disabled", "cmek_key_network_blocked"})
SPEND_WORDING = ("You have reached your specified", "Your credit balance is too low")  # a 400 without a code
TOO_LONG_WORDING = ("prompt is too long", "input length and `max_tokens` exceed")  # a 400 without a code

STATUS_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    499: "timeout_error",
    529: "overloaded_error",
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Refusal:
    """What the API says no with: as a status, or (status 200) as an `error` event inside a stream."""

    status: int
    type: str | None = None
    code: str | None = None
    message: str = ""
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)  # keys in lower case


@dataclasses.dataclass(frozen=True, kw_only=True)
class Failure:
    """Why one attempt gave no answer, and whether another may."""

    error: errors.ModelError  # what is raised when no attempt is left; its text is for the operator
    kind: str  # alike failures are counted together
    again: int = 0  # how often an attempt that failed in this way may be repeated
    retry_after: float | None = None  # seconds the API asks for
    more_room: bool = False  # the next attempt gets twice the output tokens


@dataclasses.dataclass(frozen=True, kw_only=True)
class RetryDecision:
    """Wait so many seconds and try again, or (None) give up with the failure's error."""

    wait: float | None


GIVE_UP = RetryDecision(wait=None)


def decide(*, failure: Failure, failures: int, alike: int, waited: float, chance: float) -> RetryDecision:
    """Decide after the `failures`-th failed attempt, the `alike`-th of its kind.

    `waited` are the seconds slept so far for this answer, `chance` is random in [0, 1).
    """
    if alike > failure.again or failures >= MAX_FAILURES:
        return GIVE_UP
    if failure.retry_after is None:
        wait = FIRST_WAIT * 2 ** (failures - 1) * (1 + chance) / 2
    elif failure.retry_after > 0:
        wait = failure.retry_after + chance  # never earlier, and not all at the same instant
    else:
        wait = 0.0
    return RetryDecision(wait=wait) if waited + wait <= MAX_WAIT else GIVE_UP


def refused(refusal: Refusal, *, model: str) -> Failure:
    """Tell what a refusal means."""
    detail = _detail(refusal, model)
    if refusal.code in SPEND_CODES or refusal.type == "billing_error":
        return Failure(error=errors.SpendLimit(detail), kind="spend")
    if refusal.code in ACCOUNT_CODES:
        return Failure(error=errors.KeyRefused(detail), kind="key")
    match _type(refusal):
        case "billing_error":
            return Failure(error=errors.SpendLimit(detail), kind="spend")
        case "authentication_error" | "permission_error":
            return Failure(error=errors.KeyRefused(detail), kind="key")
        case "not_found_error":
            return Failure(error=errors.ModelUnknown(detail), kind="model")
        case "request_too_large":
            return Failure(error=errors.TooLong(detail), kind="long")
        case "rate_limit_error" | "overloaded_error" | "api_error" | "conflict_error":
            return _passing(refusal, errors.Overloaded(detail), "busy")
        case "timeout_error":
            return _passing(refusal, errors.Unreachable(detail), "cut")
        case "invalid_request_error" if refusal.code is None:
            return _invalid(refusal, detail)
        case _:
            return Failure(error=errors.Rejected(detail), kind="rejected")


def ended(stop_reason: str | None, text: str, *, detail: str = "") -> Failure | None:
    """Tell whether a stream that ended is an answer (None) or a failure.

    "max_tokens" with a text is an answer, cut short; the caller says so. A stream that closes without a
    stop reason was cut, whatever it holds: the SDK does not tell.
    """
    wordless = not text.strip()
    match stop_reason:
        case None:
            return cut("the stream ended without a stop reason")
        case "refusal":
            return Failure(error=errors.Declined(detail or "refusal"), kind="declined")
        case "model_context_window_exceeded":
            return Failure(error=errors.TooLong("the answer does not fit the model's window"), kind="long")
        case "max_tokens" if wordless:
            return Failure(
                error=errors.NoAnswer("all output tokens went into thinking"),
                kind="room",
                again=1,
                retry_after=0.0,
                more_room=True,
            )
        case _ if wordless:
            return Failure(
                error=errors.NoAnswer(f"no text before {stop_reason}"),
                kind="wordless",
                again=1,
                retry_after=0.0,
            )
        case _:
            return None


def cut(detail: str) -> Failure:
    """No connection, a connection that broke, or bytes that are no event."""
    return Failure(error=errors.Unreachable(detail), kind="cut", again=MAX_FAILURES)


def stalled(detail: str) -> Failure:
    """Nothing came for the whole idle time; repeated once, as each try costs the person that time."""
    return Failure(error=errors.Unreachable(detail), kind="stall", again=1)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds the API asks to wait, None where it does not say or says it as a date."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) * unit
        except ValueError:
            continue
        if math.isfinite(seconds) and seconds >= 0:
            return seconds
    return None


def _type(refusal: Refusal) -> str:
    """The broad kind: the status's where there is one, else what the body of a stream's error says."""
    if refusal.status < 300:  # noqa: PLR2004 - a success that became an error while it was streamed
        return refusal.type or "api_error"
    if refusal.status in STATUS_TYPES:
        return STATUS_TYPES[refusal.status]
    return "api_error" if refusal.status >= 500 else "invalid_request_error"  # noqa: PLR2004 - HTTP's classes


def _passing(refusal: Refusal, error: errors.ModelError, kind: str) -> Failure:
    again = 0 if refusal.headers.get("x-should-retry") == "false" else MAX_FAILURES
    wait = retry_after(refusal.headers)
    if isinstance(error, errors.Overloaded):
        error.wait = wait
    return Failure(error=error, kind=kind, again=again, retry_after=wait)


def _invalid(refusal: Refusal, detail: str) -> Failure:
    if refusal.message.startswith(SPEND_WORDING):
        return Failure(error=errors.SpendLimit(detail), kind="spend")
    if refusal.message.startswith(TOO_LONG_WORDING):
        return Failure(error=errors.TooLong(detail), kind="long")
    return Failure(error=errors.Rejected(detail), kind="rejected")


def _detail(refusal: Refusal, model: str) -> str:
    """For the operator: no text of the conversation, as far as the API's own message holds none."""
    kind = refusal.code or refusal.type or "no error type"
    message = " ".join(refusal.message.split())[:DETAIL_CHARACTERS]
    return f"{model}: {refusal.status} {kind}: {message}"
