"""Does the program download a model on the command line, and lose nothing that has come when it is killed?"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bot.program import Program, fairbrush
from tests.fake_models import write_models
from tests.generation.pipelines.local_hub import LocalHub
from tests.generation.remote_models import SIZE, WEIGHTS, add_remote, hub_of, put

HELD = 100_000


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalHub]:
    """A hub with one model."""
    with hub_of(tmp_path, monkeypatch) as hub:
        put(hub, "far")
        yield hub


@pytest.fixture
def chosen(tmp_path: Path) -> dict[str, str]:
    """Settings by which the program knows that model."""
    file = write_models(tmp_path).rename(tmp_path / "remote.toml")
    add_remote(file, "far")
    return {"FAIRBRUSH_GENERATION__MODELS_FILE": str(file)}


def test_a_script_reads_how_a_download_goes_and_ends(tmp_path: Path, hub: LocalHub, chosen: dict[str, str]) -> None:
    first = fairbrush(tmp_path, "download", "far", **chosen)
    second = fairbrush(tmp_path, "download", "far", **chosen)

    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout.splitlines()[0].startswith("Downloading far: ")
    assert first.stdout.splitlines()[-1] == "far is downloaded."
    assert (second.returncode, second.stdout) == (0, "far is on this disk already.\n")
    assert hub.served[WEIGHTS] == SIZE


def test_what_cannot_be_downloaded_is_one_sentence_and_an_exit_status(
    tmp_path: Path, hub: LocalHub, chosen: dict[str, str]
) -> None:
    put(hub, "far", is_gated=True)

    gated = fairbrush(tmp_path, "download", "far", HF_TOKEN="hf_secret", **chosen)
    unknown = fairbrush(tmp_path, "download", "nothing", **chosen)

    assert gated.returncode == 1
    assert gated.stderr.startswith("far: the hub does not take the token in HF_TOKEN; make a new one at ")
    assert unknown.returncode == 2
    assert unknown.stderr.startswith("There is no model 'nothing'.")
    written = [file.read_text(errors="replace") for file in tmp_path.rglob("*.log")]
    assert written
    assert not any("hf_secret" in text for text in (gated.stdout, gated.stderr, *written))


@pytest.mark.slow
def test_ctrl_c_in_a_terminal_keeps_what_has_come(tmp_path: Path, hub: LocalHub, chosen: dict[str, str]) -> None:
    hub.hold(WEIGHTS, HELD)
    with Program(tmp_path, "download", "far", is_terminal=True, **chosen) as program:
        program.until("98.6/400.3 kB")
        program.type("\x03")
        program.until("Stopped. What has come is kept: the same command goes on from there.")
        assert program.end() == 130
    hub.release()

    assert fairbrush(tmp_path, "download", "far", **chosen).returncode == 0
    assert hub.served[WEIGHTS] == SIZE


@pytest.mark.parametrize("number", [signal.SIGKILL, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_a_program_that_is_killed_takes_its_fetcher_along_and_goes_on_where_it_was(
    tmp_path: Path, hub: LocalHub, chosen: dict[str, str], number: int
) -> None:
    hub.hold(WEIGHTS, HELD)
    words = ("a cat", "--model", "far", "--seed", "7")
    with Program(tmp_path, "imagine", *words, is_terminal=True, **chosen) as program:
        program.until("Job 1 queued. Downloading far: 0.1 of 0.4 MB")
        program.kill(number)
    hub.release()

    done = fairbrush(tmp_path, "chat", **chosen)

    assert "Job 1 done in " in done.stdout
    assert "seed 7" in done.stdout
    assert hub.served[WEIGHTS] == SIZE


def test_a_script_waits_for_the_downloads_that_it_asked_for(
    tmp_path: Path, hub: LocalHub, chosen: dict[str, str]
) -> None:
    done = fairbrush(tmp_path, "chat", typed="/admin download far\n/wait\n/imagine a cat --model far\n", **chosen)

    said = [block.splitlines()[0] for block in done.stdout.strip().split("\n\n")]
    assert said[0].startswith("Downloading far: ")
    assert said[1] == "far is downloaded."
    assert said[2].startswith("Job 1 queued")
    assert said[3].startswith("Job 1 done in ")
    assert hub.served[WEIGHTS] == SIZE
