"""What does the bot say about a job, from its acknowledgement to its end and after?"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

from bot.chat import Progress, Tone, View
from generation import Forecast, ImagineRequest, JobState, PictureMetadata
from storage import JobRecord, PictureRecord

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
    if request.image:
        parts.append(f"from a picture, strength {request.strength:g}")
    if request.negative_prompt:
        parts.append(f"no {title(request.negative_prompt)}")
    return " · ".join(parts)


def as_flags(job: JobRecord, request: ImagineRequest, *, with_seed: bool) -> dict[str, str]:
    """Give the flags by which one would ask for a job's request, to be edited; the longest comes last."""
    flags = {
        "model": request.model,
        "steps": f"{request.num_inference_steps}",
        "cfg": _exact(request.guidance_scale),
        "size": f"{request.width}x{request.height}",
    }
    if request.images > 1:
        flags["count"] = f"{request.images}"
    if request.image:
        flags |= {"image": f"{job.id}:0", "strength": _exact(request.strength)}
    if with_seed:
        flags["seed"] = f"{request.seed}"
    if job.is_spoiler:
        flags["spoiler"] = ""
    if request.negative_prompt:
        flags["no"] = request.negative_prompt
    return flags


def _exact(value: float) -> str:
    """Write a number with all its digits and without an exponent, as people type it."""
    digits = format(Decimal(repr(value)), "f")
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


def waiting(
    job_id: int, request: ImagineRequest, forecast: Forecast | None, obstacle: str, reach_s: float | None
) -> View:
    """Acknowledge a job: its place and when it starts, or what keeps it from starting.

    Where messages can be edited only for `reach_s` seconds, say how to get what takes longer.
    """
    when = f", {turn(forecast)}" if forecast is not None and not obstacle else ""
    first = f"Job {job_id} queued{when}. {obstacle}".rstrip()
    lines = [first, title(request.prompt), settings(request)]
    if reach_s is not None and (obstacle or forecast is None or forecast.seconds > reach_s / 2):
        lines.append(
            f"Here I can show only what is done within {reach_s / 60:.0f} min: get it by /last if it is later."
        )
    return View(text="\n".join(lines), is_final=False)


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
            return View(text="\n".join(lines), pictures=tuple(paths), is_spoiler=job.is_spoiler)
        case JobState.CANCELLED:
            return View(text=f"Job {job.id} cancelled.\n{title(request.prompt)}")
        case JobState.FAILED:
            text = f"Job {job.id} failed: {job.error}\n{title(request.prompt)}\n{settings(request)}"
            return View(text=text, tone=Tone.FAILED)
        case _:
            raise ValueError(f"job {job.id} is not over")


def single(job: JobRecord, request: ImagineRequest, picture: PictureRecord, path: Path) -> View:
    """Show one picture of a job by itself, as the file that it is."""
    number = f"Picture {picture.index + 1} of job" if request.images > 1 else "Job"
    lines = [f"{number} {job.id}, seed {picture.seed}, {picture.width}x{picture.height}", title(request.prompt)]
    return View(text="\n".join(lines), pictures=(path,), as_files=True, is_spoiler=job.is_spoiler)


def info(job: JobRecord, request: ImagineRequest) -> View:
    """Say all that is known of how a job's pictures were made."""
    lines = [f"Job {job.id}: {job.state}", request.prompt, settings(request)]
    if request.negative_prompt != title(request.negative_prompt):
        lines.append(f"Without: {request.negative_prompt}")
    if job.error:
        lines.append(job.error)
    if job.rerun_of is not None:
        lines.append(f"A rerun of job {job.rerun_of}")
    if len(job.pictures) > 1:
        lines.append(f"Seeds: {', '.join(str(picture.seed) for picture in job.pictures)}")
    if job.gpu_ms:
        lines.append(f"GPU time: {job.gpu_ms / 1000:.1f} s")
    if job.pictures:
        facts = job.pictures[0].provenance
        lines.append("Made with " + ", ".join(f"{name} {value}" for name, value in sorted(facts.items())))
    return View(text="\n".join(lines), is_private=True)


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


def turn(forecast: Forecast) -> str:
    """Say when a job's turn comes."""
    if forecast.runs_before == 0:
        return "next in line"
    runs = "1 run" if forecast.runs_before == 1 else f"{forecast.runs_before} runs"
    return f"{runs} before it, starts in {duration(forecast.seconds)}"
