"""The fault matrix as programs: real bot processes, killed and tormented, judged from outside.

    python -m bench.torture F1 --platform slack --shard 1/4 --seconds 600
    python -m bench.torture all --quick
    python -m bench.torture mutate

The emulators of Slack, Discord and Claude live in the process of the program; the bot is another process,
and nothing it says about itself counts. What people see on the platform and what Claude was asked is
compared with what people wrote (`oracle`). The database is opened only after the bot is dead, for its
integrity. Results add up over shards in bench/results/torture.json.
"""
