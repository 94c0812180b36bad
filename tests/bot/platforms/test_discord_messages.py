"""Do messages show what they should, at Discord's pace and within its limits, and nothing that a prompt smuggles in?"""

from __future__ import annotations

import asyncio
import io
import os
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import discord
import pytest
import pytest_asyncio
from PIL import Image
from pydantic import SecretStr

from bot.chat import (
    Button,
    MessageGoneError,
    NotNowError,
    Place,
    Progress,
    UndeliverableError,
    View,
)
from bot.platforms.discord import DiscordPlatform
from tests.bot.platforms.discord_room import EDIT, EDIT_ORIGINAL, POST, DiscordRoom, is_done, room_of
from tests.standins.discord.people import DiscordPerson
from tests.standins.discord.server import DiscordServer
from tests.standins.discord.world import Can, Channel

MIB = 2**20
PREVIEW_SIZE = (8, 8)


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def room(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[DiscordRoom]:
    """One room for the whole module, in which each test has a server of its own."""
    async with DiscordServer() as server, room_of(server, tmp_path_factory.mktemp("room")) as room:
        yield room


@pytest.fixture
def server(room: DiscordRoom) -> DiscordServer:
    return room.server


@pytest.fixture
def studio(server: DiscordServer) -> Channel:
    return server.channel(server.guild("A server of its own"), "studio")


@pytest.fixture
def place(studio: Channel) -> Place:
    return Place(platform="discord", channel=studio.id)


@pytest.fixture
def ann(server: DiscordServer, studio: Channel) -> DiscordPerson:
    return server.person("Ann", studio)


def under_way(step: int = 1, *, preview: bytes | None = None) -> View:
    progress = Progress(picture=1, pictures=1, step=step, steps=4, preview=preview)
    return View(text=f"Job 1: step {step} of 4", progress=progress, is_final=False)


def noise(path: Path, mib: float) -> Path:
    """Write a PNG of at least this size, which no compression makes smaller."""
    side = int((mib * MIB / 3) ** 0.5) + 1
    Image.frombytes("RGB", (side, side), os.urandom(3 * side * side)).save(path, "PNG", compress_level=0)
    assert path.stat().st_size >= mib * MIB
    return path


def png(colour: str = "red", size: tuple[int, int] = (64, 64)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, "PNG")
    return file.getvalue()


async def test_previews_are_replaced_by_the_next_and_by_the_picture(
    room: DiscordRoom, ann: DiscordPerson, place: Place, tmp_path: Path
) -> None:
    (tmp_path / "made.png").write_bytes(png("blue"))
    message_id = await room.platform.post(place, under_way(1), "key")
    await room.platform.edit(place, message_id, under_way(2, preview=png(size=PREVIEW_SIZE)))
    seen = await ann.until(lambda seen: bool(seen.pictures))
    assert seen.files == ("preview.png",)

    await room.platform.edit(place, message_id, View(text="Job 1 done", pictures=(tmp_path / "made.png",)))

    done = await ann.until(lambda seen: seen.text == "Job 1 done")
    assert done.pictures == (png("blue"),)


async def test_a_picture_is_the_very_file_and_can_be_a_spoiler(
    room: DiscordRoom, ann: DiscordPerson, place: Place, tmp_path: Path
) -> None:
    path = tmp_path / "made.png"
    path.write_bytes(png())
    await room.platform.post(place, View(text="here", pictures=(path,), is_spoiler=True), "key")

    seen = await ann.until(lambda seen: seen.text == "here")

    assert seen.pictures == (path.read_bytes(),)
    assert seen.is_spoiler


async def test_four_pictures_that_are_too_large_together_are_shown_as_copies(
    room: DiscordRoom, ann: DiscordPerson, place: Place, tmp_path: Path
) -> None:
    paths = tuple(noise(tmp_path / f"{number}.png", 9) for number in range(4))
    await room.platform.post(place, View(text="four", pictures=paths), "key")

    seen = await ann.until(lambda seen: seen.text.startswith("four"))

    assert seen.text.endswith("smaller copies, since Discord does not take the originals at once: they are too large.")
    assert len(seen.pictures) == 4
    with Image.open(io.BytesIO(seen.pictures[0])) as copy, Image.open(paths[0]) as original:
        assert copy.size == original.size


async def test_a_picture_that_is_too_large_by_itself_is_shown_as_a_copy(
    room: DiscordRoom, ann: DiscordPerson, place: Place, tmp_path: Path
) -> None:
    await room.platform.post(place, View(text="one", pictures=(noise(tmp_path / "1.png", 11),)), "key")

    seen = await ann.until(lambda seen: seen.text.startswith("one"))

    assert seen.files[0].endswith(".webp")


async def test_originals_are_never_copies(room: DiscordRoom, ann: DiscordPerson, place: Place, tmp_path: Path) -> None:
    fits, does_not = noise(tmp_path / "fits.png", 9), noise(tmp_path / "large.png", 11)
    await room.platform.post(place, View(text="files", pictures=(fits, does_not), as_files=True), "key")

    seen = await ann.until(lambda seen: seen.text.startswith("files"))

    assert seen.pictures == (fits.read_bytes(),)
    assert "Left out, since Discord takes no more: fairbrush-large.png." in seen.text


async def test_an_original_that_takes_long_to_send_is_announced_by_a_placeholder(
    server: DiscordServer, room: DiscordRoom, ann: DiscordPerson
) -> None:
    await ann.type("/imagine a cat")
    done = await ann.until(is_done)
    number = int(done.text.split()[1])
    job = await room.app.desk.jobs.get(number)
    assert job is not None
    noise(next((room.settings.data_dir / "pictures").glob(f"*/{job.pictures[0].sha256}*")), 5)

    await ann.type(f"/show {number}")

    shown = await ann.until(lambda seen: is_done(seen) and len(seen.pictures[0]) > 5 * MIB)
    assert server.rest.requests[EDIT_ORIGINAL] == 1
    assert not shown.is_private


async def test_a_picture_that_is_gone_from_the_disk_is_said_to_be(
    room: DiscordRoom, ann: DiscordPerson, place: Place, tmp_path: Path
) -> None:
    await room.platform.post(place, View(text="gone", pictures=(tmp_path / "nowhere.png",)), "key")

    await ann.until(lambda seen: seen.text == "gone\nNot readable on the bot's disk: nowhere.png.")


async def test_the_same_key_is_the_same_message(room: DiscordRoom, ann: DiscordPerson, place: Place) -> None:
    ids = {await room.platform.post(place, View(text=text), "job 1") for text in ("once", "twice")}

    assert len(ids) == 1
    assert [seen.text for seen in ann.messages()] == ["once"]


async def test_progress_leaves_room_for_what_is_final(server: DiscordServer, room: DiscordRoom, place: Place) -> None:
    ids = [await room.platform.post(place, View(text=str(number)), f"job {number}") for number in range(4)]
    for message_id in ids[:3]:
        await room.platform.edit(place, message_id, under_way())

    with pytest.raises(NotNowError) as refusal:
        await room.platform.edit(place, ids[3], under_way())
    started = time.monotonic()
    await room.platform.edit(place, ids[3], View(text="done"))

    assert 0 < refusal.value.after_s <= 5
    assert time.monotonic() - started < 1
    assert server.rest.statuses[429] == 0


async def test_final_edits_wait_for_their_turn_and_none_is_refused(
    server: DiscordServer, room: DiscordRoom, ann: DiscordPerson, place: Place
) -> None:
    ids = [await room.platform.post(place, under_way(), f"job {number}") for number in range(3)]

    for text in ("nearly", "done"):
        await asyncio.gather(*(room.platform.edit(place, each, View(text=text)) for each in ids))

    assert [seen.text for seen in ann.messages()] == ["done"] * 3
    assert server.rest.statuses[429] == 0


async def test_channels_do_not_share_their_budget(
    server: DiscordServer, room: DiscordRoom, studio: Channel, place: Place
) -> None:
    elsewhere = Place(platform="discord", channel=server.channel(studio.guild, "elsewhere").id)
    for where in (place, elsewhere):
        for number in range(3):
            message_id = await room.platform.post(where, View(text="x"), f"{where.channel} {number}")
            await room.platform.edit(where, message_id, under_way())


async def test_a_progress_edit_that_discord_keeps_waiting_gives_way(
    server: DiscordServer, room: DiscordRoom, place: Place
) -> None:
    message_id = await room.platform.post(place, under_way(), "job 1")

    async with server.faults.held(EDIT):
        with pytest.raises(NotNowError):
            await room.platform.edit(place, message_id, under_way(2))


async def test_progress_of_messages_older_than_an_hour_is_not_even_tried(
    server: DiscordServer, room: DiscordRoom, place: Place
) -> None:
    old = discord.utils.time_snowflake(discord.utils.utcnow() - timedelta(hours=2))
    before = server.rest.requests[EDIT]

    with pytest.raises(NotNowError):
        await room.platform.edit(place, str(old), under_way(2))
    assert server.rest.requests[EDIT] == before
    with pytest.raises(MessageGoneError):
        await room.platform.edit(place, str(old), View(text="done"))


async def test_a_message_that_is_gone_is_said_to_be(server: DiscordServer, room: DiscordRoom, place: Place) -> None:
    message_id = await room.platform.post(place, under_way(), "job 1")
    server.delete(message_id)

    for gone in (message_id, "a message of another platform"):
        with pytest.raises(MessageGoneError):
            await room.platform.edit(place, gone, View(text="done"))


async def test_removing_a_message_twice_does_no_harm(room: DiscordRoom, ann: DiscordPerson, place: Place) -> None:
    message_id = await room.platform.post(place, View(text="here"), "job 1")

    for _ in range(2):
        await room.platform.remove(place, message_id)

    assert ann.messages() == []


async def test_places_that_the_bot_may_not_enter_are_given_up(room: DiscordRoom, studio: Channel, place: Place) -> None:
    studio.bot_permissions = Can.VIEW_CHANNEL

    for where in (place, Place(platform="discord", channel="1")):
        with pytest.raises(UndeliverableError):
            await room.platform.post(where, View(text="hello"), "job 1")


async def test_troubles_on_the_way_are_for_later(
    server: DiscordServer, room: DiscordRoom, ann: DiscordPerson, place: Place
) -> None:
    server.faults.drop(POST)
    with pytest.raises(NotNowError):
        await room.platform.post(place, View(text="here"), "job 1")
    server.faults.drop(POST, after_acceptance=True)
    with pytest.raises(NotNowError):
        await room.platform.post(place, View(text="here"), "job 1")

    await room.platform.post(place, View(text="here"), "job 1")

    assert [seen.text for seen in ann.messages()] == ["here"]


async def test_nothing_is_shown_before_the_platform_is_connected(place: Place) -> None:
    platform = DiscordPlatform(SecretStr("token"))

    with pytest.raises(NotNowError):
        await platform.post(place, View(text="hello"), "job 1")
    with pytest.raises(NotNowError):
        await platform.edit(place, "123", under_way())


async def test_five_rows_of_buttons_keep_their_order(room: DiscordRoom, ann: DiscordPerson, place: Place) -> None:
    rows = tuple(
        tuple(Button(action="vary", number=row, index=column, label=f"{row}{column}") for column in range(5))
        for row in range(1, 6)
    )
    await room.platform.post(place, View(text="buttons", buttons=rows), "job 1")

    seen = await ann.until(lambda seen: seen.text == "buttons")

    assert list(seen.buttons) == [button.payload for row in rows for button in row]
