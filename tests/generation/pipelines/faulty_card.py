"""How does a test let torch itself run out of memory inside the real worker process, so and so often in one phase?

The worker gets its catalogue through the pipe; this one brings a hook along that torch calls before each network works.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from generation import Card, Catalogue, Host, Phase
from generation.models.models_file import ModelsReader
from generation.models.styles import shipped_styles

# Which networks begin a phase; the autoencoder's own forward is never called.
NETWORKS = {
    "CLIPTextModel": Phase.ENCODE,
    "UNet2DConditionModel": Phase.DENOISE,
    "Decoder": Phase.DECODE,
}
# A processor that is run like a GPU: blocks are streamed, and weights are kept in fewer bits.
CARD = Card(device="cpu:0", name="Like a GPU", memory_gib=20, host=Host(memory_gib=64))
ENTRY = """
["{name}"]
title = "A tiny SDXL that is said to be large"
family = "sdxl"
checkpoint = "{checkpoint}"
licence = "MIT"
needs_gpu = false
scheduler = "EulerDiscreteScheduler"
num_inference_steps = 2
guidance_scale = 5.0
has_negative_prompt = true
width = 768
height = 768
smallest_side = 64
largest_side = 768
side_multiple = 64
seconds_per_step = 0.05
costs = {{ pass_tflop = 600, gib_per_kilotoken = 0.1, text_tokens = 77 }}

["{name}".components]
vae = {{ parameters = 80_000_000 }}

["{name}".components.unet]
parameters = 4_000_000_000
linear = 4_000_000_000
blocks = [{{ class = "BasicTransformerBlock", count = 4, parameters = 1_000_000_000, linear = 1_000_000_000 }}]

["{name}".components.text_encoder]
parameters = 900_000_000
linear = 900_000_000
blocks = [{{ class = "CLIPEncoderLayer", count = 3, parameters = 300_000_000, linear = 300_000_000 }}]

["{name}".components.text_encoder_2]
parameters = 900_000_000
linear = 900_000_000
blocks = [{{ class = "CLIPEncoderLayer", count = 3, parameters = 300_000_000, linear = 300_000_000 }}]
"""


class FaultyCatalogue(Catalogue):
    """Models by the names of their checkpoints' folders; a folder of faults says how often each phase is to fail."""

    def __init__(self, faults: Path, *checkpoints: Path) -> None:
        reader = ModelsReader()
        text = "".join(ENTRY.format(name=checkpoint.name, checkpoint=checkpoint) for checkpoint in checkpoints)
        reader.read(text, source="models.toml", directory=faults)
        super().__init__(reader.specs, default=checkpoints[0].name, styles=shipped_styles())
        self.faults = faults

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Arrive in the worker."""
        self.__dict__.update(state)
        torch.nn.modules.module.register_module_forward_pre_hook(self._before)

    def fail(self, phase: Phase, times: int) -> None:
        """Let a phase run out of memory so often from now on."""
        (self.faults / phase).write_text(str(times))

    def _before(self, module: torch.nn.Module, _: object) -> None:
        phase = NETWORKS.get(type(module).__name__)
        file = self.faults / str(phase)
        left = int(file.read_text()) if phase is not None and file.exists() else 0
        if left:
            file.write_text(str(left - 1))
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate what a test wants")
