"""Endpoints of the application: gateway address, commands, interaction callbacks and follow-ups."""

from emulators.discord import drafts, errors, interactions, payloads, records, routing

table = routing.Table()

PONG, MESSAGE, DEFERRED, DEFERRED_UPDATE, UPDATE, CHOICES, MODAL = 1, 4, 5, 6, 7, 8, 9
_COMMANDS = "/applications/{application_id}/commands"
_GUILD_COMMANDS = "/applications/{application_id}/guilds/{guild_id}/commands"
_WEBHOOK = "/webhooks/{application_id}/{token}"
_RESPONSE = _WEBHOOK + "/messages/{message_id}"


@table.on("GET", "/gateway", public=True)
def gateway(backend: routing.Backend, request: routing.Request) -> routing.Reply:  # noqa: ARG001 - a handler's signature
    """Where the gateway is."""
    return routing.Reply(body={"url": backend.gateway_url()})


@table.on("GET", "/gateway/bot")
def gateway_bot(backend: routing.Backend, request: routing.Request) -> routing.Reply:  # noqa: ARG001 - see above
    """Where the gateway is, and how many shards are advised."""
    limit = {"total": 1000, "remaining": 1000, "reset_after": 0, "max_concurrency": 1}
    shards = backend.world.portal.shards
    return routing.Reply(body={"url": backend.gateway_url(), "shards": shards, "session_start_limit": limit})


@table.on("GET", "/oauth2/applications/@me")
def application(backend: routing.Backend, request: routing.Request) -> routing.Reply:  # noqa: ARG001 - see above
    """The application behind the token."""
    return routing.Reply(body=payloads.application(backend.world))


@table.on("GET", "/applications/@me")
def application_too(backend: routing.Backend, request: routing.Request) -> routing.Reply:
    """The same under its newer address."""
    return application(backend, request)


def _scope(backend: routing.Backend, request: routing.Request) -> str | None:
    """The server of a command call; 403 for another application's."""
    if request.ids["application_id"] != backend.world.application_id:
        raise errors.ApiError(403, 20012, "You are not authorized to perform this action on this application")
    guild = request.ids.get("guild_id")
    return None if guild is None else backend.world.guild(guild).id


def _list(backend: routing.Backend, request: routing.Request) -> routing.Reply:
    return routing.Reply(body=backend.desk.commands.of(_scope(backend, request)))


def _replace(backend: routing.Backend, request: routing.Request) -> routing.Reply:
    scope = _scope(backend, request)
    application_id = backend.world.application_id
    return routing.Reply(body=backend.desk.commands.replace(scope, request.body, application=application_id))


def _add(backend: routing.Backend, request: routing.Request) -> routing.Reply:
    scope = _scope(backend, request)
    added = backend.desk.commands.add(scope, request.fields, application=backend.world.application_id)
    return routing.Reply(body=added, status=201)


def _remove(backend: routing.Backend, request: routing.Request) -> routing.Reply:
    backend.desk.commands.remove(_scope(backend, request), request.ids["command_id"])
    return routing.NOTHING


for _path in (_COMMANDS, _GUILD_COMMANDS):
    table.on("GET", _path)(_list)
    table.on("PUT", _path)(_replace)
    table.on("POST", _path)(_add)
    table.on("DELETE", _path + "/{command_id}")(_remove)


@table.on("POST", "/interactions/{interaction_id}/{token}/callback", public=True)
def callback(backend: routing.Backend, request: routing.Request) -> routing.Reply:
    """The first answer, within three seconds."""
    desk = backend.desk
    found = desk.waiting(request.ids["interaction_id"], request.ids["token"])
    kind, data = request.fields.get("type"), request.fields.get("data") or {}
    if kind == CHOICES and found.kind == interactions.AUTOCOMPLETE:
        found.choices = _choices(data)
    elif kind == MODAL and found.kind in (interactions.COMMAND, interactions.COMPONENT):
        found.modal = _modal(data)
    elif kind in (MESSAGE, DEFERRED) and found.kind != interactions.AUTOCOMPLETE:
        draft = _draft(backend, request, data)
        if kind == MESSAGE and draft.is_empty:
            raise errors.empty_message()
        found.ephemeral = draft.ephemeral
        found.original = desk.respond(found, draft, thinking=kind == DEFERRED)
    elif kind in (DEFERRED_UPDATE, UPDATE) and found.source is not None:
        found.original = found.source
        if kind == UPDATE:
            desk.change(found, found.source, _draft(backend, request, data))
    else:
        raise errors.invalid(
            "type", "INTERACTION_APPLICATION_COMMAND_INVALID_CALLBACK_TYPE", "Invalid callback type"
        )
    found.callback = kind
    if kind in (CHOICES, MODAL):
        found.done.set()
    if request.query.get("with_response") in ("true", "1"):
        return routing.Reply(body=_outcome(backend, found))
    return routing.NOTHING


def _outcome(backend: routing.Backend, found: interactions.Interaction) -> records.Json:
    about: records.Json = {"id": found.id, "type": found.kind}
    body: records.Json = {"interaction": about, "resource": {"type": found.callback}}
    if found.callback in (MESSAGE, DEFERRED, UPDATE) and found.original is not None:
        about["response_message_id"] = found.original.id
        about["response_message_loading"] = found.deferred
        about["response_message_ephemeral"] = bool(found.original.flags & records.EPHEMERAL)
        if not found.deferred:
            body["resource"]["message"] = payloads.message(backend.world, found.original)
    return body


def _choices(data: records.Json) -> list[records.Json]:
    choices = data.get("choices") or []
    if len(choices) > 25:
        raise errors.invalid("data.choices", "BASE_TYPE_MAX_LENGTH", "Must be 25 or fewer in length.")
    for place, choice in enumerate(choices):
        if not 1 <= len(choice.get("name") or "") <= 100:
            raise errors.invalid(
                f"data.choices.{place}.name", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100."
            )
    return list(choices)


def _modal(data: records.Json) -> records.Json:
    if not 1 <= len(data.get("title") or "") <= 45:
        raise errors.invalid("data.title", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 45 in length.")
    if not data.get("custom_id") or not 1 <= len(data.get("components") or ()) <= 5:
        raise errors.invalid("data.components", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 5 in length.")
    return data


def _draft(backend: routing.Backend, request: routing.Request, body: records.Json) -> drafts.Draft:
    limit = backend.world.portal.upload_limit
    return drafts.parse(body, uploads=request.uploads, upload_limit=limit)


def _found(backend: routing.Backend, request: routing.Request) -> interactions.Interaction:
    return backend.desk.acknowledged(request.ids["application_id"], request.ids["token"])


def _message(found: interactions.Interaction, message_id: str) -> records.Message:
    if message_id == "@original":
        if found.original is None:
            raise errors.unknown_message()
        return found.original
    for message in found.messages:
        if message.id == message_id:
            return message
    raise errors.unknown_message()


@table.on("POST", _WEBHOOK, public=True)
def follow_up(backend: routing.Backend, request: routing.Request) -> routing.Reply:
    """One more message; the first after "thinking" takes its place and stays as private as it was."""
    found = _found(backend, request)
    draft = _draft(backend, request, request.fields)
    if draft.is_empty:
        raise errors.empty_message()
    if found.deferred and found.original is not None:
        backend.desk.change(found, found.original, draft)
        message = found.original
    else:
        message = backend.desk.respond(found, draft)
    return routing.Reply(body=payloads.message(backend.world, message))


@table.on("GET", _RESPONSE, public=True)
def get(backend: routing.Backend, request: routing.Request) -> routing.Reply:
    """A response."""
    message = _message(_found(backend, request), request.ids["message_id"])
    return routing.Reply(body=payloads.message(backend.world, message))


@table.on("PATCH", _RESPONSE, public=True)
def edit(backend: routing.Backend, request: routing.Request) -> routing.Reply:
    """Change a response."""
    found = _found(backend, request)
    message = _message(found, request.ids["message_id"])
    backend.desk.change(found, message, _draft(backend, request, request.fields))
    return routing.Reply(body=payloads.message(backend.world, message))


@table.on("DELETE", _RESPONSE, public=True)
def delete(backend: routing.Backend, request: routing.Request) -> routing.Reply:
    """Take a response away."""
    found = _found(backend, request)
    backend.desk.withdraw(found, _message(found, request.ids["message_id"]))
    return routing.NOTHING
