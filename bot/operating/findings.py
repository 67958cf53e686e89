"""What `check` tells, one line a thing: how it is, how to mend it; and asking a service over HTTP for it."""

from __future__ import annotations

import dataclasses
import datetime as dt
import email.utils
import json
import urllib.parse
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import aiohttp

from bot import errors

SECONDS = 15.0  # a service that does not answer by then is not there
MOST_SKEW = 60.0  # seconds; Slack refuses requests signed with a time five minutes off


@dataclasses.dataclass(frozen=True, kw_only=True)
class Finding:
    """One line: what was looked at, how it is, and how to mend it where it is wrong."""

    what: str  # a variable, or what it stands for
    how: str
    mend: str = ""  # "" where nothing is wrong
    state: Literal["ok", "note", "wrong"] = "ok"

    @property
    def line(self) -> str:
        """As it is printed."""
        return f"{self.state:<5}  {self.what}: {self.how}{f'. {self.mend}' if self.mend else ''}"


def wrong(what: str, how: str, mend: str) -> Finding:
    """Something to mend."""
    return Finding(what=what, how=how, mend=mend, state="wrong")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Said:
    """What a service answered."""

    status: int
    body: Mapping[str, Any]  # {} where it is not an object
    headers: Mapping[str, str]  # lower-case names
    items: Sequence[Any] = ()  # where it is a list


class Silent(errors.ThreadmateError):
    """A service did not answer; the message says how."""


async def ask(
    url: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str],
    form: Mapping[str, str] | bytes | None = None,
) -> Said:
    """Call a service once, with a form or a body as it is. Raises Silent."""
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=SECONDS)) as session,
            session.request(method, url, headers=dict(headers), data=form) as response,
        ):
            text = await response.text(errors="replace")
            told = {name.lower(): value for name, value in response.headers.items()}
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise Silent(
            f"{urllib.parse.urlsplit(url).netloc} does not answer ({type(error).__name__})"
        ) from None
    try:
        body = json.loads(text)
    except ValueError:
        body = {}
    if isinstance(body, list):
        return Said(status=response.status, body={}, headers=told, items=body)
    return Said(status=response.status, body=body if isinstance(body, dict) else {}, headers=told)


def unreachable(variable: str, silence: Silent) -> Finding:
    """A service that did not answer."""
    return wrong(variable, str(silence), "Check the network, a proxy, and the address in the settings")


def clock(said: Said, now: dt.datetime) -> Finding | None:
    """How far this machine's clock is off, by a service's `Date`; None where it tells none."""
    try:
        theirs = email.utils.parsedate_to_datetime(said.headers.get("date", ""))
    except ValueError:
        return None
    seconds = (now - theirs).total_seconds()
    if abs(seconds) <= MOST_SKEW:
        return Finding(what="clock", how=f"within {MOST_SKEW:.0f} s of the service's")
    off = f"{abs(seconds):.0f} s {'ahead' if seconds > 0 else 'behind'}"
    return wrong("clock", off, "Set it by NTP: signatures and limits go by the time")
