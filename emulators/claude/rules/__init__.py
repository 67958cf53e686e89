"""What the Messages API refuses (pure): each rule raises :class:`emulators.claude.refusal.Refusal`.

Wording: where public bug reports quote the service's own sentence, it is that sentence; elsewhere ours.
Nothing may branch on wording.
"""

from typing import Any

from emulators.claude import blocks, models, refusal, tokens
from emulators.claude.rules import caching, content, media, messages, parameters, replay, tools


def check(body: dict[str, Any], *, counting: bool = False) -> models.Model:
    """Refuse what the service refuses; return the model that is asked for.

    ``counting`` is for ``count_tokens``, which takes fewer parameters and has no room to check.
    """
    parameters.known(body, counting=counting)
    model = models.find(body["model"])
    parameters.shapes(body, model=model, counting=counting)
    tools.definitions(body)
    content.check(body)
    messages.check(body, model=model)
    tools.pairing(body)
    media.check(body, model=model)
    caching.check(body)
    row = blocks.flatten(body)
    replay.check(body, row=row, model=model)
    total = sum(tokens.row(row, model=model))
    if not counting and total > model.context:
        raise refusal.Refusal(f"prompt is too long: {total} tokens > {model.context} maximum")
    return model
