"""What the emulator says: scripted answers, the default one, and how both become content blocks."""

import json
import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from emulators.claude import blocks, models, signing, tokens

_TAGGED = re.compile(r"""<[^<>]*\b(?:by|from|author|speaker|user)\s*=\s*["']([^"'<>]{1,80})["'][^<>]*>""")
_PREFIXED = re.compile(r"^\s*([^\s:<>\[\]*][^:<>\[\]*\n]{0,60}?):\s", re.MULTILINE)
_TAG = re.compile(r"<[^<>]*>")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One scripted answer.

    Either ``text`` or ``content`` (blocks as the API returns them; ids and signatures are filled in).
    ``thinking`` is put in front where the request lets the model think. ``delay`` is in seconds, before
    each streamed piece of ``chunk`` characters. ``output_tokens`` replaces the estimate; ``web_tokens`` is
    what web pages add to the input on the way.
    """

    text: str | None = None
    content: list[dict[str, Any]] | None = None
    stop_reason: str | None = None
    output_tokens: int | None = None
    thinking: str | None = None
    delay: float = 0.0
    chunk: int = 16
    stop_details: dict[str, Any] | None = None
    web_tokens: int = 0


@dataclass(frozen=True, kw_only=True)
class Spoken:
    """An answer made final: what goes out, and what it costs in tokens."""

    content: list[dict[str, Any]]
    stop_reason: str
    stop_sequence: str | None
    stop_details: dict[str, Any] | None
    output_tokens: int
    thinking_tokens: int
    delay: float
    chunk: int

    def searches(self, tool: str) -> int:
        """How often the answer used that server tool."""
        return sum(b["type"] == "server_tool_use" and b.get("name") == tool for b in self.content)


def coerce(value: object) -> Answer:
    """Turn what an answer function returned into an :class:`Answer`."""
    if isinstance(value, Answer):
        return value
    if isinstance(value, str):
        return Answer(text=value)
    if isinstance(value, list):
        return Answer(content=value)
    raise TypeError(f"an answer function returns str, list or Answer, not {type(value).__name__}")


def speak(
    answer: Answer,
    *,
    body: dict[str, Any],
    row: Sequence[blocks.Block],
    model: models.Model,
    input_tokens: int,
) -> Spoken:
    """Cut an answer to what the request allows, sign its thinking and count it.

    The cut is at ``max_tokens``, at the end of the context window, or at a stop sequence, whichever
    comes first; thinking counts toward both limits.
    """
    content = _content(answer, thinks=thinks(body, model), model=model)
    room = min(body["max_tokens"], max(1, model.context - input_tokens))
    short = "max_tokens" if room == body["max_tokens"] else "model_context_window_exceeded"
    content, sequence = _stop(content, body.get("stop_sequences") or [])
    stop = answer.stop_reason or _natural(content)
    if sequence is not None:
        stop = "stop_sequence"
    content, cut = _truncate(content, room=room, model=model)
    sizes = [_size(block, model=model) for block in content]
    thinking = sum(
        size for size, block in zip(sizes, content, strict=True) if block["type"] in blocks.THINKING
    )
    total = room if cut else sum(sizes) + (1 if room else 0)
    if answer.output_tokens is not None:
        cut, total = cut or answer.output_tokens > room, min(answer.output_tokens, room)
    return Spoken(
        content=_signed(content, row=row, model=model, shown=_shows(body, model)),
        stop_reason=short if cut else stop,
        stop_sequence=None if cut else sequence,
        stop_details=answer.stop_details,
        output_tokens=min(total, room),
        thinking_tokens=min(thinking, room),
        delay=answer.delay,
        chunk=max(1, answer.chunk),
    )


def thinks(body: dict[str, Any], model: models.Model) -> bool:
    """Tell whether the model may think on this request."""
    thinking = body.get("thinking")
    return model.thinks_by_default if not thinking else thinking["type"] in ("adaptive", "enabled")


def default(body: dict[str, Any]) -> str:
    """Say what was received, so that a person sees that the context works; the same for the same body."""
    turns = [(message["role"], _text(message["content"])) for message in body["messages"]]
    people = [text for role, text in turns if role == "user"]
    marked = _TAGGED if any(_TAGGED.search(text) for text in people) else _PREFIXED
    names = [name for text in people for name in marked.findall(text)]
    speakers = ", ".join(dict.fromkeys(names)) or "somebody without a name"
    last = next((text for text in reversed(people) if marked.search(text)), people[-1] if people else "")
    words = _TAG.sub(" ", marked.split(last)[-1].partition("</")[0]).split()[:8]
    schema = ((body.get("output_config") or {}).get("format") or {}).get("schema")
    said = (
        f"(offline stand-in for {body['model']}) I was sent {len(turns)} turns with "
        f"{max(len(names), len(people))} posts by {speakers}. The last one begins: “{' '.join(words)}”."
    )
    return said if schema is None else json.dumps(_instance(schema, said), ensure_ascii=False)


def echo(body: dict[str, Any]) -> str:
    """Repeat the last user turn."""
    return _text(body["messages"][-1]["content"]) or "(nothing to repeat)"


def _content(answer: Answer, *, thinks: bool, model: models.Model) -> list[dict[str, Any]]:
    if answer.content is None:
        content: list[dict[str, Any]] = [{"type": "text", "text": answer.text}] if answer.text else []
    else:
        content = [dict(block) for block in answer.content]
    calls = any(block["type"] == "tool_use" for block in content)
    if calls and model.quiet_between_tools:
        content = [_hushed(block) for block in content]
    if answer.thinking and thinks:
        content.insert(0, {"type": "thinking", "thinking": answer.thinking})
    return [_filled(block) for block in content]


def _hushed(block: dict[str, Any]) -> dict[str, Any]:
    return {"type": "thinking", "thinking": block["text"]} if block["type"] == "text" else block


def _filled(block: dict[str, Any]) -> dict[str, Any]:
    match block["type"]:
        case "text":
            cited = [
                {**each, "encrypted_index": signing.citation(each)} for each in block.get("citations") or ()
            ]
            return {**block, "citations": cited or None}
        case "tool_use":
            return {"id": f"toolu_01{uuid.uuid4().hex[:22]}", "caller": {"type": "direct"}, **block}
        case "server_tool_use":
            return {"id": f"srvtoolu_01{uuid.uuid4().hex[:22]}", "caller": {"type": "direct"}, **block}
        case "web_search_tool_result" if isinstance(block["content"], list):
            found = [{**r, "encrypted_content": signing.search_result(r)} for r in block["content"]]
            return {"caller": {"type": "direct"}, **block, "content": found}
        case _:
            return block


def _natural(content: list[dict[str, Any]]) -> str:
    return "tool_use" if any(block["type"] == "tool_use" for block in content) else "end_turn"


def _stop(content: list[dict[str, Any]], sequences: list[str]) -> tuple[list[dict[str, Any]], str | None]:
    for at, block in enumerate(content):
        hits = [
            (block["text"].find(s), s) for s in sequences if block["type"] == "text" and s in block["text"]
        ]
        if hits:
            end, sequence = min(hits)
            kept = [{**block, "text": block["text"][:end]}] if end else []
            return [*content[:at], *kept], sequence
    return content, None


def _truncate(
    content: list[dict[str, Any]], *, room: int, model: models.Model
) -> tuple[list[dict[str, Any]], bool]:
    kept: list[dict[str, Any]] = []
    for block in content:
        size = _size(block, model=model)
        if size <= room:
            kept.append(block)
            room -= size
            continue
        field = {"text": "text", "thinking": "thinking"}.get(block["type"])
        bytes_left = int(room * tokens.bytes_per_token(model))
        if field and (part := block[field].encode()[:bytes_left].decode(errors="ignore")):
            kept.append({**block, field: part})
        return kept, True
    return kept, False


def _size(block: dict[str, Any], *, model: models.Model) -> int:
    match block["type"]:
        case "text":
            return tokens.text(block["text"], model=model)
        case "thinking":
            return tokens.text(block["thinking"], model=model)
        case "tool_use" | "server_tool_use":
            return tokens.text(json.dumps([block["name"], block["input"]]), model=model)
        case _:
            return 0  # results of server tools are input, not output


def _signed(
    content: list[dict[str, Any]], *, row: Sequence[blocks.Block], model: models.Model, shown: bool
) -> list[dict[str, Any]]:
    done: list[dict[str, Any]] = []
    for block in content:
        if block["type"] == "thinking":
            text = block["thinking"] if shown else ""
            before = blocks.answered(row, done)
            signature = signing.thinking(text, before=before, model=model)
            done.append({"type": "thinking", "thinking": text, "signature": signature})
        else:
            done.append(block)
    return done


def _shows(body: dict[str, Any], model: models.Model) -> bool:
    display = (body.get("thinking") or {}).get("display")
    return model.shows_thinking if display is None else display == "summarized"


def _text(content: object) -> str:
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "\n".join(part["text"] for part in parts if part.get("type") == "text")


def _instance(schema: dict[str, Any], said: str) -> Any:
    """Make the smallest value that a JSON schema lets through, with ``said`` wherever a text may stand."""
    if "const" in schema or "enum" in schema:
        return schema.get("const", next(iter(schema.get("enum", [])), None))
    if "anyOf" in schema:
        return _instance(schema["anyOf"][0], said)
    match schema.get("type"):
        case "object":
            fields = schema.get("properties") or {}
            return {name: _instance(fields[name], said) for name in schema.get("required") or []}
        case "array":
            return []
        case "integer" | "number":
            return 0
        case "boolean":
            return False
        case "null":
            return None
        case _:
            return said
