"""Does every family draw with an adapter what diffusers' own pipeline draws with it?"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from generation import Lora
from generation.errors import LoraError
from tests.generation.pipelines import tiny_loras
from tests.generation.pipelines.test_families import Loaded, drawn, is_close, row, told_whole
from tests.generation.pipelines.tiny_loras import adapted, as_peft, weights
from tests.generation.pipelines.tiny_models import FAMILIES

pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation"
)  # diffusers' schedulers hand tensors to numpy

# One of those that differ only in their settings is enough; the quickest one is always tried.
QUICK = "flux dev"
LEFT_OUT = ("sd3 without T5", "flux schnell", "hidream dev")
LAYERS = ("to_q", "to_v", "to_out.0")


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(name, marks=() if name == QUICK else pytest.mark.slow) for name in FAMILIES if name not in LEFT_OUT
    ],
)
def loaded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    """Each family in turn."""
    checkpoint = tmp_path_factory.mktemp("tiny")
    FAMILIES[request.param].write(checkpoint)
    return Loaded(FAMILIES[request.param], checkpoint)


def test_it_draws_what_diffusers_own_pipeline_draws_with_it_and_afterwards_as_before(
    loaded: Loaded, tmp_path: Path
) -> None:
    asked, before = loaded.asked(), loaded.plain
    path = tiny_loras.write(tmp_path, "ink", as_peft("transformer", adapted(loaded.whole.transformer, *LAYERS)))
    laid_out = replace(row(asked), loras=weights(tmp_path, Lora("ink", 0.7)))

    (found,) = drawn(loaded.pipeline, laid_out)
    (after,) = drawn(loaded.pipeline, row(asked))

    loaded.whole.load_lora_weights(path, adapter_name="ink")
    loaded.whole.set_adapters("ink", 0.7)
    assert is_close(found, told_whole(loaded, loaded.whole, asked))
    assert not is_close(found, before)
    assert (after == before).all()
    loaded.whole.unload_lora_weights()


def test_one_of_another_width_is_refused(loaded: Loaded, tmp_path: Path) -> None:
    layers = {name: (down[:, :-1], up) for name, (down, up) in adapted(loaded.whole.transformer, *LAYERS).items()}
    tiny_loras.write(tmp_path, "alien", as_peft("transformer", layers))

    with pytest.raises(LoraError, match="The LoRA alien does not fit"):
        drawn(loaded.pipeline, replace(row(loaded.asked()), loras=weights(tmp_path, Lora("alien"))))
