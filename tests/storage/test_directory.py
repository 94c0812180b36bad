"""Is the data directory made, proven writable and kept to one process?"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from storage import StorageError, open_directory
from tests.storage.sqlite_file import mounted

HOLD = """
import pathlib, sys
from storage import open_directory
with open_directory(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def open_and_leave(directory: Path) -> None:
    """Open a directory for a moment."""
    with open_directory(directory):
        pass


def test_a_missing_directory_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    with open_directory(tmp_path / "a" / "b") as directory:
        assert directory.is_dir()
        assert directory.stat().st_mode & 0o077 == 0


def test_a_directory_can_be_opened_again_after_it_was_left(tmp_path: Path) -> None:
    open_and_leave(tmp_path)
    open_and_leave(tmp_path)


def test_nothing_is_left_of_the_proof_that_it_can_be_written(tmp_path: Path) -> None:
    with open_directory(tmp_path):
        assert [file.name for file in tmp_path.iterdir()] == ["lock"]


def test_a_directory_that_another_process_holds_is_refused_until_that_process_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(StorageError, match=f"Another Fairbrush is using the data directory {tmp_path}"):
            open_and_leave(tmp_path)
        other.send_signal(signal.SIGKILL)
        other.wait(10)

    open_and_leave(tmp_path)


def test_a_file_in_its_place_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("in the way")

    with pytest.raises(StorageError, match=f"The data directory {tmp_path}/data is a file"):
        open_and_leave(tmp_path / "data")
    with pytest.raises(StorageError, match=r"cannot be used \(Not a directory\)"):
        open_and_leave(tmp_path / "data" / "below")


def test_a_disk_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with (
        mounted(tmp_path / "disk", "ro") as disk,
        pytest.raises(StorageError, match=r"cannot be used \(Read-only file system\)\. Make it writable, or set"),
    ):
        open_and_leave(disk)


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write anywhere")
def test_a_directory_of_somebody_else_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)

    with pytest.raises(StorageError, match=r"cannot be used \(Permission denied\)"):
        open_and_leave(tmp_path)
