"""How does a loaded model draw with adapters: put on for a call, taken off after it, without loading the model again?

PEFT wraps each layer that an adapter changes; the layer itself, with its weights, stays the object that it was, be it
quantised or streamed. The wrappers stand in the network only during a call that asks for them: without adapters it is
the very network that was loaded.
"""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any, Protocol

import torch
from diffusers.utils import delete_adapter_layers, set_weights_and_activate_adapters
from peft import inject_adapter_in_model, set_peft_model_state_dict
from peft.tuners.lora import LoraLayer

from generation.lora import MOST_LORAS, LoraWeights
from generation.pipelines.lora_layers import Change, read_changes
from generation.pipelines.memory.pantry import Pantry


class Network(Protocol):
    """A network of a model. `content` names its weights and their precision."""

    module: Any
    content: str

    @property
    def device(self) -> torch.device:
        """Where it works."""


class Adapters:
    """The adapters of one model. At most `MOST_LORAS` stay in RAM, the least recently used go first."""

    def __init__(self, model: str, pipeline_class: Any, networks: Mapping[str, Network], pantry: Pantry) -> None:
        self._model = model
        self._pipeline_class = pipeline_class
        self._pantry = pantry
        self._wardrobes = {
            name: pantry.fetch(_wardrobe_of(network), partial(_Wardrobe, network)) for name, network in networks.items()
        }

    def load(self, loras: Sequence[LoraWeights]) -> None:
        """Read these into RAM, unless they are there already.

        Raises:
            LoraError: a file cannot be read, or is made for another model.
        """
        with torch.inference_mode(mode=False):
            for weights in loras:
                self._load(weights)

    @contextmanager
    def applied(self, loras: Sequence[LoraWeights]) -> Iterator[None]:
        """Have the model draw with these, which are loaded, each at its scale, as long as the block lasts."""
        scales = {_key(weights): weights.lora.scale for weights in loras}
        with ExitStack() as worn:
            for wardrobe in self._wardrobes.values():
                worn.enter_context(wardrobe.worn(scales))
            yield

    def text_key(self, loras: Sequence[LoraWeights]) -> tuple[str, ...]:
        """Give what a conditioning depends on besides its prompts: the adapters that change text encoders."""
        return tuple(str(weights) for weights in loras if weights.has_text_part)

    def close(self) -> None:
        """Leave the networks to others, as they were."""
        for wardrobe in self._wardrobes.values():
            self._pantry.give_back(wardrobe)
        self._wardrobes = {}

    def _load(self, weights: LoraWeights) -> None:
        key = _key(weights)
        touched = [wardrobe.touch(key) for wardrobe in self._wardrobes.values()]  # each of them, to be kept longest
        if all(touched):
            return
        modules = {name: wardrobe.module for name, wardrobe in self._wardrobes.items()}
        changes = read_changes(weights, self._pipeline_class, modules, self._model)
        for name, wardrobe in self._wardrobes.items():
            wardrobe.hang(key, changes.get(name))


def _key(weights: LoraWeights) -> str:
    """Name an adapter by its content, in letters and figures, as PEFT needs them."""
    return f"lora_{weights.sha256}"


def _wardrobe_of(network: Network) -> str:
    return f"adapters of {network.content}"


class _Wardrobe:
    """The adapters of one network, which several models may have in common."""

    def __init__(self, network: Network) -> None:
        self.content = _wardrobe_of(network)
        self._network = network
        self._hung: OrderedDict[str, bool] = OrderedDict()  # by key, the longest unused first: does it change this one?
        self._wrappers: list[tuple[torch.nn.Module, str, LoraLayer]] = []

    @property
    def module(self) -> Any:
        return self._network.module

    def touch(self, key: str) -> bool:
        """Keep an adapter longer than the others; tells whether it is there."""
        if key in self._hung:
            self._hung.move_to_end(key)
        return key in self._hung

    def hang(self, key: str, change: Change | None) -> None:
        """Take an adapter in, which need not change this network."""
        if key in self._hung:
            return
        while len(self._hung) >= MOST_LORAS:
            self._drop(next(iter(self._hung)))
        with self._inserted():
            if change is not None:
                self._inject(key, change)
        self._hung[key] = change is not None

    @contextmanager
    def worn(self, scales: Mapping[str, float]) -> Iterator[None]:
        own = [key for key in scales if self._hung[key]]
        if not own:
            yield
            return
        with self._inserted(), self._on_card(own):
            set_weights_and_activate_adapters(self.module, own, [scales[key] for key in own])
            yield

    def close(self) -> None:
        for key in list(self._hung):
            self._drop(key)

    def _inject(self, key: str, change: Change) -> None:
        matrices = dict(change.matrices)
        try:
            with warnings.catch_warnings():  # of several adapters, and of what nobody does here: to merge them
                warnings.simplefilter("ignore", UserWarning)
                inject_adapter_in_model(
                    change.config, self.module, adapter_name=key, state_dict=matrices, low_cpu_mem_usage=True
                )
            set_peft_model_state_dict(self.module, matrices, adapter_name=key, low_cpu_mem_usage=True)
            self._keep_in_ram(key)
        except BaseException:
            self._forget(key)
            raise
        finally:
            self._wrappers = list(_wrappers(self.module))

    def _keep_in_ram(self, key: str) -> None:
        """Keep the matrices in RAM, in the network's precision, wherever its layers are now."""
        precision = next(weight.dtype for weight in self.module.parameters() if weight.is_floating_point())
        for matrix in self._matrices(key):
            matrix.to("cpu", precision).requires_grad_(False)

    @contextmanager
    def _on_card(self, keys: Sequence[str]) -> Iterator[None]:
        """Have the matrices where the network works; what is in RAM stays, so that to leave is to forget."""
        kept = [
            (weight, weight.data) for key in keys for matrix in self._matrices(key) for weight in matrix.parameters()
        ]
        try:
            with torch.inference_mode(mode=False):
                for weight, in_ram in kept:
                    weight.data = in_ram.to(self._network.device)
            yield
        finally:
            for weight, in_ram in kept:
                weight.data = in_ram

    def _matrices(self, key: str) -> Iterator[torch.nn.Module]:
        layers = [layer for layer in self.module.modules() if isinstance(layer, LoraLayer)]
        return (table[key] for layer in layers for table in (layer.lora_A, layer.lora_B) if key in table)

    def _drop(self, key: str) -> None:
        if self._hung.pop(key):
            with self._inserted():
                self._forget(key)
            self._wrappers = [found for found in self._wrappers if found[2].lora_A]

    def _forget(self, key: str) -> None:
        with warnings.catch_warnings():  # that another one is active now, which the next call changes anyway
            warnings.simplefilter("ignore", UserWarning)
            delete_adapter_layers(self.module, key)
        getattr(self.module, "peft_config", {}).pop(key, None)

    @contextmanager
    def _inserted(self) -> Iterator[None]:
        for parent, name, wrapper in self._wrappers:
            setattr(parent, name, wrapper)
        try:
            yield
        finally:
            for parent, name, wrapper in self._wrappers:
                setattr(parent, name, wrapper.get_base_layer())


def _wrappers(module: torch.nn.Module) -> Iterator[tuple[torch.nn.Module, str, LoraLayer]]:
    for parent in list(module.modules()):
        for name, child in parent.named_children():
            if isinstance(child, LoraLayer):
                yield parent, name, child
