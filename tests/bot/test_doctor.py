"""Does the doctor say what a machine can run, be it this one or one with a card that is not here?"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.doctor import Diagnosis, examine
from bot.settings import GenerationSettings, Settings
from generation import GenerationError
from tests.bot.program import fairbrush

CARDS = ("RTX 4060", "RTX 4060 Ti 16", "RTX 4070 Super", "RTX 4090", "RTX 5090", "DGX Spark", "H100")
TABLE = ("sdxl", "sd3.5-large", "flux-dev", "flux-schnell", "hidream")


def settings(directory: Path, **generation: object) -> Settings:
    """Give settings with the catalogue that ships."""
    return Settings(data_dir=directory, generation=GenerationSettings(device="cpu", **generation))  # type: ignore[arg-type]


@pytest.mark.parametrize("card", CARDS)
async def test_the_five_models_of_the_table_run_on_each_of_its_cards(tmp_path: Path, card: str) -> None:
    diagnosis = await examine(settings(tmp_path), card, None)

    found = {each.name: each for each in diagnosis.models}
    for name in TABLE:
        peak_gib, seconds = found[name].predicted_peak_gib, found[name].predicted_seconds
        assert peak_gib is not None
        assert seconds is not None
        assert 0 < peak_gib <= diagnosis.machine.memory_gib
        assert seconds > 0
        assert found[name].plan


async def test_a_limit_and_a_precision_of_the_operator_count_for_a_card_elsewhere_too(tmp_path: Path) -> None:
    chosen = settings(tmp_path, vram_limit_gib=10, precision="int8")
    diagnosis = await examine(chosen, "RTX 4090", None)

    (flux,) = (each for each in diagnosis.models if each.name == "flux-dev")
    assert diagnosis.machine.memory_gib == 10
    assert flux.plan.startswith("int8, ")
    assert (flux.predicted_peak_gib or 99) <= 10


async def test_less_ram_lets_fewer_models_run(tmp_path: Path) -> None:
    def run(diagnosis: Diagnosis) -> set[str]:
        return {each.name for each in diagnosis.models if each.fits}

    usual = run(await examine(settings(tmp_path), "RTX 4060", None))
    little = run(await examine(settings(tmp_path), "RTX 4060", 12))

    assert little < usual
    assert "demo" in little


async def test_a_card_that_nobody_knows_gets_the_names_of_those_that_are_known(tmp_path: Path) -> None:
    with pytest.raises(GenerationError, match=r"There is no card 'RTX 9999' in the list: .*RTX 4060 8 GB.*H100"):
        await examine(settings(tmp_path), "RTX 9999", None)


def test_the_command_gives_json_for_programs(tmp_path: Path) -> None:
    done = fairbrush(tmp_path, "doctor", "--card", "rtx4060", "--json")

    told = json.loads(done.stdout)
    (sdxl,) = (model for model in told["models"] if model["name"] == "sdxl")
    assert done.returncode == 0
    assert {"name", "fits", "plan", "predicted_peak_gib", "predicted_seconds", "download_gib", "licence"} <= sdxl.keys()
    assert told["machine"]["card"] == "RTX 4060 8 GB"


def test_the_command_looks_at_this_machine_while_the_bot_may_be_running(tmp_path: Path) -> None:
    done = fairbrush(tmp_path, "doctor")

    assert done.returncode == 0
    assert "No GPU: " in done.stdout
    assert "sdxl needs a GPU with" in done.stdout
    assert "flat: Flat colours\n   runs: float32, resident" in done.stdout
    assert not (tmp_path / "data").exists()  # it opens nothing that the bot may have open


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [(("--card", "RTX 9999"), "There is no card 'RTX 9999'"), (("--ram", "32"), "it needs --card")],
)
def test_the_command_answers_what_cannot_be_with_one_sentence(
    tmp_path: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    done = fairbrush(tmp_path, "doctor", *arguments)

    assert done.returncode == 2
    assert sentence in done.stderr
    assert done.stdout == ""
