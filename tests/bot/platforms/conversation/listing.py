"""What do people learn from the commands that list and show?"""

from __future__ import annotations

from tests.bot.platforms.conversation.stage import Stage, asked, has, held, is_done, number_of
from tests.standins.person import Person


class Listing:
    """What is said about commands that make no picture."""

    async def test_history_finds_what_one_asked_for_by_its_words(self, ann: Person) -> None:
        purple = await asked(ann, "/imagine a purple ibis")
        await asked(ann, "/imagine a green ibis")

        found = await asked(ann, "/history ibis purple", has("a purple ibis"))

        assert f"{number_of(purple)}  a purple ibis" in found.text
        assert "a green ibis" not in found.text

    async def test_a_picture_is_shown_once_more_by_its_number_and_as_the_last(self, stage: Stage, ann: Person) -> None:
        await asked(ann, "/imagine a red ibis")
        done = await asked(ann, "/imagine a blue ibis")

        shown = await asked(ann, f"/show {number_of(done)}")
        last = await asked(stage.in_private(ann), "/last")

        assert (shown.text, shown.pictures, shown.buttons) == (done.text, done.pictures, done.buttons)
        assert (last.text, last.pictures, last.buttons) == (done.text, done.pictures, done.buttons)

    async def test_a_job_that_is_not_there_cannot_be_shown(self, ann: Person) -> None:
        await asked(ann, "/show 999999", has("There is no job 999999 here"))

    async def test_the_queue_keeps_other_peoples_prompts_to_itself(
        self, stage: Stage, ann: Person, bob: Person
    ) -> None:
        with held(stage):
            await asked(ann, "/imagine a secret ibis", has("queued"))
            await asked(bob, "/imagine a loud ibis", has("queued"))
            hers = await asked(stage.in_private(ann), "/queue", has("Running: "))
            his = await asked(stage.in_private(bob), "/queue", has("Running: "))
        await bob.until(lambda seen: is_done(seen) and "a loud ibis" in seen.text)

        assert "a secret ibis" in hers.text
        assert "a loud ibis" not in hers.text
        assert "a loud ibis" in his.text
        assert "a secret ibis" not in his.text

    async def test_the_models_that_may_be_used_are_listed(self, ann: Person) -> None:
        listed = await asked(ann, "/models", has("default here"))

        assert "flat (default here" in listed.text
        assert "flatter" in listed.text

    async def test_the_adapters_are_listed_and_refused_with_what_they_are_not_made_for(self, ann: Person) -> None:
        listed = await asked(ann, "/loras", has("outline: for demo"))
        refused = await asked(ann, "/imagine cats —lora outline:0.5, outlin", has("outline"))

        assert "Say: outline of" in listed.text
        assert refused.text == "--lora outline is made for the demo model, not for flat; it fits demo, demo-fast."

    async def test_help_lists_the_commands_and_explains_one(self, stage: Stage, ann: Person) -> None:
        everything = await asked(ann, "/help", has("/imagine PROMPT"))
        one = await asked(ann, "/help imagine", has("--seed N"))

        assert all(f"/{name}" in everything.text for name in ("history", "settings", "queue", "models", "rerun"))
        assert "--count N" in one.text

    async def test_help_offers_admin_commands_to_admins_only(self, ann: Person, bob: Person, boss: Person) -> None:
        assert "/admin" not in (await asked(bob, "/help", has("/imagine"))).text
        assert "/admin pause" in (await asked(boss, "/help", has("/imagine"))).text

    async def test_own_defaults_are_used_until_they_are_forgotten(self, stage: Stage, ann: Person) -> None:
        alone = stage.in_private(ann)
        kept = await asked(alone, "/settings --count 2 --ar 2:1 --spoiler yes", has("Your own defaults"))
        wide = await asked(ann, "/imagine cats")
        plain = await asked(ann, "/imagine a cat --count 1 --ar 1:1")
        await asked(alone, "/settings --reset", has("You have set nothing"))
        after = await asked(ann, "/imagine a cat")

        assert all(flag in kept.text for flag in ("--ar 2:1", "--count 2", "--spoiler yes"))
        assert "2 pictures" in wide.text
        assert wide.is_spoiler
        assert "2 pictures" not in plain.text
        assert "64x64" in after.text
        assert not after.is_spoiler
