"""How does what a person does come to the bot as an interaction?"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from tests.standins.discord.clock import Clock
from tests.standins.discord.gateway import Gateway
from tests.standins.discord.interactions import ACKNOWLEDGE_WITHIN_S, Asked, Interaction, Interactions
from tests.standins.discord.messages import Message, Messages
from tests.standins.discord.shapes import channel_json, member_json, user_json
from tests.standins.discord.world import IN_PRIVATE, Channel, User

Failed = Callable[[Interaction], None]


class Deeds:
    """Makes interactions and watches over their three seconds."""

    def __init__(
        self,
        clock: Clock,
        new_id: Callable[[], str],
        bot: User,
        messages: Messages,
        interactions: Interactions,
        gateway: Gateway,
    ) -> None:
        self._clock = clock
        self._new_id = new_id
        self._bot = bot
        self._messages = messages
        self._interactions = interactions
        self._gateway = gateway
        self._waiting: dict[Interaction, tuple[asyncio.TimerHandle, Failed]] = {}
        clock.moved.append(self._look)

    def do(
        self,
        asked: Asked,
        person: User,
        channel: Channel,
        data: dict[str, Any],
        *,
        failed: Failed,
        source: Message | None = None,
        before: dict[str, Any] | None = None,
    ) -> Interaction:
        """Sends it to the bot; `failed` is called if three seconds pass without an answer."""
        interaction = Interaction(self._new_id(), asked, person, channel, data, self._clock.now(), source, before)
        self._interactions.add(interaction)
        self._watch(interaction, failed)
        self._gateway.dispatch("INTERACTION_CREATE", self._json(interaction))
        return interaction

    def close(self) -> None:
        for timer, _ in self._waiting.values():
            timer.cancel()

    def _watch(self, interaction: Interaction, failed: Failed) -> None:
        wait_s = ACKNOWLEDGE_WITHIN_S if self._gateway.is_heard else 0.0
        timer = asyncio.get_running_loop().call_later(wait_s, self._give_up, interaction)
        self._waiting[interaction] = timer, failed
        interaction.answer.add_done_callback(lambda _: self._stop_waiting(interaction))

    def _stop_waiting(self, interaction: Interaction) -> None:
        timer, _ = self._waiting.pop(interaction, (None, None))
        if timer is not None:
            timer.cancel()

    def _look(self) -> None:
        """Time was moved: who has waited too long?"""
        for interaction in list(self._waiting):
            if self._clock.now() - interaction.born > ACKNOWLEDGE_WITHIN_S:
                self._give_up(interaction)

    def _give_up(self, interaction: Interaction) -> None:
        timer, failed = self._waiting.pop(interaction)
        timer.cancel()
        if not interaction.answer.done():
            self._interactions.unanswered.append(interaction)
            failed(interaction)

    def _json(self, interaction: Interaction) -> dict[str, Any]:
        channel, person = interaction.channel, interaction.person
        told: dict[str, Any] = {
            "id": interaction.id,
            "application_id": self._bot.id,
            "type": int(interaction.asked),
            "data": interaction.data,
            "token": interaction.token,
            "version": 1,
            "channel": channel_json(channel),
            "channel_id": channel.id,
            "locale": "en-US",
            "entitlements": [],
            "authorizing_integration_owners": interaction.owners,
            "context": int(channel.context),
            "attachment_size_limit": channel.file_limit,
            "app_permissions": str(int(channel.what_the_bot_can() or IN_PRIVATE)),
        }
        if interaction.source is not None:
            told["message"] = self._messages.json(interaction.source)
        if channel.guild is None:
            return told | {"user": user_json(person)}
        guild = channel.guild
        permissions = str(int(guild.permissions_of(person)))
        told["channel"]["permissions"] = permissions
        told |= {"guild_id": guild.id, "guild_locale": "en-US"}
        told["guild"] = {"id": guild.id, "locale": "en-US", "features": []}
        return told | {"member": member_json(guild, person) | {"permissions": permissions}}
