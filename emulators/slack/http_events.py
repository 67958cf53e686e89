"""Delivery over HTTP: the Events API, commands and interactions, signed as Slack signs them."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
import urllib.parse
import uuid
from typing import Any

import aiohttp

from emulators.slack import delivery


class VerificationError(Exception):
    """The request URL did not answer Slack's challenge."""


def signature(*, secret: str, timestamp: str, body: bytes) -> str:
    """The `X-Slack-Signature` of a body (docs.slack.dev, verifying requests from Slack)."""
    base = b"v0:" + timestamp.encode() + b":" + body
    return "v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()


def signed_headers(*, secret: str, body: bytes, content_type: str) -> dict[str, str]:
    """Headers of a request that Slack would send now; wall-clock time, since apps check it against theirs."""
    timestamp = str(int(time.time()))
    return {
        "Content-Type": content_type,
        "X-Slack-Request-Timestamp": timestamp,
        "X-Slack-Signature": signature(secret=secret, timestamp=timestamp, body=body),
        "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
    }


class HttpEvents:
    """A `delivery.Transport` that posts to one request URL and takes any 2xx within the time as the ack."""

    def __init__(self, *, url: str, secret: str, session: aiohttp.ClientSession, ack_seconds: float) -> None:
        self._url = url
        self._secret = secret
        self._session = session
        self._timeout = aiohttp.ClientTimeout(total=ack_seconds)

    async def verify(self) -> None:
        """Send the url_verification challenge; raise VerificationError unless it comes back."""
        challenge = uuid.uuid4().hex
        body = json.dumps({"token": "emulated", "challenge": challenge, "type": "url_verification"}).encode()
        headers = signed_headers(secret=self._secret, body=body, content_type="application/json")
        async with self._session.post(self._url, data=body, headers=headers, timeout=self._timeout) as answer:
            text = await answer.text()
            if answer.status != 200 or challenge not in text:
                raise VerificationError(f"the request URL answered the challenge with HTTP {answer.status}")

    async def send(
        self, envelope: delivery.Delivery, *, retry_attempt: int, retry_reason: str
    ) -> delivery.Outcome:
        """One signed POST."""
        content_type, body = _encode(envelope)
        headers = signed_headers(secret=self._secret, body=body, content_type=content_type)
        if retry_attempt:
            headers |= {"X-Slack-Retry-Num": str(retry_attempt), "X-Slack-Retry-Reason": retry_reason}
        try:
            async with self._session.post(
                self._url, data=body, headers=headers, timeout=self._timeout, allow_redirects=False
            ) as answer:
                text = await answer.text()
                if 200 <= answer.status < 300:
                    return delivery.Outcome(acknowledged=True, response=_response(answer, text))
                final = answer.headers.get("X-Slack-No-Retry") == "1"
                return delivery.Outcome(acknowledged=False, reason="http_error", final=final)
        except (TimeoutError, aiohttp.ClientError) as error:
            reason = "http_timeout" if isinstance(error, TimeoutError) else "connection_failed"
            return delivery.Outcome(acknowledged=False, reason=reason)


def _encode(envelope: delivery.Delivery) -> tuple[str, bytes]:
    """Events are JSON, commands form fields, interactions JSON in the form field `payload`."""
    if envelope.kind == "events_api":
        return "application/json", json.dumps(envelope.body).encode()
    fields = envelope.body if envelope.kind == "slash_commands" else {"payload": json.dumps(envelope.body)}
    return "application/x-www-form-urlencoded", urllib.parse.urlencode(fields).encode()


def _response(answer: aiohttp.ClientResponse, text: str) -> dict[str, Any] | None:
    if not text:
        return None
    if answer.content_type == "application/json":
        parsed = json.loads(text)
        return parsed if isinstance(parsed, dict) else None
    return {"text": text}
