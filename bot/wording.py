"""What does the bot say about a job, from its acknowledgement to its end and after?"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

from bot.chat import Progress, Tone, View
from bot.turns import Turn, about, between
from generation import Download, ImagineRequest, JobState, PictureMetadata, VramPlan, portion
from storage import JobRecord, PictureRecord

BROKEN = "Something went wrong here, and it is not your fault. Nothing was lost; an admin finds the reason in the log."
PAUSED = "An admin has paused the queue, which /admin resume undoes."
OTHERS = "Others who used less GPU time may go first."
ALONE = "1 of 1"  # how a picture stands in a call that makes no other
LONGEST_TITLE = 60
LONGEST_FOREIGN = 2000  # characters shown of what a file of somebody else says


def title(prompt: str) -> str:
    """Shorten a prompt to one line."""
    line = " ".join(prompt.split())
    return line if len(line) <= LONGEST_TITLE else f"{line[: LONGEST_TITLE - 1]}…"


def settings(request: ImagineRequest) -> str:
    """Name what a picture was asked with, prompt aside."""
    parts = [
        request.model,
        f"seed {request.seed}",
        f"{request.num_inference_steps} step{'s' if request.num_inference_steps > 1 else ''}",
        f"cfg {request.guidance_scale:g}",
        f"{request.width}x{request.height}",
    ]
    if request.loras:
        parts.append(f"lora {', '.join(str(lora) for lora in request.loras)}")
    if request.is_fast:
        parts.append("fast")
    if request.images > 1:
        parts.append(f"{request.images} pictures")
    if request.image:
        where = "within a mask of" if request.mask else "from"
        parts.append(f"{where} a picture, strength {request.strength:g}")
    if request.negative_prompt:
        parts.append(f"no {title(request.negative_prompt)}")
    return " · ".join(parts)


def placement(plan: VramPlan, denoiser: str) -> str:
    """Say how a model lies in the memories, such as "int8, 41 of 57 blocks resident, text encoders streamed"."""
    main = plan.placements[denoiser]
    encoders = [each for name, each in plan.placements.items() if name.startswith("text_encoder")]
    streamed = sum(each.is_streamed for each in encoders)
    others = sorted({str(each.precision) for each in encoders} - {str(main.precision)})
    parts = (
        str(main.precision),
        f"{main.resident_blocks} of {main.blocks} blocks resident" if main.is_streamed else "resident",
        ("text encoders streamed" if streamed == len(encoders) else "some text encoders streamed") if streamed else "",
        f"text encoders in {' and '.join(others)}" if others else "",
        "decoded in tiles" if plan.tiled_decode else "",
    )
    return ", ".join(part for part in parts if part)


def instead(request: ImagineRequest, refused: ImagineRequest, seconds: float) -> str:
    """Label the button for what can be made in place of a request."""
    model = "" if request.model == refused.model else f" by {request.model}"
    return f"{request.width}x{request.height}{model}, {about(seconds)}"


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
    if request.mask:
        flags["mask"] = f"{job.id}:0"
    if request.loras:
        flags["lora"] = ",".join(f"{lora.name}:{_exact(lora.scale)}" for lora in request.loras)
    if with_seed:
        flags["seed"] = f"{request.seed}"
    if request.is_fast:
        flags["fast"] = ""
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
    job_id: int, request: ImagineRequest, made: int, turn: Turn | None, obstacle: str, reach_s: float | None
) -> View:
    """Acknowledge a job: its place and when it starts, or what keeps it from starting; `made` pictures are there.

    Where messages can be edited only for `reach_s` seconds, say how to get what takes longer.
    """
    state = f"queued again: {made} of {request.images} pictures made" if made else "queued"
    when = "" if turn is None or obstacle else f", {standing(turn, 'the rest' if made else 'yours')}"
    hint = OTHERS if turn is not None and turn.is_wide and not obstacle else ""
    first = " ".join(part for part in (f"Job {job_id} {state}{when}.", obstacle, hint) if part)
    lines = [first, title(request.prompt), settings(request)]
    if reach_s is not None and (obstacle or turn is None or turn.latest_s > reach_s / 2):
        lines.append(
            f"Here I can show only what is done within {reach_s / 60:.0f} min: get it by /last if it is later."
        )
    return View(text="\n".join(lines), is_final=False)


def standing(turn: Turn, whose: str) -> str:
    """Say how a job stands that waits, as the end of a sentence; `whose` names it, such as "yours"."""
    if turn.runs_before == 0:
        return "next in line"
    if turn.runs_before is None:
        return f"starts in {about(turn.likely_s)}"
    if turn.is_beyond:
        return f"more than {turn.runs_before} runs before {whose}, starts in more than {about(turn.likely_s)}"
    runs = "1 run" if turn.runs_before == 1 else f"{turn.runs_before} runs"
    return f"{runs} before {whose}, starts in {between(turn.likely_s, turn.latest_s)}"


def downloading(download: Download) -> str:
    """Say how far a model is on its way to this disk."""
    if download.progress is None:
        return f"Downloading {download.model}: the hub is being asked what there is to fetch."
    left = "" if download.left_s is None else f", {about(download.left_s)}"
    return f"Downloading {download.model}: {portion(download.progress)}{left}."


def loaded(model: str, seconds: float) -> View:
    """Say that a model is in memory now."""
    return View(text=f"{model} loaded in {seconds:.1f} s.")


def running(job_id: int, request: ImagineRequest, progress: Progress | None, note: str) -> View:
    """Show a job under way."""
    state = _state(progress) if progress is not None else note or "starting"
    return View(text=f"Job {job_id}: {state}\n{title(request.prompt)}", progress=progress, is_final=False)


def _state(progress: Progress) -> str:
    step = f"step {progress.step} of {progress.steps}"
    if progress.at_once > 1:
        every = "all" if progress.at_once == progress.pictures else f"{progress.at_once} of"
        return f"{step}, {every} {progress.pictures} pictures at once"
    return step if progress.pictures == 1 else f"picture {progress.picture} of {progress.pictures}, {step}"


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
        facts = sorted(job.pictures[0].provenance.items())
        lines.append("Made with " + ", ".join(f"{name} {value}" for name, value in facts if name != "batch"))
        lines += _calls(job.pictures)
    return View(text="\n".join(lines), is_private=True)


def _calls(pictures: Sequence[PictureRecord]) -> list[str]:
    """Say where the pictures stood in the calls that made several at once: only there they come out the same again."""
    seats = [(picture.index + 1, _fact(picture, "batch")) for picture in pictures]
    told = [f"picture {number} as {seat}" for number, seat in seats if seat != ALONE]
    if not told:
        return []
    where = seats[0][1] if len(seats) == 1 else ", ".join(told)
    return [f"Made in one call with other pictures: {where}"]


def _fact(picture: PictureRecord, name: str) -> str:
    """Give what is known of how a picture was made; before there were batches, each was made alone."""
    return picture.provenance.get(name, ALONE if name == "batch" else "unknown")


def comparison(original: JobRecord, again: Sequence[PictureRecord]) -> str:
    """Say whether a rerun gave the pictures of the original job, and if not, what has changed since."""
    before = {picture.index: picture for picture in original.pictures}
    if not before:
        return f"Job {original.id} has no picture to compare with."
    if all(picture.index in before and before[picture.index].sha256 == picture.sha256 for picture in again):
        return f"The same, byte for byte, as job {original.id}."
    pairs = [(before[picture.index], picture) for picture in again if picture.index in before]
    changes = dict.fromkeys(change for old, new in pairs for change in _changes(old, new))
    if not changes:
        return f"Not the same as job {original.id}, although nothing known has changed."
    return f"May differ from job {original.id}: since then changed {', '.join(changes)}."


def _changes(old: PictureRecord, new: PictureRecord) -> list[str]:
    names = sorted({*old.provenance, *new.provenance})
    both = [(name, _fact(old, name), _fact(new, name)) for name in names]
    return [f"{name} {before} → {now}" for name, before, now in both if before != now]


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
