"""What may the bot do in channels by their ids?"""

from __future__ import annotations

from collections.abc import Callable

from tests.standins.discord.clock import Clock
from tests.standins.discord.errors import (
    ApiError,
    archived_thread,
    missing_access,
    missing_permissions,
    others_message,
    unknown_channel,
    unknown_message,
)
from tests.standins.discord.limits import Limits
from tests.standins.discord.messages import Message, Messages
from tests.standins.discord.rest import NO_CONTENT, Call, Reply, Route
from tests.standins.discord.shapes import channel_json
from tests.standins.discord.world import Can, Channel, Kind, User

NONCE_LIFE_S = 5 * 60.0
MESSAGES = "/channels/{channel_id}/messages"
ONE = MESSAGES + "/{message_id}"


class Channels:
    """Messages by channel id: only where the bot is a member and may."""

    def __init__(
        self, clock: Clock, bot: User, find: Callable[[str], Channel | None], messages: Messages, limits: Limits
    ) -> None:
        self._clock = clock
        self._bot = bot
        self._find = find
        self._messages = messages
        self._limits = limits
        self._by_nonce: dict[tuple[Channel, str], Message] = {}

    def routes(self) -> list[Route]:
        return [
            Route("GET /channels/{channel_id}", self._channel_itself),
            Route("POST /channels/{channel_id}/typing", self._typing),
            Route(f"GET {MESSAGES}", self._list),
            Route(f"POST {MESSAGES}", self._post),
            Route(f"GET {ONE}", self._get),
            Route(f"PATCH {ONE}", self._edit),
            Route(f"DELETE {ONE}", self._delete),
        ]

    def _channel(self, call: Call, *needed: Can) -> Channel:
        channel = self._find(call.params["channel_id"])
        if channel is None or channel.is_gone:
            raise unknown_channel()
        can = channel.what_the_bot_can()
        if Can.VIEW_CHANNEL not in can:
            raise missing_access()
        if any(permission not in can for permission in needed):
            raise missing_permissions()
        return channel

    def _message(self, call: Call, *needed: Can) -> Message:
        """An ephemeral message is not there for a channel's routes."""
        channel = self._channel(call, *needed)
        message = self._messages.by_id.get(call.params["message_id"])
        if message is None or message.channel is not channel or message.private_to is not None:
            raise unknown_message()
        return message

    def _channel_itself(self, call: Call) -> Reply:
        return Reply(channel_json(self._channel(call)))

    def _typing(self, call: Call) -> Reply:
        self._channel(call, Can.SEND_MESSAGES)
        return NO_CONTENT

    def _list(self, call: Call) -> Reply:
        channel = self._channel(call)
        if Can.READ_MESSAGE_HISTORY not in channel.what_the_bot_can():
            return Reply([])
        here = [each for each in self._messages.by_id.values() if each.channel is channel and each.private_to is None]
        before, after, limit = (call.query.get(name) for name in ("before", "after", "limit"))
        found = [each for each in here if before is None or int(each.id) < int(before)]
        found = [each for each in found if after is None or int(each.id) > int(after)]
        most = int(limit or 50)
        found = found[-most:] if after is None else found[:most]
        return Reply([self._messages.json(each) for each in reversed(found)])

    def _post(self, call: Call) -> Reply:
        channel = self._channel(call)
        send = Can.SEND_MESSAGES_IN_THREADS if channel.kind is Kind.THREAD else Can.SEND_MESSAGES
        self._channel(call, send, *([Can.ATTACH_FILES] if call.draft.uploads else []))
        if any(user.is_deaf_to_bots for user in channel.recipients):
            raise ApiError(403, 50007, "Cannot send messages to this user")
        payload = call.draft.payload or {}
        nonce = payload.get("nonce")
        if payload.get("enforce_nonce") and nonce is not None and (first := self._first(channel, nonce)) is not None:
            return Reply(self._messages.json(first))
        about = {"nonce": nonce, "reference": self._reference(channel, payload.get("message_reference"))}
        about["kind"] = 19 if about["reference"] else 0
        message = self._messages.create(channel, self._bot, call.draft, channel.file_limit, **about)
        channel.is_archived = False
        if nonce is not None:
            self._by_nonce[channel, str(nonce)] = message
        return Reply(self._messages.json(message))

    def _first(self, channel: Channel, nonce: str | int) -> Message | None:
        """The message that this nonce made within the past few minutes."""
        first = self._by_nonce.get((channel, str(nonce)))
        is_of_late = first is not None and first.created >= self._clock.now() - NONCE_LIFE_S
        return first if is_of_late else None

    def _reference(self, channel: Channel, asked: dict[str, str] | None) -> dict[str, object] | None:
        if asked is None:
            return None
        message_id = str(asked["message_id"])
        if message_id not in self._messages.by_id:
            if asked.get("fail_if_not_exists", True):
                raise ApiError(400, 50035, "Unknown message")
            return None
        return {"type": 0, "channel_id": channel.id, "message_id": message_id}

    def _get(self, call: Call) -> Reply:
        return Reply(self._messages.json(self._message(call, Can.READ_MESSAGE_HISTORY)))

    def _edit(self, call: Call) -> Reply:
        message = self._message(call)
        if message.author is not self._bot:
            raise others_message()
        if message.channel.is_archived:
            raise archived_thread()
        if (wait_s := self._limits.old_edit_wait(message.channel.id, message.created)) > 0:
            text = "Maximum number of edits to messages older than 1 hour reached. Try again later."
            raise ApiError(429, 30046, text, retry_after=round(wait_s, 3), **{"global": False})
        self._messages.edit(message, call.draft, message.channel.file_limit)
        return Reply(self._messages.json(message))

    def _delete(self, call: Call) -> Reply:
        message = self._message(call)
        if message.author is not self._bot and Can.MANAGE_MESSAGES not in message.channel.what_the_bot_can():
            raise missing_permissions()
        self._messages.delete(message)
        return NO_CONTENT
