"""Does the Telegram stand-in refuse, break and complain as it should?"""

from __future__ import annotations

import asyncio
from datetime import timedelta

import httpx
import pytest
import telegram as library
from telegram import InputMediaPhoto
from telegram.error import NetworkError, RetryAfter, TimedOut

from tests.standins.small_telegram_bot import connected, png
from tests.standins.telegram import UNLIMITED, Rates, TelegramPerson, TelegramServer


@pytest.fixture
def ann(telegram: TelegramServer) -> TelegramPerson:
    return telegram.person("Ann")


def seconds(refusal: RetryAfter) -> int:
    assert isinstance(refusal.retry_after, timedelta)
    return int(refusal.retry_after.total_seconds())


async def send(bot: library.Bot, chat_id: int, times: int = 1) -> list[int]:
    """Sends at once, in a row, and gives the seconds of each refusal, 0 for what passed."""
    waits = []
    for number in range(times):
        try:
            await bot.send_message(chat_id, f"message {number}")
        except RetryAfter as refusal:
            waits.append(seconds(refusal))
        else:
            waits.append(0)
    return waits


async def test_a_chat_takes_a_few_messages_at_once_and_then_one_a_second(
    telegram: TelegramServer, telegram_bot: library.Bot, ann: TelegramPerson
) -> None:
    telegram.clock.stop()
    burst = telegram.cloud.limits.rates.chat_burst

    assert await send(telegram_bot, ann.id, burst + 1) == [0] * burst + [1]
    telegram.clock.advance(1)
    assert await send(telegram_bot, ann.id) == [0]
    assert await send(telegram_bot, telegram.person("Bob").id) == [0]


async def test_a_group_takes_twenty_messages_a_minute(telegram: TelegramServer, telegram_bot: library.Bot) -> None:
    telegram.clock.stop()
    group = telegram.group("Painters")
    for _ in range(20):
        assert await send(telegram_bot, group.id) == [0]
        telegram.clock.advance(1)

    assert await send(telegram_bot, group.id) == [40]
    telegram.clock.advance(40)
    assert await send(telegram_bot, group.id) == [0]


async def test_all_chats_together_take_thirty_messages_a_second(
    telegram: TelegramServer, telegram_bot: library.Bot
) -> None:
    people = [telegram.person(f"Person {number}") for number in range(31)]
    telegram.clock.stop()

    assert [await send(telegram_bot, person.id) for person in people] == [[0]] * 30 + [[1]]


async def test_edits_and_albums_count_too(
    telegram: TelegramServer, telegram_bot: library.Bot, ann: TelegramPerson
) -> None:
    telegram.clock.stop()
    message = await telegram_bot.send_message(ann.id, "queued")
    await telegram_bot.send_media_group(ann.id, [InputMediaPhoto(png()), InputMediaPhoto(png())])
    for number in range(telegram.cloud.limits.rates.chat_burst - 3):
        await message.edit_text(f"step {number}")

    with pytest.raises(RetryAfter):
        await message.edit_text("done")


async def test_each_picture_of_an_album_counts_in_a_group(telegram: TelegramServer, telegram_bot: library.Bot) -> None:
    telegram.clock.stop()
    group = telegram.group("Painters")
    for _ in range(2):
        await telegram_bot.send_media_group(group.id, [InputMediaPhoto(png())] * 10)
        telegram.clock.advance(10)

    assert await send(telegram_bot, group.id) == [40]


async def test_whoever_does_not_wait_waits_longer_each_time(
    telegram: TelegramServer, telegram_bot: library.Bot, ann: TelegramPerson
) -> None:
    telegram.faults.flood("sendMessage", retry_after=5)
    waits = await send(telegram_bot, ann.id)
    for _ in range(3):
        telegram.clock.advance(1)
        waits += await send(telegram_bot, ann.id)

    assert waits == [5, 10, 20, 40]
    telegram.clock.advance(40)
    assert await send(telegram_bot, ann.id) == [0]
    assert [flood.retry_after for flood in telegram.floods] == waits


async def test_what_was_on_its_way_already_ignores_nothing(telegram: TelegramServer, ann: TelegramPerson) -> None:
    telegram.clock.stop()
    telegram.faults.flood("sendMessage", retry_after=5)
    async with connected(telegram) as bot, connected(telegram) as other:
        assert await send(bot, ann.id) == [5]
        assert await send(other, ann.id) == [5]


async def test_limits_can_be_lifted() -> None:
    async with TelegramServer(rates=UNLIMITED) as server, connected(server) as bot:
        assert await send(bot, server.person("Ann").id, 50) == [0] * 50
    async with TelegramServer(rates=Rates(chat_burst=1)) as server, connected(server) as bot:
        server.clock.stop()
        assert await send(bot, server.person("Ann").id, 2) == [0, 1]


@pytest.mark.parametrize("after", [False, True])
async def test_an_error_comes_before_or_after_the_call_was_carried_out(
    telegram: TelegramServer, telegram_bot: library.Bot, ann: TelegramPerson, *, after: bool
) -> None:
    telegram.faults.fail("sendMessage", after=after)

    with pytest.raises(NetworkError, match="Internal Server Error"):
        await telegram_bot.send_message(ann.id, "queued")

    assert len(ann.messages()) == after
    await telegram_bot.send_message(ann.id, "queued")


async def test_a_proxy_answers_with_a_page(
    telegram: TelegramServer, telegram_bot: library.Bot, ann: TelegramPerson
) -> None:
    telegram.faults.fail(status=502)

    with pytest.raises(NetworkError, match="Bad Gateway"):
        await telegram_bot.send_message(ann.id, "queued")


@pytest.mark.parametrize("after", [False, True])
async def test_a_connection_is_dropped_before_or_after(
    telegram: TelegramServer, telegram_bot: library.Bot, ann: TelegramPerson, *, after: bool
) -> None:
    telegram.faults.drop("sendMessage", after=after)

    with pytest.raises(NetworkError) as dropped:
        await telegram_bot.send_message(ann.id, "queued")

    assert isinstance(dropped.value.__cause__, httpx.NetworkError | httpx.RemoteProtocolError)
    assert len(ann.messages()) == after


async def test_a_connection_can_stay_open_in_silence(
    telegram: TelegramServer, telegram_bot: library.Bot, ann: TelegramPerson
) -> None:
    telegram.faults.hang("sendMessage", after=True)

    with pytest.raises(TimedOut):
        await telegram_bot.send_message(ann.id, "queued", read_timeout=0.1)

    assert [seen.text for seen in ann.messages()] == ["queued"]


async def test_polls_break_only_when_meant(
    telegram: TelegramServer, telegram_bot: library.Bot, ann: TelegramPerson
) -> None:
    telegram.faults.fail()
    await ann.type("/start")
    assert len(await telegram_bot.get_updates(timeout=5)) == 1
    telegram.faults.calm()

    telegram.faults.drop("getUpdates", after=True)
    with pytest.raises(NetworkError):
        await telegram_bot.get_updates(timeout=5)
    async with connected(telegram) as restarted:
        assert len(await restarted.get_updates(timeout=5, limit=1)) == 1


async def test_the_api_can_be_away(telegram: TelegramServer, telegram_bot: library.Bot, ann: TelegramPerson) -> None:
    polling = asyncio.create_task(telegram_bot.get_updates(timeout=30))
    await telegram_bot.send_message(ann.id, "before")

    async with telegram.away():
        with pytest.raises(NetworkError):
            await polling
        with pytest.raises(NetworkError):
            await telegram_bot.send_message(ann.id, "meanwhile")  # on the connection that was cut
        with pytest.raises(NetworkError) as refused:
            await telegram_bot.send_message(ann.id, "meanwhile")

    assert isinstance(refused.value.__cause__, httpx.ConnectError)
    await telegram_bot.send_message(ann.id, "after")
    assert [seen.text for seen in ann.messages()] == ["before", "after"]


async def test_a_storm_breaks_its_share_of_the_calls(
    telegram: TelegramServer, telegram_bot: library.Bot, ann: TelegramPerson
) -> None:
    telegram.faults.storm(0.5, seed=7)
    broken = 0
    for number in range(40):
        telegram.clock.advance(2)
        try:
            await telegram_bot.send_message(ann.id, str(number))
        except NetworkError:
            broken += 1

    assert 10 <= broken <= 30
    assert 40 - broken < len(ann.messages()) < 40
