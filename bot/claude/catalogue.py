"""Which models the endpoint offers, from `GET /v1/models`; the built-in table where it has no such list."""

from __future__ import annotations

from typing import Any

import anthropic
import httpx2

from bot.claude import failures, models

MOST = 1_000  # a page's limit, and far more than there are


async def listed(client: anthropic.AsyncAnthropic) -> tuple[str, ...]:
    """The names of the models, newest first as the endpoint lists them, retired ones left out.

    Raises ModelError where the endpoint cannot be reached or refuses the key.
    """
    try:
        answer: Any = await client.get(f"/v1/models?limit={MOST}", cast_to=object)
    except (anthropic.AnthropicError, httpx2.HTTPError, TimeoutError) as error:
        if isinstance(error, anthropic.APIStatusError) and not isinstance(
            error, anthropic.AuthenticationError
        ):
            return models.names()  # a gateway without this list
        raise failures.failure(error, "").error from error
    except ValueError:
        return models.names()
    rows = answer.get("data") if isinstance(answer, dict) else None
    found = tuple(
        row["id"]
        for row in rows or ()
        if isinstance(row, dict) and isinstance(row.get("id"), str) and row.get("lifecycle") != "retired"
    )
    return found or models.names()
