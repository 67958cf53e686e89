"""Records as the JSON that Discord sends (developer reference, the object of each resource)."""

import hashlib
import urllib.parse

from emulators.discord import permissions, records, snowflakes, state

Json = records.Json


def user(world: state.World, user_id: str) -> Json:
    """A user object."""
    known = world.user(user_id)
    return {
        "id": known.id,
        "username": known.username,
        "discriminator": "0000" if known.bot else "0",
        "global_name": None if known.bot else known.display_name,
        "avatar": None,
        "bot": known.bot,
        "public_flags": 0,
    }


def member(world: state.World, guild: records.Guild, user_id: str, *, with_user: bool = True) -> Json:
    """A server member object."""
    known = guild.members[user_id]
    body: Json = {
        "nick": known.nick,
        "roles": list(known.roles),
        "joined_at": snowflakes.stamp(known.joined_at),
        "deaf": False,
        "mute": False,
        "flags": 0,
        "pending": False,
        "premium_since": None,
        "communication_disabled_until": None,
        "avatar": None,
    }
    return body | ({"user": user(world, user_id)} if with_user else {})


def role(each: records.Role, *, position: int) -> Json:
    """A role object."""
    return {
        "id": each.id,
        "name": each.name,
        "permissions": str(each.permissions),
        "mentionable": each.mentionable,
        "position": position,
        "color": 0,
        "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
        "hoist": False,
        "managed": False,
        "flags": 0,
    }


def roles(guild: records.Guild) -> list[Json]:
    """Every role of a server."""
    return [role(each, position=position) for position, each in enumerate(guild.roles.values())]


def channel(world: state.World, each: records.Channel) -> Json:
    """A channel object of any kind."""
    body: Json = {"id": each.id, "type": each.kind, "last_message_id": each.last_message, "flags": 0}
    if each.kind == records.DM:
        return body | {"recipients": [user(world, each.recipient or "")]}
    body |= {"guild_id": each.guild, "name": each.name, "parent_id": each.parent, "rate_limit_per_user": 0}
    if each.is_thread:
        return body | _thread(world, each)
    denied = {"id": world.bot, "type": 1, "allow": "0", "deny": str(each.denied)}
    body |= {"topic": each.topic, "nsfw": False, "position": 0}
    view = str(permissions.BITS["view_channel"])
    hidden = [{"id": user, "type": 1, "allow": "0", "deny": view} for user in each.hidden_from]
    overwrites = [*([denied] if each.denied else []), *hidden]
    body |= {"permission_overwrites": overwrites, "default_auto_archive_duration": 1440}
    if each.kind == records.FORUM:
        body |= {"available_tags": [], "default_reaction_emoji": None, "default_sort_order": None}
    return body


def _thread(world: state.World, each: records.Channel) -> Json:
    """What only a thread has."""
    body: Json = {
        "owner_id": each.owner,
        "message_count": sum(1 for held in each.messages.values() if held.kind != records.THREAD_STARTER),
        "total_message_sent": each.total,
        "member_count": min(len(each.members), 50),
        "thread_metadata": {
            "archived": each.archived,
            "auto_archive_duration": each.auto_archive,
            "archive_timestamp": snowflakes.stamp(each.archived_at),
            "locked": each.locked,
            "create_timestamp": snowflakes.stamp(each.created_at),
        },
    }
    if world.bot in each.members:
        body["member"] = thread_member(each, world.bot)
    return body


def thread_member(thread: records.Channel, user_id: str) -> Json:
    """A thread member object."""
    joined = snowflakes.stamp(thread.members[user_id])
    return {"id": thread.id, "user_id": user_id, "join_timestamp": joined, "flags": 0}


_MAY_LACK = ("components", "flags", "mentions", "mention_roles")


def message(
    world: state.World, each: records.Message, *, gateway: bool = False, nested: bool = False
) -> Json:
    """A message object; the gateway adds `guild_id` and `member`, a referenced message has no reply in it."""
    body: Json = {
        "id": each.id,
        "type": each.kind,
        "channel_id": each.channel,
        "author": user(world, each.author),
        "content": each.content,
        "timestamp": snowflakes.stamp(each.at),
        "edited_timestamp": None if each.edited_at is None else snowflakes.stamp(each.edited_at),
        "tts": False,
        "mention_everyone": each.mention_everyone,
        "mentions": [user(world, mentioned) for mentioned in each.mentions],
        "mention_roles": list(each.mention_roles),
        "attachments": [attachment(world, each, file) for file in each.files],
        "embeds": list(each.embeds),
        "components": list(each.components),
        "pinned": each.pinned_at is not None,
        "flags": each.flags,
    }
    if world.portal.lean:
        body = {name: value for name, value in body.items() if value or name not in _MAY_LACK}
    body |= _optional(world, each, nested=nested)
    guild_id = world.channel(each.channel).guild
    if gateway and guild_id is not None:
        body["guild_id"] = guild_id
        guild = world.guild(guild_id)
        if each.author in guild.members:
            body["member"] = member(world, guild, each.author, with_user=False)
    return body


def _optional(world: state.World, each: records.Message, *, nested: bool) -> Json:
    """The fields that a message may lack."""
    body: Json = {}
    if each.nonce is not None:
        body["nonce"] = each.nonce
    if each.position is not None:
        body["position"] = each.position
    if each.reactions:
        body["reactions"] = [_reaction(world, name, users) for name, users in each.reactions.items()]
    if each.thread is not None and each.thread in world.channels:
        body["thread"] = channel(world, world.channel(each.thread))
    if each.snapshots:
        body["message_snapshots"] = [{"message": snapshot} for snapshot in each.snapshots]
    if each.interaction is not None:
        body |= {"interaction_metadata": each.interaction, "webhook_id": world.application_id}
        body["application_id"] = world.application_id
    if each.reference is not None:
        body["message_reference"] = each.reference
        if not nested and each.kind in (records.REPLY, records.THREAD_STARTER):
            home = world.channels.get(each.reference["channel_id"])
            found = home.messages.get(each.reference["message_id"]) if home else None
            body["referenced_message"] = message(world, found, nested=True) if found else None
    return body


def _reaction(world: state.World, name: str, users: list[str]) -> Json:
    return {
        "emoji": emoji(name),
        "count": len(users),
        "count_details": {"burst": 0, "normal": len(users)},
        "me": world.bot in users,
        "me_burst": False,
        "burst_colors": [],
    }


def emoji(name: str) -> Json:
    """An emoji object; a custom one is written `name:id`."""
    title, _, emoji_id = name.partition(":")
    return {"id": emoji_id or None, "name": title, "animated": False}


def attachment(world: state.World, each: records.Message, file: records.File) -> Json:
    """An attachment with an address signed now; it stops working a day later."""
    address = sign(world, f"/attachments/{each.channel}/{file.id}/{file.filename}")
    body: Json = {
        "id": file.id,
        "filename": file.filename,
        "size": len(file.data),
        "url": address,
        "proxy_url": address,
        "content_type": file.content_type,
        "flags": 0,
    }
    return body | ({"description": file.description} if file.description else {})


def sign(world: state.World, path: str) -> str:
    """The whole address of a path on the CDN, with expiry, issue time and signature as Discord adds them."""
    now = int(world.clock())
    expires = f"{now + int(world.portal.attachment_seconds):x}"
    return (
        f"{world.cdn}{urllib.parse.quote(path)}?ex={expires}&is={now:x}&hm={signature(world, path, expires)}&"
    )


def signature(world: state.World, path: str, expires: str) -> str:
    """What proves that an address was signed here."""
    return hashlib.sha256(f"{path}|{expires}|{world.portal.token}".encode()).hexdigest()


def guild(world: state.World, each: records.Guild, *, members: bool, gateway: bool) -> Json:
    """A server object; the gateway's has channels, threads and the bot, and with `members` everybody."""
    body: Json = {
        "id": each.id,
        "name": each.name,
        "owner_id": each.owner,
        "roles": roles(each),
        "emojis": [],
        "stickers": [],
        "features": [],
        "verification_level": 0,
        "default_message_notifications": 0,
        "explicit_content_filter": 0,
        "mfa_level": 0,
        "nsfw_level": 0,
        "premium_tier": 0,
        "preferred_locale": "en-US",
        "system_channel_flags": 0,
        "afk_timeout": 300,
    }
    if not gateway:
        return body
    mine = [one for one in world.channels.values() if one.guild == each.id]
    shown = each.members if members else [world.bot]
    return body | {
        "unavailable": False,
        "large": len(each.members) > 250,
        "joined_at": snowflakes.stamp(each.members[world.bot].joined_at),
        "member_count": len(each.members),
        "members": [member(world, each, one) for one in shown],
        "channels": [channel(world, one) for one in mine if not one.is_thread],
        "threads": [
            channel(world, one) for one in mine if one.is_thread and not one.archived and world.sees(one)
        ],
        "presences": [],
        "voice_states": [],
        "stage_instances": [],
        "guild_scheduled_events": [],
        "soundboard_sounds": [],
    }


def application(world: state.World) -> Json:
    """The bot's application, with the flags that show which privileged intents the portal allows."""
    bits = {"presences": 1 << 13, "members": 1 << 15, "message_content": 1 << 19}
    flags = sum(bit for name, bit in bits.items() if name not in world.portal.missing_intents)
    return {
        "id": world.application_id,
        "name": world.user(world.bot).display_name,
        "icon": None,
        "description": "",
        "bot_public": True,
        "bot_require_code_grant": False,
        "owner": user(world, next(iter(world.users))),
        "verify_key": hashlib.sha256(world.application_id.encode()).hexdigest(),
        "flags": flags,
        "team": None,
        "install_params": {
            "scopes": ["bot", "applications.commands"],
            "permissions": str(permissions.EVERYONE),
        },
    }
