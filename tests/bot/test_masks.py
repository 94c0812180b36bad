"""Does a mask go with its start picture, however both are given, and is a bad one refused in words?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image, ImageChops

from bot.chat import Attachment
from storage import Pictures
from tests.bot.chatroom import Room
from tests.bot.test_start_images import drawn, refused, sent, with_picture

pytestmark = pytest.mark.asyncio(loop_scope="module")

BLACK_MASK = "The mask is black all over: paint white what is to be drawn anew."


def mask(size: tuple[int, int] = (64, 64), kind: str = "PNG") -> bytes:
    """Give a mask whose right half is white."""
    picture = Image.new("L", size)
    picture.paste(255, (size[0] // 2, 0, *size))
    buffer = BytesIO()
    picture.save(buffer, kind)
    return buffer.getvalue()


def as_option(data: bytes, flag: str) -> Attachment:
    """Give an attachment as a platform does that has an option for each."""
    return replace(sent(data), flag=flag)


@pytest.fixture
def local(shared_room: Room) -> Iterator[Room]:
    """The room, as if its platform were on this machine."""
    remote = shared_room.platform.capabilities
    shared_room.platform.capabilities = replace(remote, reads_local_files=True)
    yield shared_room
    shared_room.platform.capabilities = remote


async def masked(room: Room) -> int:
    """Have a picture made within a mask."""
    return await with_picture(room, "/imagine a hat", as_option(drawn(), "image"), as_option(mask(), "mask"))


async def test_only_what_is_white_in_the_mask_is_drawn(shared_room: Room) -> None:
    job_id = await masked(shared_room)

    view = await shared_room.end(job_id)
    with Image.open(view.pictures[0]) as image:
        made = image.convert("RGB")
    start = Image.new("RGB", (64, 64), "red")
    assert ImageChops.difference(made, start).getbbox() == (32, 0, 64, 64)
    assert "within a mask of a picture, strength 1" in view.text


@pytest.mark.parametrize("order", [1, -1])
async def test_options_may_come_in_any_order(shared_room: Room, order: int) -> None:
    given = [as_option(drawn(), "image"), as_option(mask(), "mask")][::order]

    job_id = await with_picture(shared_room, "/imagine a hat", *given)

    assert (await shared_room.request(job_id)).mask


async def test_without_options_the_word_attached_makes_a_picture_the_mask(shared_room: Room) -> None:
    start = await shared_room.made("/imagine a cat")
    beside = await with_picture(shared_room, f"/imagine a hat --image {start} --mask attached", sent(mask(kind="JPEG")))
    both = await with_picture(shared_room, "/imagine a hat --mask Attached", sent(drawn()), sent(mask()))

    requests = [await shared_room.request(job_id) for job_id in (beside, both)]
    assert requests[0].image == (await shared_room.job(start)).pictures[0].sha256
    assert requests[1].image != requests[0].image
    assert all(request.mask for request in requests)


async def test_the_mask_of_a_job_can_be_used_again_and_so_can_its_picture(shared_room: Room) -> None:
    given = as_option(drawn("white"), "image"), as_option(mask(), "mask")
    first = await with_picture(shared_room, "/imagine a hat --seed 1", *given)  # on white, in a dark colour
    request = await shared_room.request(first)

    same = await shared_room.made(f"/imagine a crown --image {first} --mask {first}:0")
    other = await with_picture(shared_room, f"/imagine a crown --mask {first}", sent(drawn()))

    assert (await shared_room.request(same)).mask == request.mask
    assert (await shared_room.request(other)).mask not in ("", request.mask)


async def test_a_platform_on_this_machine_reads_a_masks_file(local: Room, tmp_path: Path) -> None:
    (tmp_path / "cat.png").write_bytes(drawn())
    (tmp_path / "where.png").write_bytes(mask())

    job_id = await local.made(f"/imagine a hat --image {tmp_path}/cat.png --mask {tmp_path}/where.png")

    assert (await local.request(job_id)).mask


async def test_again_and_edits_keep_the_mask_and_variations_leave_it(shared_room: Room) -> None:
    job_id = await masked(shared_room)
    mask_name = (await shared_room.request(job_id)).mask

    again = await shared_room.press_for_job(f"again:{job_id}")
    await shared_room.press(f"edit:{job_id}")
    form = shared_room.platform.forms[-1]
    edited = await shared_room.press_for_job(f"edit:{job_id}", text=form.text.replace("a hat", "a crown"))
    varied = await shared_room.press_for_job(f"vary:{job_id}:0")

    assert f"--image {job_id}:0" in form.text
    assert f"--mask {job_id}:0" in form.text
    names = [(await shared_room.request(each)).mask for each in (again, edited, varied)]
    assert names == [mask_name, mask_name, ""]


async def test_a_rerun_gives_the_same_picture(shared_room: Room) -> None:
    job_id = await masked(shared_room)

    view = await shared_room.say(f"/rerun {job_id}")

    assert f"The same, byte for byte, as job {job_id}." in view.text


async def test_a_mask_goes_when_the_last_job_that_has_it_is_deleted(shared_room: Room) -> None:
    odd = mask((66, 66))
    job_id = await with_picture(
        shared_room, "/imagine a hat", as_option(drawn("blue"), "image"), as_option(odd, "mask")
    )
    again = await shared_room.press_for_job(f"again:{job_id}")
    name = (await shared_room.request(job_id)).mask
    path = Pictures(shared_room.settings.data_dir / "pictures").path(name)

    await shared_room.press(f"delete:{job_id}")
    after_one = path.exists()
    await shared_room.press(f"delete:{again}")

    assert after_one
    assert not path.exists()


@pytest.mark.parametrize(
    ("line", "given", "words"),
    [
        ("/imagine a hat", [as_option(mask(), "mask")], "--mask says which parts of a start picture are drawn anew"),
        ("/imagine a hat --mask attached", [sent(mask())], "--mask says which parts of a start picture"),
        ("/imagine a hat --mask attached", [], "--mask attached means a picture that you send along, and there is"),
        ("/imagine a hat --mask mask.png", [sent(drawn())], "--mask takes the word attached for a picture that you"),
        ("/imagine a hat --mask 999", [sent(drawn())], "There is no job 999 here; /history lists yours."),
        ("/imagine a hat", [sent(drawn()), as_option(b"GIF89a", "mask")], "The mask is not a PNG, JPEG or WEBP file"),
        ("/imagine a hat", [sent(drawn()), as_option(drawn("black"), "mask")], BLACK_MASK),
        (
            "/imagine a hat",
            [sent(drawn()), as_option(mask((64, 96)), "mask")],
            "The mask has 64x96 pixels and the start picture 64x64: both need the same shape.",
        ),
        (
            "/imagine a hat",
            [sent(drawn()), *[as_option(mask(), "mask")] * 2],
            "A start picture has one mask: give a single one.",
        ),
    ],
)
async def test_what_is_no_mask_is_refused(shared_room: Room, line: str, given: list[Attachment], words: str) -> None:
    assert (await refused(shared_room, line, *given)).startswith(words)


async def test_a_job_without_a_mask_has_none_to_give(shared_room: Room) -> None:
    job_id = await shared_room.made("/imagine a cat")

    text = await refused(shared_room, f"/imagine a hat --image {job_id} --mask {job_id}:0")

    assert text == f"Job {job_id} had no mask."


async def test_a_mask_that_is_too_large_is_not_even_fetched(shared_room: Room) -> None:
    async def read() -> bytes:
        raise AssertionError

    huge = Attachment(name="mask.png", size=21 * 2**20, read=read, flag="mask")

    text = await refused(shared_room, "/imagine a hat", sent(drawn()), huge)

    assert text == "mask.png has 21.0 MiB; a mask may have 20 MiB."
