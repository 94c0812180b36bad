"""How does somebody say that two accounts are theirs?"""

from __future__ import annotations

import re

from tests.bot.platforms.conversation.stage import Stage, asked, becomes, has, held, number_of, pressed
from tests.standins.person import Person, Seen

CODE = re.compile(r"/link ([A-Z0-9]{8})\b")


class Linking:
    """What is said about accounts that are one person's."""

    async def test_a_code_is_shown_where_nobody_else_reads_it(self, stage: Stage, ann: Person) -> None:
        shown = await asked(stage.in_private(ann), "/link", has("Type this on your other account"))

        assert CODE.search(stage.read(shown.text))

    async def test_before_others_a_code_is_shown_to_the_asker_alone_or_not_at_all(
        self, stage: Stage, ann: Person, bob: Person
    ) -> None:
        shown = await asked(ann, "/link", has("/link"))
        await asked(bob, "/imagine a cat")

        assert shown.is_private or "type /link in private" in shown.text
        assert not any(CODE.search(stage.read(seen.text)) for seen in bob.messages())

    async def test_a_code_that_nobody_has_shown_links_nothing(self, stage: Stage, ann: Person) -> None:
        await asked(stage.in_private(ann), "/link ACDEFHJK", has("This code is wrong"))

        await asked(stage.in_private(ann), "/unlink", has("is not linked"))

    async def test_linked_accounts_have_one_history_and_may_do_the_same(
        self, stage: Stage, ann: Person, bob: Person
    ) -> None:
        done = await asked(ann, "/imagine a red newt")
        joined = await linked(stage, ann, bob)

        listed = await asked(stage.in_private(bob), "/history newt", has("a red newt"))
        await pressed(bob, done, "🗑️", has("is deleted"))
        await stage.gone(ann, done)

        assert stage.key(ann) in stage.read(joined.text)
        assert f"{number_of(done)}  a red newt" in listed.text

    async def test_what_waits_is_shown_where_it_was_asked_for_and_cancelled_from_either_account(
        self, stage: Stage, ann: Person, bob: Person
    ) -> None:
        with held(stage):
            running = await asked(ann, "/imagine a newt", has(": step 1 of"))
            waiting = await asked(bob, "/imagine a frog", has("queued"))
            await linked(stage, ann, bob)
            await asked(bob, f"/cancel {number_of(running)}", has("stops at its next step"))
            await becomes(ann, running, "cancelled")

        await becomes(bob, waiting, " done in ")

    async def test_a_block_holds_for_every_account_and_outlives_a_restart(
        self, stage: Stage, ann: Person, bob: Person, boss: Person
    ) -> None:
        await linked(stage, ann, bob)
        await asked(boss, f"/admin block {stage.key(ann)}", has("is blocked, with all linked accounts", stage.key(bob)))

        await stage.restart()

        for person in (ann, bob):
            await asked(stage.in_private(person), "/imagine a newt", has("An admin has blocked you here."))

    async def test_an_account_that_was_taken_out_is_by_itself_again(
        self, stage: Stage, ann: Person, bob: Person
    ) -> None:
        await asked(ann, "/imagine a blue newt")
        await linked(stage, ann, bob)
        await asked(stage.in_private(bob), "/unlink", has("by itself again"))

        await asked(stage.in_private(bob), "/history newt", has("Nothing of yours"))


async def linked(stage: Stage, shows: Person, types: Person) -> Seen:
    """Links two accounts and gives what the one that typed the code was told."""
    shown = await asked(stage.in_private(shows), "/link", has("Type this on your other account"))
    code = CODE.search(stage.read(shown.text))
    assert code is not None
    return await asked(stage.in_private(types), f"/link {code[1]}", has("is linked with"))
