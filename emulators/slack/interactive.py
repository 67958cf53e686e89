"""Commands, shortcuts, buttons, the Home tab, modals, and the response_url that answers them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiohttp import web

from emulators.slack import api_error, checks, people, pings

if TYPE_CHECKING:
    from emulators.slack import delivery

Json = dict[str, Any]

RESPONSE_USES = 5  # docs.slack.dev, handling user interaction: five times within thirty minutes
RESPONSE_SECONDS = 1800.0


class Interactive(people.People):
    """What people do besides writing. Every deed returns its Delivery, whose `response` is the app's ack."""

    async def command(self, *, channel: str, user: str, command: str, text: str = "") -> delivery.Delivery:
        """A slash command, in a channel or DM; Slack has none inside threads."""
        place = self.channels[channel]
        body = {
            "token": "emulated-verification-token",
            "team_id": self.team_id,
            "team_domain": "emulated",
            "channel_id": channel,
            "channel_name": "directmessage" if place.kind == "im" else place.name,
            "user_id": user,
            "user_name": self.users[user].name,
            "command": command,
            "text": text,
            "api_app_id": self.app_id,
            "is_enterprise_install": "false",
            "response_url": self.new_response_url(channel=channel, user=user),
            "trigger_id": self.new_trigger(user),
        }
        return self.deliveries.dispatch(body, kind="slash_commands", event_id=self.new_id("Cmd"))

    async def shortcut(
        self, *, user: str, callback_id: str, channel: str | None = None, ts: str | None = None
    ) -> delivery.Delivery:
        """A global shortcut or, with a message, a message shortcut."""
        body = self._interaction(user) | {"callback_id": callback_id, "action_ts": self.new_ts()}
        if channel is None or ts is None:
            return self._interact(body | {"type": "shortcut"})
        place = self.channels[channel]
        return self._interact(
            body
            | {
                "type": "message_action",
                "message_ts": ts,
                "message": self.rendered(place, place.messages[ts]),
                "channel": {"id": channel, "name": place.name},
                "response_url": self.new_response_url(channel=channel, user=user),
            }
        )

    async def button(
        self,
        *,
        user: str,
        action_id: str,
        channel: str | None = None,
        ts: str | None = None,
        value: str | None = None,
    ) -> delivery.Delivery:
        """Somebody presses a button of a message or ephemeral (channel, ts) or of their Home tab.

        LookupError when no such element is shown there. `value` picks one of a feedback pair, an option of a
        select, or a conversation.
        """
        body = self._interaction(user) | {"type": "block_actions"}
        if channel is None or ts is None:
            view = self.homes[user]
            body |= {"view": view, "container": {"type": "view", "view_id": view["id"]}}
            blocks = view["blocks"]
        else:
            place = self.channels[channel]
            message = place.messages.get(ts) or self._ephemeral(channel, ts)
            blocks = message.get("blocks") or []
            body |= {
                "channel": {"id": channel, "name": place.name},
                "message": message,
                "container": _container(message, channel=channel, ts=ts, ephemeral=ts not in place.messages),
                "response_url": self.new_response_url(channel=channel, user=user, message_ts=ts),
            }
        action = _pressed(blocks, action_id=action_id, value=value)
        return self._interact(body | {"actions": [action | {"action_ts": self.new_ts()}]})

    async def submit_view(self, *, user: str, view_id: str, values: Json) -> delivery.Delivery:
        """Somebody submits a modal; `values` is `{block_id: {action_id: {…}}}`.

        What its acknowledgement finds wrong stands in `modals[view_id]["errors"]` then.
        """
        view = self.modals[view_id] | {"state": {"values": values}}
        return self._interact(self._interaction(user) | {"type": "view_submission", "view": view})

    async def open_home(self, user: str, *, tab: str = "home") -> None:
        """Somebody opens the app: its `home` or its `messages` tab."""
        channel = self.direct_channel(user)
        event: Json = {"type": "app_home_opened", "user": user, "channel": channel.id, "tab": tab}
        if tab == "home" and user in self.homes:
            event["view"] = self.homes[user]
        self.send_event(event | {"event_ts": self.new_ts()}, channel=channel)

    def answered(self, envelope: delivery.Delivery) -> None:
        """What an acknowledgement says: a command's is shown as a response_url's would be, a form's in it.

        A form that was taken without errors closes.
        """
        response = envelope.response or {}
        if envelope.kind == "slash_commands" and (response.get("text") or response.get("blocks")):
            self._show(envelope.body["channel_id"], envelope.body["user_id"], response, via="ack")
        elif envelope.body.get("type") == "view_submission":
            view = self.modals.pop(envelope.body["view"]["id"], None)
            if view is not None and response.get("response_action") == "errors":
                self.modals[view["id"]] = view | {"errors": response["errors"]}
        self.changed.ring()

    def respond(self, token: str, body: Json) -> str | None:
        """Take what the app posted to a response_url; returns Slack's error word, or None if all is well."""
        target = self.response_urls.get(token)
        if target is None:
            return "invalid_url"
        if self.clock() - target["made_at"] > RESPONSE_SECONDS:
            return "expired_url"
        if target["uses"] >= RESPONSE_USES:
            return "used_url"
        target["uses"] += 1
        if body.get("blocks"):
            try:
                checks.blocks(body["blocks"])
            except api_error.ApiError as error:
                return error.code
        ts, channel = target["message_ts"], target["channel"]
        if ts and (body.get("replace_original") or body.get("delete_original")):
            self._rework(channel, ts, body)
        else:
            self._show(channel, target["user"], body, via="response_url")
        return None

    def _show(self, channel: str, user: str, body: Json, *, via: str) -> None:
        texts = [str(body.get("text") or ""), *pings.block_texts(body.get("blocks") or [], notifying=True)]
        place, ts = self.channels[channel], self.new_ts()
        kept = ("text", "blocks", "attachments", "metadata")
        shown: Json = {"text": "", **{key: body[key] for key in kept if key in body}}
        if body.get("response_type") == "in_channel":
            message = {"type": "message", "bot_id": self.bot_id, "user": self.bot_user_id, "ts": ts, **shown}
            self.note_pings(place, ts, method=via, texts=texts)
            self.store(place, message)
            return
        place_of = {"channel": channel, "user": user, "thread_ts": body.get("thread_ts")}
        self.ephemerals.append(shown | place_of | {"ts": ts, "via": via})
        self.changed.ring()

    def _rework(self, channel: str, ts: str, body: Json) -> None:
        """Replace or delete the message (or the ephemeral) that the person acted on."""
        place = self.channels[channel]
        # Unlike chat.update, a replacement keeps nothing of what it replaces.
        shown = {"text": body.get("text", ""), "blocks": body.get("blocks") or []}
        if ts in place.messages:
            if body.get("delete_original"):
                self.remove(place, ts)
            else:
                self.change(place, place.messages[ts] | shown)
            return
        old = self._ephemeral(channel, ts)
        self.ephemerals.remove(old)
        if not body.get("delete_original"):
            self.ephemerals.append(old | shown)
        self.changed.ring()

    def _ephemeral(self, channel: str, ts: str) -> Json:
        for shown in self.ephemerals:
            if shown["channel"] == channel and shown["ts"] == ts:
                return shown
        raise LookupError(f"there is no message {ts} in {channel}")

    def _interaction(self, user: str) -> Json:
        person = self.users[user]
        return {
            "token": "emulated-verification-token",
            "team": {"id": self.team_id, "domain": "emulated"},
            "user": {"id": user, "username": person.name, "name": person.name, "team_id": person.team_id},
            "api_app_id": self.app_id,
            "is_enterprise_install": False,
            "enterprise": None,
            "trigger_id": self.new_trigger(user),
        }

    def _interact(self, body: Json) -> delivery.Delivery:
        return self.deliveries.dispatch(body, kind="interactive", event_id=self.new_id("Int"))


class ResponseUrls:
    """The HTTP side of response_url."""

    def __init__(self, *, workspace: Interactive) -> None:
        self._workspace = workspace

    async def handle(self, request: web.Request) -> web.Response:
        """Take the app's JSON; errors are HTTP 404 or 400 with Slack's word as text."""
        problem = self._workspace.respond(request.match_info["token"], await request.json())
        if problem is None:
            return web.Response(text="ok")
        return web.Response(status=404 if problem.endswith("_url") else 400, text=problem)


def _container(message: Json, *, channel: str, ts: str, ephemeral: bool) -> Json:
    """Where the element stands (docs.slack.dev, the block_actions payload)."""
    found: Json = {"type": "message", "message_ts": ts, "channel_id": channel, "is_ephemeral": ephemeral}
    return found | ({"thread_ts": message["thread_ts"]} if message.get("thread_ts") else {})


def _pressed(blocks: list[Json], *, action_id: str, value: str | None) -> Json:
    """The action of pressing the element `action_id`, wherever it stands in the blocks."""
    for block in blocks:
        elements = [*(block.get("elements") or []), block.get("accessory")]
        for element in elements:
            if not isinstance(element, dict) or element.get("action_id") != action_id:
                continue
            action = {"action_id": action_id, "block_id": block.get("block_id", "b"), "type": element["type"]}
            if element["type"] == "feedback_buttons":
                choices = [element["positive_button"], element["negative_button"]]
                chosen = next((c for c in choices if c.get("value") == value), None)
                if chosen is None:
                    raise LookupError(f"{action_id} has no choice {value!r}")
                return action | {"value": value, "text": chosen["text"]}
            if element["type"] == "static_select":
                option = next((o for o in element["options"] if o["value"] == value), None)
                if option is None:
                    raise LookupError(f"{action_id} has no option {value!r}")
                return action | {"selected_option": option}
            if element["type"] == "conversations_select":
                return action | {"selected_conversation": value}
            return action | {"value": element.get("value", ""), "text": element.get("text")}
    raise LookupError(f"no element {action_id!r} is shown there")
