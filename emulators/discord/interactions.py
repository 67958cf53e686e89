"""Slash commands, context menus, buttons, modals: what people start, and what the bot answers."""

import asyncio
import dataclasses
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from emulators.discord import actions, commands, drafts, errors, events, payloads, permissions, records, state

Json = records.Json

COMMAND, COMPONENT, AUTOCOMPLETE, MODAL = 2, 3, 4, 5
ANSWER_SECONDS, TOKEN_SECONDS = 3.0, 900.0


@dataclass(kw_only=True)
class Interaction:
    """One thing a person started; it fills up as the bot answers."""

    id: str
    token: str
    kind: int
    user: str
    channel: str
    at: float
    payload: Json
    callback: int | None = None
    ephemeral: bool = False
    messages: list[records.Message] = field(default_factory=list)
    original: records.Message | None = None
    source: records.Message | None = None
    choices: list[Json] | None = None
    modal: Json | None = None
    show: Callable[[records.Message], Json] = field(repr=False)
    done: asyncio.Event = field(default_factory=asyncio.Event, repr=False)

    @property
    def deferred(self) -> bool:
        """Whether the person still sees "thinking"."""
        return self.original is not None and bool(self.original.flags & records.LOADING)

    @property
    def responses(self) -> list[Json]:
        """What the person sees now, oldest first; bit 64 of `flags` marks what only they see."""
        return [self.show(message) for message in self.messages if not message.flags & records.LOADING]

    @property
    def typed(self) -> str:
        """The slash command as its answer shows it, with the values of its options; "" for anything else."""
        data = self.payload["data"] if self.kind == COMMAND else {}
        if data.get("target_id"):  # from a message's menu
            return ""
        values = [str(option["value"]) for option in data.get("options") or () if "value" in option]
        return " ".join([f"/{data['name']}", *values]) if data else ""

    async def answered(self, timeout: float = 10) -> list[Json]:  # noqa: ASYNC109 - a test's last resort
        """Wait for the first answer that is more than "thinking", and give the responses."""
        await asyncio.wait_for(self.done.wait(), timeout)
        return self.responses


class Desk:
    """Every interaction, by id and by token."""

    def __init__(self, *, world: state.World, publish: events.Publish, acts: actions.Actions) -> None:
        self._world = world
        self._publish = publish
        self._acts = acts
        self.commands = commands.Commands(ids=world.ids)
        self.all: dict[str, Interaction] = {}

    def start(
        self,
        *,
        kind: int,
        user: str,
        channel: records.Channel,
        data: Json,
        source: records.Message | None = None,
    ) -> Interaction:
        """Send INTERACTION_CREATE for what a person did."""
        world = self._world
        payload: Json = {
            "id": world.ids.next(),
            "application_id": world.application_id,
            "type": kind,
            "token": secrets.token_urlsafe(48),
            "version": 1,
            "data": data,
            "channel_id": channel.id,
            "channel": payloads.channel(world, channel) | {"permissions": str(permissions.EVERYONE)},
            "locale": "en-GB",
            "app_permissions": str(world.bot_permissions(channel)),
            "entitlements": [],
            "authorizing_integration_owners": {"0": channel.guild or "0"},
            "context": commands.BOT_DM_CONTEXT if channel.guild is None else commands.GUILD_CONTEXT,
            "attachment_size_limit": world.portal.upload_limit,
        }
        if channel.guild is None:
            payload["user"] = payloads.user(world, user)
        else:
            who = payloads.member(world, world.guild(channel.guild), user)
            payload |= {"guild_id": channel.guild, "guild_locale": "en-GB"}
            payload["guild"] = {"id": channel.guild, "locale": "en-GB", "features": []}
            payload["member"] = who | {"permissions": str(permissions.EVERYONE)}
        if source is not None:
            payload["message"] = payloads.message(world, source)
        started = Interaction(
            id=payload["id"],
            token=payload["token"],
            kind=kind,
            user=user,
            channel=channel.id,
            at=world.clock(),
            payload=payload,
            source=source,
            show=lambda message: payloads.message(world, message),
        )
        self.all[started.id] = started
        self._publish(events.Event(name="INTERACTION_CREATE", data=payload, guild=channel.guild))
        return started

    def command(
        self,
        *,
        user: str,
        channel: records.Channel,
        words: Sequence[str],
        values: Mapping[str, Any],
        focused: str | None = None,
    ) -> Interaction:
        """A slash command; the words after the first are its sub-commands. `focused` asks for completion."""
        picked = self.commands.pick(name=words[0], kind=commands.CHAT, guild=channel.guild)
        data = {
            "id": picked["id"],
            "name": picked["name"],
            "type": commands.CHAT,
            "options": commands.fill(picked["options"], words[1:], values, focused=focused),
        }
        if "guild_id" in picked:
            data["guild_id"] = picked["guild_id"]
        kind = COMMAND if focused is None else AUTOCOMPLETE
        return self.start(kind=kind, user=user, channel=channel, data=data)

    def menu(self, *, user: str, message: records.Message, name: str) -> Interaction:
        """A context-menu command on a message."""
        channel = self._world.channel(message.channel)
        picked = self.commands.pick(name=name, kind=commands.MESSAGE, guild=channel.guild)
        data = {
            "id": picked["id"],
            "name": name,
            "type": commands.MESSAGE,
            "target_id": message.id,
            "resolved": {"messages": {message.id: payloads.message(self._world, message)}},
        }
        return self.start(kind=COMMAND, user=user, channel=channel, data=data)

    def component(
        self, *, user: str, message: records.Message, custom_id: str, values: Sequence[str] | None
    ) -> Interaction:
        """A click on a button, or a choice in a select; LookupError when the message has none like it."""
        for each in drafts.walk(message.components):
            if each.get("custom_id") == custom_id and not each.get("disabled"):
                data: Json = {"custom_id": custom_id, "component_type": each["type"], "id": each.get("id", 1)}
                if values is not None:
                    data["values"] = list(values)
                channel = self._world.channel(message.channel)
                return self.start(kind=COMPONENT, user=user, channel=channel, data=data, source=message)
        raise LookupError(f"the message has nothing to click with the custom id {custom_id!r}")

    def submit(self, *, shown: Interaction, values: Mapping[str, str]) -> Interaction:
        """Fill in and send the modal that an interaction was answered with."""
        if shown.modal is None:
            raise LookupError("the interaction was not answered with a modal")
        rows = []
        for row in shown.modal["components"]:
            inner = row["component"] if "component" in row else row["components"][0]
            filled = {"type": inner["type"], "custom_id": inner["custom_id"], "id": inner.get("id", 1)}
            filled["value"] = values.get(inner["custom_id"], inner.get("value") or "")
            both = {"component": filled} if "component" in row else {"components": [filled]}
            rows.append({"type": row["type"], "id": row.get("id", 1), **both})
        data = {"custom_id": shown.modal["custom_id"], "components": rows, "resolved": {}}
        channel = self._world.channel(shown.channel)
        return self.start(kind=MODAL, user=shown.user, channel=channel, data=data, source=shown.source)

    def waiting(self, interaction_id: str, token: str) -> Interaction:
        """The interaction of a callback, refused when it is too late or was answered."""
        found = self.all.get(interaction_id)
        if found is None or found.token != token or self._world.clock() - found.at > ANSWER_SECONDS:
            if found is not None and found.token == token and found.callback is not None:
                raise errors.already_acknowledged()
            raise errors.unknown_interaction()
        if found.callback is not None:
            raise errors.already_acknowledged()
        return found

    def acknowledged(self, application: str, token: str) -> Interaction:
        """The interaction of a follow-up, refused before the callback and after fifteen minutes."""
        found = next((each for each in self.all.values() if each.token == token), None)
        if found is None or application != self._world.application_id or found.callback is None:
            raise errors.unknown_webhook()
        if self._world.clock() - found.at > TOKEN_SECONDS:
            raise errors.invalid_webhook_token()
        return found

    def respond(
        self, interaction: Interaction, draft: drafts.Draft, *, thinking: bool = False
    ) -> records.Message:
        """Show a message; an ephemeral one is seen by the person alone and is no part of the channel."""
        world, channel = self._world, self._world.channel(interaction.channel)
        if thinking:
            draft = dataclasses.replace(draft, flags=draft.flags | records.LOADING)
        if draft.ephemeral:
            message = records.Message(
                id=world.ids.next(),
                channel=channel.id,
                author=world.bot,
                at=world.clock(),
                kind=self._kind(interaction),
                content=draft.content or "",
                embeds=list(draft.embeds or ()),
                components=list(draft.components or ()),
                files=self._acts.store(draft.uploads),
                flags=draft.flags | records.EPHEMERAL,
                interaction=self._metadata(interaction),
            )
        else:
            message = self._acts.post(
                channel=channel,
                author=world.bot,
                draft=draft,
                kind=self._kind(interaction),
                interaction=self._metadata(interaction),
            )
        interaction.messages.append(message)
        if not thinking:
            interaction.done.set()
        return message

    def _kind(self, interaction: Interaction) -> int:
        if interaction.kind != COMMAND:
            return records.DEFAULT
        chat = interaction.payload["data"]["type"] == commands.CHAT
        return records.CHAT_COMMAND if chat else records.MENU_COMMAND

    def _metadata(self, interaction: Interaction) -> Json:
        return {
            "id": interaction.id,
            "type": interaction.kind,
            "user": payloads.user(self._world, interaction.user),
            "authorizing_integration_owners": interaction.payload["authorizing_integration_owners"],
        }

    def change(self, interaction: Interaction, message: records.Message, draft: drafts.Draft) -> None:
        """Edit a response; "thinking" turns into the answer."""
        message.flags &= ~records.LOADING
        self._acts.edit(message, draft)
        interaction.done.set()

    def withdraw(self, interaction: Interaction, message: records.Message) -> None:
        """Delete a response."""
        interaction.messages.remove(message)
        channel = self._world.channel(message.channel)
        if message.id in channel.messages:
            self._acts.delete(channel, [message.id])
