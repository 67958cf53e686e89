"""What operators see and rely on: logs, counts, traces, health, checks, signals."""
