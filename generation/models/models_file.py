"""How are models files read, the one that ships and an operator's own?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from generation.errors import CatalogueError
from generation.models.model import AUTOENCODER, ELSEWHERE, ENCODER, Costs, ModelSpec, is_single_file
from generation.models.model_fields import (
    COST_DEFAULTS,
    COST_RULES,
    DEFAULTS,
    OF_FILES,
    RULES,
    SINGLE_FILE_FAMILY,
    UNSAFE_FILES,
)
from generation.models.parts import Part, known_parts, read_part
from generation.models.toml_tables import check, read_tables


class ModelsReader:
    """Reads one file after the other; an entry may be like one that was read before."""

    def __init__(self) -> None:
        self._tables: dict[str, Mapping[str, Any]] = {}
        self._specs: dict[str, ModelSpec] = {}

    @property
    def specs(self) -> dict[str, ModelSpec]:
        """All that was read, by name; of two entries of one name the last."""
        return dict(self._specs)

    def read(self, text: str, *, source: str, directory: Path) -> None:
        """Read a file; its relative directories begin at `directory`.

        Raises:
            CatalogueError: it cannot be read; the text names the entry, the field and what is allowed.
        """
        for name, table in read_tables(text, source=source, kind="model").items():
            entry = f"{source}: {name}"
            values = self._inherited(name, table, entry)
            spec = _spec(name, values, entry, directory)
            # Whoever is like this one may stand in another directory.
            places = {"checkpoint": spec.checkpoint, "configs": spec.configs, "parts": dict(spec.parts)}
            self._tables[name] = values | places
            self._specs[name] = spec

    def _inherited(self, name: str, table: Mapping[str, Any], entry: str) -> dict[str, Any]:
        """Fill in what the entry leaves to the one it is like, and then the defaults."""
        own = {field: value for field, value in table.items() if field != "like"}
        if "like" not in table:
            return {**DEFAULTS, **own}
        like = self._tables.get(table["like"].casefold() if isinstance(table["like"], str) else "")
        if like is None:
            raise CatalogueError(
                f"{entry}.like is {table['like']!r}; allowed: a model that stands before it: {', '.join(self._tables)}."
            )
        if "checkpoint" not in own:
            return {**like, **own}
        # The network is the same, the weights are not.
        others = {
            component: replace(part, name=f"{name}/{component}")
            for component, part in self._specs[table["like"].casefold()].components.items()
        }
        kept = {field: value for field, value in like.items() if field not in OF_FILES}
        if is_single_file(str(own["checkpoint"])) and "configs" not in own:
            kept |= {"configs": like["configs"] or like["checkpoint"], "revision": like["revision"]}
        return {**DEFAULTS, **kept, "components": others, **own}


def _spec(name: str, given: Mapping[str, Any], entry: str, directory: Path) -> ModelSpec:
    values = dict(given)
    check(values, RULES, entry)
    costs = {**COST_DEFAULTS, **values["costs"]}
    check(costs, COST_RULES, f"{entry}.costs")
    _check_sides(values, entry)
    _check_file(values, entry)
    values["costs"] = Costs(**costs)
    values["components"] = _components(values["components"], name, f"{entry}.components")
    values["checkpoint"] = _place(values["checkpoint"], directory)
    values["configs"] = _place(values["configs"], directory) if values["configs"] else ""
    values["parts"] = {component: _place(place, directory) for component, place in values["parts"].items()}
    values["largest_area"] = values["largest_area"] or _area(values)
    numbers = {field: float(values[field]) for field in ("guidance_scale", "seconds_per_step", "batch_fixed_share")}
    return ModelSpec(name=name, **{**values, **numbers})


def _place(written: str, directory: Path) -> str:
    """Let a relative directory begin at `directory`."""
    return written if written.startswith(ELSEWHERE) else str(directory / Path(written).expanduser())


def _area(values: Mapping[str, Any]) -> int:
    """Half as much again as the model's own area: beyond that a model repeats its subject."""
    own: int = values["width"] * values["height"]
    return min(int(values["largest_side"]) ** 2, own * 3 // 2)


def _components(told: Mapping[str, Any], name: str, entry: str) -> dict[str, Part]:
    denoisers = [component for component in told if component != AUTOENCODER and not component.startswith(ENCODER)]
    if len(denoisers) != 1:
        raise CatalogueError(
            f"{entry} names {', '.join(told)}; allowed: one denoiser (unet or transformer), "
            f"with {AUTOENCODER} and text encoders ({ENCODER}, {ENCODER}_2 and so on) beside it."
        )
    return {component: _part(component, part, f"{name}/{component}", entry) for component, part in told.items()}


def _part(component: str, told: Part | str | Mapping[str, Any], name: str, entry: str) -> Part:
    """Give a part that was inherited, a known one by its name, or one whose facts stand in the entry itself."""
    if isinstance(told, Part):
        return told
    if isinstance(told, str):
        part = known_parts().get(told)
        if part is None:
            raise CatalogueError(f"{entry}.{component} is {told!r}; allowed: one of {', '.join(known_parts())}.")
        return part
    return read_part(name, told, f"{entry}.{component}")


def _check_file(values: Mapping[str, Any], entry: str) -> None:
    """Refuse what is no safetensors, and a single file that is not known to be readable or lacks configurations."""
    for place in (values["checkpoint"], *values["parts"].values()):
        if place.casefold().endswith(UNSAFE_FILES):
            raise CatalogueError(
                f"{entry}.checkpoint is {place!r}; allowed: safetensors alone, since other files can run code."
            )
    checkpoint, configs = values["checkpoint"], values["configs"]
    if not is_single_file(checkpoint):
        if configs:
            raise CatalogueError(
                f"{entry}.configs is {configs!r}; allowed: only with a checkpoint that is a single .safetensors file."
            )
    elif values["family"] != SINGLE_FILE_FAMILY:
        raise CatalogueError(
            f"{entry}.checkpoint is {checkpoint!r}; allowed: a directory with a model_index.json, or "
            f'"hub:OWNER/NAME"; a single file for the family {SINGLE_FILE_FAMILY} alone.'
        )
    elif not configs:
        raise CatalogueError(
            f"{entry} lacks the field 'configs', which a single file needs; allowed: where its configurations and "
            'tokenizers lie, a directory or "hub:OWNER/NAME", or like = a model that has them.'
        )


def _check_sides(values: Mapping[str, Any], entry: str) -> None:
    multiple, smallest, largest = (values[field] for field in ("side_multiple", "smallest_side", "largest_side"))
    if multiple % 8:
        raise CatalogueError(f"{entry}.side_multiple is {multiple}; allowed: a multiple of 8.")
    for field in ("smallest_side", "largest_side", "width", "height"):
        side = values[field]
        if side % multiple or not smallest <= side <= largest:
            raise CatalogueError(
                f"{entry}.{field} is {side}; allowed: a multiple of side_multiple ({multiple}) "
                f"from smallest_side ({smallest}) to largest_side ({largest})."
            )
