"""Two simple bots to measure beside, each on the same SDKs as Threadmate and written as one writes them.

`refetch` keeps nothing: it reads the whole thread from the platform for every reply. `memory` keeps each
thread in a dict (read once from the platform when it is new) and loses it with the process. Both send
Claude everything, without a cache mark, post a placeholder, and edit it as the answer comes in.
"""
