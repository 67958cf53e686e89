"""The models that can be asked for, and what each accepts.

Source: the vendor's pages "Models overview", "Thinking", "Effort", "Prompt caching" and "What's new in
Claude ... 5.5", as of October and November 2026. Where no page was seen for a model the stricter choice
stands and is marked "assumed". The Mythos models are by invitation, so they are not found here.
"""

from dataclasses import dataclass

from emulators.claude import refusal

UNKNOWN_DATE = "1970-01-01T00:00:00Z"  # the API's own value where a release date is not known
STANDARD = ("low", "medium", "high")
EVERY = ("low", "medium", "high", "xhigh", "max")


@dataclass(frozen=True, kw_only=True)
class Model:
    """One model: sizes in tokens, ``thinking`` as the ``thinking.type`` values that get no 400."""

    id: str
    name: str
    line: str
    aliases: tuple[str, ...] = ()
    context: int = 1_000_000
    max_output: int = 128_000
    min_cache: int = 512
    thinking: tuple[str, ...] = ("adaptive",)
    thinks_by_default: bool = True
    effort: tuple[str, ...] = EVERY
    effort_default: str = "high"
    effort_without_thinking: tuple[str, ...] = STANDARD
    shows_thinking: bool = False  # default of thinking.display: summarized (True) or omitted
    prefill: bool = False
    forced_tools: bool = True  # tool_choice any and tool
    system_turns: bool = False  # {"role": "system"} among the messages
    binds_thinking: bool = False  # a replayed signature must stand on the very same prefix
    quiet_between_tools: bool = False  # text before a tool call comes back as a thinking block
    dense_tokenizer: bool = True  # since 4.7: about 30 % more tokens for the same text
    created_at: str = UNKNOWN_DATE
    deprecated_at: str | None = None
    retires_at: str | None = None

    @property
    def images_per_request(self) -> int:
        """How many images, and pages of PDF, one request may hold."""
        return 600 if self.context >= 1_000_000 else 100

    @property
    def image_tokens(self) -> int:
        """What one image can cost at most."""
        return 4784 if self.dense_tokenizer else 1568


MODELS = (
    Model(
        id="claude-fable-5-2",
        name="Claude Fable 5.2",
        line="fable",
        forced_tools=False,
        system_turns=True,
        binds_thinking=True,
    ),
    Model(
        id="claude-haiku-5-5",
        name="Claude Haiku 5.5",
        line="haiku",
        thinking=("adaptive", "disabled"),
        effort_default="medium",
        binds_thinking=True,
    ),
    Model(
        id="claude-sonnet-5-5",
        name="Claude Sonnet 5.5",
        line="sonnet",
        thinking=("adaptive", "between_tools"),
        forced_tools=False,
        system_turns=True,
        binds_thinking=True,
        quiet_between_tools=True,
    ),
    Model(
        id="claude-fable-5-1",
        name="Claude Fable 5.1",
        line="fable",
        forced_tools=False,
        system_turns=True,
        binds_thinking=True,
    ),
    Model(
        id="claude-opus-5-5",
        name="Claude Opus 5.5",
        line="opus",
        effort_default="medium",
        forced_tools=False,
        system_turns=True,
        binds_thinking=True,
        quiet_between_tools=True,
    ),
    Model(
        id="claude-sonnet-5",
        name="Claude Sonnet 5",
        line="sonnet",
        min_cache=1024,
        thinking=("adaptive", "disabled"),
        effort_without_thinking=EVERY,  # assumed
    ),
    Model(id="claude-fable-5", name="Claude Fable 5", line="fable", system_turns=True),
    Model(
        id="claude-opus-5",
        name="Claude Opus 5",
        line="opus",
        thinking=("adaptive", "disabled"),
        system_turns=True,
    ),
    Model(
        id="claude-opus-4-8",
        name="Claude Opus 4.8",
        line="opus",
        min_cache=1024,
        thinking=("adaptive", "disabled"),
        thinks_by_default=False,
        effort_without_thinking=EVERY,
        system_turns=True,
    ),
    Model(
        id="claude-opus-4-7",
        name="Claude Opus 4.7",
        line="opus",
        min_cache=2048,
        thinking=("adaptive", "disabled"),
        thinks_by_default=False,
        effort_without_thinking=EVERY,
    ),
    Model(
        id="claude-sonnet-4-6",
        name="Claude Sonnet 4.6",
        line="sonnet",
        min_cache=1024,
        thinking=("adaptive", "enabled", "disabled"),
        thinks_by_default=False,
        effort=(*STANDARD, "max"),
        effort_without_thinking=(*STANDARD, "max"),
        shows_thinking=True,
        dense_tokenizer=False,
        created_at="2026-02-17T00:00:00Z",
    ),
    Model(
        id="claude-opus-4-6",
        name="Claude Opus 4.6",
        line="opus",
        min_cache=4096,
        thinking=("adaptive", "enabled", "disabled"),
        thinks_by_default=False,
        effort=(*STANDARD, "max"),
        effort_without_thinking=(*STANDARD, "max"),
        shows_thinking=True,
        dense_tokenizer=False,
        created_at="2026-02-05T00:00:00Z",
    ),
    Model(
        id="claude-opus-4-5-20251101",
        name="Claude Opus 4.5",
        line="opus",
        aliases=("claude-opus-4-5",),
        context=200_000,
        max_output=64_000,
        min_cache=4096,
        thinking=("enabled", "disabled"),
        thinks_by_default=False,
        effort=STANDARD,
        shows_thinking=True,
        prefill=True,
        dense_tokenizer=False,
        created_at="2025-11-01T00:00:00Z",
    ),
    Model(
        id="claude-haiku-4-5-20251001",
        name="Claude Haiku 4.5",
        line="haiku",
        aliases=("claude-haiku-4-5",),
        context=200_000,
        max_output=64_000,
        min_cache=4096,
        thinking=("enabled", "disabled"),
        thinks_by_default=False,
        effort=(),
        shows_thinking=True,
        prefill=True,
        dense_tokenizer=False,
        created_at="2025-10-01T00:00:00Z",
    ),
    Model(
        id="claude-sonnet-4-5-20250929",
        name="Claude Sonnet 4.5",
        line="sonnet",
        aliases=("claude-sonnet-4-5",),
        context=200_000,
        max_output=64_000,
        min_cache=1024,
        thinking=("enabled", "disabled"),
        thinks_by_default=False,
        effort=(),
        shows_thinking=True,
        prefill=True,
        dense_tokenizer=False,
        created_at="2025-09-29T00:00:00Z",
        deprecated_at=UNKNOWN_DATE,
        retires_at="2026-11-30T00:00:00Z",
    ),
)
"""Newest first, the order in which the API lists them."""

_BY_NAME = {name: model for model in MODELS for name in (model.id, *model.aliases)}


def find(name: object) -> Model:
    """Return the model of that id or alias; an unknown one is a 404, as on the real service."""
    model = _BY_NAME.get(name) if isinstance(name, str) else None
    if model is None:
        raise refusal.Refusal(f"model: {name}", status=404)
    return model
