"""What happens when a group becomes a supergroup, and with that gets another number?"""

from __future__ import annotations

import structlog

from bot.chat import Place
from storage import Jobs, StorageError

NAME = "telegram"

log = structlog.get_logger()


class Moves:
    """Knows the groups that moved while the program runs. Their jobs and settings move in storage."""

    def __init__(self) -> None:
        self._moved: dict[int, int] = {}

    def now(self, chat_id: int) -> int:
        """Give the number that a chat has now."""
        while chat_id in self._moved:
            chat_id = self._moved[chat_id]
        return chat_id

    def is_old(self, chat_id: int) -> bool:
        """Tell whether a chat has another number now. Its messages cannot be edited any more."""
        return chat_id in self._moved

    async def note(self, old: int, new: int, jobs: Jobs) -> None:
        """Follow a group; to hear of it twice does no harm."""
        if old in self._moved:
            return
        if self.now(new) != old:  # Telegram's own numbers never go round in a circle
            self._moved[old] = new
        try:
            await jobs.move_place(_place(old), _place(new))
        except StorageError as error:  # the next call to the old number says so again, after the next start
            log.error("group not moved", old=old, new=new, reason=str(error))


def _place(chat_id: int) -> dict[str, str]:
    return Place(platform=NAME, channel=str(chat_id)).to_json()
