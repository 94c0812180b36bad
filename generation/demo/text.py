"""How is the demo model's text encoder built, and taught the words before it is trained along with the denoiser?"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from transformers import CLIPTextConfig, CLIPTextModelWithProjection, CLIPTokenizer

from generation.demo.autoencoder import Report
from generation.demo.captions import caption
from generation.demo.scenes import COLOURS, LAYOUTS, PLACES, RADII, SHAPES, Scene, random_scene

WIDTH = 128
LAYERS = 3  # SDXL reads the last layer but one, so two of them learn from pictures
BATCH = 64
LEARNING_RATE = 1e-3
POOLED_NORM = 2.0


def build(tokenizer: CLIPTokenizer) -> CLIPTextModelWithProjection:
    """Build an untrained text encoder for the tokenizer."""
    config = CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=WIDTH,
        intermediate_size=4 * WIDTH,
        projection_dim=WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=4,
        max_position_embeddings=tokenizer.model_max_length,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    encoder = CLIPTextModelWithProjection(config)
    with torch.no_grad():
        encoder.get_input_embeddings().weight.mul_(5)  # at CLIP's own 0.02 the words drown in the positions
    return encoder


def tokens(tokenizer: CLIPTokenizer, captions: list[str]) -> torch.Tensor:
    """Give the token numbers, (B, model_max_length), padded as the pipeline pads."""
    batch = tokenizer(captions, padding="max_length", truncation=True, return_tensors="pt")
    return torch.as_tensor(batch.input_ids)


def encode(encoder: CLIPTextModelWithProjection, ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Give what SDXL reads: the last layer but one (B, L, WIDTH) and the pooled vector (B, WIDTH)."""
    output = encoder(ids, output_hidden_states=True)
    return output.hidden_states[-2], output.text_embeds


def pretrain(
    encoder: CLIPTextModelWithProjection, tokenizer: CLIPTokenizer, steps: int, report: Report, *, seed: int = 0
) -> None:
    """Teach the encoder, in place, to tell by linear heads what a caption says of things, ground and layout.

    Without it the denoiser ignores the shape word for its first ten thousands of pictures.
    """
    heads = nn.ModuleList(nn.Linear(2 * WIDTH, len(names)) for names in _labels())
    parameters = [*encoder.parameters(), *heads.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=LEARNING_RATE, betas=(0.9, 0.99), weight_decay=0.01)
    draws = np.random.default_rng(seed)
    for step in range(steps):
        scenes = [random_scene(draws) for _ in range(BATCH)]
        captions = [caption(scene, draws) for scene in scenes]
        hidden, pooled = encode(encoder, tokens(tokenizer, captions))
        features = torch.cat([hidden.mean(dim=1), functional.normalize(pooled, dim=-1) * POOLED_NORM], dim=-1)
        targets = _targets(scenes)
        scores = [head(features) for head in heads]
        loss = torch.stack([functional.cross_entropy(s, t) for s, t in zip(scores, targets, strict=True)]).mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        if (step + 1) % 100 == 0:
            right = [(s.argmax(-1) == t).float().mean().item() for s, t in zip(scores, targets, strict=True)]
            report(f"text: step {step + 1} loss {loss.item():.3f} right {', '.join(f'{r:.2f}' for r in right)}")
    with torch.no_grad():
        encoder.text_projection.weight.mul_(POOLED_NORM / pooled.norm(dim=-1).mean())


def _labels() -> list[list[str]]:
    return [
        list(COLOURS),
        list(SHAPES),
        list(COLOURS),
        list(RADII),
        list(LAYOUTS),
        ["", *PLACES],
        list(COLOURS),
        list(SHAPES),
    ]


def _targets(scenes: list[Scene]) -> list[torch.Tensor]:
    """The classes of each head; captions leave a few out, which then count as misses that nobody can avoid."""
    first, last = [scene.things[0] for scene in scenes], [scene.things[-1] for scene in scenes]
    columns = [
        [thing.colour for thing in first],
        [thing.shape for thing in first],
        [scene.ground for scene in scenes],
        [thing.size for thing in first],
        [scene.layout for scene in scenes],
        [scene.place for scene in scenes],
        [thing.colour for thing in last],
        [thing.shape for thing in last],
    ]
    return [
        torch.tensor([names.index(value) for value in column]) for names, column in zip(_labels(), columns, strict=True)
    ]
