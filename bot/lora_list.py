"""How does the bot list the adapters that can be asked for, page by page?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from bot.chat import CommandError, View
from bot.wording import title
from generation import LARGEST_SCALE, MOST_LORAS, LoraFile, ModelSpec, UnreadableLora

LONGEST_PAGE = 1800  # characters: a message holds 2,000 on the tightest platform, which may add some of its own
MIB = 2**20
HOW = (
    f"To draw with one: /imagine ... --lora NAME, or NAME:SCALE with a scale from -{LARGEST_SCALE:g} to "
    f"{LARGEST_SCALE:g}; up to {MOST_LORAS} at once, with commas."
)
NONE_THERE = "There is no LoRA here. An admin can put some into the folder of LoRAs, as .safetensors files."


def loras(
    found: Iterable[LoraFile | UnreadableLora], models: Sequence[ModelSpec], words: str = "", page: int = 1
) -> View:
    """List those that have all these words in their names, titles or trigger words, with the models that they fit.

    Raises:
        CommandError: there is no such page.
    """
    entries = [(_searched(each), "\n".join(_told(each, models))) for each in found]
    if not entries:
        return View(text=NONE_THERE)
    wanted = words.casefold().split()
    pages = _pages([told for searched, told in entries if all(word in searched for word in wanted)])
    if not pages:
        return View(text=f"No LoRA matches “{title(words)}”. /loras lists all {len(entries)}.", is_private=True)
    if not 1 <= page <= len(pages):
        raise CommandError(f"--page {page} is out of range: from 1 to {len(pages)} is allowed.")
    parts = ["/loras", title(words), f"--page {page + 1}"] if page < len(pages) else []
    return View(text="\n".join([pages[page - 1], *([f"More: {' '.join(filter(None, parts))}"] if parts else [HOW])]))


def _pages(entries: Iterable[str]) -> list[str]:
    pages: list[str] = []
    for entry in entries:
        if pages and len(pages[-1]) + len(entry) + 1 <= LONGEST_PAGE - len(HOW):
            pages[-1] += f"\n{entry}"
        else:
            pages.append(entry)
    return pages


def _searched(found: LoraFile | UnreadableLora) -> str:
    told = (found.title, *found.trigger_words) if isinstance(found, LoraFile) else ()
    return " ".join((found.name, *told)).casefold()


def _told(found: LoraFile | UnreadableLora, models: Sequence[ModelSpec]) -> Iterator[str]:
    if isinstance(found, UnreadableLora):
        yield f"{found.name}: cannot be used, its file {found.reason}."
        return
    fitting = [spec.name for spec in models if found.base.fits(spec)]
    yield f"{found.name}: for {', '.join(fitting) or f'{found.base.title}, which no model here is'}"
    parts = [
        found.title,
        f"Say: {', '.join(found.trigger_words)}" if found.trigger_words else "",
        found.advice.rstrip("."),
        f"Rank {_ranks(found)}, {found.size / MIB:.1f} MiB",
        f"Licence: {found.licence}" if found.licence else "",
    ]
    yield f"   {'. '.join(part for part in parts if part)}."


def _ranks(found: LoraFile) -> str:
    smallest, largest = found.ranks
    return str(largest) if smallest == largest else f"{smallest} to {largest}"
