"""`python -m bench.baselines slack|discord refetch|memory`: one of the simple bots, until it is stopped."""

from __future__ import annotations

import argparse
import asyncio
import os

from bench.baselines import asking, discord_bot, slack_bot


def main() -> None:
    """Read the command line and the environment (the variables are Threadmate's own) and run."""
    parser = argparse.ArgumentParser(prog="python -m bench.baselines", description=__doc__)
    parser.add_argument("platform", choices=("slack", "discord"))
    parser.add_argument("way", choices=("refetch", "memory"))
    asked = parser.parse_args()
    claude = asking.Claude(api_key=os.environ["ANTHROPIC_API_KEY"], base_url=os.environ["ANTHROPIC_BASE_URL"])
    keeps = asked.way == "memory"
    if asked.platform == "slack":
        slack = slack_bot.SlackBot(
            bot_token=os.environ["SLACK_BOT_TOKEN"],
            app_token=os.environ["SLACK_APP_TOKEN"],
            api_url=os.environ["SLACK_API_URL"],
            claude=claude,
            keeps=keeps,
        )
        asyncio.run(slack.run())
    else:
        discord_bot.point_at(
            api_url=os.environ["DISCORD_API_URL"], gateway_url=os.environ["DISCORD_GATEWAY_URL"]
        )
        discord = discord_bot.DiscordBot(claude=claude, keeps=keeps)
        discord.run(os.environ["DISCORD_BOT_TOKEN"], log_handler=None)


if __name__ == "__main__":
    main()
