"""What do the models of the catalogue take on this GPU, in memory and in time?

`python -m tests.gpu.measure --out RESULT.json` measures, `python -m tests.gpu.table RESULT.json` prints the tables.
Each value is written as soon as it is known, and a second run goes on where the first was stopped: `--budget-s 540`
begins nothing later than that, `--stage`, `--model` and `--cap` choose, `--again` measures anew. No weights are needed
and none are fetched: models have their published sizes and random numbers in them, which take as much memory and time
as trained ones. What depends on training is not measured: how a picture looks, and how many steps `--fast` leaves out.

A machine that has only torch and transformers needs the rest carried there, built for its Python: `pip install
--no-deps --target carried .` and diffusers, accelerate, peft, torchao and bitsandbytes in the versions of
pyproject.toml, and psutil, tokenizers, safetensors, pillow and tqdm where they lack; then `PYTHONPATH=carried python -m
tests.gpu.measure ...`. It takes RAM for the largest model twice (120 GB for hidream) and hardly any disk. torch's own
tuning of products is tried by TORCHINDUCTOR_MAX_AUTOTUNE=1 in the environment, with another `--out`.

`--dry-run` does all of it on a processor with tiny models of the same classes. Its numbers are no claim of anything,
and the tables refuse them. With a GPU this has not been run yet.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import platform
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from generation import Card, GenerationError
from generation.pipelines.card import find_card
from generation.pipelines.loading import quieten
from tests.gpu.programme import STAGES, Job, Programme
from tests.gpu.results import Results
from tests.gpu.small_card import CARDS
from tests.gpu.subjects import MODELS, libraries

CAP_STEPS = 6
TURNS = 20


def measure(options: argparse.Namespace) -> int:
    """Do what is chosen and not done yet, as long as there is time; gives how many jobs are left."""
    quieten()
    deadline = time.monotonic() + options.budget_s
    results = Results(options.out)
    card = _card(options)
    _describe(results, card, is_dry=options.dry_run)
    with tempfile.TemporaryDirectory(dir=options.out.parent) as folder:
        waiting = [job for job in Programme(options, card, Path(folder)) if options.again or not results.has(*job.path)]
        for place, job in enumerate(waiting):
            if time.monotonic() > deadline:
                return len(waiting) - place
            started = time.monotonic()
            results.put(*job.path, value=_value(job))
            print(f"{' '.join(job.path)}: {time.monotonic() - started:.1f} s", file=sys.stderr, flush=True)
    return 0


def _value(job: Job) -> Any:
    """Do a job; what fails is a result too, and no reason to lose the others."""
    try:
        return job.done()
    except (GenerationError, RuntimeError, ValueError, TypeError, AttributeError) as error:
        return {"failed": " ".join(f"{type(error).__name__}: {error}".split())[:500]}


def _card(options: argparse.Namespace) -> Card:
    if options.dry_run:
        # The processor by another name, so that all that is for cards runs.
        return Card(device="cpu:0", name="a processor in place of a card", memory_gib=64, tflops=1, has_fp8=False)
    if not torch.cuda.is_available():
        raise SystemExit("There is no GPU here: --dry-run tries everything on a processor.")
    return find_card("cuda:0")


def _describe(results: Results, card: Card, *, is_dry: bool) -> None:
    if results.has("dry_run") and results.tree["dry_run"] != is_dry:
        raise SystemExit("That file has results of the other kind: choose another --out.")
    versions = {}
    for package in libraries():
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "none"
    results.put("dry_run", value=is_dry)
    results.put("date", value=dt.datetime.now(dt.UTC).date().isoformat())
    results.put("card", value={"name": card.name, "memory_gib": card.memory_gib, "nominal_tflops": card.tflops})
    results.put("versions", value=versions | {"python": platform.python_version(), "cuda": torch.version.cuda})
    tuning = {name: value for name, value in os.environ.items() if name.startswith(("TORCHINDUCTOR_", "PYTORCH_"))}
    results.put("environment", value=tuning)


def read_options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.gpu.measure", description="Measure the models on this GPU.")
    parser.add_argument("--out", type=Path, required=True, help="the JSON file of the results, old and new")
    parser.add_argument("--budget-s", type=float, default=float("inf"), help="begin nothing after so many seconds")
    parser.add_argument("--stage", nargs="+", choices=list(STAGES), default=list(STAGES))
    parser.add_argument("--model", nargs="+", choices=list(MODELS), default=list(MODELS))
    parser.add_argument("--cap", nargs="+", type=int, choices=list(CARDS), default=list(CARDS), help="GB of the card")
    parser.add_argument("--cap-steps", type=int, default=CAP_STEPS, help="steps of a picture under a cap")
    parser.add_argument("--turns", type=int, default=TURNS, help="how often each of two models has its turn")
    parser.add_argument("--again", action="store_true", help="measure also what the file has already")
    parser.add_argument("--dry-run", action="store_true", help="tiny models on a processor; the numbers mean nothing")
    options = parser.parse_args(arguments)
    options.out = options.out.absolute()
    return options


if __name__ == "__main__":
    left = measure(read_options())
    print(f"{left} left to measure: run it again." if left else "All is measured.")
