"""What is seen of a model that has to be downloaded first?"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.bot.platforms.conversation.stage import CANCEL, Stage, asked, becomes, has, press
from tests.generation.pipelines.local_hub import LocalHub
from tests.generation.remote_models import WEIGHTS, hub_of, put
from tests.standins.person import Person

REMOTE = ("far", "farther")  # models that every stage knows, and no disk has at first
PART = "0.1 of 0.4 MB"


class Fetching:
    """What is said about downloads."""

    @pytest_asyncio.fixture(loop_scope="class")
    async def hub(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[LocalHub]:
        """A hub that sends only the beginning of a model until it is released."""
        with hub_of(tmp_path, monkeypatch) as hub:
            for name in REMOTE:
                put(hub, name)
            hub.hold(WEIGHTS, 100_000)
            yield hub

    async def test_the_message_of_a_job_tells_how_far_its_model_is_and_becomes_its_picture(
        self, stage: Stage, ann: Person, hub: LocalHub
    ) -> None:
        waiting = await asked(ann, "/imagine a cat --model far", has("queued. Downloading far: "))
        part = await becomes(ann, waiting, "Downloading far: ", PART)
        other = await asked(ann, "/imagine a dog")
        await asked(ann, "/queue", has(f"Downloading far: {PART}", "Waiting for it: job ", "(a cat)"))
        hub.release()
        done = await becomes(ann, waiting, " done in ", "a cat")

        assert CANCEL in part.buttons.values()
        assert " done in " in other.text
        assert len(done.pictures) == 1
        assert not stage.effects(part)

    async def test_an_admin_sends_for_a_model_and_stops_that_by_a_button(
        self, ann: Person, boss: Person, hub: LocalHub
    ) -> None:
        told = await asked(boss, "/admin download farther", has("Downloading farther: ", PART))
        waiting = await asked(ann, "/imagine a cat --model farther", has("queued. Downloading farther: "))
        await press(boss, told, CANCEL)

        await becomes(boss, told, "An admin has stopped the download of farther.")
        await becomes(ann, waiting, " failed: An admin has stopped the download of farther.")
        hub.release()
        again = await asked(boss, "/admin download farther", has("farther is downloaded."))
        assert CANCEL not in again.buttons.values()
