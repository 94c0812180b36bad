"""Does what was accepted outlive a program that is killed at any moment, again and again?"""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random, SystemRandom

import pytest

from tests.bot.online import Chats
from tests.soak import verdicts
from tests.soak.books import Books, Record
from tests.soak.crowd import Crowd, tire
from tests.soak.ledger import Ledger
from tests.soak.running import Running
from tests.soak.script import Script
from tests.soak.town import SPOTS, Town

MEMBERS = 50
LONGEST_LIFE_S = 3.5  # of which the first second goes by until it serves: a start is killed as well
SETTLE_S = 180.0
SEED_SETTING = "FAIRBRUSH_TEST_SEED"


class Witness:
    """Looks at what the dead program has left behind, and compares it with what it had left the time before."""

    def __init__(self, running: Running, ledger: Ledger, drawn: Path) -> None:
        self.books = Books(running.data)
        self._ledger = ledger
        self._drawn = drawn
        self._jobs: Mapping[int, Record] = {}
        self._begun = 0  # how many pictures had been begun by then
        drawn.touch()

    def look(self, jobs: Mapping[int, Record]) -> None:
        """Raise unless all is there that was acknowledged or kept before, unchanged, and nothing kept was redrawn."""
        lost = set(self._ledger.of_jobs()) - set(jobs)
        assert not lost, f"jobs that were acknowledged and lost: {sorted(lost)}"
        for before in self._jobs.values():
            job = jobs[before.id]
            assert job.request == before.request, f"job {job.id} was changed"
            assert job.pictures[: len(before.pictures)] == before.pictures, f"job {job.id} has lost pictures"
            assert not before.is_over or job.state == before.state, f"job {job.id} was {before.state} already"
        kept = {picture.seed for job in self._jobs.values() for picture in job.pictures}
        seeds = [int(line) for line in self._drawn.read_text().splitlines()]
        again = kept & set(seeds[self._begun :])
        assert not again, f"pictures that were kept and drawn again: {again}"
        self._jobs, self._begun = jobs, len(seeds)

    @property
    def drawn_twice(self) -> int:
        """Give how many pictures were begun once more, since a kill came before they were kept."""
        return self._begun - len(set(self._drawn.read_text().splitlines()))


@pytest.mark.parametrize("kills", [pytest.param(5, id="small"), pytest.param(30, id="full", marks=pytest.mark.slow)])
async def test_nothing_accepted_is_lost_or_shown_twice_however_often_the_program_is_killed(
    kills: int, chats: Chats, running: Running, tmp_path: Path, report: Callable[[str], None]
) -> None:
    seed = int(os.environ.get(SEED_SETTING) or SystemRandom().randrange(10**6))
    report(f"kills: drawn from the seed {seed}, which {SEED_SETTING} sets")
    ledger, town = Ledger(chats.discord, chats.telegram), Town(chats.discord, chats.telegram, MEMBERS)
    switches = tmp_path / "switches"
    crowd, witness = Crowd(town, is_forgiving=True), Witness(running, ledger, switches / "drawn")
    began = time.monotonic()

    async with asyncio.TaskGroup() as tasks:
        await running.start()
        for number, member in enumerate(town.members):
            script = Script(seed, number, member.platform, SPOTS[member.platform], is_plain=True)
            tasks.create_task(crowd.live(member, script.errands()), name=member.name)
        tiring = tasks.create_task(tire(switches / "hold", Random(seed)))
        await kill_again_and_again(running, witness, chats, Random(seed), kills)
        crowd.leave()
        tiring.cancel()
        last = time.monotonic()
    await witness.books.settled(SETTLE_S)
    status = await running.stop()

    jobs, settled_s = witness.books.jobs(), time.monotonic() - last
    report(f"kills: {kills} in {last - began:.0f} s, all settled {settled_s:.0f} s after the last of them")
    report(f"kills: {len(jobs)} jobs, {len(ledger.posts)} messages; {dict(crowd.done)}")
    assert status == 0
    witness.look(jobs)
    witness.books.check()
    left_behind = Counter(post.platform for post in verdicts.check_each_is_shown_once(jobs, ledger))
    report(f"kills: left behind under way {dict(left_behind)}; floods on Telegram {len(chats.telegram.floods)}")
    report(f"kills: pictures begun once more, since they were not kept yet: {witness.drawn_twice}")
    report(f"kills: warnings {dict(verdicts.check_logs(running.said()))}")
    assert not left_behind["discord"]
    verdicts.check_pictures(jobs, ledger)
    check_requests(jobs, crowd)


def check_requests(jobs: Mapping[int, Record], crowd: Crowd) -> None:
    """Raise unless what was typed on Telegram has become one job each; on Discord it may be lost before it is one."""
    verdicts.check_seeds(jobs, crowd.asked)
    verdicts.check_requests(jobs, crowd.asked, is_lossy=True)
    kept = {job_id: job for job_id, job in jobs.items() if job.platform == "telegram"}
    verdicts.check_requests(kept, [request for request in crowd.asked if request.platform == "telegram"])


async def kill_again_and_again(running: Running, witness: Witness, chats: Chats, dice: Random, kills: int) -> None:
    """Kill the running program so many times, each time after a random while; it runs in the end."""
    for _ in range(kills):
        await asyncio.sleep(dice.uniform(0, LONGEST_LIFE_S))
        if chats.discord.gateway.is_connected:
            witness.books.let_an_hour_pass()
        await running.kill()
        witness.look(witness.books.of_the_dead())
        await running.start()
