from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import errors
from bot.claude import retry


@pytest.mark.parametrize(
    ("refusal", "error", "repeated"),
    [
        (retry.Refusal(status=400, type="invalid_request_error"), errors.Rejected, False),
        (
            retry.Refusal(status=400, message="prompt is too long: 9 tokens > 8 maximum"),
            errors.TooLong,
            False,
        ),
        (
            retry.Refusal(
                status=400, message="input length and `max_tokens` exceed context limit: 9 + 9 > 10"
            ),
            errors.TooLong,
            False,
        ),
        # the words in the middle of another refusal mean nothing
        (retry.Refusal(status=400, message="messages.1: prompt is too long"), errors.Rejected, False),
        # a limit that the operator set in the Console has no code
        (
            retry.Refusal(
                status=400, message="You have reached your specified workspace API usage limits. You"
            ),
            errors.SpendLimit,
            False,
        ),
        (
            retry.Refusal(status=400, message="Your credit balance is too low to access the Anthropic API."),
            errors.SpendLimit,
            False,
        ),
        # with a code the wording does not count
        (
            retry.Refusal(status=400, code="tool_name_conflict", message="prompt is too long"),
            errors.Rejected,
            False,
        ),
        (retry.Refusal(status=400, code="organization_on_hold"), errors.KeyRefused, False),
        (retry.Refusal(status=401, type="authentication_error"), errors.KeyRefused, False),
        (retry.Refusal(status=402, type="billing_error"), errors.SpendLimit, False),
        (retry.Refusal(status=402), errors.SpendLimit, False),
        (retry.Refusal(status=403, type="permission_error"), errors.KeyRefused, False),
        (retry.Refusal(status=404, type="not_found_error"), errors.ModelUnknown, False),
        (retry.Refusal(status=408), errors.Unreachable, True),
        (retry.Refusal(status=409), errors.Overloaded, True),
        (retry.Refusal(status=413, type="invalid_request_error"), errors.TooLong, False),
        (retry.Refusal(status=422), errors.Rejected, False),
        (retry.Refusal(status=429, type="rate_limit_error"), errors.Overloaded, True),
        (retry.Refusal(status=429, code="enforced_spend_limit_reached"), errors.SpendLimit, False),
        (retry.Refusal(status=429, code="contract_spend_limit_reached"), errors.SpendLimit, False),
        # a ramp limit passes: the API says when
        (retry.Refusal(status=429, code="ramp_limit_exceeded"), errors.Overloaded, True),
        (retry.Refusal(status=500, type="api_error"), errors.Overloaded, True),
        (retry.Refusal(status=502), errors.Overloaded, True),
        (retry.Refusal(status=529, type="overloaded_error"), errors.Overloaded, True),
        (retry.Refusal(status=503, headers={"x-should-retry": "false"}), errors.Overloaded, False),
        # inside a stream the status is 200 and the body's type counts
        (retry.Refusal(status=200, type="overloaded_error"), errors.Overloaded, True),
        (retry.Refusal(status=200, type="invalid_request_error"), errors.Rejected, False),
        (retry.Refusal(status=200, type="authentication_error"), errors.KeyRefused, False),
        (retry.Refusal(status=200), errors.Overloaded, True),
        # a gateway of another make
        (retry.Refusal(status=418), errors.Rejected, False),
    ],
)
def test_each_refusal_has_one_meaning(
    refusal: retry.Refusal, error: type[errors.ModelError], *, repeated: bool
) -> None:
    """A refusal becomes one error, and is repeated only where repeating can help."""
    failure = retry.refused(refusal, model="m")
    assert error is type(failure.error)
    assert repeated is (failure.again > 0)


def test_a_refusal_names_model_status_and_reason_for_the_operator() -> None:
    """The error's text tells the operator which model said what, cut to a bounded length."""
    failure = retry.refused(
        retry.Refusal(status=404, type="not_found_error", message="model: m9\n" + "x" * 1_000), model="m9"
    )
    assert str(failure.error).startswith("m9: 404 not_found_error: model: m9 xxx")
    assert len(str(failure.error)) < 350


@pytest.mark.parametrize(
    ("stop_reason", "text", "error"),
    [
        ("end_turn", "Hello", None),
        ("stop_sequence", "Hello", None),
        ("max_tokens", "Hel", None),
        ("a_reason_of_next_year", "Hello", None),
        ("max_tokens", " \n", errors.NoAnswer),  # all of it was thought
        ("end_turn", "", errors.NoAnswer),
        ("pause_turn", "", errors.NoAnswer),
        ("refusal", "How to", errors.Declined),  # what was said before a refusal does not count
        ("model_context_window_exceeded", "Hello", errors.TooLong),
        (None, "Hello", errors.Unreachable),  # a clean end of the connection
    ],
)
def test_each_ending_has_one_meaning(
    stop_reason: str | None, text: str, error: type[errors.ModelError] | None
) -> None:
    """A text that the model ended itself is an answer; anything else is one error."""
    failure = retry.ended(stop_reason, text)
    assert error is (None if failure is None else type(failure.error))


FAILURES = st.one_of(
    st.builds(
        retry.refused,
        st.builds(
            retry.Refusal,
            status=st.sampled_from([200, 400, 401, 408, 429, 500, 529]),
            headers=st.one_of(
                st.just({}), st.floats(0, 100).map(lambda seconds: {"retry-after": str(seconds)})
            ),
        ),
        model=st.just("m"),
    ),
    st.sampled_from(["cut"]).map(retry.cut),
    st.sampled_from(["stalled"]).map(retry.stalled),
    st.sampled_from([("end_turn", ""), ("max_tokens", ""), (None, "x")]).map(
        lambda end: retry.ended(*end) or pytest.fail("not a failure")
    ),
)


@given(failures=st.lists(FAILURES, min_size=5, max_size=5), chance=st.floats(0, 0.999))
def test_any_run_of_failures_ends_in_time(failures: list[retry.Failure], chance: float) -> None:
    """Whatever fails in whatever order, there are at most four attempts and a minute of waiting."""
    waited, counts = 0.0, dict.fromkeys((failure.kind for failure in failures), 0)
    for number, failure in enumerate(failures, start=1):
        counts[failure.kind] += 1
        wait = retry.decide(
            failure=failure, failures=number, alike=counts[failure.kind], waited=waited, chance=chance
        ).wait
        if wait is None:
            break
        assert wait >= (failure.retry_after or 0.0)
        waited += wait
        assert number < 4
    assert waited <= 60.0


def test_waits_double() -> None:
    """Without a word from the API each wait is about twice the one before."""
    waits = [
        retry.decide(failure=retry.cut(""), failures=n, alike=n, waited=0.0, chance=0.0).wait
        for n in (1, 2, 3, 4)
    ]
    assert waits == [1.0, 2.0, 4.0, None]


def test_a_retry_after_beyond_the_bound_fails_at_once() -> None:
    """Nobody is kept waiting for longer than a minute: the answer fails instead."""
    refusal = retry.Refusal(status=429, headers={"retry-after": "61"})
    failure = retry.refused(refusal, model="m")
    assert retry.decide(failure=failure, failures=1, alike=1, waited=0.0, chance=0.0) == retry.GIVE_UP


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "Sun, 22 Nov 2026 10:00:00 GMT"}, None),  # our own wait is used
        ({}, None),
    ],
)
def test_retry_after_is_read_as_seconds(headers: dict[str, str], seconds: float | None) -> None:
    """Only a finite, non-negative number of seconds is a wait."""
    assert seconds == retry.retry_after(headers)
