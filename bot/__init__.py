"""The shared core: knows no platform."""
