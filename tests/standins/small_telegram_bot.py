"""How does the real library try the Telegram stand-in out?"""

from __future__ import annotations

import io
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import telegram as library
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from telegram import InlineKeyboardButton, InlineKeyboardMarkup, Message, Update

from tests.standins.telegram import TelegramPerson, TelegramServer

PROMPT = "a cat, seed 7"


@asynccontextmanager
async def connected(server: TelegramServer, token: str = "") -> AsyncIterator[library.Bot]:
    """A bot that talks to the stand-in, until it hangs up."""
    os.environ.setdefault("PTB_TIMEDELTA", "true")  # else the library warns of its next version at each pause
    root = server.base_url
    base_url, base_file_url = f"{root}/bot", f"{root}/file/bot"
    async with library.Bot(token or server.token, base_url=base_url, base_file_url=base_file_url) as bot:
        yield bot


def png(width: int = 64, height: int = 48, colour: str = "red") -> bytes:
    """A picture that says how it was made."""
    file, text = io.BytesIO(), PngInfo()
    for name in ("parameters", "comment"):
        text.add_text(name, PROMPT)
    Image.new("RGB", (width, height), colour).save(file, "PNG", pnginfo=text)
    return file.getvalue()


def keyboard(*payloads: str) -> InlineKeyboardMarkup:
    """Buttons beneath each other."""
    return InlineKeyboardMarkup(
        [[InlineKeyboardButton(payload.upper(), callback_data=payload)] for payload in payloads]
    )


async def poll(bot: library.Bot, offset: int | None = None, **about: Any) -> tuple[Update, ...]:
    """What the bot learns by one poll; it waits a while for something to come."""
    return await bot.get_updates(offset=offset, timeout=5, **about)


async def message(bot: library.Bot, person: TelegramPerson) -> Message:
    """What the bot learned of the last thing that the person sent."""
    (update,) = await poll(bot, person.last_update)
    assert update.message is not None
    return update.message


def said(updates: tuple[Update, ...]) -> list[str | None]:
    """The texts of the messages among these."""
    return [update.message.text for update in updates if update.message is not None]


async def pressed(bot: library.Bot, person: TelegramPerson, payload: str = "go") -> library.CallbackQuery:
    """Lets the person press a button under a new message, and gives what the bot learns of it."""
    message = await bot.send_message(person.place_id, "here", reply_markup=keyboard(payload))
    seen = await person.until(lambda seen: seen.id == f"{message.chat_id}/{message.message_id}")
    await person.press(seen, payload)
    query = (await poll(bot))[-1].callback_query
    assert query is not None
    return query
