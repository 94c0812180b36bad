"""What does a platform lend the conversation, and how is a conversation held: what is done, seen and read?"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Protocol

from PIL import Image

from generation import ImagineRequest, PictureMetadata, read_metadata
from tests.standins.person import Person, Seen

CANCEL = "Cancel"  # the button under a job that is not over

Question = Callable[[Seen], bool]


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A place in which nothing was said yet, with people who see what happens there from now on.

    Where there is but one person, they are the admin and the owner of everything, and `why_alone` says why.
    """

    owner: Person
    admin: Person
    stranger: Person | None = None
    why_alone: str = ""


class Stage(Protocol):
    """The whole program on fake models, and a chat in which people talk with it. It stays open for a class of tests."""

    switches: Path  # of the fake models

    def scene(self) -> Scene:
        """Goes to a new place."""

    def in_private(self, person: Person) -> Person:
        """The same person, before the same screen, alone with the bot."""

    def key(self, person: Person) -> str:
        """The key of a person's account."""

    async def form(self, person: Person) -> str:
        """What stands in the form that the person's last press opened."""

    async def gone(self, person: Person, seen: Seen) -> None:
        """Waits until the person does not see a message any more, where messages can be taken away."""

    def read(self, text: str) -> str:
        """What a person reads where a message has this text."""

    def effects(self, seen: Seen) -> list[str]:
        """What the platform makes of a message's words beyond showing them: mentions, links, formatting."""

    async def repeat(self, person: Person) -> None:
        """Lets the event of what the person did last come in once more; skips the test where that cannot be."""

    async def restart(self) -> None:
        """Closes the program and opens it anew on the same data, before the same people."""

    def check(self) -> None:
        """Raises if the program did what it should never do since the last time, whatever people saw of it."""


class Journal:
    """Reads what the program logs."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._read = 0

    def check(self) -> None:
        """Raises if an exception that nobody expected was logged since the last time."""
        new = self._file.read_text()[self._read :] if self._file.exists() else ""
        self._read += len(new)
        assert "Traceback" not in new, new


def has(*words: str) -> Question:
    """Asks for a message with all these words."""
    return lambda seen: all(word in seen.text for word in words)


def is_done(seen: Seen) -> bool:
    """Tells whether a message shows a finished job."""
    return " done in " in seen.text and bool(seen.pictures)


def is_at_its_first_step(seen: Seen) -> bool:
    """Tells whether a message shows a job under way, with a preview of its picture."""
    return ": step 1 of " in seen.text and bool(seen.pictures)


async def after(person: Person, doing: Awaitable[None], is_it: Question = is_done) -> Seen:
    """Does something, and gives the message that came of it: one that was not there before, once it is so."""
    before = {seen.id for seen in person.messages()}
    await doing
    return await person.until(lambda seen: seen.id not in before and is_it(seen))


async def asked(person: Person, line: str, is_it: Question = is_done) -> Seen:
    """Types a line and gives the message that came of it; without another question, the finished job's."""
    return await after(person, person.type(line), is_it)


async def press(person: Person, seen: Seen, label: str) -> None:
    """Presses the button with this label."""
    found = [payload for payload, shown in seen.buttons.items() if shown == label]
    assert found, f"{label} is not among {', '.join(seen.buttons.values())}"
    await person.press(seen, found[0])


async def pressed(person: Person, seen: Seen, label: str, is_it: Question = is_done) -> Seen:
    """Presses a button and gives the message that came of it."""
    return await after(person, press(person, seen, label), is_it)


async def becomes(person: Person, seen: Seen, *words: str) -> Seen:
    """Waits until this very message has all these words."""
    return await person.until(lambda now: now.id == seen.id and has(*words)(now))


async def file_of(person: Person, seen: Seen, number: int = 1) -> bytes:
    """Gives a picture as the file that it is: what stands in the message, or where U promises more, what U brings."""
    label = f"U{number}"
    if label not in seen.buttons.values():
        return seen.pictures[number - 1]
    brought = await pressed(person, seen, label, lambda other: bool(other.files))
    return brought.pictures[0]


def number_of(seen: Seen) -> int:
    """Gives the number of the job that a message is about."""
    found = re.search(r"[Jj]ob (\d+)", seen.text)
    assert found, seen.text
    return int(found[1])


def seed_in(seen: Seen) -> int:
    """Gives the seed that a message names."""
    found = re.search(r"seed (\d+)", seen.text)
    assert found, seen.text
    return int(found[1])


def metadata(picture: bytes) -> PictureMetadata:
    """Reads what a picture says about itself."""
    with tempfile.NamedTemporaryFile(suffix=".png") as file:
        file.write(picture)
        file.flush()
        return read_metadata(Path(file.name))


def request_of(picture: bytes) -> ImagineRequest:
    """Reads what a picture was made from."""
    request = metadata(picture).request
    assert request is not None
    return request


def size_of(picture: bytes) -> tuple[int, int]:
    """Measures a picture."""
    with Image.open(BytesIO(picture)) as image:
        return image.size


@contextmanager
def held(stage: Stage) -> Iterator[None]:
    """Keeps each picture at its first step meanwhile."""
    switch = stage.switches / "hold"
    switch.touch()
    try:
        yield
    finally:
        switch.unlink()
