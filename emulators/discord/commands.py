"""Application commands: checked as Discord checks them, and found as a person picks them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from emulators.discord import errors, records, snowflakes

Json = records.Json

CHAT, USER, MESSAGE = 1, 2, 3
GUILD_CONTEXT, BOT_DM_CONTEXT = 0, 1
_NAME = re.compile(r"[-_'\w]{1,32}")
_LIMITS = {CHAT: 100, USER: 15, MESSAGE: 15}
SUB_COMMAND, SUB_GROUP = 1, 2


class Commands:
    """What the application has registered; `None` is the global scope, others are servers."""

    def __init__(self, *, ids: snowflakes.Snowflakes) -> None:
        self._ids = ids
        self._scopes: dict[str | None, list[Json]] = {}

    def replace(self, scope: str | None, wanted: Any, *, application: str) -> list[Json]:
        """Register exactly these; a command that keeps type and name keeps its id."""
        if not isinstance(wanted, list):
            raise errors.invalid("_", "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
        _check(wanted)
        known = {(each["type"], each["name"]): each["id"] for each in self.of(scope)}
        self._scopes[scope] = [
            self._complete(each, scope, application, known.get((each.get("type", CHAT), each["name"])))
            for each in wanted
        ]
        return self._scopes[scope]

    def add(self, scope: str | None, wanted: Json, *, application: str) -> Json:
        """Register one more; one of the same type and name gives way."""
        key = (wanted.get("type", CHAT), wanted.get("name"))
        rest = [each for each in self.of(scope) if (each["type"], each["name"]) != key]
        return self.replace(scope, [*rest, wanted], application=application)[-1]

    def remove(self, scope: str | None, command: str) -> None:
        """Take one away."""
        left = [each for each in self.of(scope) if each["id"] != command]
        if len(left) == len(self.of(scope)):
            raise errors.ApiError(404, 10063, "Unknown application command")
        self._scopes[scope] = left

    def of(self, scope: str | None) -> list[Json]:
        """What is registered in one scope."""
        return self._scopes.get(scope, [])

    def every(self) -> list[Json]:
        """What is registered anywhere."""
        return [each for scope in self._scopes.values() for each in scope]

    def pick(self, *, name: str, kind: int, guild: str | None) -> Json:
        """The command a person chooses there; LookupError when they would not see it."""
        context = BOT_DM_CONTEXT if guild is None else GUILD_CONTEXT
        for each in [*(self.of(guild) if guild else []), *self.of(None)]:
            if each["type"] == kind and each["name"] == name and context in (each["contexts"] or [0, 1, 2]):
                return each
        seen = ", ".join(sorted(each["name"] for each in self.every())) or "none at all"
        raise LookupError(f"nobody could pick the command {name!r} here; registered are {seen}")

    def _complete(self, each: Json, scope: str | None, application: str, known: str | None) -> Json:
        fresh = self._ids.next()
        return {
            "id": known or fresh,
            "application_id": application,
            "version": fresh,
            "type": each.get("type", CHAT),
            "name": each["name"],
            "description": each.get("description") or "",
            "options": each.get("options") or [],
            "default_member_permissions": each.get("default_member_permissions"),
            "nsfw": bool(each.get("nsfw")),
            "contexts": each.get("contexts"),
            "integration_types": each.get("integration_types") or [0],
            "name_localizations": each.get("name_localizations"),
            "description_localizations": each.get("description_localizations"),
        } | ({"guild_id": scope} if scope else {})


def _check(wanted: Sequence[Json]) -> None:
    """Refuse what Discord refuses: bad names, missing descriptions, too many, twice the same."""
    seen: set[tuple[int, str]] = set()
    for place, each in enumerate(wanted):
        kind, name = each.get("type", CHAT), str(each.get("name") or "")
        if kind == CHAT:
            _check_text(str(place), name, each.get("description"))
            _check_options(str(place), each.get("options") or [])
        elif not 1 <= len(name) <= 32:
            raise errors.invalid(
                f"{place}.name", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 32 in length."
            )
        elif each.get("description"):
            text = "Context menu commands cannot have description"
            raise errors.invalid(f"{place}.description", "APPLICATION_COMMAND_INVALID_DESCRIPTION", text)
        if (kind, name) in seen:
            text = "Application command names must be unique"
            raise errors.invalid(f"{place}.name", "APPLICATION_COMMANDS_DUPLICATE_NAME", text)
        seen.add((kind, name))
    for kind, most in _LIMITS.items():
        if sum(1 for each in seen if each[0] == kind) > most:
            raise errors.ApiError(400, 30032, f"Maximum number of application commands reached ({most}).")


def _check_text(path: str, name: str, description: Any) -> None:
    if not _NAME.fullmatch(name) or name != name.lower():
        raise errors.invalid(f"{path}.name", "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")
    if not isinstance(description, str) or not 1 <= len(description) <= 100:
        raise errors.invalid(
            f"{path}.description", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length."
        )


def _check_options(path: str, options: Sequence[Json]) -> None:
    if len(options) > 25:
        raise errors.invalid(f"{path}.options", "BASE_TYPE_MAX_LENGTH", "Must be 25 or fewer in length.")
    optional = False
    for place, option in enumerate(options):
        where = f"{path}.options.{place}"
        _check_text(where, str(option.get("name") or ""), option.get("description"))
        if len(option.get("choices") or ()) > 25:
            raise errors.invalid(f"{where}.choices", "BASE_TYPE_MAX_LENGTH", "Must be 25 or fewer in length.")
        if option.get("required") and optional:
            text = "Required options must be placed before non-required options"
            raise errors.invalid(where, "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", text)
        optional = optional or not option.get("required")
        _check_options(where, option.get("options") or [])


def fill(
    options: Sequence[Json], path: Sequence[str], values: Mapping[str, Any], *, focused: str | None = None
) -> list[Json]:
    """The options of an interaction: sub-commands by their path, then what the person filled in.

    LookupError for an option that does not exist, lacks a required value or is not among the choices.
    """
    if path:
        inner = _option(options, path[0])
        return [
            {
                "name": path[0],
                "type": inner["type"],
                "options": fill(inner.get("options") or [], path[1:], values, focused=focused),
            }
        ]
    missing = [each["name"] for each in options if each.get("required") and each["name"] not in values]
    if missing and focused is None:
        raise LookupError(f"the command cannot be sent without {', '.join(missing)}")
    if any(each["type"] in (SUB_COMMAND, SUB_GROUP) for each in options):
        raise LookupError("the command cannot be sent without one of its sub-commands")
    return [_value(_option(options, name), value, focused=name == focused) for name, value in values.items()]


def _option(options: Iterable[Json], name: str) -> Json:
    for option in options:
        if option["name"] == name:
            return option
    raise LookupError(f"the command has no option {name!r}")


def _value(option: Json, value: Any, *, focused: bool) -> Json:
    choices = [choice["value"] for choice in option.get("choices") or ()]
    if choices and value not in choices:
        raise LookupError(f"{value!r} is not among the choices of {option['name']}")
    filled = {"name": option["name"], "type": option["type"], "value": value}
    return filled | ({"focused": True} if focused else {})
