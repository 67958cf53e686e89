"""Slack workspaces that let the bot in by themselves: their installations, sealed."""
