"""Which of diffusers' pipelines does a model need, all over the same networks?"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import diffusers

from generation.pipelines.family import Family
from generation.pipelines.pipeline import Row


class Assembly:
    """The pipelines of one model: one that encodes words, one that denoises, and twins of it that start from pictures.

    The twins are not made by `from_pipe`: it converts all weights to float32, and leaves an AutoencoderTiny out. Each
    has a scheduler of its own, since some keep state from one picture to the next.
    """

    def __init__(
        self,
        family: Family,
        networks: Mapping[str, Any],
        tokenizers: Mapping[str, Any],
        scheduler: Any,
        config: Mapping[str, Any],
    ) -> None:
        self._family = family
        self._config = {**config, **family.options}
        self._scheduler = scheduler
        encoders = {name: network for name, network in networks.items() if name in family.encoders}
        rest = {name: network for name, network in networks.items() if name not in encoders}
        asked = {family.denoiser: rest[family.denoiser]}
        self._denoising = rest
        self.encoding = self._made(family.text_to_image, {**encoders, **tokenizers, **asked})
        self._pipes: dict[str, Any] = {}
        self.text_to_image = self._pipe(family.text_to_image)
        family.installed(self.text_to_image)

    def pipe_for(self, row: Row) -> Any:
        """Give the denoising pipeline for a call with such rows."""
        family = self._family
        if row.mask is not None:
            return self._pipe(family.inpainting)
        return self._pipe(family.text_to_image if row.start_image is None else family.image_to_image)

    def _pipe(self, class_name: str | None) -> Any:
        if class_name is None:
            raise ValueError("this family has no pipeline for such a call")
        if class_name not in self._pipes:
            self._pipes[class_name] = self._made(class_name, self._denoising)
            if class_name != self._family.text_to_image:
                self._family.twinned(self._pipes[class_name])
        return self._pipes[class_name]

    def _made(self, class_name: str, components: Mapping[str, Any]) -> Any:
        pipeline_class = getattr(diffusers, class_name)
        scheduler = type(self._scheduler).from_config(self._scheduler.config)
        given = {**self._config, **components, "scheduler": scheduler}
        known = inspect.signature(pipeline_class.__init__).parameters
        needed = [name for name, each in known.items() if each.default is each.empty and name != "self"]
        pipe = pipeline_class(**dict.fromkeys(needed) | {name: value for name, value in given.items() if name in known})
        pipe.set_progress_bar_config(disable=True)
        return pipe
