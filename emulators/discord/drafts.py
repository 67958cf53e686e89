"""What a request wants to post, checked against Discord's limits (developer reference, "Create Message")."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from emulators.discord import errors, mentions, records

Json = records.Json

CONTENT, EMBEDS_TOTAL, NONCE = 2000, 6000, 25
_EMBED = {"title": 256, "description": 4096}
_SETTABLE = records.SUPPRESS_EMBEDS | records.SUPPRESS_NOTIFICATIONS | records.COMPONENTS_V2


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A file that came with a request."""

    filename: str
    data: bytes
    content_type: str
    description: str | None = None


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A checked body; None means that the request did not have the field, which an edit leaves alone."""

    content: str | None = None
    embeds: list[Json] | None = None
    components: list[Json] | None = None
    flags: int = 0
    ephemeral: bool = False
    allowed: mentions.Allowed = field(default_factory=mentions.Allowed)
    reference: Json | None = None
    nonce: str | int | None = None
    enforce_nonce: bool = False
    kept: list[str] | None = None
    uploads: Sequence[Upload] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to show."""
        return not (self.content or self.embeds or self.components or self.uploads or self.kept)


def parse(body: Json, *, uploads: Sequence[Upload], upload_limit: int) -> Draft:
    """Check a message body; raises the error that Discord answers with."""
    flags = _flags(body.get("flags"))
    embeds, components = _embeds(body.get("embeds")), _components(body.get("components"))
    if flags & records.COMPONENTS_V2 and (body.get("content") or embeds):
        raise errors.invalid(
            "content", "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2", "Not with components V2"
        )
    if sum(len(upload.data) for upload in uploads) > upload_limit:
        raise errors.too_large()
    if len(uploads) > 10:
        raise errors.invalid("attachments", "BASE_TYPE_BAD_LENGTH", "Must be between 0 and 10 in length.")
    kept, described = _attachments(body.get("attachments"), uploads)
    return Draft(
        content=_content(body["content"]) if "content" in body else None,
        embeds=embeds,
        components=components,
        flags=flags & _SETTABLE,
        ephemeral=bool(flags & records.EPHEMERAL),
        allowed=mentions.parse(body.get("allowed_mentions")),
        reference=body.get("message_reference"),
        nonce=_nonce(body.get("nonce")),
        enforce_nonce=body.get("enforce_nonce") is True,
        kept=kept,
        uploads=described,
    )


def _content(raw: Any) -> str:
    """Text loses the white space around it, and is counted in code points."""
    if raw is None:
        return ""
    if isinstance(raw, bool) or not isinstance(raw, (str, int, float)):
        raise errors.invalid("content", "BASE_TYPE_STRING", "Could not interpret value as string.")
    text = str(raw).strip()
    if len(text) > CONTENT:
        raise errors.too_long("content", CONTENT)
    return text


def _flags(raw: Any) -> int:
    if raw is None:
        return 0
    if not isinstance(raw, int):
        raise errors.invalid("flags", "NUMBER_TYPE_COERCE", "Value is not int.")
    return raw


def _nonce(raw: Any) -> str | int | None:
    if raw is None or isinstance(raw, int):
        return raw
    if not isinstance(raw, str) or len(raw) > NONCE:
        raise errors.too_long("nonce", NONCE)
    return raw


def _embeds(raw: Any) -> list[Json] | None:
    """At most ten, 6,000 characters together, each part within its own limit."""
    if raw is None:
        return None
    if len(raw) > 10:
        raise errors.invalid("embeds", "BASE_TYPE_MAX_LENGTH", "Must be 10 or fewer in length.")
    total = 0
    for number, embed in enumerate(raw):
        for name, limit in _EMBED.items():
            if len(embed.get(name) or "") > limit:
                raise errors.too_long(f"embeds.{number}.{name}", limit)
        total += _fields(embed.get("fields") or [], number) + sum(
            len(embed.get(name) or "") for name in _EMBED
        )
        total += len((embed.get("footer") or {}).get("text") or "") + len(
            (embed.get("author") or {}).get("name") or ""
        )
    if total > EMBEDS_TOTAL:
        raise errors.invalid("embeds", "MAX_EMBED_SIZE_EXCEEDED", "Embed size exceeds maximum size of 6000")
    return list(raw)


def _fields(fields: Sequence[Json], number: int) -> int:
    """How many characters the fields of an embed hold."""
    if len(fields) > 25:
        raise errors.invalid(
            f"embeds.{number}.fields", "BASE_TYPE_MAX_LENGTH", "Must be 25 or fewer in length."
        )
    for place, each in enumerate(fields):
        path = f"embeds.{number}.fields.{place}"
        if not each.get("name") or not each.get("value"):
            raise errors.invalid(path, "BASE_TYPE_REQUIRED", "This field is required")
        if len(each["name"]) > 256 or len(each["value"]) > 1024:
            raise errors.too_long(f"{path}.value", 1024)
    return sum(len(each["name"]) + len(each["value"]) for each in fields)


def _components(raw: Any) -> list[Json] | None:
    """At most 40 with all that is inside, 4,000 characters of text, and no custom id twice."""
    if raw is None:
        return None
    every = list(walk(raw))
    if len(every) > 40:
        raise errors.invalid("components", "COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED", "At most 40 components")
    if sum(len(str(each.get("content") or "")) for each in every if each.get("type") == 10) > 4000:
        raise errors.invalid("components", "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED", "Text exceeds 4000")
    customs = [each["custom_id"] for each in every if each.get("custom_id")]
    if len(customs) != len(set(customs)):
        raise errors.invalid(
            "components", "COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated"
        )
    if any(len(custom) > 100 for custom in customs):
        raise errors.too_long("components.custom_id", 100)
    return list(raw)


def walk(components: Sequence[Json]) -> Iterator[Json]:
    """Each component and everything inside it."""
    for each in components:
        yield each
        inside = list(each.get("components") or ())
        inside += [each[name] for name in ("accessory", "component") if isinstance(each.get(name), dict)]
        yield from walk(inside)


def _attachments(raw: Any, uploads: Sequence[Upload]) -> tuple[list[str] | None, list[Upload]]:
    """Ids of attachments that stay, and the uploads with the names and descriptions given to them."""
    if raw is None:
        return None, list(uploads)
    named = {str(each["id"]): each for each in raw}
    fresh = {str(number) for number in range(len(uploads))}
    described = [
        Upload(
            filename=named.get(str(number), {}).get("filename") or upload.filename,
            data=upload.data,
            content_type=upload.content_type,
            description=named.get(str(number), {}).get("description"),
        )
        for number, upload in enumerate(uploads)
    ]
    return [key for key in named if key not in fresh], described
