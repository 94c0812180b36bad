"""How is the outline adapter made anew? By `python -m generation.demo.train_lora`, which goes on where it was stopped.

It learns on top of the weights that ship, which stay as they are. What it has learned so far is written now and then.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import diffusers
import torch
from diffusers import StableDiffusionXLPipeline
from safetensors.torch import save_file

from generation.demo import outline
from generation.demo.lessons import BATCH
from generation.demo.scenes import COLOURS, SHAPES
from generation.demo.train import SIDE, WEIGHTS

OUT = Path(__file__).parent / "loras" / "outline.safetensors"
SAVE_EVERY = 100


def main(arguments: Sequence[str] | None = None) -> None:
    """Train as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m generation.demo.train_lora", description=__doc__)
    parser.add_argument("--steps", type=int, default=1600)
    parser.add_argument("--scenes", type=int, default=2000, help="scenes kept encoded in memory, and renewed slowly")
    parser.add_argument("--model", type=Path, default=WEIGHTS, help="what is adapted")
    parser.add_argument("--work", type=Path, default=Path("build/demo"), help="where checkpoints go")
    parser.add_argument("--out", type=Path, default=OUT, help="where the adapter goes")
    options = parser.parse_args(arguments)
    diffusers.utils.logging.set_verbosity_error()
    torch.set_num_threads(1)
    options.work.mkdir(parents=True, exist_ok=True)
    _train(options, options.work / "outline.pt")


def _train(options: argparse.Namespace, checkpoint: Path) -> None:
    torch.manual_seed(0)
    pipe = StableDiffusionXLPipeline.from_pretrained(options.model, dtype=torch.float32, add_watermarker=False)
    state = torch.load(checkpoint, weights_only=True) if checkpoint.is_file() else None
    trainer = outline.Trainer(pipe, seed=0 if state is None else state["step"])
    if state is not None:
        trainer.restore(state)
    caches = trainer.lessons.cache(SIDE, options.scenes)
    losses: list[float] = []
    while trainer.step < options.steps:
        losses.append(trainer.train_step(caches, trainer.step / options.steps))
        if trainer.step % SAVE_EVERY == 0 or trainer.step == options.steps:
            _save(trainer, checkpoint)
            write(trainer, options.out)
            loss = sum(losses) / len(losses)
            losses.clear()
            now, pictures = time.strftime("%H:%M:%S"), trainer.step * BATCH
            print(f"{now} outline: step {trainer.step}, {pictures} pictures, loss {loss:.4f}", flush=True)


def _save(trainer: outline.Trainer, checkpoint: Path) -> None:
    unfinished = checkpoint.with_suffix(".unfinished")
    torch.save(trainer.state(), unfinished)
    unfinished.replace(checkpoint)


def write(trainer: outline.Trainer, out: Path) -> None:
    """Write the averaged adapter in half precision, with the header that the common trainers write."""
    weights = {f"unet.{name}": weight.half().contiguous() for name, weight in trainer.average().items()}
    out.parent.mkdir(parents=True, exist_ok=True)
    unfinished = out.with_suffix(".unfinished")
    save_file(weights, unfinished, metadata=_metadata(trainer.step))
    unfinished.replace(out)


def _metadata(steps: int) -> dict[str, str]:
    """Describe the adapter in the keys of ModelSpec (`modelspec.*`) and of kohya's trainer (`ss_*`)."""
    tags = Counter({outline.TRIGGER: round(steps * BATCH * outline.TRIGGERED)})
    words = {**dict.fromkeys((*SHAPES, *COLOURS), 0), **tags}
    return {
        "format": "pt",
        "modelspec.sai_model_spec": "1.0.0",
        "modelspec.architecture": "fairbrush-demo/lora",
        "modelspec.implementation": "diffusers",
        "modelspec.title": "Outline",
        "modelspec.description": "Draws each shape as an outline on its ground, instead of filled.",
        "modelspec.trigger_phrase": outline.TRIGGER,
        "modelspec.usage_hint": "Scale 1; it works without the trigger words, too.",
        "modelspec.license": "MIT",
        "modelspec.resolution": f"{SIDE}x{SIDE}",
        "ss_base_model_version": "fairbrush_demo",
        "ss_network_dim": str(outline.RANK),
        "ss_network_alpha": str(outline.RANK),
        "ss_steps": str(steps),
        "ss_tag_frequency": json.dumps({"outline": words}),
    }


if __name__ == "__main__":
    main()
