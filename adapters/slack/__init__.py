"""Slack: events to posts, replies to streams and edits. `app.Slack` is the door."""
