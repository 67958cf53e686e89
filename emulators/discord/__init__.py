"""Discord on loopback: REST, gateway, CDN and the people, for the unmodified discord.py 2.7.

    async with discord.Discord() as service:
        library.http.Route.BASE = service.api_url
        library.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(service.gateway_url)

How faithful it is. Sources: R the developer reference at docs.discord.com, L the source of discord.py 2.7.1,
O observed by bot writers in public issue reports; nothing was tried against the live service.

| part | like the real one | not like it | source |
|---|---|---|---|
| ids | snowflakes by the clock; a thread has its message's id | worker bits are a counter | R |
| errors | status, code, text, tree of field errors, 401, 404, 405 | unknown fields pass unchecked | R |
| posting | 2,000 code points once trimmed, 50006, embeds, files | no stickers, polls, voice | R |
| replies | unknown message, other channel, 160002; forwards | | R, O |
| nonce | `enforce_nonce` gives the first message back; 404 once deleted | the window is 300 s | R |
| mentions | default parses all; `allowed_mentions` cuts it; permission needed | code spans count too | R |
| editing | own only; archived threads refuse | 30046 after 3 old edits in 20 s | R, O |
| history | before, after, around, limit 100; empty without permission | | R |
| intent | content empty but for DMs, own posts and mentions, also in REST | | R |
| threads | 160004, members, active, archived, locked, messages 18 and 21 | never archived when idle | R, O |
| joining | a post lets in its author and those it names | at once, without a limit | O |
| rights | roles less what a channel denies the bot: 50001, 50013 | people may do everything | R |
| commands | names, texts, options, limits, contexts; ids stay | no per-command permissions | R |
| interactions | 3 s, 15 min, 10062, 40060, 10015, 50027; ephemeral; modals | | R |
| reactions | events, 10014; pins with message 6 | no super reactions | R |
| CDN | signed addresses, fresh in each answer, 404 after a day | the signature itself | O |
| limits | buckets, headers, `Via`, global 429; off until switched on | their figures | L, O |
| gateway | zlib-stream, heartbeat, shards, intents, close codes, op 7, 9 | no zstd, voice, presences | R, L |
| resume | replay, 4007; a session lives 180 s without a socket | that figure | R |
| identify | token, intents 4013 and 4014, shard 4010 | not throttled, not counted | R |

What people see and who was notified can be read at any time (`messages`, `threads`, `pings`, `typing`,
`reactions`, an interaction's `responses`), every API call too (`calls`). Faults: `fail`, `disturb`,
`break_gateway`, `down`.
"""

from emulators.discord.actions import Typing
from emulators.discord.errors import ApiError
from emulators.discord.faults import Armed, Disturbance, Fault
from emulators.discord.gateway import Handshake
from emulators.discord.interactions import Interaction
from emulators.discord.mentions import Ping
from emulators.discord.rest import Call
from emulators.discord.server import Discord

__all__ = [
    "ApiError",
    "Armed",
    "Call",
    "Discord",
    "Disturbance",
    "Fault",
    "Handshake",
    "Interaction",
    "Ping",
    "Typing",
]
