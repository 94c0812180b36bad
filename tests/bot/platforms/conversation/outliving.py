"""What holds while jobs wait and run, are given up, come in twice, and when the program starts anew?"""

from __future__ import annotations

import re

from tests.bot.platforms.conversation.stage import (
    CANCEL,
    Question,
    Stage,
    after,
    asked,
    becomes,
    has,
    held,
    is_done,
    number_of,
    press,
    pressed,
)
from tests.standins.person import Person, Seen


class Outliving:
    """What is said about jobs that are not over, and about time."""

    async def test_a_job_that_waits_is_cancelled_by_its_button(self, stage: Stage, ann: Person) -> None:
        with held(stage):
            await asked(stage.in_private(ann), "/imagine the one that holds up the others", has("queued"))
            waiting = await asked(ann, "/imagine a cat", has("queued"))
            await pressed(ann, waiting, CANCEL, has("will not be made"))
            cancelled = await becomes(ann, waiting, "cancelled")
        await ann.until(lambda seen: is_done(seen) and "holds up" in seen.text)

        assert not cancelled.pictures
        assert CANCEL not in cancelled.buttons.values()
        await pressed(ann, cancelled, "🔄")

    async def test_a_job_that_runs_is_cancelled_by_its_button(self, stage: Stage, ann: Person) -> None:
        with held(stage):
            running = await asked(ann, "/imagine a cat", has(": step 1 of"))
            await pressed(ann, running, CANCEL, has("stops at its next step"))
            await becomes(ann, running, "cancelled")

        await asked(stage.in_private(ann), "/queue", has("Nobody waits and nothing runs."))

    async def test_a_job_is_cancelled_by_its_number(self, stage: Stage, ann: Person) -> None:
        with held(stage):
            waiting = await asked(ann, "/imagine a cat", has("queued"))
            await asked(ann, f"/cancel {number_of(waiting)}", has("stops at its next step"))
            await becomes(ann, waiting, "cancelled")

        await asked(ann, f"/cancel {number_of(waiting)}", has("is over already"))

    async def test_somebody_else_may_not_cancel(self, stage: Stage, ann: Person, bob: Person) -> None:
        with held(stage):
            waiting = await asked(ann, "/imagine a cat", has("queued"))
            await bob.until(lambda seen: seen.id == waiting.id)
            await pressed(bob, waiting, CANCEL, has("somebody else's"))
            await asked(bob, f"/cancel {number_of(waiting)}", has("somebody else's"))

        await becomes(ann, waiting, " done in ")

    async def test_a_job_that_waits_says_why_to_whoever_may_ask(self, stage: Stage, ann: Person, bob: Person) -> None:
        with held(stage):
            await asked(stage.in_private(ann), "/imagine the one that holds up the others", has("queued"))
            waiting = await asked(ann, "/imagine a cat --steps 3", has("queued"))
            await pressed(bob, waiting, "Why?", has("somebody else's"))
            await becomes(ann, waiting, "1 run before yours")
            said = await pressed(ann, waiting, "Why?", has(f"Job {number_of(waiting)} waits, 1 run before it"))
        done = await becomes(ann, waiting, " done in ")

        assert "1 run being made now" in said.text
        assert "holds up" not in said.text
        assert "Why?" not in done.buttons.values()

    async def test_the_same_event_twice_makes_no_second_job(self, stage: Stage, ann: Person) -> None:
        first = await asked(ann, "/imagine a cat")
        await stage.repeat(ann)
        await stage.repeat(ann)

        second = await asked(ann, "/imagine a dog")

        assert number_of(second) == number_of(first) + 1
        assert [seen.id for seen in ann.messages()] == [first.id, second.id]

    async def test_the_same_press_twice_makes_no_second_job(self, stage: Stage, ann: Person) -> None:
        first = await asked(ann, "/imagine a cat")
        again = await pressed(ann, first, "🔄")
        await stage.repeat(ann)

        last = await asked(ann, "/imagine a dog")

        assert number_of(last) == number_of(again) + 1
        assert [seen.id for seen in ann.messages()] == [first.id, again.id, last.id]

    async def test_a_restart_in_the_middle_loses_nothing_and_shows_nothing_twice(
        self, stage: Stage, ann: Person
    ) -> None:
        alone = stage.in_private(ann)
        with held(stage):
            running = await asked(ann, "/imagine a cat --seed 7", has(": step 1 of"))
            waiting = await asked(alone, "/imagine a dog --seed 8", has("queued"))
            await stage.restart()
        cat = await ann.until(lambda seen: is_done(seen) and has("a cat\nflat · seed 7")(seen))
        dog = await ann.until(lambda seen: is_done(seen) and has("a dog\nflat · seed 8")(seen))

        assert [number_of(cat), number_of(dog)] == [number_of(running), number_of(waiting)]
        assert [seen.id for seen in ann.messages() if about(running)(seen)] == [cat.id]
        assert [seen.id for seen in ann.messages() if about(waiting)(seen)] == [dog.id]

    async def test_buttons_and_forms_outlive_a_restart(self, stage: Stage, ann: Person) -> None:
        pig = await asked(stage.in_private(ann), "/imagine a pig")
        await press(ann, await asked(ann, "/imagine a hen"), "✏️")
        await stage.form(ann)

        await stage.restart()

        assert "a cow\nflat · seed" in (await after(ann, ann.fill("a cow"))).text
        assert "a pig\nflat · seed" in (await pressed(ann, pig, "🔄")).text

    async def test_rights_and_blocks_outlive_a_restart(
        self, stage: Stage, ann: Person, bob: Person, boss: Person
    ) -> None:
        done = await asked(ann, "/imagine a cat")
        await asked(boss, f"/admin grant {stage.key(bob)}", has("has the admin right now"))
        await asked(boss, f"/admin block {stage.key(ann)}", has("is blocked"))

        await stage.restart()

        await asked(stage.in_private(ann), "/imagine a dog", has("An admin has blocked you here."))
        await pressed(bob, done, "🗑️", has("is deleted"))
        await stage.gone(ann, done)


def about(job: Seen) -> Question:
    """Asks for a message that shows how the same job stands."""
    return lambda seen: re.match(rf"Job {number_of(job)}( |:)", seen.text) is not None
