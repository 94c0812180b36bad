"""What does every platform promise? One suite, to be inherited by the tests of each of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from bot.chat import MessageGoneError, Place, Platform, Progress, View

Shown: TypeAlias = Callable[[], str]

UNDER_WAY = View(text="Job 1: step 1 of 4", progress=Progress(picture=1, pictures=1, step=1, steps=4), is_final=False)
DONE = View(text="Job 1 done.", pictures=(Path("somewhere/one.png"), Path("somewhere/two.png")))


class PlatformContract:
    """Subclasses give the fixtures `platform`, `place`, and `shown`, which tells what a person can read at the end."""

    async def test_a_message_shows_its_text_and_its_pictures(
        self, platform: Platform, place: Place, shown: Shown
    ) -> None:
        await platform.post(place, DONE, "key")

        text = shown()
        assert all(words in text for words in ("Job 1 done.", "one.png", "two.png"))

    async def test_a_message_under_way_is_edited_to_its_end(
        self, platform: Platform, place: Place, shown: Shown
    ) -> None:
        message_id = await platform.post(place, UNDER_WAY, "key")
        await platform.edit(place, message_id, UNDER_WAY)
        await platform.edit(place, message_id, DONE)

        assert "Job 1 done." in shown()

    async def test_the_same_edit_twice_does_no_harm(self, platform: Platform, place: Place, shown: Shown) -> None:
        message_id = await platform.post(place, UNDER_WAY, "key")
        for _ in range(2):
            await platform.edit(place, message_id, DONE)

        assert shown().count("Job 1 done.") == 1

    async def test_each_message_has_an_id_of_its_own(self, platform: Platform, place: Place) -> None:
        ids = [await platform.post(place, view, f"key {n}") for n, view in enumerate((DONE, DONE, UNDER_WAY))]

        assert len(set(ids)) == 3

    async def test_a_message_that_is_not_there_any_more_cannot_be_edited(
        self, platform: Platform, place: Place
    ) -> None:
        with pytest.raises(MessageGoneError):
            await platform.edit(place, "a message of an earlier run", DONE)
