"""Claude's Messages API on loopback: strict, stateful, failing on command; driven by the real SDK.

    from emulators import claude

    async with claude.Claude(clock=clock) as api:
        client = anthropic.AsyncAnthropic(api_key="any", base_url=api.url, max_retries=0)
        api.answer = lambda body: "Hello"
        gate = api.hold()                              # await gate.reached ... gate.release()
        api.fail(claude.Fault(kind="cut", after=2))
        api.requests[-1].usage

Fidelity. "Docs" are the vendor's pages on platform.claude.com as of August to November 2026, "SDK" is the
source of anthropic 2.12. Nothing here was compared with the live service.

| part | like the real service | not like it | source |
|---|---|---|---|
| HTTP | Bearer key (``X-Api-Key`` still works), ``anthropic-version``, error body, ``request-id``, 32 MB | rate-limit headers never shrink; no rates are counted | docs Errors, Rate limits; SDK |
| versions | the rules of 2026-10-21 | they hold for the older version header too | docs Migration 2026-10-21 |
| betas | a beta header or beta parameter is refused with a 400 | no beta is emulated: compaction, threads, fallbacks, MCP connector, binding controls | SDK |
| models | every current and legacy one with window, output, thinking, effort, smallest cached prefix | no Mythos; a few unpublished points take the stricter reading (``models``); release dates mostly unknown | docs Models, Thinking, Effort |
| refusals | see ``rules``: order, blank text, prefill, sampling, unknown fields, tools, media, marks | wording is the service's where public reports quote it, else ours; JSON schemas of tools are not validated | docs Errors, Tool use, Vision, PDF |
| mid-conversation system | models and places as documented | Haiku 5.5 is not documented: refused | docs System messages |
| preserved thinking | signature bound to model and exact prefix; the oldest thinking may go, the middle may not | HMAC, not encryption; enforced for every account; not bound to the account; no redacted thinking | docs Preserved thinking |
| prompt cache | writes at marks only, 20-block look-back, lifetimes, minimum, invalidators, billing | one process, no eviction, key instead of workspace; choices left open by the docs fall against the caller (``cache``) | docs Prompt caching |
| diagnostics | ``cache_miss_reason`` with the SDK's types | never pending; forgets nothing while it runs | SDK types |
| tokens | deterministic, 30 % more since 4.7; images and PDF by formula | UTF-8 bytes / 4, not the real tokenizer | docs Token counting, Vision |
| streaming | events and their order, pings, signatures, omitted thinking, cumulative usage | one ping a stream; real deltas vary in length | docs Streaming |
| stop reasons | all, ``max_tokens`` with thinking counted in, window exceeded, stop sequences | a refusal comes on command only | docs Stop reasons |
| web search, fetch | definitions; result blocks and citations given by the script (``searched``), replay of ``encrypted_content`` and ``encrypted_index`` checked; ``web = False`` refuses them as a disabled organisation does | nothing is searched or fetched; dynamic filtering (code execution) is not emulated; pages add what the script says to the bill, all of it uncached; the wording of the refusal is ours | docs Web search, Web fetch |
| scripts | one that uses a tool the request lacks, too often, off its domains, or fetches what nobody named, fails the test | custom tools' arguments are not held against their schema | none |
| files, URLs | refused as a file not found or a URL that cannot be fetched | no Files API | docs Files |
| answers | any script; by default an offline stand-in that tells what it was sent | no model | none |
"""  # noqa: E501 - a row of the table is one line

from emulators.claude.answers import Answer, default, echo
from emulators.claude.faults import Fault, Gate
from emulators.claude.records import Request
from emulators.claude.refusal import Refusal
from emulators.claude.server import Claude
from emulators.claude.serving import searched

__all__ = ["Answer", "Claude", "Fault", "Gate", "Refusal", "Request", "default", "echo", "searched"]
