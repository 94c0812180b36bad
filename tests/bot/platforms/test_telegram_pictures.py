"""Is a picture that somebody sends on Telegram the start of another, or its mask, as they say?"""

from __future__ import annotations

import io
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from PIL import Image

from tests.bot.platforms.telegram_room import TelegramRoom, has, is_done, room_of
from tests.standins.small_telegram_bot import png
from tests.standins.telegram import TelegramPerson, TelegramServer

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def server() -> AsyncIterator[TelegramServer]:
    async with TelegramServer(patience_s=20) as server:
        yield server


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def room(server: TelegramServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TelegramRoom]:
    async with room_of(server, tmp_path_factory.mktemp("room")) as room:
        yield room


@pytest.fixture
def ann(room: TelegramRoom) -> TelegramPerson:
    return room.server.person("Ann")


def mask() -> bytes:
    """Give a picture whose right half is white."""
    picture = Image.new("RGB", (64, 64))
    picture.paste("white", (32, 0, 64, 64))
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


async def test_a_photo_with_a_caption_is_the_start(ann: TelegramPerson) -> None:
    await ann.send_photo(png(64, 64, "navy"), "/imagine the same in snow")

    assert "from a picture, strength" in (await ann.until(is_done)).text


async def test_a_file_with_a_caption_is_the_start(ann: TelegramPerson) -> None:
    await ann.send_document(png(64, 64, "navy"), "start.png", "/imagine the same in snow --strength 0.4")

    assert "from a picture, strength 0.4" in (await ann.until(is_done)).text


async def test_a_command_in_reply_to_a_picture_starts_from_it(ann: TelegramPerson) -> None:
    await ann.type("/imagine a cat")
    done = await ann.until(is_done)

    await ann.reply(done, "/imagine a dog in its place")

    await ann.until(lambda seen: is_done(seen) and has("a dog in its place", "from a picture")(seen))


async def test_a_named_start_goes_before_the_picture_that_is_replied_to(ann: TelegramPerson) -> None:
    await ann.type("/imagine a cat")
    done = await ann.until(is_done)
    number = done.text.split()[1]

    await ann.reply(done, f"/imagine a dog —image {number}")

    await ann.until(lambda seen: is_done(seen) and has("a dog", "from a picture")(seen))


async def test_a_picture_sent_in_reply_to_another_is_its_mask_if_that_is_said(ann: TelegramPerson) -> None:
    await ann.type("/imagine a cat")
    done = await ann.until(is_done)

    await ann.send_photo(mask(), "/imagine a hat —mask attached", to=done)

    await ann.until(lambda seen: is_done(seen) and has("a hat", "within a mask of a picture, strength 1")(seen))


async def test_a_picture_sent_beside_a_named_start_is_its_mask_if_that_is_said(ann: TelegramPerson) -> None:
    await ann.type("/imagine a cat")
    number = (await ann.until(is_done)).text.split()[1]

    await ann.send_photo(mask(), f"/imagine a crown --image {number} --mask attached")

    await ann.until(lambda seen: is_done(seen) and has("a crown", "within a mask of a picture")(seen))


async def test_a_picture_sent_in_reply_to_another_is_the_start_if_nothing_is_said(ann: TelegramPerson) -> None:
    await ann.type("/imagine a cat")
    done = await ann.until(is_done)

    await ann.send_photo(png(64, 64, "navy"), "/imagine a sea", to=done)

    await ann.until(lambda seen: is_done(seen) and has("a sea", "from a picture, strength 0.6")(seen))


async def test_a_picture_that_is_none_gets_a_sentence(ann: TelegramPerson) -> None:
    await ann.send_document(b"this is no picture", "start.png", "/imagine the same in snow")

    await ann.until(has("start picture"))


async def test_a_picture_without_a_caption_gets_a_hint(ann: TelegramPerson) -> None:
    await ann.send_photo(png())

    await ann.until(has("caption", "/imagine"))


async def test_an_album_gets_one_answer(ann: TelegramPerson) -> None:
    await ann.send_album([png(), png(colour="blue")], "/imagine the same in snow")
    await ann.until(is_done)

    await ann.type("/queue")
    await ann.until(has("Nobody waits"))
    assert len(ann.messages()) == 2
