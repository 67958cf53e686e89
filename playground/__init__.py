"""The playground: the real bot on emulated platforms, in one page, with what Claude is sent beside it.

    page ──HTTP, server-sent events──▶ this process: Slack, Discord and the model's stand-in, emulated
                                            ▲ the platforms' own protocols, the Messages API
                                            │
                                      `python -m bot` in a process of its own, unchanged

What is typed goes through an emulator and the real SDK and adapter. The bot is a process of its own so
that "kill it" is a real kill. Nothing here is imported by the bot, but for its command line.
"""
