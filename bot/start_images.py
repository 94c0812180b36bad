"""How does a picture that somebody gives become the start of another: an attachment, a job's picture, a file?"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass

from bot.access import Access
from bot.chat import Call, CommandError
from bot.places import Places
from bot.values import local_path
from generation import LARGEST_FILE_MIB, ImagineRequest, read_start_image
from storage import Pictures

JOB_PICTURE = re.compile(r"#?(\d{1,18})(?::(\d))?")
MIB = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """A picture that is kept to start from. `size` is in pixels; its ratio holds if none is typed."""

    sha256: str
    size: tuple[int, int]


class StartImages:
    """Takes in start pictures, cleaned of whatever else their files hold."""

    def __init__(self, pictures: Pictures, access: Access, places: Places) -> None:
        self._pictures = pictures
        self._access = access
        self._places = places
        self._reading = asyncio.Semaphore(1)

    async def take(self, call: Call, typed: str) -> Start | None:
        """Keep the picture that a call brings or names; None if it does neither.

        Raises:
            CommandError, GenerationError: it cannot be had or read, or there is more than one.
            StorageError: it could not be kept.
        """
        if len(call.attachments) + bool(typed) > 1:
            raise CommandError("A picture starts from one other: give a single picture.")
        if call.attachments:
            attachment = call.attachments[0]
            _check_size(attachment.name, attachment.size)
            return await self._keep(await attachment.read())
        if not typed:
            return None
        if (match := JOB_PICTURE.fullmatch(typed)) is not None:
            return await self._of_job(call, int(match[1]), None if match[2] is None else int(match[2]))
        if call.platform.capabilities.reads_local_files:
            return await self._keep(await asyncio.to_thread(_read_file, typed))
        raise CommandError(
            "--image takes a job's number, such as 12, or 12:2 for its second picture; or attach a picture instead."
        )

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

    async def _keep(self, data: bytes) -> Start:
        async with self._reading:  # one at a time: it may take hundreds of MB, and whoever waits must not hold a thread
            image = await asyncio.to_thread(read_start_image, data)
        sha256 = await asyncio.to_thread(self._pictures.save, image.png)
        return Start(sha256=sha256, size=(image.width, image.height))


def _read_file(typed: str) -> bytes:
    path = local_path(typed)
    try:
        if not path.is_file():
            raise CommandError(f"There is no file {path.name}.")
        _check_size(path.name, path.stat().st_size)
        return path.read_bytes()
    except OSError as error:
        raise CommandError(f"The file {path.name} cannot be read: {error.strerror}.") from error


def _check_size(name: str, size: int) -> None:
    if size > LARGEST_FILE_MIB * MIB:
        raise CommandError(f"{name} has {size / MIB:.1f} MiB; a start picture may have {LARGEST_FILE_MIB} MiB.")
