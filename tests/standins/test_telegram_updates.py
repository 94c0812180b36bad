"""When does a bot learn of an update on the Telegram stand-in, how often, and who else may poll?"""

from __future__ import annotations

import asyncio

import pytest
import telegram as library
from telegram import Update
from telegram.error import Conflict

from tests.standins.small_telegram_bot import connected, poll, pressed, said
from tests.standins.telegram import TelegramServer

DAY_S = 24 * 3600


async def test_updates_come_again_until_a_higher_offset_confirms_them(
    telegram: TelegramServer, telegram_bot: library.Bot
) -> None:
    ann = telegram.person("Ann")
    for line in ("/one", "/two", "/three"):
        await ann.type(line)

    first = await poll(telegram_bot)
    assert said(first) == ["/one", "/two", "/three"]
    async with connected(telegram) as restarted:
        again = await poll(restarted, first[1].update_id)
        assert again == first[1:]
    assert said(await poll(telegram_bot, first[1].update_id, limit=1)) == ["/two"]
    assert await telegram_bot.get_updates(offset=first[2].update_id + 1, timeout=0) == ()


async def test_who_asks_the_same_again_at_once_gets_one_at_a_time(
    telegram: TelegramServer, telegram_bot: library.Bot
) -> None:
    ann = telegram.person("Ann")
    for line in ("/one", "/two"):
        await ann.type(line)

    assert [said(await poll(telegram_bot)) for _ in range(2)] == [["/one", "/two"], ["/one"]]


async def test_a_negative_offset_drops_all_but_the_last(telegram: TelegramServer, telegram_bot: library.Bot) -> None:
    ann = telegram.person("Ann")
    for line in ("/one", "/two", "/three"):
        await ann.type(line)

    assert said(await poll(telegram_bot, -1)) == ["/three"]
    assert said(await poll(telegram_bot)) == ["/three"]


async def test_a_poll_waits_for_what_comes(telegram: TelegramServer, telegram_bot: library.Bot) -> None:
    ann = telegram.person("Ann")
    polling = asyncio.create_task(poll(telegram_bot))
    async with connected(telegram) as other:
        await other.send_message(ann.id, "are you there?")  # the poll's own connection is open by then

    await ann.type("/start")

    assert said(await polling) == ["/start"]


async def test_a_second_poller_ends_the_first_ones_poll(telegram: TelegramServer, telegram_bot: library.Bot) -> None:
    ann = telegram.person("Ann")
    async with connected(telegram) as other, asyncio.TaskGroup() as tasks:
        first = tasks.create_task(_conflict(telegram_bot))
        second = tasks.create_task(_conflict(other))
        done, _ = await asyncio.wait([first, second], return_when=asyncio.FIRST_COMPLETED)
        await ann.type("/start")

    ends = [first.result(), second.result()]
    assert sum("terminated by other getUpdates request" in str(end) for end in ends) == 1
    assert len(done) == 1


async def _conflict(bot: library.Bot) -> Conflict | tuple[Update, ...]:
    try:
        return await poll(bot)
    except Conflict as conflict:
        return conflict


async def test_nobody_polls_beside_a_webhook(telegram: TelegramServer, telegram_bot: library.Bot) -> None:
    ann = telegram.person("Ann")
    telegram.set_webhook("https://example.org/hook")
    await ann.type("/start")

    with pytest.raises(Conflict, match=r"(?i)can't use getUpdates method while webhook is active"):
        await poll(telegram_bot)
    assert (await telegram_bot.get_webhook_info()).pending_update_count == 1
    await telegram_bot.delete_webhook()
    assert said(await poll(telegram_bot)) == ["/start"]


async def test_updates_are_kept_for_a_day(telegram: TelegramServer, telegram_bot: library.Bot) -> None:
    await telegram.person("Ann").type("/start")
    telegram.clock.advance(DAY_S + 1)

    assert await telegram_bot.get_updates(timeout=0) == ()


async def test_only_what_was_asked_for_comes(telegram: TelegramServer, telegram_bot: library.Bot) -> None:
    ann = telegram.person("Ann")
    await telegram_bot.get_updates(timeout=0, allowed_updates=["callback_query"])
    await ann.type("/start")

    query = await pressed(telegram_bot, ann)

    assert query.data == "go"
    assert len(await poll(telegram_bot)) == 1


async def test_an_update_can_come_twice(telegram: TelegramServer, telegram_bot: library.Bot) -> None:
    ann = telegram.person("Ann")
    await ann.type("/start")
    (update,) = await poll(telegram_bot)

    telegram.send_again(update.update_id)

    assert await poll(telegram_bot, update.update_id + 1) == (update,)
