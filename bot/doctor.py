"""What can this machine run, or one with a card that is not here, and how?"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from bot.settings import GenerationSettings, Settings
from bot.wording import placement
from generation import (
    GIB,
    Card,
    Catalogue,
    DoesNotFitError,
    LocalWorker,
    ModelSpec,
    WorkerSetup,
    download_bytes,
    here,
    is_from_hub,
    named_card,
)

DRIVER = Path("/proc/driver/nvidia/version")


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What was looked at. GiB are what models may use; disk and driver are those here, None for a card elsewhere.

    With `is_gpu` false there is no card, and with `is_unified` it shares its memory with the system: `ram_gib` is then
    None, since there is only one memory.
    """

    card: str
    is_here: bool
    is_gpu: bool
    is_unified: bool
    memory_gib: float
    ram_gib: float | None
    free_disk_gib: float | None
    driver: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What becomes of a model there, with its defaults. What is predicted is None where it does not fit.

    `plan` says how it is run, or why it is not; `download_gib` is 0 if it is here already.
    """

    name: str
    title: str
    size: str
    fits: bool
    plan: str
    predicted_peak_gib: float | None
    predicted_ram_gib: float | None
    predicted_seconds: float | None
    download_gib: float
    licence: str
    licence_url: str
    gated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """All that the doctor says."""

    machine: Machine
    models: tuple[Finding, ...]

    def to_json(self) -> str:
        """Give it for a program to read."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False)

    def to_text(self) -> str:
        """Give it for a person to read."""
        models = [line for finding in self.models for line in _model_lines(finding)]
        return "\n".join([*_machine_lines(self.machine), "", *models, "", _conclusion(self)])


async def examine(settings: Settings, card_name: str | None, ram_gib: float | None) -> Diagnosis:
    """Look at this machine, or at one with the card of that name and `ram_gib` of RAM, else as much as is usual.

    Raises:
        GenerationError: no card of that name is known, the models file cannot be read, or the card cannot be used.
    """
    chosen = settings.generation
    catalogue = Catalogue.load(extra=chosen.models_file, default=chosen.default_model)
    card = await _card_here(chosen, catalogue) if card_name is None else _card_elsewhere(chosen, card_name, ram_gib)
    machine = _machine(settings, card, is_here=card_name is None)
    stock = here(catalogue)
    findings = tuple(_finding(spec, catalogue, card, is_stocked=spec.name in stock) for spec in catalogue)
    return Diagnosis(machine=machine, models=findings)


async def _card_here(chosen: GenerationSettings, catalogue: Catalogue) -> Card:
    """Let a worker look, as the bot itself does; it draws nothing and is gone again."""
    with tempfile.NamedTemporaryFile(prefix="fairbrush-doctor-", suffix=".log") as log:
        setup = WorkerSetup(
            catalogue=catalogue,
            device=chosen.devices[0],
            log_file=log.name,
            precision=chosen.wanted_precision,
            vram_limit_gib=chosen.vram_limit_gib,
        )
        limits = {"step_timeout_s": chosen.step_timeout_s, "load_timeout_s": chosen.load_timeout_s}
        async with LocalWorker(setup, **limits) as worker:
            return await worker.start()


def _card_elsewhere(chosen: GenerationSettings, name: str, ram_gib: float | None) -> Card:
    card = replace(named_card(name, ram_gib), precision=chosen.wanted_precision)
    if chosen.vram_limit_gib is None:
        return card
    return replace(card, memory_gib=min(card.memory_gib, chosen.vram_limit_gib))


def _machine(settings: Settings, card: Card, *, is_here: bool) -> Machine:
    return Machine(
        card=card.name,
        is_here=is_here,
        is_gpu=card.is_gpu,
        is_unified=card.is_unified,
        memory_gib=round(card.memory_gib, 2),
        ram_gib=round(card.host.memory_gib, 2) if card.is_gpu and not card.is_unified else None,
        free_disk_gib=round(_free_disk_gib(settings.data_dir), 2) if is_here else None,
        driver=_driver() if is_here else None,
    )


def _free_disk_gib(directory: Path) -> float:
    """Look at the disk where the directory is, or will be."""
    there = next(place for place in (directory, *directory.parents) if place.exists())
    return shutil.disk_usage(there).free / GIB


def _driver() -> str | None:
    """Read the NVIDIA driver's version, None without one; the first line names it among other words."""
    try:
        words = DRIVER.read_text(encoding="utf-8").splitlines()[0].split()
    except (OSError, IndexError):
        return None
    return next((word for word in words if word[:1].isdigit() and "." in word), None)


def _finding(spec: ModelSpec, catalogue: Catalogue, card: Card, *, is_stocked: bool) -> Finding:
    try:
        plan, reason = catalogue.plan_default(spec, card), ""
    except DoesNotFitError as error:
        plan, reason = None, error.reason
    is_to_download = is_from_hub(spec) and not is_stocked
    return Finding(
        name=spec.name,
        title=spec.title,
        size=f"{spec.width}x{spec.height}",
        fits=plan is not None,
        plan=reason if plan is None else placement(plan, spec.denoiser_name),
        predicted_peak_gib=None if plan is None else round(plan.predicted_peak_gib, 2),
        predicted_ram_gib=None if plan is None else round(plan.host_gib, 2),
        predicted_seconds=None if plan is None else round(plan.predicted_seconds, 2),
        download_gib=round(download_bytes(spec) / GIB, 2) if is_to_download else 0.0,
        licence=spec.licence,
        licence_url=spec.licence_url,
        gated=spec.gated,
    )


def _machine_lines(machine: Machine) -> Iterator[str]:
    where = "" if machine.is_here else " (not in this machine)"
    memory = "memory, shared with the system" if machine.is_unified else "memory"
    kind = "Card" if machine.is_gpu else "No GPU"
    yield f"{kind}: {machine.card}{where}, {machine.memory_gib:.1f} GiB of {memory} to use"
    if machine.ram_gib is not None:
        yield f"RAM: {machine.ram_gib:.1f} GiB to use"
    if machine.is_here:
        yield f"Disk: {machine.free_disk_gib:.1f} GiB free where the data directory is"
        yield f"NVIDIA driver: {machine.driver or 'none found'}"


def _model_lines(finding: Finding) -> Iterator[str]:
    yield f"{finding.name}: {finding.title}"
    if finding.fits:
        assert finding.predicted_seconds is not None
        ram = f" and {finding.predicted_ram_gib:.1f} GiB of RAM" if (finding.predicted_ram_gib or 0) >= 0.1 else ""
        yield f"   runs: {finding.plan}"
        yield (
            f"   predicted: {finding.predicted_peak_gib:.1f} GiB{ram}; "
            f"{_seconds(finding.predicted_seconds)} a picture at {finding.size}"
        )
    else:
        yield f"   does not run: {finding.plan}"
    download = f"to download: about {finding.download_gib:.1f} GiB" if finding.download_gib else "nothing to download"
    page = f", to be accepted at {finding.licence_url}" if finding.gated else ""
    yield f"   {download}; licence: {finding.licence}{page}"


def _seconds(seconds: float) -> str:
    if seconds < 0.1:
        return "less than 0.1 s"
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"


def _conclusion(diagnosis: Diagnosis) -> str:
    count = sum(finding.fits for finding in diagnosis.models)
    return f"{count} of {len(diagnosis.models)} models run. Times and memory are predictions until they were measured."
