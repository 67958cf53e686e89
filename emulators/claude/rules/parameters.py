"""Top-level parameters: which exist, and which values each model takes."""

from typing import Any

from emulators.claude import models
from emulators.claude.refusal import Refusal

REQUIRED = ("model", "messages")
COUNTING = {
    *REQUIRED,
    "cache_control",
    "output_config",
    "speed",
    "system",
    "thinking",
    "tool_choice",
    "tools",
}
CREATING = {
    *COUNTING,
    "container",
    "diagnostics",
    "inference_geo",
    "max_tokens",
    "metadata",
    "service_tier",
    "stop_sequences",
    "stream",
}
SAMPLING = ("temperature", "top_p", "top_k")
FORCING = ("any", "tool")


def known(body: dict[str, Any], *, counting: bool) -> None:
    """Refuse missing and unknown parameters."""
    for name in SAMPLING:
        if name in body:
            raise Refusal(f"`{name}` is deprecated for this model.")
    for name in (*REQUIRED, *(() if counting else ("max_tokens",))):
        if name not in body:
            raise Refusal(f"{name}: Field required")
    extra_keys(body, COUNTING if counting else CREATING, path="")
    if not isinstance(body["model"], str):
        raise Refusal("model: Input should be a valid string")
    if not isinstance(body.get("stream", False), bool):
        raise Refusal("stream: Input should be a valid boolean")
    if body.get("container") is not None:
        raise Refusal("container: this emulator runs no code")
    if body.get("speed") not in (None, "standard"):
        raise Refusal("speed: `fast` is not enabled for this organization")
    _metadata(body.get("metadata"))
    _stop_sequences(body.get("stop_sequences"))
    _diagnostics(body.get("diagnostics"))
    if body.get("service_tier", "auto") not in ("auto", "standard_only"):
        raise Refusal("service_tier: Input should be 'auto' or 'standard_only'")


def shapes(body: dict[str, Any], *, model: models.Model, counting: bool) -> None:
    """Refuse values that this model does not take."""
    effort = _output_config(body.get("output_config"), model=model)
    _thinking(body, model=model, effort=effort, counting=counting)
    _tool_choice(body, model=model)
    if not counting:
        _max_tokens(body, model=model)


def extra_keys(value: dict[str, Any], allowed: set[str], *, path: str) -> None:
    """Refuse fields that the service does not know; it ignores none."""
    for name in value:
        if name not in allowed:
            raise Refusal(f"{path}{name}: Extra inputs are not permitted")


def _max_tokens(body: dict[str, Any], *, model: models.Model) -> None:
    limit = body["max_tokens"]
    if not isinstance(limit, int) or isinstance(limit, bool):
        raise Refusal("max_tokens: Input should be a valid integer")
    if limit < 0:
        raise Refusal("max_tokens: Input should be greater than or equal to 0")
    if limit > model.max_output:
        raise Refusal(
            f"max_tokens: {limit} > {model.max_output}, which is the maximum allowed number of output "
            f"tokens for {model.id}"
        )
    if limit == 0:
        clashes = {
            "stream": body.get("stream"),
            "thinking.enabled": (body.get("thinking") or {}).get("type") == "enabled",
            "output_config.format": (body.get("output_config") or {}).get("format"),
            "tool_choice": (body.get("tool_choice") or {}).get("type") in FORCING,
        }
        for name, given in clashes.items():
            if given:
                raise Refusal(f"max_tokens: 0 cannot be combined with `{name}`")


def _output_config(config: object, *, model: models.Model) -> str:
    if config is None:
        return model.effort_default
    if not isinstance(config, dict):
        raise Refusal("output_config: Input should be a valid dictionary")
    extra_keys(config, {"effort", "format"}, path="output_config.")
    effort = config.get("effort")
    if effort is not None:
        if effort not in models.EVERY:
            raise Refusal("output_config.effort: Input should be 'low', 'medium', 'high', 'xhigh' or 'max'")
        if not model.effort:
            raise Refusal("This model does not support the effort parameter.")
        if effort not in model.effort:
            raise Refusal(f"This model does not support effort level '{effort}'.")
    shape = config.get("format")
    if shape is not None and (
        not isinstance(shape, dict)
        or shape.get("type") != "json_schema"
        or not isinstance(shape.get("schema"), dict)
    ):
        raise Refusal("output_config.format: Input should be a json_schema with its schema")
    return effort or model.effort_default


def _thinking(body: dict[str, Any], *, model: models.Model, effort: str, counting: bool) -> None:
    thinking = body.get("thinking")
    if thinking is None:
        return
    kind = thinking.get("type") if isinstance(thinking, dict) else None
    allowed = {
        "adaptive": {"type", "display"},
        "enabled": {"type", "display", "budget_tokens"},
        "disabled": {"type"},
        "between_tools": {"type"},
    }
    if kind not in allowed:
        raise Refusal("thinking.type: Input should be 'adaptive', 'between_tools', 'disabled' or 'enabled'")
    extra_keys(thinking, allowed[kind], path=f"thinking.{kind}.")
    if kind not in model.thinking:
        raise Refusal(
            "adaptive thinking is not supported on this model"
            if kind == "adaptive"
            else f'"thinking.type.{kind}" is not supported for this model.'
        )
    if thinking.get("display") not in (None, "summarized", "omitted"):
        raise Refusal(f"thinking.{kind}.display: Input should be 'summarized' or 'omitted'")
    if kind in ("disabled", "between_tools") and model.effort and effort not in model.effort_without_thinking:
        raise Refusal(f"\"thinking.type.{kind}\" is not supported with effort level '{effort}'.")
    if kind == "enabled":
        _budget(thinking.get("budget_tokens"), limit=None if counting else body["max_tokens"])
        if (body.get("tool_choice") or {}).get("type") in FORCING:
            raise Refusal("Thinking may not be enabled when tool_choice forces tool use.")


def _budget(budget: object, *, limit: object) -> None:
    if not isinstance(budget, int) or budget < 1024:
        raise Refusal("thinking.enabled.budget_tokens: Input should be greater than or equal to 1024")
    if isinstance(limit, int) and limit <= budget:
        raise Refusal("`max_tokens` must be greater than `thinking.budget_tokens`.")


def _tool_choice(body: dict[str, Any], *, model: models.Model) -> None:
    choice = body.get("tool_choice")
    if choice is None:
        return
    kind = choice.get("type") if isinstance(choice, dict) else None
    allowed = {
        "auto": {"type", "disable_parallel_tool_use"},
        "any": {"type", "disable_parallel_tool_use"},
        "tool": {"type", "name", "disable_parallel_tool_use"},
        "none": {"type"},
    }
    if kind not in allowed:
        raise Refusal("tool_choice.type: Input should be 'auto', 'any', 'tool' or 'none'")
    extra_keys(choice, allowed[kind], path=f"tool_choice.{kind}.")
    names = [tool.get("name") for tool in body.get("tools") or [] if isinstance(tool, dict)]
    if not names:
        raise Refusal("tool_choice: may only be specified while providing tools")
    if kind in FORCING and not model.forced_tools:
        raise Refusal(f"tool_choice: `{kind}` is not supported on this model")
    if kind == "tool" and choice.get("name") not in names:
        raise Refusal(f"tool_choice: Tool '{choice.get('name')}' not found in provided tools")


def _metadata(metadata: object) -> None:
    if metadata is None:
        return
    if not isinstance(metadata, dict):
        raise Refusal("metadata: Input should be a valid dictionary")
    extra_keys(metadata, {"user_id"}, path="metadata.")
    user = metadata.get("user_id")
    if user is not None and (not isinstance(user, str) or len(user) > 256):
        raise Refusal("metadata.user_id: String should have at most 256 characters")


def _stop_sequences(sequences: object) -> None:
    if sequences is None:
        return
    if not isinstance(sequences, list) or not all(isinstance(one, str) for one in sequences):
        raise Refusal("stop_sequences: Input should be a valid list")
    if any(not one.strip() for one in sequences):
        raise Refusal("stop_sequences: each stop sequence must contain non-whitespace")


def _diagnostics(diagnostics: object) -> None:
    if diagnostics is None:
        return
    if not isinstance(diagnostics, dict):
        raise Refusal("diagnostics: Input should be a valid dictionary")
    extra_keys(diagnostics, {"previous_message_id"}, path="diagnostics.")
    if not isinstance(diagnostics.get("previous_message_id"), str | None):
        raise Refusal("diagnostics.previous_message_id: Input should be a valid string")
