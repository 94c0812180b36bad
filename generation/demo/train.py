"""How are the demo model's weights made anew? By `python -m generation.demo.train`, which goes on where it was stopped.

Four stages: tokenizer, autoencoder, text encoder and denoiser, then all of it as an SDXL checkpoint in half precision.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import diffusers
import torch
from diffusers import AutoencoderTiny, StableDiffusionXLPipeline, UNet2DConditionModel
from torch import distributed
from torch.multiprocessing.spawn import spawn
from transformers import CLIPTextModelWithProjection

from generation.demo import autoencoder, denoiser, diffusion, text, tokenizer
from generation.demo.lessons import BATCH

SIDE = 256
WEIGHTS = Path(__file__).parent / "weights"
SAVE_EVERY = 250


def main(arguments: Sequence[str] | None = None) -> None:
    """Train as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m generation.demo.train", description=__doc__)
    parser.add_argument("--autoencoder-steps", type=int, default=7000)
    parser.add_argument("--text-steps", type=int, default=300)
    parser.add_argument("--denoiser-steps", type=int, default=6700)
    parser.add_argument("--scenes", type=int, default=3000, help="scenes kept encoded in memory, and renewed slowly")
    parser.add_argument("--processes", type=int, default=2, help="of one thread each, for the denoiser")
    parser.add_argument("--work", type=Path, default=Path("build/demo"), help="where checkpoints go")
    parser.add_argument("--out", type=Path, default=WEIGHTS, help="where the finished model goes")
    options = parser.parse_args(arguments)
    diffusers.utils.logging.set_verbosity_error()
    options.work.mkdir(parents=True, exist_ok=True)
    _train_autoencoder(options.work / "autoencoder", options.autoencoder_steps)
    meeting = (options.work / "meeting").absolute()
    meeting.unlink(missing_ok=True)
    spawn(_train_denoiser, (options, meeting.as_uri()), nprocs=options.processes)
    megabytes = sum(file.stat().st_size for file in options.out.rglob("*") if file.is_file()) / 2**20
    _say(f"The model is in {options.out}, {megabytes:.1f} MiB. How well it draws: python -m generation.demo.evaluate")


def _say(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {line}", flush=True)


def _train_autoencoder(finished: Path, steps: int) -> None:
    if finished.is_dir():
        return
    torch.manual_seed(0)
    vae = autoencoder.build()
    autoencoder.train(vae, SIDE, steps, _say)
    unfinished = finished.with_name("autoencoder-unfinished")
    vae.save_pretrained(unfinished)
    unfinished.rename(finished)


def _train_denoiser(rank: int, options: argparse.Namespace, meeting: str) -> None:
    """Be one of the processes that train the denoiser; the first one also saves and reports."""
    diffusers.utils.logging.set_verbosity_error()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    distributed.init_process_group("gloo", init_method=meeting, rank=rank, world_size=options.processes)
    vae = AutoencoderTiny.from_pretrained(options.work / "autoencoder").requires_grad_(False)
    trainer = _prepare(vae, options, rank)
    caches = trainer.lessons.cache(SIDE, options.scenes // options.processes)
    loss = 1.0
    while trainer.step < options.denoiser_steps:
        loss += 0.02 * (trainer.train_step(caches, trainer.step / options.denoiser_steps) - loss)
        if rank == 0 and (trainer.step % SAVE_EVERY == 0 or trainer.step == options.denoiser_steps):
            _save(trainer, options.work / "denoiser.pt")
            gaps = ", ".join(f"{part} {gap:.0%}" for part, gap in trainer.word_gaps(caches[0]).items())
            pictures = trainer.step * BATCH * options.processes
            _say(f"denoiser: step {trainer.step}, {pictures} pictures, loss {loss:.4f}, word gaps {gaps}")
    if rank == 0:
        assemble(vae, trainer, options.out)
    distributed.destroy_process_group()


def _prepare(vae: AutoencoderTiny, options: argparse.Namespace, rank: int) -> diffusion.Trainer:
    """Give a trainer that begins, or goes on where the checkpoint was taken."""
    words = tokenizer.build()
    encoder = text.build(words)
    unet = denoiser.build(SIDE // autoencoder.CELL)
    checkpoint = options.work / "denoiser.pt"
    state = torch.load(checkpoint, weights_only=True) if checkpoint.is_file() else None
    if state is None:
        text.pretrain(encoder, words, options.text_steps, _say if rank == 0 else lambda _: None)
    seed = rank + options.processes * (0 if state is None else state["step"])
    trainer = diffusion.Trainer(unet, encoder, words, vae, seed=seed)
    if state is not None:
        trainer.restore(state)
    for weight in trainer.networks.parameters():
        distributed.broadcast(weight.data, 0)
    return trainer


def _save(trainer: diffusion.Trainer, checkpoint: Path) -> None:
    unfinished = checkpoint.with_suffix(".unfinished")
    torch.save(trainer.state(), unfinished)
    unfinished.replace(checkpoint)


def assemble(vae: AutoencoderTiny, trainer: diffusion.Trainer, out: Path) -> None:
    """Write the averaged networks as an SDXL checkpoint in half precision."""
    unet, encoder = trainer.average["unet"], trainer.average["text_encoder"]
    assert isinstance(unet, UNet2DConditionModel)
    assert isinstance(encoder, CLIPTextModelWithProjection)
    pipe = StableDiffusionXLPipeline(
        vae=vae,
        text_encoder=None,
        text_encoder_2=encoder,
        tokenizer=None,
        tokenizer_2=trainer.tokenizer,
        unet=denoiser.without_position(unet),
        scheduler=denoiser.build_scheduler(),
        force_zeros_for_empty_prompt=False,
        add_watermarker=False,
    )
    pipe.to(dtype=torch.float16)
    pipe.save_pretrained(out, safe_serialization=True)


if __name__ == "__main__":
    main()
