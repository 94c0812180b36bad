"""What does every platform promise the core? One suite, to be inherited by the tests of each of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import pytest
from PIL import Image

from bot.chat import MessageGoneError, NotNowError, Place, Platform, Progress, UndeliverableError, View

UNDER_WAY = View(text="Job 1: step 1 of 4", progress=Progress(picture=1, pictures=1, step=1, steps=4), is_final=False)
NAMES = ("one.png", "two.png")


@dataclass(frozen=True)
class Shown:
    """What a person has before their eyes at the end."""

    text: str
    is_illustrated: bool


Look: TypeAlias = Callable[[], Shown]


class PlatformContract:
    """Subclasses give the fixtures `platform`, `place`, a new one each time, and `look`."""

    pytestmark = pytest.mark.asyncio(loop_scope="class")

    @pytest.fixture
    def key(self, tmp_path: Path) -> str:
        """The key of a job's message: no other has it."""
        return tmp_path.name

    @pytest.fixture
    def done(self, tmp_path: Path) -> View:
        for name in NAMES:
            Image.new("RGB", (64, 64), "navy").save(tmp_path / name)
        return View(text="Job 1 done.", pictures=tuple(tmp_path / name for name in NAMES))

    async def test_a_message_shows_its_text_and_its_pictures(
        self, platform: Platform, place: Place, key: str, done: View, look: Look
    ) -> None:
        await platform.post(place, done, key)

        shown = look()
        assert "Job 1 done." in shown.text
        assert shown.is_illustrated

    async def test_a_message_under_way_is_edited_to_its_end(
        self, platform: Platform, place: Place, key: str, done: View, look: Look
    ) -> None:
        message_id = await platform.post(place, UNDER_WAY, key)
        await platform.edit(place, message_id, done)

        shown = look()
        assert "Job 1 done." in shown.text
        assert shown.is_illustrated

    async def test_the_same_edit_twice_does_no_harm(
        self, platform: Platform, place: Place, key: str, done: View, look: Look
    ) -> None:
        message_id = await platform.post(place, UNDER_WAY, key)
        for _ in range(2):
            await platform.edit(place, message_id, done)

        assert look().text.count("Job 1 done.") == 1

    async def test_each_message_has_an_id_of_its_own(
        self, platform: Platform, place: Place, key: str, done: View
    ) -> None:
        ids = [await platform.post(place, view, f"{key} {n}") for n, view in enumerate((done, done, UNDER_WAY))]

        assert len(set(ids)) == 3

    async def test_a_message_can_be_taken_away_twice(
        self, platform: Platform, place: Place, key: str, done: View
    ) -> None:
        message_id = await platform.post(place, done, key)

        for _ in range(2):
            await platform.remove(place, message_id)

    async def test_a_message_that_is_not_there_any_more_cannot_be_edited(
        self, platform: Platform, place: Place, done: View
    ) -> None:
        with pytest.raises(MessageGoneError):
            await platform.edit(place, "a message of an earlier run", done)


class RemoteContract(PlatformContract):
    """What holds for those over the network. Subclasses give the fixtures `nowhere` and `unconnected` too."""

    async def test_a_message_is_not_there_any_more_once_it_was_taken_away(
        self, platform: Platform, place: Place, key: str, done: View, look: Look
    ) -> None:
        message_id = await platform.post(place, done, key)
        await platform.remove(place, message_id)

        assert look().text == ""
        with pytest.raises(MessageGoneError):
            await platform.edit(place, message_id, done)

    async def test_the_same_key_again_is_the_same_message(
        self, platform: Platform, place: Place, key: str, done: View, look: Look
    ) -> None:
        ids = [await platform.post(place, done, key) for _ in range(2)]

        assert ids[0] == ids[1]
        assert look().text.count("Job 1 done.") == 1

    async def test_nothing_is_ever_shown_in_a_place_that_is_none(
        self, platform: Platform, nowhere: Place, key: str, done: View
    ) -> None:
        with pytest.raises(UndeliverableError):
            await platform.post(nowhere, done, key)

    async def test_what_is_not_connected_asks_to_be_tried_again(
        self, unconnected: Platform, place: Place, key: str, done: View
    ) -> None:
        with pytest.raises(NotNowError):
            await unconnected.post(place, done, key)
