"""How well does the demo model draw what it is asked? `python -m generation.demo.evaluate` prints it.

Half of the prompts name pairs of colour and shape that were held out of all training. The judge is first tried on
drawings of its own kind. Beyond single objects, it is asked for places and for two objects.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from generation.demo.captions import caption
from generation.demo.judge import Verdict, judge
from generation.demo.scenes import PLACES, SHAPES, Scene, draw, is_held_out, random_scene
from generation.lora import Lora
from generation.models.catalogue import Catalogue
from generation.pipelines.card import find_card
from generation.pipelines.memory.pantry import Pantry
from generation.pipelines.pipeline import Pipeline, Row, load_pipeline
from generation.request import ImagineOptions

SEED = 20_000  # of the prompts; fixed before the weights were made
NEAR_MIDDLE = 0.08  # of the shorter side: an object that is less far from the middle line is on neither side of it
SHEET_COLUMNS = 20


@dataclass(frozen=True, slots=True)
class Answer:
    """What was asked for and what was seen."""

    scene: Scene
    verdict: Verdict

    @property
    def is_right(self) -> tuple[bool, bool, bool]:
        """Tell of the first thing's colour, the ground and the shape whether they are as asked."""
        seen, asked = self.verdict, self.scene.things[0]
        return seen.colour == asked.colour, seen.ground == self.scene.ground, seen.shape == asked.shape

    @property
    def is_at_its_place(self) -> bool:
        """Tell whether the object is on the side, or in the corner, where it was asked to be."""
        right, down = PLACES[self.scene.place]
        return _side(self.verdict.x) == right and _side(self.verdict.y) == down


def main(arguments: Sequence[str] | None = None) -> None:
    """Evaluate as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m generation.demo.evaluate", description=__doc__)
    parser.add_argument("--model", default="demo", help="a catalogue entry that has the demo's weights")
    parser.add_argument("--pictures", type=int, default=200, help="of single objects; half as many of each other kind")
    parser.add_argument("--seed", type=int, default=SEED, help="draws the prompts; another one asks for other scenes")
    parser.add_argument("--sheet", type=Path, help="write all pictures to this PNG, small")
    parser.add_argument("--lora", default="", help="draw with this adapter that ships, such as outline or outline:0.5")
    options = parser.parse_args(arguments)
    draws = np.random.default_rng(options.seed)
    print(f"judge, on {2 * options.pictures} drawings: all right {judge_rate(2 * options.pictures, draws):.1%}")
    name, _, scale = options.lora.partition(":")
    artist = Artist(options.model, (Lora(name, float(scale or 1)),) if name else ())
    started = time.monotonic()
    singles, pictures = _singles(artist, options.pictures, draws)
    pictures += _places(artist, options.pictures // 4, draws)
    for layout in ("beside", "above"):
        pictures += _pairs(artist, options.pictures // 4, layout, draws)
    seconds = (time.monotonic() - started) / len(pictures)
    for shape in SHAPES:
        _report(f"  {shape}", [answer for answer in singles if answer.scene.things[0].shape == shape])
    spec = artist.spec
    print(f"{spec.name}: {spec.num_inference_steps} steps of {spec.scheduler}, {seconds:.2f} s a picture")
    if options.sheet is not None:
        write_sheet(pictures, options.sheet)


class Artist:
    """A loaded model that draws prompts with its defaults, and with adapters that ship."""

    def __init__(self, model: str, loras: tuple[Lora, ...] = ()) -> None:
        self._catalogue, card = Catalogue.load(), find_card("cpu")
        self._loras = loras
        self.spec = self._catalogue.get(model)
        self._pipeline: Pipeline = load_pipeline(
            self.spec, self._catalogue.plan_default(self.spec, card), card, Pantry()
        )
        self._seed = 0

    def draw(self, prompt: str) -> Image.Image:
        """Draw a prompt; each gets a seed of its own, the same in each run."""
        self._seed += 1
        options = ImagineOptions(prompt=prompt, loras=self._loras)
        request = self._catalogue.complete(options, default_model=self.spec.name, seed=self._seed)
        weights = self._catalogue.loras.weights(request.loras)
        return self._pipeline.render([Row(request, self._seed, loras=weights)], lambda _: None)[0]


def judge_rate(count: int, draws: np.random.Generator) -> float:
    """Give the share of drawings of which the judge gets everything right."""
    scenes = [random_scene(draws, held_out=None, layout="centred") for _ in range(count)]
    return float(np.mean([all(Answer(scene, judge(draw(scene, 256, 256))).is_right) for scene in scenes]))


def _singles(artist: Artist, count: int, draws: np.random.Generator) -> tuple[list[Answer], list[Image.Image]]:
    scenes = [random_scene(draws, held_out=index % 2 == 1, layout="centred") for index in range(count)]
    pictures = [artist.draw(caption(scene, draws, is_full=True)) for scene in scenes]
    answers = [Answer(scene, judge(picture)) for scene, picture in zip(scenes, pictures, strict=True)]
    _report("one object", answers)
    _report("  seen pairs", [answer for answer in answers if not is_held_out(answer.scene)])
    _report("  held-out pairs", [answer for answer in answers if is_held_out(answer.scene)])
    return answers, pictures


def _places(artist: Artist, count: int, draws: np.random.Generator) -> list[Image.Image]:
    scenes = [random_scene(draws, held_out=None, layout="placed") for _ in range(count)]
    pictures = [artist.draw(caption(scene, draws, is_full=True)) for scene in scenes]
    answers = [Answer(scene, judge(picture)) for scene, picture in zip(scenes, pictures, strict=True)]
    _report("at a place", answers)
    print(f"{'  right place':<18} {np.mean([answer.is_at_its_place for answer in answers]):.1%} (chance 12.5%)")
    return pictures


def _pairs(artist: Artist, count: int, layout: str, draws: np.random.Generator) -> list[Image.Image]:
    """Judge each half of a picture by itself, against the thing that was asked to be there."""
    scenes = [random_scene(draws, held_out=None, layout=layout) for _ in range(count)]
    pictures = [artist.draw(caption(scene, draws, is_full=True)) for scene in scenes]
    halves = []
    for scene, picture in zip(scenes, pictures, strict=True):
        for thing, half in zip(scene.things, _halves(picture, layout), strict=True):
            halves.append(Answer(Scene(ground=scene.ground, things=(thing,)), judge(half)))
    _report(f"two, {layout}", halves)
    both = [one.is_right[0] and other.is_right[0] for one, other in zip(halves[::2], halves[1::2], strict=True)]
    print(f"{'  both colours':<18} {np.mean(both):.1%}")
    return pictures


def _halves(picture: Image.Image, layout: str) -> tuple[Image.Image, Image.Image]:
    width, height = picture.size
    if layout == "beside":
        return picture.crop((0, 0, width // 2, height)), picture.crop((width // 2, 0, width, height))
    return picture.crop((0, 0, width, height // 2)), picture.crop((0, height // 2, width, height))


def _side(offset: float) -> int:
    return 0 if abs(offset) < NEAR_MIDDLE else 1 if offset > 0 else -1


def write_sheet(pictures: Sequence[Image.Image], path: Path) -> None:
    """Write all pictures in rows, at a quarter of their size."""
    side = pictures[0].width // 4
    rows = -(-len(pictures) // SHEET_COLUMNS)
    sheet = Image.new("RGB", (SHEET_COLUMNS * side, rows * side), "white")
    for place, picture in enumerate(pictures):
        sheet.paste(picture.resize((side, side)), (place % SHEET_COLUMNS * side, place // SHEET_COLUMNS * side))
    sheet.save(path)


def _report(label: str, answers: Sequence[Answer]) -> None:
    if not answers:
        return
    colour, ground, shape = np.mean([answer.is_right for answer in answers], axis=0)
    everything = np.mean([all(answer.is_right) for answer in answers])
    outlines = np.mean([all(answer.is_right) and answer.verdict.is_outline for answer in answers])
    print(
        f"{label:<18} n {len(answers):>3}  colour {colour:6.1%}  ground {ground:6.1%}  shape {shape:6.1%}  "
        f"all three {everything:6.1%}  as outlines {outlines:6.1%}",
        flush=True,
    )


if __name__ == "__main__":
    main()
