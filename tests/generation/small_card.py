"""How do tests get a card that large models fill, though nothing is drawn but flat colours?

The card is described, not there: what is planned for it, what has to leave it and what is given up for want of memory
is as it would be. The models weigh what the models file says.
"""

from __future__ import annotations

from dataclasses import replace

from generation import Card, Catalogue, Host, ImagineRequest, Job
from tests.fake_models import entry
from tests.generation.studio import Studio, job, request

NAMES = ("big", "bigger", "third")
COMPONENTS = (
    '{{ text_encoder = {{ parameters = 1_600_000_000, linear = 1_600_000_000, blocks = [{{ class = "TextBlock", '
    "count = 8, parameters = 200_000_000, linear = 200_000_000 }}] }}, "
    'unet = {{ parameters = {parameters}, linear = {parameters}, blocks = [{{ class = "UnetBlock", count = 20, '
    "parameters = {block}, linear = {block} }}] }}, vae = {{ parameters = 80_000_000 }} }}"
)
BILLIONS = {"big": 4, "bigger": 6, "third": 4}  # of parameters in the denoiser, 1.86 GiB each in bf16
SIDE = 1024


def card(memory_gib: float, *, host_gib: float = 64.0, name: str = "Small card") -> Card:
    """Describe a card; nothing of it is looked for."""
    return Card(device="fake:0", name=name, memory_gib=memory_gib, host=Host(memory_gib=host_gib))


def big_models(studio: Studio) -> Catalogue:
    """Write a models file with three large models, each with a folder of switches of its own."""
    entries = []
    for name in NAMES:
        switches = studio.folder / name
        switches.mkdir(exist_ok=True)
        parameters = BILLIONS[name] * 10**9
        components = COMPONENTS.format(parameters=parameters, block=parameters // 20)
        # Pictures as large as these models draw them, since small ones decode in no time and no memory; and work enough
        # for a step to hide what is streamed.
        text = entry(name, switches, components=components).replace("= 64\n", f"= {SIDE}\n")
        text = text.replace("pass_tflop = 0.001", "pass_tflop = 30")
        entries.append(text.replace("largest_side = 128", f"largest_side = {SIDE}"))
    file = studio.folder / "big.toml"
    file.write_text("".join(entries))
    return Catalogue.load(extra=file, default=NAMES[0])


def asked(model: str = "big", *, seed: int = 1, images: int = 1, side: int = SIDE) -> ImagineRequest:
    """Give a request for large pictures."""
    return replace(request(model=model, seed=seed, images=images, steps=2), width=side, height=side)


def large_job(job_id: int, model: str = "big", *, images: int = 1, side: int = SIDE) -> Job:
    """Give a job for large pictures; its seed is its number."""
    return job(job_id, asked=asked(model, seed=job_id, images=images, side=side))


def switch_on(studio: Studio, model: str, switch: str, number: float | None = None) -> None:
    """Turn a fault of one model on."""
    (studio.folder / model / switch).write_text("" if number is None else str(number))


def switch_off(studio: Studio, model: str, switch: str) -> None:
    """Turn it off."""
    (studio.folder / model / switch).unlink()
