"""Does a picture that somebody gives become the start of another, and is a bad one refused in words?"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
import pytest_asyncio
from PIL import Image

from bot.chat import Accepted, Attachment, CommandError, Tone, View
from tests.bot.chatroom import Room
from tests.bot.test_buttons import ELSEWHERE, OTHER

pytestmark = pytest.mark.asyncio(loop_scope="module")

MIB = 2**20


def drawn(colour: str = "red", size: tuple[int, int] = (64, 64), kind: str = "PNG") -> bytes:
    buffer = BytesIO()
    Image.new("RGB", size, colour).save(buffer, kind)
    return buffer.getvalue()


def sent(data: bytes, *, size: int | None = None) -> Attachment:
    """Give an attachment; `size` is what its platform says of it."""

    async def read() -> bytes:
        return data

    return Attachment(name="cat.png", size=len(data) if size is None else size, read=read)


async def with_picture(room: Room, line: str, *attachments: Attachment) -> int:
    answer = await room.type(line, attachments=attachments)
    assert isinstance(answer, Accepted), answer
    await room.end(answer.job_id)
    return answer.job_id


async def refused(room: Room, line: str, *attachments: Attachment) -> str:
    answer = await room.type(line, attachments=attachments)
    assert isinstance(answer, View)
    assert answer.tone is Tone.REFUSED
    assert "\n" not in answer.text
    return answer.text


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def two(shared_room: Room) -> AsyncIterator[int]:
    """A job with two pictures of 96x64."""
    yield await shared_room.made("/imagine two cats --count 2 --size 96x64")


@pytest.fixture
def local(shared_room: Room) -> Iterator[Room]:
    """The room, as if its platform were on this machine."""
    remote = shared_room.platform.capabilities
    shared_room.platform.capabilities = replace(remote, reads_local_files=True)
    yield shared_room
    shared_room.platform.capabilities = remote


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
async def test_an_attached_picture_is_the_start_and_gives_its_shape(shared_room: Room, kind: str) -> None:
    job_id = await with_picture(shared_room, "/imagine a cat", sent(drawn("red", (200, 100), kind)))

    request = await shared_room.request(job_id)
    view = await shared_room.end(job_id)
    assert (request.width / request.height, request.strength) == (2, 0.6)
    assert "from a picture, strength 0.6" in view.text


async def test_another_start_gives_another_picture_and_the_same_the_same(shared_room: Room) -> None:
    line = "/imagine a cat --seed 7"

    jobs = [await with_picture(shared_room, line, sent(drawn(colour))) for colour in ("red", "red", "blue")]

    first, second, third = [(await shared_room.job(job_id)).pictures[0].sha256 for job_id in jobs]
    assert first == second != third


async def test_the_strength_that_is_typed_holds(shared_room: Room) -> None:
    job_id = await with_picture(shared_room, "/imagine a cat --strength 0,35", sent(drawn()))

    assert (await shared_room.request(job_id)).strength == 0.35


async def test_a_size_or_ratio_that_is_typed_goes_before_the_pictures_own(shared_room: Room) -> None:
    sized = await with_picture(shared_room, "/imagine a cat --size 64x96", sent(drawn("red", (200, 100))))
    shaped = await with_picture(shared_room, "/imagine a cat --ar 1:1", sent(drawn("red", (200, 100))))

    requests = [await shared_room.request(job_id) for job_id in (sized, shaped)]
    assert [(request.width, request.height) for request in requests] == [(64, 96), (64, 64)]


async def test_ones_own_ratio_does_not_bend_a_picture(shared_room: Room) -> None:
    await shared_room.say("/settings --ar 1:2")

    job_id = await with_picture(shared_room, "/imagine a cat", sent(drawn("red", (200, 100))))

    await shared_room.say("/settings --reset")
    request = await shared_room.request(job_id)
    assert request.width == 2 * request.height


@pytest.mark.parametrize(("typed", "index"), [("{}:1", 0), ("{}:2", 1), ("#{}:2", 1)])
async def test_a_picture_of_a_job_is_the_start(shared_room: Room, two: int, typed: str, index: int) -> None:
    job_id = await shared_room.made(f"/imagine a dog --image {typed.format(two)}")

    request = await shared_room.request(job_id)
    assert request.image == (await shared_room.job(two)).pictures[index].sha256
    assert (request.width, request.height) == (96, 64)


async def test_the_only_picture_of_a_job_needs_no_number(shared_room: Room) -> None:
    first = await shared_room.made("/imagine a cat")

    second = await shared_room.made(f"/imagine a dog --image {first}")

    assert (await shared_room.request(second)).image == (await shared_room.job(first)).pictures[0].sha256


async def test_what_a_job_started_from_is_its_picture_0(shared_room: Room) -> None:
    first = await with_picture(shared_room, "/imagine a cat --size 96x64", sent(drawn()))

    second = await shared_room.made(f"/imagine a dog --image {first}:0")

    before, after = await shared_room.request(first), await shared_room.request(second)
    assert (after.image, after.width, after.height) == (before.image, 96, 64)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("{two}", "Job {two} has 2 pictures: say which one, such as {two}:1."),
        ("{two}:3", "Job {two} has no picture 3."),
        ("{two}:0", "Job {two} did not start from a picture."),
        ("999", "There is no job 999 here; /history lists yours."),
        ("cat.png", "--image takes a job's number, such as 12, or 12:2 for its second picture; or attach a picture"),
        ("/etc/passwd", "--image takes a job's number"),
    ],
)
async def test_what_names_no_picture_is_refused(shared_room: Room, two: int, typed: str, words: str) -> None:
    text = await refused(shared_room, f"/imagine a cat --image {typed.format(two=two)}")

    assert text.startswith(words.format(two=two))


async def test_a_job_without_pictures_is_no_start(shared_room: Room) -> None:
    job_id = await shared_room.running("/imagine a slow cat")
    running = await refused(shared_room, f"/imagine a dog --image {job_id}")
    await shared_room.press(f"cancel:{job_id}")
    await shared_room.end(job_id)
    shared_room.release()
    cancelled = await refused(shared_room, f"/imagine a dog --image {job_id}")

    assert running == f"Job {job_id} has no pictures: it is being made now."
    assert cancelled == f"Job {job_id} has no pictures: it was cancelled."


async def test_pictures_of_another_place_are_as_if_they_were_not_there(shared_room: Room) -> None:
    job_id = await shared_room.made("/imagine a secret", OTHER, ELSEWHERE)

    assert (await refused(shared_room, f"/imagine a cat --image {job_id}")).startswith(f"There is no job {job_id} here")


async def test_a_picture_that_is_too_large_is_not_even_fetched(shared_room: Room) -> None:
    async def read() -> bytes:
        raise AssertionError

    huge = Attachment(name="huge.png", size=21 * MIB, read=read)

    text = await refused(shared_room, "/imagine a cat", huge)

    assert text == "huge.png has 21.0 MiB; a start picture may have 20 MiB."


@pytest.mark.parametrize("data", [b"", b"no picture at all", drawn()[:60], b"GIF89a" + bytes(100)])
async def test_what_is_no_picture_is_told_so(shared_room: Room, data: bytes) -> None:
    text = await refused(shared_room, "/imagine a cat", sent(data))

    assert text == "The start picture is not a PNG, JPEG or WEBP file that can be read; one of these is needed."


async def test_a_picture_that_cannot_be_fetched_is_told_so(shared_room: Room) -> None:
    async def read() -> bytes:
        raise CommandError("cat.png could not be fetched: try again.")

    text = await refused(shared_room, "/imagine a cat", Attachment(name="cat.png", size=9, read=read))

    assert text == "cat.png could not be fetched: try again."


async def test_two_pictures_at_once_are_one_too_many(shared_room: Room, two: int) -> None:
    both = await refused(shared_room, "/imagine a cat", sent(drawn()), sent(drawn("blue")))
    mixed = await refused(shared_room, f"/imagine a cat --image {two}:1", sent(drawn()))

    assert both == mixed == "A picture starts from one other: give a single picture."


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("/imagine a cat --strength 0", "--strength 0 is out of range: above 0 and up to 1 is allowed."),
        ("/imagine a cat --strength 1.5", "--strength 1.5 is out of range: above 0 and up to 1 is allowed."),
        ("/imagine a cat --strength much", '--strength "much" is not a number.'),
        ("/imagine a cat --strength 0.1 --steps 2", "--strength 0.1 leaves none of --steps 2 to take"),
    ],
)
async def test_a_bad_strength_is_refused(shared_room: Room, line: str, words: str) -> None:
    assert (await refused(shared_room, line, sent(drawn()))).startswith(words)


async def test_a_strength_needs_a_picture(shared_room: Room) -> None:
    text = await refused(shared_room, "/imagine a cat --strength 0.5")

    assert text == "--strength says how far from a start picture it may go: it needs --image."


async def test_a_platform_on_this_machine_reads_files(local: Room, tmp_path: Path) -> None:
    file = tmp_path / "my cat.png"
    file.write_bytes(drawn("red", (200, 100)))

    job_id = await local.made(f'/imagine a cat --image "{file}"')

    request = await local.request(job_id)
    assert request.width == 2 * request.height


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("nothing.png", "There is no file nothing.png."),
        ("~nobody-of-that-name/cat.png", "There is no file cat.png."),
        ("/", "There is no file "),
        (f"/{'x' * 300}.png", "cannot be read: File name too long."),
    ],
)
async def test_a_file_that_is_not_there_is_told_so(local: Room, typed: str, words: str) -> None:
    assert words in await refused(local, f"/imagine a cat --image {typed}")


async def test_a_file_that_is_too_large_is_not_read(local: Room, tmp_path: Path) -> None:
    with (tmp_path / "huge.png").open("wb") as file:
        file.truncate(21 * MIB)

    text = await refused(local, f"/imagine a cat --image {tmp_path}/huge.png")

    assert text == "huge.png has 21.0 MiB; a start picture may have 20 MiB."


async def test_a_start_picture_outlives_what_it_came_from(local: Room, tmp_path: Path) -> None:
    file = tmp_path / "cat.png"
    file.write_bytes(drawn("green"))
    job_id = await local.made(f"/imagine a cat --image {file}")
    file.unlink()

    again = await local.press_for_job(f"again:{job_id}")

    assert (await local.request(again)).image == (await local.request(job_id)).image
