"""What is the whole conversation, and who takes part?"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.bot.platforms.conversation.asking import Asking
from tests.bot.platforms.conversation.fetching import Fetching
from tests.bot.platforms.conversation.linking import Linking
from tests.bot.platforms.conversation.listing import Listing
from tests.bot.platforms.conversation.outliving import Outliving
from tests.bot.platforms.conversation.pressing import Pressing
from tests.bot.platforms.conversation.ruling import Ruling
from tests.bot.platforms.conversation.stage import CANCEL, Question, Scene, Stage
from tests.standins.person import Person, Seen


class Conversation(Asking, Pressing, Listing, Fetching, Linking, Ruling, Outliving):
    """The same for every platform. Subclasses give the fixture `stage`, which stays open for the class."""

    pytestmark = pytest.mark.asyncio(loop_scope="class")

    @pytest_asyncio.fixture(loop_scope="class", autouse=True)
    async def nothing_else_went_wrong(self, stage: Stage, scene: Scene) -> AsyncIterator[None]:
        """Beside what a test says: every job's message comes to an end, and none is left behind by another."""
        yield
        for seen in scene.owner.messages():
            if CANCEL in seen.buttons.values():
                await scene.owner.until(is_over(seen))
        stage.check()

    @pytest_asyncio.fixture(loop_scope="class")
    async def scene(self, stage: Stage) -> Scene:
        return stage.scene()

    @pytest.fixture
    def ann(self, scene: Scene) -> Person:
        return scene.owner

    @pytest.fixture
    def bob(self, scene: Scene) -> Person:
        if scene.stranger is None:
            pytest.skip(scene.why_alone)
        return scene.stranger

    @pytest.fixture
    def boss(self, scene: Scene) -> Person:
        return scene.admin


def is_over(job: Seen) -> Question:
    """Asks whether a job's message shows its end."""
    return lambda seen: seen.id == job.id and CANCEL not in seen.buttons.values()
