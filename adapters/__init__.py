"""One package per platform; each turns its events into posts and its replies into posts there."""
