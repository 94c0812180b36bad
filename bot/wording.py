"""What does the bot say about jobs, models and the queue? Every sentence that is more than a complaint."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from bot.chat import Progress, Tone, View
from bot.command import Command
from generation import (
    Card,
    Catalogue,
    DoesNotFitError,
    Forecast,
    ImagineRequest,
    JobState,
    ModelSpec,
    PictureMetadata,
    ServiceStatus,
)
from storage import HistoryPage, JobRecord, PictureRecord

BROKEN = "Something went wrong here, and it is not your fault. Nothing was lost; an admin finds the reason in the log."
PAUSED = "An admin has paused the queue, which /admin resume undoes."
LONGEST_TITLE = 60
LONGEST_FOREIGN = 2000  # characters shown of what a file of somebody else says


def title(prompt: str) -> str:
    """Shorten a prompt to one line."""
    line = " ".join(prompt.split())
    return line if len(line) <= LONGEST_TITLE else f"{line[: LONGEST_TITLE - 1]}…"


def duration(seconds: float) -> str:
    """Say a time span roughly."""
    if seconds < 1:
        return "less than 1 s"
    if seconds < 90:
        return f"about {seconds:.0f} s"
    return f"about {seconds / 60:.0f} min" if seconds < 5400 else f"about {seconds / 3600:.1f} h"


def settings(request: ImagineRequest) -> str:
    """Name what a picture was asked with, prompt aside."""
    parts = [
        request.model,
        f"seed {request.seed}",
        f"{request.num_inference_steps} step{'s' if request.num_inference_steps > 1 else ''}",
        f"cfg {request.guidance_scale:g}",
        f"{request.width}x{request.height}",
    ]
    if request.images > 1:
        parts.append(f"{request.images} pictures")
    if request.negative_prompt:
        parts.append(f"no {title(request.negative_prompt)}")
    return " · ".join(parts)


def waiting(job_id: int, request: ImagineRequest, forecast: Forecast | None, obstacle: str) -> View:
    """Acknowledge a job: its place and when it starts, or what keeps it from starting."""
    turn = f", {_turn(forecast)}" if forecast is not None and not obstacle else ""
    first = f"Job {job_id} queued{turn}. {obstacle}".rstrip()
    return View(text=f"{first}\n{title(request.prompt)}\n{settings(request)}", is_final=False)


def running(job_id: int, request: ImagineRequest, progress: Progress | None, note: str) -> View:
    """Show a job under way."""
    state = note or "starting"
    if progress is not None:
        picture = f"picture {progress.picture} of {progress.pictures}, " if progress.pictures > 1 else ""
        state = f"{picture}step {progress.step} of {progress.steps}"
    return View(text=f"Job {job_id}: {state}\n{title(request.prompt)}", progress=progress, is_final=False)


def under_way(job: JobRecord, request: ImagineRequest) -> View:
    """Say that a job waits or runs, without following it."""
    state = "is being made now" if job.state == JobState.RUNNING else "waits for its turn"
    return View(text=f"Job {job.id} {state}.\n{request.prompt}\n{settings(request)}")


def finished(job: JobRecord, request: ImagineRequest, paths: Sequence[Path], comparison: str) -> View:
    """Show how a job ended. A cancelled job shows no picture, even if some were made."""
    match JobState(job.state):
        case JobState.DONE:
            lines = [f"Job {job.id} done in {job.gpu_ms / 1000:.1f} s.", request.prompt, settings(request)]
            lines += [comparison] if comparison else []
            return View(text="\n".join(lines), pictures=tuple(paths))
        case JobState.CANCELLED:
            return View(text=f"Job {job.id} cancelled.\n{title(request.prompt)}")
        case JobState.FAILED:
            text = f"Job {job.id} failed: {job.error}\n{title(request.prompt)}\n{settings(request)}"
            return View(text=text, tone=Tone.FAILED)
        case _:
            raise ValueError(f"job {job.id} is not over")


def comparison(original: JobRecord, again: Sequence[PictureRecord]) -> str:
    """Say whether a rerun gave the pictures of the original job, and if not, what has changed since."""
    before = {picture.index: picture for picture in original.pictures}
    if not before:
        return f"Job {original.id} has no picture to compare with."
    if all(picture.index in before and before[picture.index].sha256 == picture.sha256 for picture in again):
        return f"The same, byte for byte, as job {original.id}."
    old, new = original.pictures[0].provenance, again[0].provenance
    changes = [
        f"{name} {old.get(name, 'unknown')} → {new.get(name, 'unknown')}"
        for name in sorted({*old, *new})
        if old.get(name) != new.get(name)
    ]
    if not changes:
        return f"Not the same as job {original.id}, although nothing known has changed."
    return f"May differ from job {original.id}: since then changed {', '.join(changes)}."


def job_line(job: JobRecord, request: ImagineRequest) -> str:
    """List a job in one line."""
    state = "" if job.state == JobState.DONE else f" ({job.state})"
    return f"{job.id}{state}  {title(request.prompt)}  · {request.model} · seed {request.seed}"


def history(page: HistoryPage, words: str) -> View:
    """List a page of somebody's jobs."""
    if not page.jobs:
        nothing = "You have made nothing yet. Begin with: /imagine a red circle on a blue background"
        return View(text=f"Nothing of yours matches “{title(words)}”." if words else nothing)
    lines = [job_line(job, ImagineRequest.from_json(dict(job.request))) for job in page.jobs]
    if page.older_than is not None:
        more = f"/history {words} --before {page.older_than}".replace("  ", " ")
        lines.append(f"More: {more}")
    return View(text="\n".join(lines))


def queue(status: ServiceStatus, forecasts: Sequence[Forecast], owned: Mapping[int, str], obstacle: str) -> View:
    """List what runs and what waits; `owned` has the titles of the asker's own jobs."""
    lines = [obstacle] if obstacle else []
    lines += [f"Running: {_named(job_id, owned)}" for job_id in status.running]
    for place, forecast in enumerate(forecasts, start=1):
        turn = "" if obstacle else f", {_turn(forecast)}"
        lines.append(f"{place}. {_named(forecast.job_id, owned)}{turn}")
    if status.waiting > len(forecasts):
        lines.append(f"and {status.waiting - len(forecasts)} more")
    if len(forecasts) > 1:
        lines.append("Who has used less GPU time goes first, so places can change.")
    return View(text="\n".join(lines) or "Nobody waits and nothing runs.")


def models(catalogue: Catalogue, card: Card, default: str, resident: frozenset[str]) -> View:
    """List the models with what this machine makes of them."""
    return View(text="\n".join(line for spec in catalogue for line in _model(spec, catalogue, card, default, resident)))


def _model(spec: ModelSpec, catalogue: Catalogue, card: Card, default: str, resident: frozenset[str]) -> Iterator[str]:
    marks = ["default here"] if spec.name == default else []
    marks += ["loaded"] if spec.name in resident else []
    yield spec.name + (f" ({', '.join(marks)})" if marks else "")
    yield f"   {spec.title}. {spec.num_inference_steps} steps, {spec.width}x{spec.height}. Licence: {spec.licence}."
    try:
        catalogue.plan_default(spec, card)
    except DoesNotFitError as error:
        yield f"   Not on this machine: {error.reason}"
    if spec.gated:
        yield "   Its makers ask you to accept the licence and to use a token of your own."


def status(now: ServiceStatus, default: str) -> View:
    """Tell an admin how things stand."""
    card = "not known yet"
    if now.card is not None:
        card = f"{now.card.name} ({now.card.device}), {now.card.memory_gib:.1f} GiB to use"
    return View(
        text="\n".join(
            (
                f"Card: {card}",
                f"Loaded: {', '.join(sorted(now.resident)) or 'no model'}",
                f"Default model here: {default}",
                f"Queue: {'paused' if now.is_paused else 'open'}, {len(now.running)} running, {now.waiting} waiting",
            )
        )
    )


def metadata(path: Path, found: PictureMetadata) -> View:
    """Show what a picture file says about itself."""
    if found.request is None:
        said = found.parameters[:LONGEST_FOREIGN] + ("…" if len(found.parameters) > LONGEST_FOREIGN else "")
        return View(text=f"{path.name} was not made by Fairbrush, but says:\n{said}", pictures=(path,))
    lines = [f"{path.name} was made by Fairbrush from:", found.request.prompt, settings(found.request)]
    if found.request.images > 1:
        lines.append(f"This picture's own seed: {found.seed}")
    lines.append("with " + ", ".join(f"{key} {value}" for key, value in sorted(found.provenance.items())))
    return View(text="\n".join(lines), pictures=(path,))


def farewell(unfinished: Sequence[int]) -> View:
    """Say what becomes of the jobs that are not over when the program leaves."""
    return View(text=f"{_jobs(unfinished)} not over, and will go on at the next start.")


def stuck(unfinished: Sequence[int], obstacle: str) -> View:
    """Say why nobody waits for these jobs."""
    return View(text=f"{_jobs(unfinished)} not over. {obstacle}", tone=Tone.FAILED)


def _jobs(ids: Sequence[int]) -> str:
    return f"Job {ids[0]} is" if len(ids) == 1 else f"Jobs {', '.join(map(str, ids))} are"


def command_list(commands: Iterable[Command], own: Mapping[str, str]) -> str:
    """List commands, one a line, then the platform's own ones."""
    rows = [*((command.usage, command.help) for command in commands), *own.items()]
    width = max(len(usage) for usage, _ in rows)
    lines = [f"{usage:<{width}}  {text}" for usage, text in rows]
    return "\n".join([*lines, "/help COMMAND explains one, with its flags."])


def explanation(command: Command) -> str:
    """Explain one command with its flags."""
    first = command.usage + (" [flags]" if command.flags else "")
    return "\n".join([first, command.help, *([flags(command)] if command.flags else [])])


def flags(command: Command) -> str:
    """List the flags of a command, one a line."""
    rows = [(f"--{flag.name} {flag.label}", flag.help) for _, flag in command.flags.values()]
    width = max(len(usage) for usage, _ in rows)
    return "\n".join(f"  {usage:<{width}}  {text}" for usage, text in rows)


def _named(job_id: int, owned: Mapping[int, str]) -> str:
    return f"job {job_id} ({owned[job_id]})" if job_id in owned else f"job {job_id} of somebody else"


def _turn(forecast: Forecast) -> str:
    if forecast.runs_before == 0:
        return "next in line"
    runs = "1 run" if forecast.runs_before == 1 else f"{forecast.runs_before} runs"
    return f"{runs} before it, starts in {duration(forecast.seconds)}"
