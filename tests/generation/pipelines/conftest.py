"""What do the tests of the pipelines share?"""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import diffusers
import pytest
import torch
import transformers

from tests.generation.pipelines.tiny_sdxl import write_checkpoint


@pytest.fixture(scope="session", autouse=True)
def _calm_libraries() -> None:
    torch.set_num_threads(1)  # with more of them tiny layers wait for busy cores
    for library in (diffusers, transformers):
        logs: Any = library.utils.logging
        logs.set_verbosity_error()
        logs.disable_progress_bar()
    gc.freeze()  # else each collection, and a model that leaves asks for one, looks at half a million objects of theirs


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny SDXL; not to be changed."""
    directory = tmp_path_factory.mktemp("tiny-sdxl")
    write_checkpoint(directory)
    return directory
