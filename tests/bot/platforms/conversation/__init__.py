"""Is it the same bot on every platform? One conversation, to be inherited by the tests of each of them."""

from tests.bot.platforms.conversation.stage import Journal, Scene
from tests.bot.platforms.conversation.suite import Conversation

__all__ = ["Conversation", "Journal", "Scene"]
