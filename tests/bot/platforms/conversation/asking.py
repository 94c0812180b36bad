"""How do people ask for pictures, and what do they get?"""

from __future__ import annotations

from hashlib import sha256

import pytest

from tests.bot.platforms.conversation.stage import (
    CANCEL,
    Stage,
    asked,
    becomes,
    file_of,
    has,
    held,
    is_at_its_first_step,
    is_done,
    metadata,
    number_of,
    pressed,
    request_of,
    seed_in,
)
from tests.standins.person import Person

HOSTILE = (
    "@everyone @here <@1> <@&2> **bold** __under__ <b>fat</b> ```code``` `tick` [click](https://evil.example/x) "
    "https://discord.gg/abc t.me/joinchat #cat evil.example"
)


class Asking:
    """What is said about /imagine and /rerun."""

    async def test_a_picture_is_made_with_all_that_was_asked_for(self, ann: Person) -> None:
        flags = "--seed 7 —steps 3 --cfg 2,5 --ar 2:1 --no mice, rats --model flatter"
        done = await asked(ann, f"/imagine a red circle {flags}")

        picture = await file_of(ann, done)

        request = request_of(picture)
        assert (request.prompt, request.negative_prompt, request.model) == ("a red circle", "mice, rats", "flatter")
        assert (request.seed, request.num_inference_steps, request.guidance_scale) == (7, 3, 2.5)
        assert request.width == 2 * request.height
        assert "Seed: 7," in metadata(picture).parameters

    async def test_the_one_message_of_a_job_waits_shows_previews_and_at_last_the_picture(
        self, stage: Stage, ann: Person
    ) -> None:
        with held(stage):
            waiting = await asked(ann, "/imagine a cat --spoiler", has("queued"))
            running = await becomes(ann, waiting, ": step 1 of 4")
            previewed = await ann.until(is_at_its_first_step)
        done = await ann.until(is_done)

        assert {seen.id for seen in (waiting, running, previewed, done)} == {seen.id for seen in ann.messages()}
        assert CANCEL in waiting.buttons.values()
        assert CANCEL in previewed.buttons.values()
        assert CANCEL not in done.buttons.values()
        assert done.pictures != previewed.pictures
        assert previewed.is_spoiler
        assert done.is_spoiler

    @pytest.mark.parametrize(
        ("flags", "complaint"),
        [
            ("--seeds 7", "Did you mean --seed?"),
            ("--seed seven", "is not a whole number"),
            ("--steps 0", "--steps 0"),
            ("--count 5", "--count 5"),
            ("--size 9x9", "--size 9x9"),
            ("--model nonesuch", "flatter"),
            ("--strength 0.5", "--image"),
            ("--image 999999", "There is no job 999999 here"),
            ("--seed 1 --seed 2", "--seed is given twice"),
        ],
    )
    async def test_what_cannot_be_done_is_refused_in_a_sentence(self, ann: Person, flags: str, complaint: str) -> None:
        refused = await asked(ann, f"/imagine a cat {flags}", has(complaint))

        assert [seen.id for seen in ann.messages()] == [refused.id]
        assert not refused.buttons

    async def test_four_pictures_come_in_one_message_with_buttons_for_each(self, ann: Person) -> None:
        done = await asked(ann, "/imagine cats --count 4 --seed 5")

        assert [seen.id for seen in ann.messages()] == [done.id]
        assert list(done.buttons.values())[:8] == ["U1", "U2", "U3", "U4", "V1", "V2", "V3", "V4"]
        pictures = [await file_of(ann, done, number) for number in (1, 4)]
        assert [metadata(picture).seed for picture in pictures] == [5, 8]

    async def test_a_picture_starts_from_a_chosen_one_of_a_job(self, stage: Stage, ann: Person) -> None:
        two = await asked(ann, "/imagine two cats --count 2")
        second = await file_of(ann, two, 2)

        alone = stage.in_private(ann)
        done = await asked(alone, f"/imagine a dog --image {number_of(two)}:2 --strength 0.5")

        request = request_of(await file_of(alone, done))
        assert request.image == sha256(second).hexdigest()
        assert request.strength == 0.5

    async def test_the_same_job_once_more_gives_the_same_file(self, ann: Person) -> None:
        first = await asked(ann, "/imagine a cat --no mice")

        again = await asked(ann, f"/rerun {number_of(first)}")

        assert f"The same, byte for byte, as job {number_of(first)}." in again.text
        assert again.pictures == first.pictures
        assert seed_in(again) == seed_in(first)

    async def test_a_job_that_failed_says_so_and_can_be_tried_once_more(self, stage: Stage, ann: Person) -> None:
        fault = stage.switches / "error"
        fault.write_text("13")
        failed = await asked(ann, "/imagine a cat --seed 13", has("failed: "))
        fault.unlink()

        assert "Traceback" not in failed.text
        assert "told to fail" not in failed.text
        assert not failed.pictures
        await pressed(ann, failed, "🔄")

    async def test_nothing_in_a_prompt_has_any_effect(self, stage: Stage, ann: Person) -> None:
        with held(stage):
            waiting = await asked(ann, f"/imagine {HOSTILE}", has("queued"))
            effects = stage.effects(waiting)
            effects += stage.effects(await becomes(ann, waiting, ": step 1 of"))
        done = await ann.until(is_done)
        await pressed(ann, done, "ℹ️", has("precision float32"))
        await asked(ann, "/history everyone", has(" · flat · "))
        effects += [effect for seen in ann.messages() for effect in stage.effects(seen)]

        assert HOSTILE in stage.read(done.text)
        assert effects == []
