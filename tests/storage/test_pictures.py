"""Is a picture file whole on the disk, or not there at all?"""

from __future__ import annotations

import asyncio
import hashlib
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from storage import Jobs, Pictures, StorageError
from tests.storage.conftest import new_job, new_picture

PNG = b"pixels" * 1000


def files(folder: Path) -> list[str]:
    """Give the names of all files."""
    return sorted(file.name for file in folder.rglob("*") if file.is_file())


def test_a_picture_is_found_by_its_content(pictures: Pictures, tmp_path: Path) -> None:
    name = pictures.save(PNG)

    assert name == hashlib.sha256(PNG).hexdigest()
    assert pictures.path(name).read_bytes() == PNG
    assert files(tmp_path) == [f"{name}.png"]


def test_equal_pictures_are_one_file(pictures: Pictures, tmp_path: Path) -> None:
    assert pictures.save(PNG) == pictures.save(PNG)
    assert len(files(tmp_path)) == 1


async def test_equal_pictures_saved_at_once_are_one_whole_file(pictures: Pictures, tmp_path: Path) -> None:
    large = PNG * 500

    names = await asyncio.gather(*(asyncio.to_thread(pictures.save, large) for _ in range(16)))

    assert len(set(names)) == 1
    assert pictures.path(names[0]).read_bytes() == large
    assert len(files(tmp_path)) == 1


def test_a_full_disk_leaves_no_part_of_a_file(
    pictures: Pictures, tmp_path: Path, small_disk: Callable[[int], AbstractContextManager[None]]
) -> None:
    with small_disk(1000), pytest.raises(StorageError, match="The disk is full, so the picture could not be kept"):
        pictures.save(PNG)

    assert files(tmp_path) == []
    assert pictures.path(pictures.save(PNG)).is_file()


def test_a_directory_that_cannot_be_written_is_refused_without_its_path(tmp_path: Path) -> None:
    (tmp_path / "pictures").write_text("in the way")

    with pytest.raises(StorageError, match="the data directory refuses writes") as refusal:
        Pictures(tmp_path / "pictures").save(PNG)

    assert str(tmp_path) not in str(refusal.value)


async def test_a_picture_whose_file_could_not_be_kept_has_no_row(
    jobs: Jobs, small_disk: Callable[[int], AbstractContextManager[None]]
) -> None:
    job_id, _ = await jobs.accept("event", new_job())

    with small_disk(1000), pytest.raises(StorageError, match="The disk is full"):
        await jobs.add_picture(new_picture(job_id, png=PNG))

    record = await jobs.get(job_id)
    assert record is not None
    assert record.pictures == ()


async def test_a_picture_of_no_job_keeps_its_file_and_no_row(jobs: Jobs, tmp_path: Path) -> None:
    with pytest.raises(Exception, match="FOREIGN KEY"):
        await jobs.add_picture(new_picture(99))

    assert [name for name in files(tmp_path) if name.endswith(".png")]


KILLED = """
import os, pathlib, sys
from storage import Pictures
def die(*_):
    os._exit(9)
pathlib.Path.replace = die  # the last moment before the file gets its name
Pictures(pathlib.Path(sys.argv[1])).save(b"pixels")
"""


def test_what_a_killed_run_left_half_written_is_removed_at_the_next_start(pictures: Pictures, tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    kept = pictures.save(PNG)
    assert subprocess.run([sys.executable, "-c", KILLED, str(folder)], check=False).returncode == 9
    left = files(folder)

    removed = pictures.remove_partial()

    assert len(left) == 2
    assert removed == 1
    assert files(folder) == [f"{kept}.png"]
