"""assistant.threads.* and agents.sessions.*: what a person sees while the bot is at work."""

from __future__ import annotations

from typing import Any

from emulators.slack import api_error, chat, methods, streaming

Json = dict[str, Any]


def set_thinking(request: methods.Request) -> Json:
    """assistant.threads.setStatus: text under the thread, until a post, "" or two minutes."""
    state = request.state
    channel_id, thread_ts = _thread(request)
    status = request.args.get("status")
    messages = request.json("loading_messages")
    if not isinstance(status, str):
        raise api_error.invalid_arguments("missing required field: status")
    if messages is not None and (not isinstance(messages, list) or len(messages) > 10):
        raise api_error.invalid_arguments("no more than 10 items allowed: loading_messages")
    session = state.session(channel_id, thread_ts)
    session.thinking, session.thinking_since = status, state.clock()
    state.changed.ring()
    return {}


def set_title(request: methods.Request) -> Json:
    """assistant.threads.setTitle."""
    channel_id, thread_ts = _thread(request)
    request.state.session(channel_id, thread_ts).title = request.text("title")
    request.state.changed.ring()
    return {}


def set_suggested_prompts(request: methods.Request) -> Json:
    """assistant.threads.setSuggestedPrompts: at most four; without thread_ts, for the Messages tab."""
    _allowed(request)
    channel = request.joined_channel("channel_id")
    prompts = request.json("prompts")
    if not isinstance(prompts, list) or not 0 < len(prompts) <= 4:
        raise api_error.invalid_arguments("1 to 4 items allowed: prompts")
    for prompt in prompts:
        if not isinstance(prompt, dict) or not prompt.get("title") or not prompt.get("message"):
            raise api_error.invalid_arguments("a prompt has a title and a message")
    request.state.prompts[channel.id, chat.thread_root(request, channel)] = prompts
    request.state.changed.ring()
    return {}


def set_session_status(request: methods.Request) -> Json:
    """agents.sessions.setStatus: creates the session if need be; the title counts only then."""
    state = request.state
    channel_id, thread_ts = _thread(request)
    status = request.text("status")
    if status not in streaming.SESSION_STATUSES:
        raise api_error.invalid_arguments("invalid value: status")
    session = state.session(channel_id, thread_ts)
    if not session.status:
        session.title = _title(request.optional("title") or "")
    session.status, session.since = status, state.clock()
    state.changed.ring()
    answer: Json = {"status": status, "agent_status": status, "title": session.title}
    if "agent_session_stopped" not in state.subscriptions:
        answer["warning"] = "missing_agent_session_stopped_event_subscription"
    return answer


def rename_session(request: methods.Request) -> Json:
    """agents.sessions.rename."""
    channel_id, thread_ts = _thread(request)
    session = request.state.session(channel_id, thread_ts)
    if not session.status:
        raise api_error.ApiError("session_not_found")
    session.title = _title(request.text("title"))
    request.state.changed.ring()
    return {"title": session.title}


def _allowed(request: methods.Request) -> None:
    if not request.state.streaming_allowed:
        raise api_error.ApiError(request.state.streaming_refusal)


def _thread(request: methods.Request) -> tuple[str, str]:
    _allowed(request)
    channel = request.joined_channel("channel_id")
    request.text("thread_ts")
    return channel.id, str(chat.thread_root(request, channel))


def _title(title: str) -> str:
    if len(title) > 200:
        raise api_error.invalid_arguments("must be less than 201 characters: title")
    return title


METHODS = {
    "assistant.threads.setStatus": methods.Method(handler=set_thinking, scope="chat:write", tier="4"),
    "assistant.threads.setTitle": methods.Method(handler=set_title, scope="assistant:write"),
    "assistant.threads.setSuggestedPrompts": methods.Method(
        handler=set_suggested_prompts, scope="assistant:write"
    ),
    "agents.sessions.setStatus": methods.Method(handler=set_session_status, scope="chat:write"),
    "agents.sessions.rename": methods.Method(handler=rename_session, scope="chat:write"),
}
