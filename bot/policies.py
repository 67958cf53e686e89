"""The settings as what stands under every choice."""

from __future__ import annotations

from bot import settings
from bot.desk import choosing
from bot.planning import context


def policy(chosen: settings.Settings) -> context.Policy:
    """What the operator chose of how threads are kept."""
    return context.Policy(
        strategy=chosen.bot_strategy,
        model=chosen.bot_model,
        effort=chosen.bot_effort,
        max_output_tokens=chosen.bot_max_output_tokens,
        budget_tokens=chosen.bot_context_tokens,
        floor_tokens=chosen.floor_tokens,
        window_turns=chosen.bot_window_turns,
    )


def choices(chosen: settings.Settings) -> choosing.Choices:
    """What the operator chose for every conversation where nobody chose otherwise."""
    return choosing.Choices(
        policy=policy(chosen),
        instructions=chosen.system_prompt(),
        thread_replies=chosen.bot_thread_replies,
        web=chosen.bot_web_tools == "on",
    )
