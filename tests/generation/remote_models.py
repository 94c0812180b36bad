"""How do tests get models that have to be downloaded first, small and drawn by the fake pipeline?"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from generation import Catalogue, ModelSpec
from tests.fake_models import entry, write_models
from tests.generation.pipelines.local_hub import LocalHub, Repository

WEIGHTS = "colour/diffusion_pytorch_model.safetensors"
SIZE = 400_000  # of the weights, in bytes
INDEX = {
    "_class_name": "FlatPipeline",
    "colour": ["diffusers", "Colour"],
    "tokenizer": ["transformers", "Tokenizer"],
    "scheduler": ["diffusers", "DDIMScheduler"],
    "feature_extractor": [None, None],
}


def files(seed: int = 0, size: int = SIZE) -> dict[str, bytes]:
    """Give the files of a repository of which a model needs each one."""
    return {
        "model_index.json": json.dumps(INDEX).encode(),
        "colour/config.json": b'{"_class_name": "Colour"}',
        WEIGHTS: random.Random(seed).randbytes(size),
        "tokenizer/tokenizer.json": b'{"version": "1.0"}',
        "tokenizer/tokenizer_config.json": b"{}",
        "tokenizer/chat_template.jinja": b"{{ messages }}",
        "scheduler/scheduler_config.json": b'{"_class_name": "DDIMScheduler"}',
    }


UNWANTED = {
    "README.md": b"# Flat",
    "flat.safetensors": b"the same once more, as one file",
    "flat.ckpt": b"a pickle",
    "flat-Q4.gguf": b"quantised",
    "run.py": b"raise SystemExit",
    "colour/diffusion_pytorch_model.fp16.safetensors": b"half",
    "colour/diffusion_pytorch_model.fp16-00001-of-00002.safetensors": b"half",
    "colour/diffusion_pytorch_model.safetensors.index.fp16.json": b"{}",
    "colour/diffusion_pytorch_model.bin": b"a pickle",
    "colour/diffusion_pytorch_model.bin.index.json": b"{}",
    "colour/flax_model.msgpack": b"flax",
    "colour/model.onnx": b"onnx",
    "colour_1_0/config.json": b"{}",
    "colour_1_0/diffusion_pytorch_model.safetensors": b"of no component",
    "onnx/colour/model.safetensors": b"deeper",
}


@contextmanager
def hub_of(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalHub]:
    """Open a hub, with an empty cache of one's own, and let it be the one that is asked."""
    hub = LocalHub()
    with hub.opened():
        monkeypatch.setenv("HF_HOME", str(folder / "hub cache"))
        monkeypatch.setenv("HF_ENDPOINT", hub.address)
        for name in ("HF_TOKEN", "HF_HUB_OFFLINE", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
            monkeypatch.delenv(name, raising=False)
        yield hub


def add_remote(models_file: Path, name: str, line: str = "") -> None:
    """Add a model to a models file: that of the repository of its name, with one more line in its entry."""
    added = entry(name, f"hub:studio/{name}").rstrip()
    models_file.write_text(f"{models_file.read_text()}{added}\n{line}\n")


def remote_catalogue(folder: Path, name: str, line: str = "") -> Catalogue:
    """Write and read a models file: the fake models, and a remote one."""
    file = write_models(folder)
    add_remote(file, name, line)
    return Catalogue.load(extra=file, default="flat")


def remote_spec(folder: Path, name: str, line: str = "") -> ModelSpec:
    """Give the model that lies in the repository of its name, with one more line in its entry."""
    return remote_catalogue(folder, name, line).get(name)


def put(hub: LocalHub, name: str, more: Mapping[str, bytes] | None = None, **facts: object) -> dict[str, bytes]:
    """Put a model with weights of its own into a repository; what was served is counted from now on."""
    found = files(seed=sum(name.encode()))
    hub.repositories[f"studio/{name}"] = Repository({**found, **(more or {})}, **facts)  # type: ignore[arg-type]
    hub.served.clear()
    return found
