"""Signatures that bind what the service once said to where it said it (pure).

The vendor's "Preserved thinking": a thinking block may be replayed only on the model and the exact prefix
it was written for; removing the oldest thinking blocks is safe, removing one from the middle is not.
So a signature holds a digest of the prefix without thinking, and the chain of thinking blocks before it.
The real signature is encrypted; ours is an HMAC with a fixed key, so that stored blocks outlive a restart.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence
from typing import Any

from emulators.claude import blocks, models

_KEY = b"the emulator's own key; it protects nothing"


def thinking(text: str, *, before: Sequence[blocks.Block], model: models.Model) -> str:
    """Sign a thinking block that the model wrote after ``before``."""
    claims = {
        "model": model.id,
        "text": _digest(text.encode()),
        "prefix": _prefix(before),
        "chain": _chain(before),
    }
    packed = json.dumps(claims, separators=(",", ":")).encode()
    return base64.b64encode(_mac(packed) + packed).decode()


def problem(block: blocks.Block, *, before: Sequence[blocks.Block], model: models.Model) -> str | None:
    """Say why a replayed thinking block is refused, in the service's words; ``None`` if it may stand."""
    claims = _open(str(block.value.get("signature")))
    invalid = f"{block.path}: Invalid `signature` in `thinking` block"
    if claims is None:
        return invalid
    shown = block.value["thinking"]
    if shown and _digest(shown.encode()) != claims["text"]:
        return (
            f"{block.path}: `thinking` or `redacted_thinking` blocks in the latest assistant message "
            "cannot be modified. These blocks must remain as they were in the original response."
        )
    if not model.binds_thinking:
        return None
    if claims["model"] != model.id:
        return f"{invalid}. The block is bound to a different model"
    chain, signed = _chain(before), claims["chain"]
    if claims["prefix"] != _prefix(before) or chain != signed[len(signed) - len(chain) :]:
        return f"{invalid}. The block is bound to a different conversation"
    return None


def search_result(result: dict[str, Any]) -> str:
    """Make the ``encrypted_content`` of one web search result, which must come back byte for byte."""
    told = [result.get("url"), result.get("title"), result.get("page_age")]
    return base64.b64encode(_mac(json.dumps(told).encode())).decode()


def citation(cited: dict[str, Any]) -> str:
    """Make the ``encrypted_index`` of a citation of a web page, which must come back byte for byte."""
    told = [cited.get("url"), cited.get("title"), cited.get("cited_text")]
    return base64.b64encode(_mac(json.dumps(["index", *told]).encode())).decode()


def _open(signature: str) -> dict[str, Any] | None:
    try:
        raw = base64.b64decode(signature, validate=True)
    except ValueError:
        return None
    mac, packed = raw[:32], raw[32:]
    if not hmac.compare_digest(mac, _mac(packed)):
        return None
    claims: dict[str, Any] = json.loads(packed)
    return claims


def _prefix(before: Sequence[blocks.Block]) -> str:
    return _digest(b"\n".join(blocks.canonical(one) for one in before if one.kind not in blocks.THINKING))


def _chain(before: Sequence[blocks.Block]) -> list[str]:
    said = [one.value for one in before if one.kind in blocks.THINKING]
    return [_digest(str(one.get("signature") or one.get("data")).encode())[:12] for one in said]


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _mac(data: bytes) -> bytes:
    return hmac.digest(_KEY, data, "sha256")
