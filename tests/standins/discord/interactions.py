"""What may the bot do with an interaction, how often and for how long?"""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from tests.standins.discord.clock import Clock
from tests.standins.discord.drafts import Draft
from tests.standins.discord.errors import (
    already_acknowledged,
    invalid_form,
    token_over,
    too_many_followups,
    unknown_interaction,
    unknown_message,
    unknown_webhook,
)
from tests.standins.discord.messages import EPHEMERAL, LOADING, Message, Messages
from tests.standins.discord.rest import NO_CONTENT, Call, Reply, Route
from tests.standins.discord.rules import check_custom_ids
from tests.standins.discord.shapes import install_owners, user_json
from tests.standins.discord.world import Channel, User

ACKNOWLEDGE_WITHIN_S = 3.0
TOKEN_LIFE_S = 15 * 60.0
FOLLOWUPS_OF_A_USER_INSTALL = 5
REPLY_TO_COMMAND, REPLY = 20, 19


class Asked(IntEnum):
    """What a person did."""

    COMMAND = 2
    COMPONENT = 3
    AUTOCOMPLETE = 4
    MODAL = 5


class Answered(IntEnum):
    """How the bot may answer at first."""

    MESSAGE = 4
    DEFERRED_MESSAGE = 5
    DEFERRED_UPDATE = 6
    UPDATE = 7
    CHOICES = 8
    MODAL = 9


FITTING = {
    Asked.COMMAND: {Answered.MESSAGE, Answered.DEFERRED_MESSAGE, Answered.MODAL},
    Asked.COMPONENT: set(Answered) - {Answered.CHOICES},
    Asked.AUTOCOMPLETE: {Answered.CHOICES},
    Asked.MODAL: set(Answered) - {Answered.CHOICES, Answered.MODAL},
}


@dataclass(eq=False)
class Interaction:
    """Something that a person did, from there to the end of its token's life."""

    id: str
    asked: Asked
    person: User
    channel: Channel
    data: dict[str, Any]
    born: float
    source: Message | None = None  # the message whose button was pressed
    before: dict[str, Any] | None = None  # for a form: what opened it
    token: str = field(default_factory=lambda: secrets.token_urlsafe(48))
    original: Message | None = None
    followups: int = 0
    answer: asyncio.Future[tuple[Answered, Any]] = field(default_factory=asyncio.Future)

    @property
    def owners(self) -> dict[str, str]:
        return install_owners(self.channel, self.person)

    @property
    def is_token_only(self) -> bool:
        return "0" not in self.owners

    def metadata(self) -> dict[str, Any]:
        """What the messages that answer it tell about it."""
        told: dict[str, Any] = {"id": self.id, "type": int(self.asked), "user": user_json(self.person)}
        told["authorizing_integration_owners"] = self.owners
        if self.asked is Asked.COMPONENT and self.source is not None:
            told["interacted_message_id"] = self.source.id
        if self.asked is Asked.MODAL:
            told["triggering_interaction_metadata"] = self.before
        return told


class Interactions:
    """Callbacks, and the webhook that an interaction's token opens."""

    def __init__(self, clock: Clock, bot: User, messages: Messages) -> None:
        self._clock = clock
        self._bot = bot
        self._messages = messages
        self._by_token: dict[str, Interaction] = {}
        self.acknowledgements: list[float] = []
        self.unanswered: list[Interaction] = []

    def add(self, interaction: Interaction) -> None:
        self._by_token[interaction.token] = interaction

    def routes(self) -> list[Route]:
        webhook = "/webhooks/{webhook_id}/{webhook_token}"
        return [
            Route(
                "POST /interactions/{interaction_id}/{interaction_token}/callback", self._callback, needs_token=False
            ),
            Route(f"POST {webhook}", self._follow_up, needs_token=False),
            *(
                Route(f"{method} {webhook}/messages/{which}", handle, needs_token=False)
                for method, handle in (("GET", self._get), ("PATCH", self._edit), ("DELETE", self._delete))
                for which in ("@original", "{message_id}")
            ),
        ]

    def _callback(self, call: Call) -> Reply:
        interaction = self._by_token.get(call.params["interaction_token"])
        age_s = self._clock.now() - interaction.born if interaction is not None else 0.0
        if interaction is None or interaction.id != call.params["interaction_id"]:
            raise unknown_interaction()
        if interaction.answer.done():
            raise already_acknowledged()
        if age_s > ACKNOWLEDGE_WITHIN_S:
            raise unknown_interaction()
        answered = Answered(call.draft.payload["type"])
        if answered not in FITTING[interaction.asked]:
            raise invalid_form("type", f"{answered.name} does not answer a {interaction.asked.name}.")
        data = call.draft.payload.get("data") or {}
        self._carry_out(interaction, answered, call.draft.of(data))
        self.acknowledgements.append(age_s)
        interaction.answer.set_result((answered, data))
        return self._told(interaction, answered) if call.query.get("with_response") in {"1", "true"} else NO_CONTENT

    def _carry_out(self, interaction: Interaction, answered: Answered, draft: Draft) -> None:
        match answered:
            case Answered.MESSAGE:
                interaction.original = self._create(interaction, draft)
            case Answered.DEFERRED_MESSAGE:
                flags = (draft.payload.get("flags") or 0) & EPHEMERAL | LOADING
                interaction.original = self._create(interaction, Draft({}), flags=flags)
            case Answered.UPDATE | Answered.DEFERRED_UPDATE:
                if interaction.source is None:
                    raise invalid_form("type", "There is no message to update.")
                interaction.original = interaction.source
                if answered is Answered.UPDATE:
                    self._messages.edit(interaction.source, draft, self._file_limit(interaction))
            case Answered.MODAL:
                check_custom_ids(draft.payload["components"])
            case Answered.CHOICES:
                pass

    def _create(self, interaction: Interaction, draft: Draft, flags: int = 0, kind: int | None = None) -> Message:
        is_private = (flags or (draft.payload or {}).get("flags") or 0) & EPHEMERAL
        if kind is None:
            kind = REPLY_TO_COMMAND if interaction.asked is Asked.COMMAND else REPLY
        return self._messages.create(
            interaction.channel,
            self._bot,
            draft,
            self._file_limit(interaction),
            kind=kind,
            flags=flags,
            private_to=interaction.person if is_private else None,
            metadata=interaction.metadata(),
        )

    def _told(self, interaction: Interaction, answered: Answered) -> Reply:
        about: dict[str, Any] = {"id": interaction.id, "type": int(interaction.asked)}
        about["channel_id"] = interaction.channel.id
        told: dict[str, Any] = {"interaction": about}
        if (message := interaction.original) is not None:
            about["response_message_id"] = message.id
            about["response_message_loading"] = message.is_loading
            about["response_message_ephemeral"] = message.private_to is not None
            if answered in {Answered.MESSAGE, Answered.UPDATE}:
                told["resource"] = {"type": int(answered), "message": self._messages.json(message)}
        return Reply(told)

    def _follow_up(self, call: Call) -> Reply:
        interaction = self._open(call)
        original = interaction.original
        if original is not None and original.is_loading:
            # The first message after "thinking" takes its place.
            self._messages.edit(
                original, call.draft.of(_without_flags(call.draft.payload)), self._file_limit(interaction)
            )
            return Reply(self._messages.json(original))
        if interaction.is_token_only and interaction.followups >= FOLLOWUPS_OF_A_USER_INSTALL:
            raise too_many_followups()
        interaction.followups += 1
        message = self._create(interaction, call.draft, kind=REPLY)
        if original is not None:
            assert message.metadata is not None
            message.metadata["original_response_message_id"] = original.id
        return Reply(self._messages.json(message))

    def _get(self, call: Call) -> Reply:
        return Reply(self._messages.json(self._message(call)))

    def _edit(self, call: Call) -> Reply:
        message = self._message(call)
        self._messages.edit(message, call.draft, self._file_limit(self._open(call)))
        return Reply(self._messages.json(message))

    def _delete(self, call: Call) -> Reply:
        self._messages.delete(self._message(call))
        return NO_CONTENT

    def _open(self, call: Call) -> Interaction:
        """The interaction of this token, as long as it lives."""
        interaction = self._by_token.get(call.params["webhook_token"])
        if interaction is None or call.params["webhook_id"] != self._bot.id or not interaction.answer.done():
            raise unknown_webhook()
        if self._clock.now() - interaction.born > TOKEN_LIFE_S:
            raise token_over()
        return interaction

    def _message(self, call: Call) -> Message:
        interaction = self._open(call)
        message_id = call.params.get("message_id")
        message = interaction.original if message_id is None else self._messages.by_id.get(message_id)
        if message is None or message.is_deleted or message.channel is not interaction.channel:
            raise unknown_message()
        if message.author is not self._bot:
            raise unknown_message()
        return message

    def _file_limit(self, interaction: Interaction) -> int:
        return interaction.channel.file_limit


def _without_flags(payload: dict[str, Any]) -> dict[str, Any]:
    """Whether it is private was said when it was deferred."""
    return {name: value for name, value in payload.items() if name != "flags"}
