"""How does a call to a chat keep to its budget, and what does a refusal mean?"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

from telegram import Bot
from telegram.error import BadRequest, ChatMigrated, RetryAfter, TelegramError

from bot.platforms.leaving import Posts
from bot.platforms.telegram.budget import Budget
from bot.platforms.telegram.errors import UNCHANGED, meaning, retry_after_s, says
from bot.platforms.telegram.moves import Moves
from storage import Jobs

T = TypeVar("T")


class Calls:
    """The bot of one connection, together with what outlives the connection: budget and moves."""

    def __init__(self, bot: Bot, budget: Budget, moves: Moves, jobs: Jobs) -> None:
        self.bot = bot
        self.budget = budget
        self.moves = moves
        self.posts = Posts()
        self._jobs = jobs

    async def make(self, chat_id: int, call: Awaitable[T], *, harmless: tuple[str, ...] = (UNCHANGED,)) -> T | None:
        """Wait for a call's answer; None if it was refused with words that mean that all is well.

        Raises:
            NotNowError, UnsureError, MessageGoneError, UndeliverableError, WithoutTextError: as errors.py says.
        """
        try:
            return await call
        except TelegramError as error:
            if isinstance(error, BadRequest) and says(error, *harmless):
                return None
            if isinstance(error, RetryAfter):
                self.budget.refused(chat_id, retry_after_s(error))
            if isinstance(error, ChatMigrated):
                await self.note_move(chat_id, error.new_chat_id)
            raise meaning(error) from None  # the library's own may tell the token

    async def note_move(self, old: int, new: int) -> None:
        """Follow a group to its new number."""
        await self.moves.note(old, new, self._jobs)
