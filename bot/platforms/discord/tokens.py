"""How are messages kept true where the bot is no member, and only an interaction's token reaches them?

A token lives for 15 minutes and is kept in memory alone. What it no longer reaches can be had by /last.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import discord

from bot.chat import Place, UndeliverableError

LIFE_S = 14 * 60.0  # a minute less than Discord gives it
MOST_FOLLOW_UPS = 5

OVER = "the bot is no member there, and the token of the interaction is over"


@dataclass(slots=True, kw_only=True)
class Token:
    """The right to show messages in answer to one interaction."""

    application_id: int
    secret: str = field(repr=False)
    place: Place
    ends: float
    follow_ups: int = 0

    @property
    def is_over(self) -> bool:
        """Tell whether it may not hold any more."""
        return time.monotonic() >= self.ends

    def webhook(self, client: discord.Client) -> discord.Webhook:
        """Give what the right is used by; a client that has come after the one that got it will do."""
        webhook = discord.Webhook.partial(self.application_id, self.secret, client=client)
        webhook.proxy = client.http.proxy
        return webhook

    def use_follow_up(self) -> None:
        """Count a message beyond the answer itself.

        Raises:
            UndeliverableError: there were as many as Discord takes.
        """
        if self.follow_ups >= MOST_FOLLOW_UPS:
            raise UndeliverableError(f"the bot is no member there, and has sent {MOST_FOLLOW_UPS} messages already")
        self.follow_ups += 1


class Tokens:
    """The tokens that some messages hang on."""

    def __init__(self) -> None:
        self._by_message: dict[str, Token] = {}

    def new(self, interaction: discord.Interaction[discord.Client], place: Place) -> Token:
        """Give the token of an interaction that came just now."""
        return Token(
            application_id=interaction.application_id,
            secret=interaction.token,
            place=place,
            ends=time.monotonic() + LIFE_S,
        )

    def keep(self, message_id: str, token: Token) -> None:
        """Remember on which token a message hangs; forget what nobody can edit any more, after as long again."""
        forgotten = time.monotonic() - LIFE_S
        self._by_message = {key: kept for key, kept in self._by_message.items() if kept.ends > forgotten}
        self._by_message[message_id] = token

    def of(self, message_id: str) -> Token | None:
        """Give the token that a message hangs on; None if it hangs on none, or nobody remembers.

        Raises:
            UndeliverableError: it is over.
        """
        token = self._by_message.get(message_id)
        if token is not None and token.is_over:
            raise UndeliverableError(OVER)
        return token

    def at(self, place: Place) -> Token | None:
        """Give the newest token of a place, for a message in place of one that is gone.

        Raises:
            UndeliverableError: it is over.
        """
        found = [token for token in self._by_message.values() if token.place == place]
        if found and found[-1].is_over:
            raise UndeliverableError(OVER)
        return found[-1] if found else None
