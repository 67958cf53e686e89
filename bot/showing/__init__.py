"""How an answer is shown while it grows, and in which pieces it stands."""
