"""Discord: events become posts, answers become threads. `app.Discord` is the door."""
