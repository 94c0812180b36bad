"""How does the bot list what there is: jobs, models, commands, a member's own defaults?"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from bot.chat import View
from bot.command import Command, Kind
from bot.preferences import Preference
from bot.turns import InLine
from bot.wording import downloading, standing, title
from generation import (
    Card,
    Catalogue,
    DoesNotFitError,
    Download,
    ImagineRequest,
    JobState,
    ModelSpec,
    ServiceStatus,
)
from storage import HistoryPage, JobRecord


def job_line(job: JobRecord, request: ImagineRequest) -> str:
    """List a job in one line."""
    state = "" if job.state == JobState.DONE else f" ({job.state})"
    adapters = f" · lora {', '.join(str(lora) for lora in request.loras)}" if request.loras else ""
    return f"{job.id}{state}  {title(request.prompt)}  · {request.model}{adapters} · seed {request.seed}"


def history(page: HistoryPage, words: str, *, is_favourite: bool) -> View:
    """List a page of somebody's jobs, or of their favourites."""
    if not page.jobs:
        nothing = (
            "You have no favourites: ⭐ under a picture makes it one."
            if is_favourite
            else "You have made nothing yet. Begin with: /imagine a red circle on a blue background"
        )
        whose = "None of your favourites" if is_favourite else "Nothing of yours"
        text = f"{whose} matches “{title(words)}”." if words else nothing
        return View(text=text, is_private=True)
    lines = [job_line(job, ImagineRequest.from_json(dict(job.request))) for job in page.jobs]
    if page.older_than is not None:
        parts = ["/history", words, "--favourites" if is_favourite else "", f"--before {page.older_than}"]
        lines.append(f"More: {' '.join(part for part in parts if part)}")
    return View(text="\n".join(lines), is_private=True)


def queue(
    status: ServiceStatus,
    line: Sequence[InLine],
    owned: Mapping[int, str],
    obstacle: str,
    downloads: Iterable[Download],
) -> View:
    """List what runs and what waits, as far as `line` goes; `owned` has the titles of the asker's own jobs."""
    lines = [obstacle] if obstacle else []
    lines += [f"Running: {_named(job_id, owned)}" for job_id in status.running]
    for entry in line:
        place = "" if entry.place is None else f"{entry.place}. "
        when = "" if obstacle else f", {standing(entry.turn, 'it')}"
        part = ", the rest of it" if entry.job_id in status.running else ""
        lines.append(f"{place}{_named(entry.job_id, owned)}{part}{when}")
    if rest := status.waiting - len(line):
        lines.append(f"{rest} more {'waits' if rest == 1 else 'wait'}.")
    if len(line) > 1:
        lines.append("Who has used less GPU time goes first, so places can change.")
    lines += [_download(download, owned) for download in downloads]
    return View(text="\n".join(lines) or "Nobody waits and nothing runs.")


def _download(download: Download, owned: Mapping[int, str]) -> str:
    own = [_named(job_id, owned) for job_id in download.jobs if job_id in owned]
    others = len(download.jobs) - len(own)
    jobs = [*own, *([f"{others} {'job' if others == 1 else 'jobs'} of others"] if others else [])]
    return downloading(download) + (f" Waiting for it: {', '.join(jobs)}." if jobs else "")


def models(
    catalogue: Catalogue,
    card: Card,
    default: str,
    resident: frozenset[str],
    allowed: Collection[str],
    stock: Mapping[str, str],
) -> View:
    """List the models that may be used in a place, a line for each that this machine can run, then the others.

    `stock` says of those from the hub what of them is here.
    """
    lines: list[str] = []
    unfit: dict[str, list[str]] = {}
    for spec in catalogue:
        if spec.name not in allowed:
            continue
        try:
            catalogue.plan_default(spec, card)
        except DoesNotFitError as error:
            unfit.setdefault(error.reason.removeprefix(f"{spec.name} "), []).append(spec.name)
        else:
            lines.append(_model(spec, default, resident, stock.get(spec.name, "")))
    lines += [f"Not on this machine: {', '.join(names)} ({why.removesuffix('.')})." for why, names in unfit.items()]
    return View(text="\n".join(lines))


def _model(spec: ModelSpec, default: str, resident: frozenset[str], stock: str) -> str:
    marks = ["default here"] if spec.name == default else []
    marks += ["loaded"] if spec.name in resident else []
    marks += ["adults only"] if spec.adult else []
    marks += ["gated"] if spec.gated else []
    named = spec.name + (f" ({', '.join(marks)})" if marks else "")
    shape = f"{spec.num_inference_steps} steps, {spec.width}x{spec.height}"
    return f"{named}: {spec.title}. {shape}. Licence: {spec.licence}. {stock}".rstrip()


def status(now: ServiceStatus, default: str) -> View:
    """Tell an admin how things stand."""
    return View(
        text="\n".join(
            (
                *_cards(now.cards),
                f"Loaded: {', '.join(sorted(now.resident)) or 'no model'}",
                *([f"In RAM, and soon back: {', '.join(sorted(now.resting))}"] if now.resting else []),
                *(f"For want of memory, {sentence}" for sentence in now.conceded),
                f"Default model here: {default}",
                f"Queue: {'paused' if now.is_paused else 'open'}, {len(now.running)} running, {now.waiting} waiting",
            )
        )
    )


def _cards(cards: Sequence[Card | None]) -> Iterator[str]:
    for number, card in enumerate(cards, start=1):
        name = "Card" if len(cards) == 1 else f"Card {number}"
        told = "not known yet" if card is None else f"{card.name} ({card.device}), {card.memory_gib:.1f} GiB to use"
        yield f"{name}: {told}"


def preference(kept: Preference) -> View:
    """List a member's own defaults."""
    rows = {
        "model": kept.model,
        "ar": None if kept.aspect_ratio is None else f"{kept.aspect_ratio[0]}:{kept.aspect_ratio[1]}",
        "count": None if kept.images is None else str(kept.images),
        "style": kept.style,
        "spoiler": "yes" if kept.is_spoiler else None,
    }
    chosen = [f"--{name} {value}" for name, value in rows.items() if value is not None]
    if not chosen:
        return View(
            text="You have set nothing: this place and the model decide. /help settings tells more.", is_private=True
        )
    return View(text=f"Your own defaults: {', '.join(chosen)}. /settings --reset forgets them.", is_private=True)


def command_list(commands: Iterable[Command], own: Mapping[str, str]) -> str:
    """List commands, one a line, then the platform's own ones."""
    rows = [*((command.usage, command.help) for command in commands), *own.items()]
    width = max(len(usage) for usage, _ in rows)
    lines = [f"{usage:<{width}}  {text}" for usage, text in rows]
    return "\n".join([*lines, "/help COMMAND explains one, with its flags."])


def explanation(command: Command, offers: Mapping[Kind, Sequence[str]]) -> str:
    """Explain one command with its flags, and what can be chosen for them."""
    first = command.usage + (" [flags]" if command.flags else "")
    choices = [(flag, offers[flag.kind]) for _, flag in command.flags.values() if flag.kind in offers]
    lines = [first, command.help, *([flags(command)] if command.flags else [])]
    return "\n".join([*lines, *(f"--{flag.name} can be {', '.join(names)}." for flag, names in choices)])


def flags(command: Command) -> str:
    """List the flags of a command, one a line."""
    rows = [(flag.usage, flag.help) for _, flag in command.flags.values()]
    width = max(len(usage) for usage, _ in rows)
    return "\n".join(f"  {usage:<{width}}  {text}" for usage, text in rows)


def _named(job_id: int, owned: Mapping[int, str]) -> str:
    return f"job {job_id} ({owned[job_id]})" if job_id in owned else f"job {job_id} of somebody else"
