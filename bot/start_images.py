"""How does a picture that somebody gives become the start of another, or its mask: an attachment, a job's, a file?"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from bot.access import Access
from bot.chat import Attachment, Call, CommandError
from bot.places import Places
from bot.values import ATTACHED, local_path
from generation import LARGEST_FILE_MIB, ImagineRequest, Mask, StartImage, check_shape, read_mask, read_start_image
from storage import Pictures

JOB_PICTURE = re.compile(r"#?(\d{1,18})(?::(\d))?")
MIB = 2**20
IMAGE, MASK = "image", "mask"  # the flags
WHAT = {IMAGE: "start picture", MASK: "mask"}
NAMED = {
    IMAGE: "--image takes a job's number, such as 12, or 12:2 for its second picture; or attach a picture instead.",
    MASK: f"--mask takes the word {ATTACHED} for a picture that you send along, or a job's mask: 12:0 is job 12's.",
}


Cleaned = TypeVar("Cleaned", StartImage, Mask)


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """A picture that is kept to start from. `size` is in pixels; its ratio holds if none is typed.

    `mask` names the picture, kept as well, that says which parts of it are drawn anew, "" for none.
    """

    sha256: str
    size: tuple[int, int]
    mask: str = ""


class StartImages:
    """Takes in start pictures and masks, cleaned of whatever else their files hold."""

    def __init__(self, pictures: Pictures, access: Access, places: Places) -> None:
        self._pictures = pictures
        self._access = access
        self._places = places
        self._reading = asyncio.Semaphore(1)

    async def take(self, call: Call, image: str, mask: str) -> Start | None:
        """Keep the picture that a call brings or names, with its mask; None if it does neither.

        Raises:
            CommandError, GenerationError: it cannot be had or read, or there is more than one.
            StorageError: it could not be kept.
        """
        sent, sent_mask = _told_apart(call.attachments, mask)
        start = await self._start(call, sent, image)
        typed_mask = "" if mask.casefold() == ATTACHED else mask
        if not sent_mask and not typed_mask:
            return start
        if start is None:
            raise CommandError("--mask says which parts of a start picture are drawn anew: it needs --image.")
        sha256 = await self._mask(call, sent_mask, typed_mask)
        await asyncio.to_thread(self._compare, sha256, start.sha256)
        return replace(start, mask=sha256)

    async def _start(self, call: Call, sent: list[Attachment], typed: str) -> Start | None:
        if len(sent) + bool(typed) > 1:
            raise CommandError("A picture starts from one other: give a single picture.")
        if sent:
            return await self._keep(await _fetched(sent[0], IMAGE))
        if not typed:
            return None
        if (match := JOB_PICTURE.fullmatch(typed)) is not None:
            return await self._of_job(call, int(match[1]), None if match[2] is None else int(match[2]))
        return await self._keep(await _of_file(call, typed, IMAGE))

    async def _mask(self, call: Call, sent: list[Attachment], typed: str) -> str:
        if len(sent) + bool(typed) > 1:
            raise CommandError("A start picture has one mask: give a single one.")
        if sent:
            return await self._keep_mask(await _fetched(sent[0], MASK))
        if (match := JOB_PICTURE.fullmatch(typed)) is None:
            return await self._keep_mask(await _of_file(call, typed, MASK))
        if match[2] == "0":
            return await self._mask_of_job(call, int(match[1]))
        drawn = await self._of_job(call, int(match[1]), None if match[2] is None else int(match[2]))
        return await self._keep_mask(await asyncio.to_thread(self._pictures.path(drawn.sha256).read_bytes))

    async def _of_job(self, call: Call, job_id: int, number: int | None) -> Start:
        """Find picture `number` of a job, from 1; 0 is the one that the job itself started from."""
        if number != 0:
            index = None if number is None else number - 1
            job, picture = await self._access.visible_picture(job_id, index, call)
            await self._places.check_shown(call, ImagineRequest.from_json(dict(job.request)).model)
            return Start(sha256=picture.sha256, size=(picture.width, picture.height))
        job = await self._access.visible_job(job_id, call)
        request = ImagineRequest.from_json(dict(job.request))
        if not request.image:
            raise CommandError(f"Job {job.id} did not start from a picture.")
        return Start(sha256=request.image, size=(request.width, request.height))

    async def _mask_of_job(self, call: Call, job_id: int) -> str:
        job = await self._access.visible_job(job_id, call)
        request = ImagineRequest.from_json(dict(job.request))
        if not request.mask:
            raise CommandError(f"Job {job.id} had no mask.")
        return request.mask

    async def _keep(self, data: bytes) -> Start:
        image = await self._cleaned(read_start_image, data)
        sha256 = await asyncio.to_thread(self._pictures.save, image.png)
        return Start(sha256=sha256, size=(image.width, image.height))

    async def _keep_mask(self, data: bytes) -> str:
        return await asyncio.to_thread(self._pictures.save, (await self._cleaned(read_mask, data)).png)

    async def _cleaned(self, read: Callable[[bytes], Cleaned], data: bytes) -> Cleaned:
        async with self._reading:  # one at a time: it may take hundreds of MB, and whoever waits must not hold a thread
            return await asyncio.to_thread(read, data)

    def _compare(self, mask: str, start: str) -> None:
        check_shape(self._pictures.path(mask).read_bytes(), self._pictures.path(start).read_bytes())


def _told_apart(attachments: tuple[Attachment, ...], mask: str) -> tuple[list[Attachment], list[Attachment]]:
    """Part what was sent into start pictures and masks. Where platforms cannot tell, a mask comes last."""
    images = [attachment for attachment in attachments if attachment.flag != MASK]
    masks = [attachment for attachment in attachments if attachment.flag == MASK]
    if mask.casefold() == ATTACHED:
        if not images:
            raise CommandError(f"--mask {ATTACHED} means a picture that you send along, and there is none.")
        masks.append(images.pop())
    return images, masks


async def _fetched(attachment: Attachment, flag: str) -> bytes:
    _check_size(attachment.name, attachment.size, flag)
    return await attachment.read()


async def _of_file(call: Call, typed: str, flag: str) -> bytes:
    if not call.platform.capabilities.reads_local_files:
        raise CommandError(NAMED[flag])
    return await asyncio.to_thread(_read_file, typed, flag)


def _read_file(typed: str, flag: str) -> bytes:
    path = local_path(typed)
    try:
        if not path.is_file():
            raise CommandError(f"There is no file {path.name}.")
        _check_size(path.name, path.stat().st_size, flag)
        return path.read_bytes()
    except OSError as error:
        raise CommandError(f"The file {path.name} cannot be read: {error.strerror}.") from error


def _check_size(name: str, size: int, flag: str) -> None:
    if size > LARGEST_FILE_MIB * MIB:
        raise CommandError(f"{name} has {size / MIB:.1f} MiB; a {WHAT[flag]} may have {LARGEST_FILE_MIB} MiB.")
