"""The code that made the shipped weights makes some here too, in far too few steps for them to be good."""

from dataclasses import replace
from pathlib import Path

import pytest

from generation.demo import train_lora
from generation.demo.train import main
from generation.lora import Lora
from generation.models.catalogue import Catalogue
from generation.pipelines.card import find_card
from generation.pipelines.memory.pantry import Pantry
from generation.pipelines.pipeline import Row, load_pipeline
from generation.request import ImagineOptions


def train(directory: Path, *, denoiser_steps: int) -> None:
    counts = {"autoencoder-steps": 2, "text-steps": 2, "denoiser-steps": denoiser_steps, "scenes": 64, "processes": 1}
    folders = {"work": directory / "work", "out": directory / "weights"}
    main([f"--{name}={value}" for name, value in {**counts, **folders}.items()])


@pytest.mark.slow
def test_training_goes_on_where_it_stopped_and_ends_in_a_checkpoint_that_draws(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    train(tmp_path, denoiser_steps=1)
    train(tmp_path, denoiser_steps=2)

    said = capfd.readouterr().out
    assert [line.split()[3] for line in said.splitlines() if "denoiser: step" in line] == ["1,", "2,"]
    catalogue, card = Catalogue.load(), find_card("cpu")
    spec = replace(catalogue.get("demo"), checkpoint=str(tmp_path / "weights"))
    pipeline = load_pipeline(spec, catalogue.plan_default(spec, card), card, Pantry())
    request = catalogue.complete(ImagineOptions(prompt="a ring", num_inference_steps=1), default_model="demo", seed=1)
    assert pipeline.render([Row(request, 1)], lambda _: None)[0].size == (256, 256)


@pytest.mark.slow
def test_an_adapters_training_goes_on_where_it_stopped_and_ends_in_a_file_that_draws(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for steps in (1, 3):
        train_lora.main(
            [f"--steps={steps}", "--scenes=64", f"--work={tmp_path}", f"--out={tmp_path / 'ink.safetensors'}"]
        )

    said = capfd.readouterr().out
    assert [line.split()[3] for line in said.splitlines() if "outline: step" in line] == ["1,", "3,"]
    catalogue, card = Catalogue.load(loras=tmp_path), find_card("cpu")
    spec = catalogue.get("demo")
    pipeline = load_pipeline(spec, catalogue.plan_default(spec, card), card, Pantry())
    options = ImagineOptions(prompt="a ring", num_inference_steps=2, loras=(Lora("ink", 2.0),))
    request = catalogue.complete(options, default_model="demo", seed=1)
    weights = catalogue.loras.weights(request.loras)
    with_it, without_it = (
        pipeline.render([Row(request, 1, loras=loras)], lambda _: None)[0] for loras in (weights, ())
    )
    assert with_it.tobytes() != without_it.tobytes()
