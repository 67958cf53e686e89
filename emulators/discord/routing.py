"""From method and path to the function that answers; a request and a reply as plain values."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from emulators.discord import actions, drafts, errors, interactions, records, state, threads


@dataclass(frozen=True, kw_only=True)
class Backend:
    """What the answering functions work on."""

    world: state.World
    acts: actions.Actions
    threads: threads.Threads
    desk: interactions.Desk
    gateway_url: Callable[[], str]


@dataclass(frozen=True, kw_only=True)
class Request:
    """One call: `ids` are the parts of the path that its route names."""

    ids: Mapping[str, str]
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    uploads: Sequence[drafts.Upload] = ()

    @property
    def fields(self) -> records.Json:
        """The body, which has to be a JSON object."""
        if self.body is None:
            return {}
        if not isinstance(self.body, dict):
            raise errors.invalid("_", "MODEL_TYPE_CONVERT", "Only dictionaries may be used in a ModelType")
        return self.body

    def limit(self, *, default: int, most: int) -> int:
        """The `limit` of a list, refused when out of range."""
        raw = self.query.get("limit", str(default))
        if not raw.isdecimal() or not 1 <= int(raw) <= most:
            raise errors.invalid("limit", "NUMBER_TYPE_MAX", f"int value should be between 1 and {most}.")
        return int(raw)


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What goes back: JSON, or nothing with 204."""

    body: Any = None
    status: int = 200


NOTHING = Reply(status=204)

Handler = Callable[[Backend, Request], Reply]


@dataclass(frozen=True, kw_only=True)
class Route:
    """One endpoint; `public` ones carry their secret in the path instead of a bot token."""

    method: str
    path: str
    handler: Handler
    public: bool = False

    @property
    def pattern(self) -> re.Pattern[str]:
        """The path with a group for each name."""
        return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.path))


class Table:
    """Endpoints, first match first."""

    def __init__(self) -> None:
        self.routes: list[Route] = []

    def on(self, method: str, path: str, *, public: bool = False) -> Callable[[Handler], Handler]:
        """Register a function for a method and path."""

        def register(handler: Handler) -> Handler:
            self.routes.append(Route(method=method, path=path, handler=handler, public=public))
            return handler

        return register


def find(tables: Sequence[Table], method: str, path: str) -> tuple[Route, dict[str, str]]:
    """The endpoint of a call and the ids in its path; 404 when no path fits, 405 when the method does not."""
    fits = False
    for table in tables:
        for route in table.routes:
            if (match := route.pattern.fullmatch(path)) is None:
                continue
            fits = True
            if route.method == method:
                return route, match.groupdict()
    raise errors.wrong_method() if fits else errors.unknown_route()


def check(ids: Mapping[str, str]) -> None:
    """Refuse with 50035 what is no id."""
    for name, value in ids.items():
        if name.endswith("_id") and not (value.isdecimal() or value in ("@me", "@original")):
            raise errors.invalid(name, "NUMBER_TYPE_COERCE", f'Value "{value}" is not snowflake.')
