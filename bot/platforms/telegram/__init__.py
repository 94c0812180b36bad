"""Telegram as a platform, by python-telegram-bot. This is its face; nobody enters a module inside."""

from bot.platforms.telegram.platform import TelegramPlatform

__all__ = ["TelegramPlatform"]
