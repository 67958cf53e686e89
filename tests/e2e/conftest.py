"""The fixtures of the browser tests; they stand in `browsing`, whose names tests import."""

from browsing import browser, screen, served

__all__ = ["browser", "screen", "served"]
