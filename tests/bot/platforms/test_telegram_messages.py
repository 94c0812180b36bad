"""Does a message on Telegram always show the latest view, with its pictures, and only once?"""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from PIL import Image

from bot.chat import Button, MessageGoneError, NotNowError, Place, Progress, UndeliverableError, View
from tests.bot.platforms.telegram_room import TelegramRoom, calls, gone, has, is_done, room_of
from tests.standins.small_telegram_bot import png
from tests.standins.telegram import TelegramPerson, TelegramServer

pytestmark = pytest.mark.asyncio(loop_scope="module")

CANCEL = ((Button(action="cancel", number=1, label="Cancel"),),)
QUEUED = View(text="Job 1 queued.", buttons=CANCEL, is_final=False)
DONE = View(text="Job 1 done.")
HOUR_S = 3600


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def server() -> AsyncIterator[TelegramServer]:
    async with TelegramServer(patience_s=20) as server:
        yield server


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def room(server: TelegramServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TelegramRoom]:
    async with room_of(server, tmp_path_factory.mktemp("room")) as room:
        ann = server.person("Ann")
        await ann.type("/help")
        await ann.until(has("/imagine"))  # it is connected
        yield room


@pytest.fixture
def ann(room: TelegramRoom) -> TelegramPerson:
    return room.server.person("Ann")


@pytest.fixture
def place(ann: TelegramPerson) -> Place:
    return Place(platform="telegram", channel=str(ann.place_id))


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, ...]:
    paths = []
    for number, colour in enumerate(("red", "lime", "blue", "white")):
        path = tmp_path / f"{number}{'0' * 63}.png"
        path.write_bytes(png(128, 96, colour))
        paths.append(path)
    return tuple(paths)


def running(step: int, preview: bytes | None = None) -> View:
    progress = Progress(picture=1, pictures=1, step=step, steps=4, preview=preview)
    return View(text=f"Job 1: step {step} of 4", buttons=CANCEL, progress=progress, is_final=False)


def opened(picture: bytes) -> Image.Image:
    return Image.open(io.BytesIO(picture)).convert("RGB")


async def test_a_preview_comes_into_the_message_and_the_buttons_stay(
    room: TelegramRoom, ann: TelegramPerson, place: Place
) -> None:
    message_id = await room.platform.post(place, QUEUED, "post 1")

    await room.edited(place, message_id, running(1, png(32, 32)))

    (seen,) = ann.messages()
    assert seen.text == "Job 1: step 1 of 4"
    assert len(seen.pictures) == 1
    assert dict(seen.buttons) == {"cancel:1": "Cancel"}


async def test_the_same_preview_is_not_sent_again(
    server: TelegramServer, room: TelegramRoom, ann: TelegramPerson, place: Place
) -> None:
    message_id = await room.platform.post(place, QUEUED, "post 2")
    await room.edited(place, message_id, running(1, png(32, 32)))
    uploads = len(calls(server, "editMessageMedia"))

    server.clock.advance(5)
    with pytest.raises(NotNowError) as refusal:
        await room.platform.edit(place, message_id, running(2, png(32, 32)))
    await room.platform.edit(place, message_id, View(text="Job 1 failed.", is_final=True))

    assert 0 < refusal.value.after_s <= 2
    assert len(calls(server, "editMessageMedia")) == uploads + 1  # the picture that is to go is covered
    assert ann.messages()[0].text == "Job 1 failed."


async def test_what_comes_after_a_picture_stands_in_its_caption(
    room: TelegramRoom, ann: TelegramPerson, place: Place, files: tuple[Path, ...]
) -> None:
    message_id = await room.platform.post(place, QUEUED, "post 3")
    picture = View(text="Job 1 done.", pictures=files[:1])
    await room.platform.edit(place, message_id, picture)

    await room.platform.edit(place, message_id, View(text="Job 1 done, and more.", pictures=files[:1]))

    (seen,) = ann.messages()
    assert seen.text == "Job 1 done, and more."
    assert len(seen.pictures) == 1


async def test_the_same_edit_twice_does_no_harm(
    room: TelegramRoom, ann: TelegramPerson, place: Place, files: tuple[Path, ...]
) -> None:
    message_id = await room.platform.post(place, QUEUED, "post 4")
    for view in (DONE, DONE, View(text="x", pictures=files[:1]), View(text="x", pictures=files[:1])):
        await room.platform.edit(place, message_id, view)

    assert len(ann.messages()) == 1


async def test_several_pictures_are_one_numbered_sheet_with_the_buttons(ann: TelegramPerson) -> None:
    await ann.type("/imagine a cat --count 4")

    done = await ann.until(is_done)
    assert len(done.pictures) == 1
    assert opened(done.pictures[0]).size == (136, 136)
    assert {"U1", "U2", "U3", "U4"} <= set(done.buttons.values())


async def test_a_sheet_shows_each_picture_in_its_place(
    room: TelegramRoom, ann: TelegramPerson, place: Place, files: tuple[Path, ...]
) -> None:
    await room.platform.post(place, View(text="Job 1 done.", pictures=files), "post 5")

    sheet = opened(ann.messages()[0].pictures[0])
    middles = [sheet.getpixel((x, y)) for y in (64, 168) for x in (80, 216)]
    assert [max(range(3), key=lambda band: middle[band]) for middle in middles[:3]] == [0, 1, 2]
    assert min(middles[3]) > 200


async def test_a_spoiler_is_hidden(ann: TelegramPerson) -> None:
    await ann.type("/imagine a cat --spoiler")

    assert (await ann.until(is_done)).is_spoiler


async def test_a_long_prompt_is_cut_and_the_rest_of_the_caption_stays(ann: TelegramPerson) -> None:
    await ann.type(f"/imagine {'🎨' * 1990} --seed 5")

    done = await ann.until(is_done)
    first, prompt, last = done.text.splitlines()
    assert first.startswith("Job ")
    assert prompt.endswith("🎨…")
    assert last.startswith("flat · seed 5")
    assert len(done.text.encode("utf-16-le")) // 2 == 1024


async def test_a_long_text_keeps_its_beginning(room: TelegramRoom, ann: TelegramPerson, place: Place) -> None:
    text = "\n".join(f"{number}. a job like any other" for number in range(300))
    await room.platform.post(place, View(text=text), "post 6")

    shown = ann.messages()[0].text
    assert len(shown) <= 4096
    assert shown.startswith("0. a job")
    assert shown.endswith("…")


async def test_an_unreadable_picture_file_does_not_keep_the_words_back(
    room: TelegramRoom, ann: TelegramPerson, place: Place, tmp_path: Path
) -> None:
    (tmp_path / "broken.png").write_bytes(b"no picture")

    await room.platform.post(place, View(text="Job 1 done.", pictures=(tmp_path / "broken.png",)), "post 7")

    assert ann.messages()[0].text.startswith("Job 1 done.\nThe picture's file cannot be read")


async def test_a_post_that_is_repeated_is_the_same_message(
    room: TelegramRoom, ann: TelegramPerson, place: Place, files: tuple[Path, ...]
) -> None:
    first = await room.platform.post(place, QUEUED, "post 8")

    again = await room.platform.post(place, View(text="Job 1 done.", pictures=files[:1]), "post 8")

    assert again == first
    assert len(ann.messages()) == 1


@pytest.mark.parametrize("stranger", ["a message of an earlier run", "999:1", "{chat}:999999"])
async def test_a_message_that_is_not_there_cannot_be_edited(room: TelegramRoom, place: Place, stranger: str) -> None:
    with pytest.raises((MessageGoneError, UndeliverableError)):
        await room.platform.edit(place, stranger.format(chat=place.channel), DONE)


async def test_a_removed_message_is_gone_and_removing_it_again_does_no_harm(
    room: TelegramRoom, ann: TelegramPerson, place: Place
) -> None:
    message_id = await room.platform.post(place, DONE, "post 9")

    for _ in range(2):
        await room.platform.remove(place, message_id)

    assert ann.messages() == []


async def test_a_text_that_is_too_old_to_delete_is_emptied(
    server: TelegramServer, room: TelegramRoom, ann: TelegramPerson, place: Place
) -> None:
    message_id = await room.platform.post(place, QUEUED, "post 10")
    server.clock.advance(49 * HOUR_S)

    await room.platform.remove(place, message_id)

    (seen,) = ann.messages()
    assert (seen.text, seen.pictures, dict(seen.buttons)) == ("Deleted.", (), {})


async def test_a_picture_that_is_too_old_to_delete_is_emptied(
    server: TelegramServer, room: TelegramRoom, ann: TelegramPerson, place: Place, files: tuple[Path, ...]
) -> None:
    message_id = await room.platform.post(place, View(text="Job 1 done.", pictures=files[:1]), "post 11")
    server.clock.advance(49 * HOUR_S)

    await room.platform.remove(place, message_id)

    (seen,) = ann.messages()
    assert seen.text == "Deleted."
    assert len(opened(seen.pictures[0]).getcolors() or []) == 1


async def test_a_message_that_somebody_deleted_is_sent_anew_with_the_result(
    server: TelegramServer, room: TelegramRoom, ann: TelegramPerson
) -> None:
    room.hold()
    await ann.type("/imagine a cat")
    queued = await ann.until(has("step 1"))
    server.cloud.remove(server.message(queued.id))
    await gone(server, queued)

    room.release()

    done = await ann.until(is_done)
    assert done.id != queued.id
    assert len(ann.messages()) == 1


async def test_several_originals_come_as_files_after_the_words(
    room: TelegramRoom, ann: TelegramPerson, place: Place, files: tuple[Path, ...]
) -> None:
    view = View(text="The originals of job 1.", pictures=files[:3], as_files=True, buttons=CANCEL)

    await room.platform._connected().say(place, view)

    words, *originals = ann.messages()
    assert (words.text, words.pictures, dict(words.buttons)) == (view.text, (), {"cancel:1": "Cancel"})
    assert [original.pictures[0] for original in originals] == [path.read_bytes() for path in files[:3]]


async def test_where_no_pictures_may_be_sent_the_words_say_so(
    server: TelegramServer, room: TelegramRoom, ann: TelegramPerson
) -> None:
    group = server.supergroup("Writers")
    group.takes_pictures = False
    ann = ann.at(group)
    room.hold()
    await ann.type("/imagine a cat")
    await ann.until(has("step 1"))

    room.release()

    done = await ann.until(has(" done in ", "Pictures may not be sent in this chat"))
    await ann.press(done, next(payload for payload in done.buttons if payload.startswith("original")))
    await ann.until(has("seed", "Pictures may not be sent in this chat"))
