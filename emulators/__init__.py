"""Stand-ins for Slack, Discord and Claude on loopback: strict, stateful and able to fail on command."""
