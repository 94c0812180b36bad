"""What do the buttons under a picture do, for its owner and for somebody else?"""

from __future__ import annotations

from hashlib import sha256

import pytest

from tests.bot.platforms.conversation.stage import (
    Stage,
    after,
    asked,
    file_of,
    has,
    number_of,
    press,
    pressed,
    request_of,
    seed_in,
    size_of,
)
from tests.standins.person import Person

LINE = "/imagine a cat --seed 7 --steps 3"


class Pressing:
    """What is said about buttons."""

    async def test_once_more_has_another_seed(self, ann: Person) -> None:
        first = await asked(ann, LINE)

        again = await pressed(ann, first, "🔄")

        assert seed_in(again) != 7
        assert "a cat\nflat · seed" in again.text
        assert again.pictures != first.pictures

    async def test_the_same_seed_can_be_asked_for_with_edits(self, stage: Stage, ann: Person) -> None:
        done = await asked(ann, LINE)
        await press(ann, done, "♻️ same seed")
        form = await stage.form(ann)

        edited = await after(ann, ann.fill(form.replace("a cat", "a dog")))

        assert "--seed 7" in form
        assert "a dog\nflat · seed 7 · 3 steps" in edited.text

    async def test_the_prompt_can_be_edited(self, stage: Stage, ann: Person) -> None:
        done = await asked(ann, LINE)
        await press(ann, done, "✏️")
        form = await stage.form(ann)

        edited = await after(ann, ann.fill("a dog --cfg 2"))

        assert form.startswith("a cat --model flat --steps 3")
        assert "--seed" not in form
        assert "a dog\nflat · seed" in edited.text
        assert "4 steps · cfg 2" in edited.text

    async def test_a_form_that_is_filled_in_wrongly_is_refused_in_a_sentence(self, ann: Person) -> None:
        done = await asked(ann, LINE)
        await press(ann, done, "✏️")

        await after(ann, ann.fill("a dog --steps 0"), has("--steps 0"))

    async def test_variations_start_from_the_chosen_picture(self, stage: Stage, ann: Person) -> None:
        done = await asked(ann, "/imagine two cats --count 2 --seed 7")
        second = await file_of(ann, done, 2)

        varied = await pressed(ann, done, "V2")

        assert "two cats\nflat · seed" in varied.text
        assert "from a picture, strength" in varied.text
        alone = stage.in_private(ann)
        shown = await asked(alone, f"/show {number_of(varied)}")
        assert request_of(await file_of(alone, shown)).image == sha256(second).hexdigest()

    async def test_an_upscaled_picture_is_twice_as_large(self, ann: Person) -> None:
        done = await asked(ann, LINE)

        larger = await pressed(ann, done, "⬆️")

        assert size_of(done.pictures[0]) == (64, 64)
        assert size_of(larger.pictures[0]) == (128, 128)

    async def test_a_picture_tells_how_it_was_made(self, stage: Stage, ann: Person) -> None:
        done = await asked(ann, LINE)

        told = await pressed(ann, done, "ℹ️", has("precision float32"))

        assert f"Job {number_of(done)}: done\na cat\nflat · seed 7" in stage.read(told.text)
        assert "model_revision fake" in stage.read(told.text)

    async def test_favourites_are_listed_until_they_are_none_any_more(self, stage: Stage, ann: Person) -> None:
        heron = await asked(ann, "/imagine a grey heron")

        await pressed(ann, heron, "⭐", has("now among your favourites"))
        listed = await asked(stage.in_private(ann), "/history --favourites", has("a grey heron"))
        await pressed(ann, heron, "⭐", has("is no favourite"))
        unlisted = await asked(stage.in_private(ann), "/history heron --favourites", has("“heron”"))

        assert f"{number_of(heron)}  a grey heron" in listed.text
        assert "a grey heron" not in unlisted.text

    async def test_a_deleted_picture_is_gone(self, stage: Stage, ann: Person) -> None:
        done = await asked(ann, LINE)

        await pressed(ann, done, "🗑️", has("is deleted"))

        await stage.gone(ann, done)
        await asked(ann, f"/show {number_of(done)}", has(f"There is no job {number_of(done)}"))

    @pytest.mark.parametrize("label", ["🔄", "V1", "⬆️"])
    async def test_somebody_else_who_presses_gets_a_picture_of_their_own(
        self, stage: Stage, ann: Person, bob: Person, label: str
    ) -> None:
        done = await asked(ann, LINE)
        await bob.until(lambda seen: seen.id == done.id)

        other = await pressed(bob, done, label)

        await asked(stage.in_private(bob), "/history", has(f"{number_of(other)}  a cat"))
        assert done in bob.messages()

    @pytest.mark.parametrize("label", ["♻️ same seed", "✏️"])
    async def test_somebody_else_may_ask_for_the_same_with_edits(
        self, stage: Stage, ann: Person, bob: Person, label: str
    ) -> None:
        done = await asked(ann, LINE)
        await press(bob, done, label)

        other = await after(bob, bob.fill("a dog"))

        await asked(stage.in_private(bob), "/history", has(f"{number_of(other)}  a dog"))

    async def test_somebody_else_may_look_and_like(self, stage: Stage, ann: Person, bob: Person) -> None:
        done = await asked(ann, LINE)

        await pressed(bob, done, "ℹ️", has("precision float32"))
        await pressed(bob, done, "⭐", has("now among your favourites"))
        assert request_of(await file_of(bob, done)).seed == 7

        await asked(stage.in_private(bob), "/history --favourites", has(f"{number_of(done)}  a cat"))
        await asked(stage.in_private(ann), "/history --favourites", has("You have no favourites"))

    async def test_somebody_else_may_not_delete(self, ann: Person, bob: Person) -> None:
        done = await asked(ann, LINE)

        await pressed(bob, done, "🗑️", has("somebody else's"))

        await asked(ann, f"/show {number_of(done)}")
        assert done in ann.messages()
