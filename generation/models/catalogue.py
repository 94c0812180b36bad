"""Which models and styles are there, and what does a half-typed request mean for one of them?"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path

from generation.errors import CatalogueError, DoesNotFitError, InvalidRequestError, UnknownModelError
from generation.memory.card import Card
from generation.memory.experience import NO_EXPERIENCE, Experience
from generation.memory.placement import VramPlan
from generation.models.image_to_image import choose_strength, upscaled, varied
from generation.models.instead import planned, refusal
from generation.models.loras import LoraLibrary, shipped_loras
from generation.models.model import ModelSpec
from generation.models.models_file import ModelsReader
from generation.models.sizes import choose_size
from generation.models.styles import Style, find_style, shipped_styles
from generation.request import (
    LARGEST_GUIDANCE,
    LARGEST_SEED,
    LONGEST_PROMPT,
    MOST_IMAGES,
    MOST_STEPS,
    ImagineOptions,
    ImagineRequest,
)


class Catalogue:
    """The models by name, in the order of the file. Only `complete` decides defaults."""

    def __init__(
        self,
        specs: Mapping[str, ModelSpec],
        *,
        default: str,
        styles: Mapping[str, Style] | None = None,
        loras: LoraLibrary | None = None,
    ) -> None:
        self._specs = dict(specs)
        self._styles = dict(styles or {})
        self.loras = loras or LoraLibrary()
        self.default = self.get(default).name

    @classmethod
    def load(cls, *, extra: Path | None = None, default: str | None = None, loras: Path | None = None) -> Catalogue:
        """Read the models that ship and, after them, an operator's own file; the first entry is the default.

        `loras` is the operator's folder of adapters, which are looked at only when somebody asks for them.

        Raises:
            CatalogueError: a file or an entry cannot be read.
            UnknownModelError: `default` names no entry.
        """
        package = resources.files("generation")
        shipped = package.joinpath("models/models.toml").read_text(encoding="utf-8")
        reader = ModelsReader()
        reader.read(shipped, source="models.toml", directory=Path())
        if extra is not None:
            try:
                text = extra.read_text(encoding="utf-8")
            except OSError as error:
                raise CatalogueError(f"The models file {extra.name} cannot be read: {error.strerror}.") from error
            except UnicodeDecodeError as error:
                raise CatalogueError(f"The models file {extra.name} is not a text file in UTF-8.") from error
            reader.read(text, source=extra.name, directory=extra.absolute().parent)
        specs = reader.specs
        folders = [folder for folder in (loras, shipped_loras()) if folder is not None]
        chosen = default or next(iter(specs))
        return cls(specs, default=chosen, styles=shipped_styles(), loras=LoraLibrary(*folders))

    def __iter__(self) -> Iterator[ModelSpec]:
        return iter(self._specs.values())

    @property
    def styles(self) -> tuple[str, ...]:
        """The names of the styles, in the order of the file."""
        return tuple(self._styles)

    def get(self, name: str) -> ModelSpec:
        """Find a model by its name, whatever its case.

        Raises:
            UnknownModelError: there is none of that name.
        """
        spec = self._specs.get(name.casefold())
        if spec is None:
            raise UnknownModelError(f"There is no model {name!r}. Models: {', '.join(self._specs)}.")
        return spec

    def plan(
        self, request: ImagineRequest, card: Card, *, rows: int = 1, experience: Experience = NO_EXPERIENCE
    ) -> VramPlan:
        """Tell how this card runs the request, with so many pictures in one call, by what is known of such requests.

        Raises:
            DoesNotFitError: it cannot; the text says why and what runs here, and the nearest such request is given too.
        """
        spec, lora_gib = self.get(request.model), self.loras.gib(request.loras)
        try:
            return planned(spec, request, card, rows=rows, lora_gib=lora_gib, experience=experience)
        except DoesNotFitError as error:
            reason = error.reason
        raise refusal(reason, request, spec, card, self._asked_of_others(request, spec), lora_gib=lora_gib)

    def rows_that_fit(self, request: ImagineRequest, card: Card, *, experience: Experience = NO_EXPERIENCE) -> int:
        """Tell how many pictures of the request's shape one call may make on this card, placed as for one alone.

        Raises:
            DoesNotFitError: not even one.
        """
        alone = self.plan(request, card, experience=experience)
        spec, lora_gib = self.get(request.model), self.loras.gib(request.loras)
        for rows in range(min(spec.most_at_once, experience.concessions.most_rows or spec.most_at_once), 1, -1):
            try:
                found = planned(spec, request, card, rows=rows, lora_gib=lora_gib, experience=experience)
                if found.is_placed_as(alone):
                    return rows
            except DoesNotFitError:
                continue
        return 1

    def _asked_of_others(self, request: ImagineRequest, spec: ModelSpec) -> Iterator[tuple[ModelSpec, ImagineRequest]]:
        """Give what the other models would be asked in place of this; those for adults only in place of their like."""
        for other in self:
            if other is spec or (other.adult and not spec.adult) or request.loras:
                continue
            options = ImagineOptions(
                prompt=request.prompt,
                negative_prompt=request.negative_prompt if other.has_negative_prompt else "",
                seed=request.seed,
                images=request.images,
                image=request.image,
                image_size=(request.width, request.height),
                strength=request.strength or None,
                mask=request.mask,
            )
            try:
                yield other, self.complete(options, default_model=other.name, seed=request.seed)
            except InvalidRequestError:
                continue

    def plan_default(self, spec: ModelSpec, card: Card) -> VramPlan:
        """Tell how this card runs the model with its defaults.

        Raises:
            DoesNotFitError: it cannot.
        """
        return self.plan(self.default_request(spec), card)

    def default_request(self, spec: ModelSpec) -> ImagineRequest:
        """Give a request with nothing but the model's defaults, to plan and to load by."""
        return self.complete(ImagineOptions(prompt=spec.name), default_model=spec.name, seed=0)

    def complete(self, options: ImagineOptions, *, default_model: str, seed: int) -> ImagineRequest:
        """Fill in whatever was left open and check all of it; `seed` is used where none was typed.

        Raises:
            UnknownModelError: `options.model` is not in the catalogue.
            InvalidRequestError: a value is out of range for the model.
        """
        spec = self.get(options.model or default_model)
        _check_prompts(options, spec)
        _check_fast(options, spec)
        _check_range("--seed", options.seed, 0, LARGEST_SEED)
        _check_range("--steps", options.num_inference_steps, 1, MOST_STEPS)
        _check_range("--cfg", options.guidance_scale, 0.0, LARGEST_GUIDANCE)
        _check_range("--count", options.images, 1, MOST_IMAGES)
        guidance_scale = spec.guidance_scale if options.guidance_scale is None else options.guidance_scale
        if options.negative_prompt and guidance_scale <= 1:
            raise InvalidRequestError(f"--no works by guidance: it needs --cfg above 1, not {guidance_scale:g}.")
        prompt, negative_prompt = self._styled(options, spec, guidance_scale)
        num_inference_steps = options.num_inference_steps or spec.num_inference_steps
        strength = choose_strength(options, spec, num_inference_steps)
        width, height = choose_size(options, strength, spec)
        return ImagineRequest(
            model=spec.name,
            prompt=prompt,
            negative_prompt=negative_prompt,
            width=width,
            height=height,
            num_inference_steps=num_inference_steps,
            guidance_scale=guidance_scale,
            seed=seed if options.seed is None else options.seed,
            images=1 if options.images is None else options.images,
            image=options.image,
            strength=strength,
            mask=options.mask,
            loras=self.loras.chosen(options.loras, spec, self),
            is_fast=options.is_fast,
        )

    def check_loras(self, request: ImagineRequest) -> None:
        """Look whether a request of before can still be drawn with its adapters, for which new files may be read.

        Raises:
            UnknownModelError: the model has left the catalogue.
            InvalidRequestError: an adapter is not there any more, or is another one now, which does not fit.
        """
        self.loras.chosen(request.loras, self.get(request.model), self)

    def _styled(self, options: ImagineOptions, spec: ModelSpec, guidance_scale: float) -> tuple[str, str]:
        if options.style is None:
            return options.prompt, options.negative_prompt
        with_negative = spec.has_negative_prompt and guidance_scale > 1
        style = find_style(self._styles, options.style)
        prompt, negative_prompt = style.applied(options.prompt, options.negative_prompt, with_negative=with_negative)
        _check_prompt(f"The prompt with --style {style.name}", prompt)
        _check_prompt(f"--no with --style {style.name}", negative_prompt)
        return prompt, negative_prompt

    def varied(self, request: ImagineRequest, image: str, seed: int) -> ImagineRequest:
        """Give the request for variations of one of its pictures, which is kept under the name `image`.

        Raises:
            UnknownModelError: the model has left the catalogue.
            InvalidRequestError: it cannot start from a picture.
        """
        return varied(request, image, self.get(request.model), seed=seed)

    def upscaled(self, request: ImagineRequest, index: int, image: str) -> ImagineRequest:
        """Give the request for its picture `index`, which is kept under the name `image`, at twice the size.

        Raises:
            UnknownModelError: the model has left the catalogue.
            InvalidRequestError: it cannot start from a picture, or not draw one that large.
        """
        return upscaled(request, index, image, self.get(request.model))


def _check_prompts(options: ImagineOptions, spec: ModelSpec) -> None:
    _check_prompt("The prompt", options.prompt)
    _check_prompt("--no", options.negative_prompt)
    if not options.prompt.strip():
        raise InvalidRequestError(
            "The prompt is empty: say what to draw, for example: a red circle on a blue background."
        )
    if options.negative_prompt and not spec.has_negative_prompt:
        raise InvalidRequestError(f"--no is not possible with {spec.name}: this model knows no negative prompt.")


def _check_fast(options: ImagineOptions, spec: ModelSpec) -> None:
    if options.is_fast and not spec.has_step_cache:
        raise InvalidRequestError(
            f"--fast is not possible with {spec.name}: models of the family {spec.family} leave no work out; "
            "those built as a row of blocks, such as FLUX, do."
        )


def _check_prompt(what: str, text: str) -> None:
    if len(text) > LONGEST_PROMPT:
        raise InvalidRequestError(f"{what} has {len(text):,} characters; at most {LONGEST_PROMPT:,} are allowed.")
    for character in text:
        if unicodedata.category(character) in ("Cc", "Cs") and character not in "\n\r\t":
            raise InvalidRequestError(
                f"{what} has the control character U+{ord(character):04X} in it; only text and line breaks are allowed."
            )


def _check_range(flag: str, value: float | None, lowest: float, highest: float) -> None:
    if value is not None and not lowest <= value <= highest:
        raise InvalidRequestError(
            f"{flag} {_number(value)} is out of range: from {_number(lowest)} to {_number(highest)} is allowed."
        )


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:g}"
