"""Does the measuring script work, as far as a processor can tell, and do its tables show only what was measured?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from generation import Card, Precision
from generation.models.parts import known_parts
from generation.pipelines.loading import Checkpoint
from generation.pipelines.memory.pantry import Pantry
from generation.pipelines.memory.transfers import transfers_for
from tests.gpu.measure import measure, read_options
from tests.gpu.speed_stage import VARIANTS
from tests.gpu.subjects import MODELS, Subject, UntrainedCheckpoint, made
from tests.gpu.table import main, tables

pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation"),  # diffusers' schedulers hand tensors to numpy
    pytest.mark.filterwarnings("ignore:Dynamo detected a call to a `functools.lru_cache`"),  # diffusers' upsampling
]

PROCESSOR = Card(device="cpu", name="a processor", memory_gib=8)


def _results(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(file.read_text())
    return found


@pytest.mark.gpu
def test_all_of_it_runs_on_a_gpu(tmp_path: Path) -> None:
    options = read_options(
        ["--out", str(tmp_path / "r.json"), "--model", "sdxl", "--cap", "8", "--stage", "card", "caps"]
    )

    assert measure(options) == 0
    assert "reserved_gib" in _results(tmp_path / "r.json")["caps"]["sdxl"]["8"]


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
def test_a_dry_run_measures_every_variant_and_cap_of_every_model(model: str, tmp_path: Path) -> None:
    file = tmp_path / "r.json"
    options = ["--out", str(file), "--dry-run", "--model", model, "--stage", "card", "speed", "caps"]

    assert measure(read_options(options)) == 0

    found = _results(file)
    speed, caps = found["speed"][model], found["caps"][model]
    assert set(speed) == set(VARIANTS)
    assert not [name for name, value in speed.items() if "failed" in value and name != "fused"]
    assert speed["compiled"]["provenance"]["compiled"] == "yes"
    assert all(cap["fits"] and cap["steps"] for cap in caps.values())


@pytest.mark.slow
def test_a_dry_run_switches_models_and_has_five_at_once(tmp_path: Path) -> None:
    file = tmp_path / "r.json"
    measure(read_options(["--out", str(file), "--dry-run", "--stage", "switches", "together", "--turns", "3"]))

    found = _results(file)
    assert len(found["switches"]["course"]) == 6
    assert found["together"]["all_drew"]


def test_a_run_that_is_cut_off_goes_on_where_it_was(tmp_path: Path) -> None:
    file = tmp_path / "r.json"
    wanted = ["--out", str(file), "--dry-run", "--stage", "card", "caps", "--model", "sdxl", "--cap", "8"]

    left = measure(read_options([*wanted, "--budget-s", "0"]))
    assert measure(read_options(wanted)) == 0
    first = _results(file)
    assert measure(read_options(wanted)) == 0

    assert left == 2
    assert first["caps"]["sdxl"]["8"]["fits"]
    assert _results(file) == first


def test_results_of_a_dry_run_are_refused_by_the_tables(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "r.json"
    measure(read_options(["--out", str(file), "--dry-run", "--stage", "card"]))

    assert main([str(file)]) == 1
    assert "numbers mean nothing" in capsys.readouterr().out


def test_results_of_the_two_kinds_do_not_mix(tmp_path: Path) -> None:
    (tmp_path / "r.json").write_text('{"dry_run": false}')

    with pytest.raises(SystemExit, match="other kind"):
        measure(read_options(["--out", str(tmp_path / "r.json"), "--dry-run"]))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_without_a_gpu_nothing_is_measured(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="There is no GPU here"):
        measure(read_options(["--out", str(tmp_path / "r.json")]))


def test_a_table_shows_what_was_measured_and_says_of_the_rest_that_it_was_not() -> None:
    versions = {"torch": "2", "diffusers": "0", "torchao": "0"}
    cap = {
        "fits": True,
        "predicted": {"denoise": 11.0},
        "measured": {"denoise": 10.0},
        "step_s": 0.1,
        "is_inside": True,
    }
    tree = {
        "dry_run": False,
        "date": "2026-01-01",
        "card": {"name": "a card"},
        "versions": versions,
        "speed": {"flux-dev": {"floor": {"floor_s": 2.0}, "diffusers": {"image_s": 6.0}, "compiled": {"image_s": 3.0}}},
        "caps": {"flux-dev": {"12": cap | {"step_s": 0.1, "is_inside": True}}},
    }

    lines = tables(tree).splitlines()

    assert "| `flux-dev`: eager diffusers / floor at most 2.6 | 3.00 | missed |" in lines
    assert "| `flux-dev`: ours / floor at most 1.7 | 1.50 | met |" in lines
    assert "| `flux-dev`: fp8 / floor at most 1.25 |  | not measured |" in lines
    assert "| `flux-dev` inside 12 GB | 10.0 of 11.0 GiB, 0.1 s a step | met |" in lines
    assert "| `sdxl` inside 6 GB |  | not measured |" in lines


@pytest.mark.parametrize("model", ["sd3.5-large", pytest.param("hidream", marks=pytest.mark.slow)])
def test_untrained_networks_have_all_that_trained_ones_have_but_their_weights(model: str, tmp_path: Path) -> None:
    subject = Subject(model, tmp_path / model, is_full=False)
    subject.write()
    for name in subject.spec.components:
        trained, untrained = (
            kind(subject.spec, subject.family, Pantry()).network(
                name, Precision.FLOAT32, PROCESSOR, transfers_for(PROCESSOR)
            )
            for kind in (Checkpoint, UntrainedCheckpoint)
        )

        buffers = dict(trained.module.named_buffers())
        for place, buffer in untrained.module.named_buffers():
            torch.testing.assert_close(buffer, buffers[place])
        shapes = {place: weight.shape for place, weight in untrained.module.named_parameters()}
        assert shapes == {place: weight.shape for place, weight in trained.module.named_parameters()}
        assert all(
            weight.isfinite().all() and weight.std() > 0 for weight in untrained.module.parameters() if weight.ndim > 1
        )


@pytest.mark.slow
@pytest.mark.parametrize("model", ["flux-dev", "hidream"])
def test_described_in_full_size_each_network_has_the_published_number_of_weights(model: str, tmp_path: Path) -> None:
    subject = Subject(model, tmp_path / model, is_full=True)
    subject.write()
    checkpoint = subject.checkpoint()

    for name, part in subject.spec.components.items():
        folder = checkpoint._folder_of(name)
        kind = checkpoint._class_of(name, folder)
        assert not list(folder.glob("*.safetensors"))
        with torch.device("meta"):
            network = made(kind, folder)
        assert sum(weight.numel() for weight in network.parameters()) == known_parts()[part.name].parameters
