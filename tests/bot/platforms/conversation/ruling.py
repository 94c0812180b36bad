"""What may admins do, and nobody else?"""

from __future__ import annotations

from contextlib import suppress

import pytest

from tests.bot.platforms.conversation.stage import (
    CANCEL,
    Stage,
    asked,
    becomes,
    has,
    held,
    pressed,
)
from tests.standins.person import NotOfferedError, Person


class Ruling:
    """What is said about rights."""

    @pytest.mark.parametrize("line", ["/admin pause", "/admin model flatter", "/admin grant console:me"])
    async def test_nobody_else_can_use_the_commands_of_admins(self, bob: Person, line: str) -> None:
        with suppress(NotOfferedError):  # where the chat does not even let them try
            await asked(bob, line, has("is for admins only"))

    async def test_an_admin_cancels_and_deletes_what_is_somebody_elses(
        self, stage: Stage, bob: Person, boss: Person
    ) -> None:
        with held(stage):
            waiting = await asked(bob, "/imagine a cat", has("queued"))
            await boss.until(lambda seen: seen.id == waiting.id)
            await pressed(boss, waiting, CANCEL, has("stops at its next step"))
            cancelled = await becomes(boss, waiting, "cancelled")

        await pressed(boss, cancelled, "🗑️", has("is deleted"))
        await stage.gone(bob, cancelled)

    async def test_jobs_keep_the_model_they_were_accepted_with(self, stage: Stage, ann: Person, boss: Person) -> None:
        with held(stage):
            await asked(stage.in_private(ann), "/imagine the one that holds up the others", has("queued"))
            before = await asked(ann, "/imagine a cat", has("queued"))
            await asked(boss, "/admin model flatter", has("is now flatter"))
            after = await asked(ann, "/imagine a dog", has("queued"))
        cat = await becomes(ann, before, " done in ")
        dog = await becomes(ann, after, " done in ")
        await boss.type("/admin model flat")

        assert "a cat\nflat · " in cat.text
        assert "a dog\nflatter · " in dog.text

    async def test_only_the_models_that_an_admin_allows_can_be_used(self, ann: Person, boss: Person) -> None:
        await asked(boss, "/admin models flatter", has("may be used here: flatter."))
        await asked(ann, "/imagine a cat --model flat", has("flat may not be used here. Allowed here: flatter."))
        allowed = await asked(ann, "/imagine a cat")
        await boss.type("/admin models all")

        assert "a cat\nflatter · " in allowed.text

    async def test_whoever_is_blocked_is_refused_everything_until_unblocked(
        self, stage: Stage, ann: Person, bob: Person, boss: Person
    ) -> None:
        done = await asked(ann, "/imagine a cat")
        await asked(boss, f"/admin block {stage.key(bob)}", has("is blocked"))

        await asked(stage.in_private(bob), "/imagine a dog", has("An admin has blocked you here."))
        await pressed(bob, done, "🔄", has("An admin has blocked you here."))
        await asked(boss, f"/admin unblock {stage.key(bob)}", has("is no longer blocked"))

        await asked(stage.in_private(bob), "/imagine a dog")

    async def test_admins_cannot_be_blocked(self, stage: Stage, boss: Person) -> None:
        await asked(boss, f"/admin block {stage.key(boss)}", has("admins cannot be blocked"))
