"""Slack on loopback: strict, stateful, fault-injecting, driven by the unmodified slack-bolt 1.30.

    async with slack.Slack() as workspace:
        ada = workspace.add_user("Ada")
        general = workspace.add_channel("general", members=[ada])
        app = AsyncApp(client=AsyncWebClient(base_url=workspace.api_url, token=workspace.bot_token))
        …
        await workspace.post(channel=general, user=ada, text=f"<@{workspace.bot_user_id}> hello")
        await workspace.until(lambda w: len(w.messages(general)) == 2)

How like the real Slack it is. DOCS: docs.slack.dev; SDK: slack_sdk 3.47 or slack_bolt 1.30; SEEN: reported in
an issue of somebody's program against the live service; OURS: a choice of ours where Slack tells nothing.

| part | like Slack | not like Slack | source |
|---|---|---|---|
| tokens, scopes | not_authed, invalid_auth, not_allowed_token_type, missing_scope with needed and provided; X-OAuth-Scopes | no user tokens | DOCS |
| OAuth | consent page, redirect_uri and client checked, codes good once for ten minutes, tokens of twelve hours with refresh tokens good once, auth.revoke, uninstall, several workspaces with the same ids and ts | the old token stays good until it runs out, which Slack may cut; an org-wide install is only an answer | DOCS, OURS |
| Slack Connect | a channel in two workspaces with one id, authors' teams, is_ext_shared_channel | each installation is sent each event; Slack may send one for both | DOCS, OURS |
| arguments | query, form, JSON; token not in JSON; invalid_arguments with response_metadata.messages | unknown arguments pass, as on Slack | DOCS |
| chat.postMessage | no_text, not_in_channel, is_archived, msg_blocks_too_long, metadata and block checks, cut at 40,000 | a reply to a reply or to nothing is thread_not_found, which Slack may take | DOCS, bolt-js#2509, OURS |
| chat.update | own posts only, 4,000 characters, blocks and metadata not sent stay, streaming_state_conflict | no edit window | DOCS, SEEN |
| blocks | count, types, lengths, duplicate ids of the kinds a bot sends | input, video, card and plan blocks are only known by type | DOCS, SDK |
| streaming | recipients outside DMs, 12,000 a call, ends after 300 s, errors of a closed one, session status | what events a stream causes is a guess: message at start, message_changed at stop | DOCS, python-slack-sdk#1859, OURS |
| agent sessions | statuses, title once, Stop ends streams and leaves the status; `processing` ends after an hour | refusal where the plan has no agents: `streaming_refusal`, a guess | DOCS, SEEN, OURS |
| history, replies | cursors, oldest, latest, inclusive, metadata on request, tombstones, the 15-a-minute mode | always read-your-writes; the root opens every page of replies | DOCS, SEEN |
| events | message and app_mention for one post, own posts come back, edits, unfurls, deletions, subscriptions and scopes decide | only kinds a chat bot needs; an echo has no metadata | DOCS, OURS |
| delivery | 3 s, three retries, retry headers and fields, a new envelope_id each attempt; no socket means an attempt failed | no hourly "delayed events", no disabling of bad apps; any socket may acknowledge | DOCS, OURS |
| Socket Mode | one-use tickets, hello, ten connections, refresh, warning, link_disabled, too_many_websockets, ping and pong | a refreshed socket is closed by the client alone | DOCS, SDK |
| HTTP | v0 signatures, url_verification, x-slack-no-retry | redirects are not followed | DOCS |
| files | three-step upload, Bearer download, login page with HTTP 200, or 302 to it (`signs_in_elsewhere`), without files:read; shares in files.info; files.delete of own ones; file_deleted, and message_changed without `edited` | no thumbnails, no previews; shared at once, where Slack takes a moment; a post whose file is deleted stays, with a tombstone, also one without text | DOCS, SEEN, slackdeletron#48, OURS |
| commands, shortcuts, modals | fields of each payload, ack with or without text, one-use triggers of 3 s, response_url five times in 30 minutes | a form is checked for its blocks, not for what is required in it | DOCS, OURS |
| buttons, menus | block_actions of buttons, feedback pairs and selects of options or conversations, container with thread_ts and is_ephemeral, response_url | an ephemeral post comes as `message` too | DOCS, OURS |
| rate limits | per tier and minute, one post a second and channel; off until `limited_tiers` names them | exact windows are not public | DOCS |
| pings | `<!here>`, `<@U…>`, groups, bare names under link_names, in text, blocks and streams | counted for updates as well, where Slack mostly stays silent | DOCS, OURS |
"""  # noqa: E501 -- a row of a table is one line

from emulators.slack.changes import NotReachedError
from emulators.slack.delivery import Delivery
from emulators.slack.faults import Fault, Planned
from emulators.slack.http_events import VerificationError, signature
from emulators.slack.pings import shown_text
from emulators.slack.records import Call, Ping, Unfurl
from emulators.slack.server import Slack

__all__ = [
    "Call",
    "Delivery",
    "Fault",
    "NotReachedError",
    "Ping",
    "Planned",
    "Slack",
    "Unfurl",
    "VerificationError",
    "shown_text",
    "signature",
]
