"""Are the files of the model that comes next read while another one runs, and no others, and never for nothing?"""

from __future__ import annotations

import logging
import os
import queue
from collections.abc import Iterator
from pathlib import Path

import pytest

from generation import StepDone
from generation.worker.prefetch import CHUNK, SPARE_GIB, Prefetcher
from tests.generation.small_card import big_models, card, large_job, switch_off, switch_on
from tests.generation.studio import PATIENCE_S, Studio

SIZE = 3 * 2**20


class Messages(logging.Handler):
    """What the prefetcher says when it is done with a model, to wait for."""

    def __init__(self) -> None:
        super().__init__()
        self.said: queue.SimpleQueue[str] = queue.SimpleQueue()

    def emit(self, record: logging.LogRecord) -> None:
        self.said.put(record.getMessage())

    def next(self) -> str:
        return self.said.get(timeout=PATIENCE_S)


@pytest.fixture
def messages() -> Iterator[Messages]:
    """What the prefetcher says from now on."""
    log, handler = logging.getLogger("generation.worker.prefetch"), Messages()
    before = log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    yield handler
    log.removeHandler(handler)
    log.setLevel(before)


def bytes_read() -> int:
    """Give how many bytes this process has read from files so far."""
    return int(Path("/proc/self/io").read_text(encoding="ascii").splitlines()[0].removeprefix("rchar: "))


def weights(folder: Path, *names: str) -> list[Path]:
    """Write files of weights."""
    files = [folder / name for name in names]
    for file in files:
        file.write_bytes(bytes(SIZE))
    return files


def test_all_files_of_the_next_model_are_read(tmp_path: Path, messages: Messages) -> None:
    files = weights(tmp_path, "one", "two")
    before = bytes_read()

    Prefetcher(lambda _: files, lambda: 100.0).wish("flat")

    assert messages.next() == "flat: 0.01 of 0.01 GiB read ahead"
    assert bytes_read() - before >= 2 * SIZE


def test_a_model_is_not_read_again_as_long_as_it_is_what_comes_next(tmp_path: Path, messages: Messages) -> None:
    files = {"flat": weights(tmp_path, "one"), "flatter": weights(tmp_path, "two")}
    prefetcher = Prefetcher(files.__getitem__, lambda: 100.0)

    prefetcher.wish("flat")
    first = messages.next()
    prefetcher.wish("flat")
    prefetcher.wish("flatter")

    assert [first.split(":")[0], messages.next().split(":")[0]] == ["flat", "flatter"]


def test_nothing_is_read_where_ram_is_short(tmp_path: Path, messages: Messages) -> None:
    files = {"flat": weights(tmp_path, "one"), "flatter": weights(tmp_path, "two")}
    asked, free = queue.SimpleQueue[None](), [SPARE_GIB, SPARE_GIB + 1]  # so much is to stay free beside the files

    def free_gib() -> float:
        asked.put(None)
        return free.pop(0)

    prefetcher = Prefetcher(files.__getitem__, free_gib)
    before = bytes_read()

    prefetcher.wish("flat")
    asked.get(timeout=PATIENCE_S)
    prefetcher.wish("flatter")

    assert messages.next().startswith("flatter: ")
    assert bytes_read() - before < 2 * SIZE


def test_reading_stops_when_another_model_comes_first(tmp_path: Path, messages: Messages) -> None:
    slow = tmp_path / "slow"  # hands out only what is written into it
    os.mkfifo(slow)
    files = {"flat": [*weights(tmp_path, "one"), slow], "flatter": weights(tmp_path, "two")}
    prefetcher = Prefetcher(files.__getitem__, lambda: 100.0)

    prefetcher.wish("flat")
    with slow.open("wb", buffering=0) as stream:
        stream.write(b"the first bytes")
        prefetcher.wish("flatter")
        stream.write(b"more bytes, which nobody waits for any more")
        overtaken, other = messages.next(), messages.next()
        with pytest.raises(BrokenPipeError):
            stream.write(bytes(CHUNK))

    assert overtaken.startswith("flat: ")
    assert other.startswith("flatter: ")


def test_files_that_are_gone_do_no_harm(tmp_path: Path, messages: Messages) -> None:
    files = {"flat": [tmp_path / "gone"], "flatter": weights(tmp_path, "two")}
    prefetcher = Prefetcher(files.__getitem__, lambda: 100.0)

    prefetcher.wish("flat")
    first = messages.next()
    prefetcher.wish("flatter")

    assert first.startswith("flat cannot be read ahead: ")
    assert messages.next().startswith("flatter: ")


async def test_while_a_job_runs_its_worker_reads_what_the_next_one_needs(studio: Studio) -> None:
    catalogue = big_models(studio)
    weights(studio.folder / "bigger", "model.safetensors")
    weights(studio.folder / "big", "model.safetensors")
    switch_on(studio, "big", "hold")
    async with studio.opened(catalogue, card=card(20)):
        for job_id, model in ((1, "big"), (2, "bigger"), (3, "big")):
            studio.service.submit(large_job(job_id, model))
        await studio.held(1)
        while "read ahead" not in studio.log_file.read_text():
            await studio.seen(StepDone, after=len(studio.events))
        switch_off(studio, "big", "hold")
        await studio.ended(3)

    lines = [line for line in studio.log_file.read_text().splitlines() if "read ahead" in line]
    assert [line.split()[-7] for line in lines] == ["bigger:"]  # "big" is in RAM by then
